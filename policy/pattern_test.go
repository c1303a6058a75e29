// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// sources says of each procedure where its rule comes from, and what it is.
func sources(b *policy.Bound) []string {
	var said []string
	for _, p := range b.Procedures() {
		said = append(said, fmt.Sprintf("%s %s: %s", p.Name(), p.Source(), strings.Join(p.Grants(), "; ")))
	}
	return said
}

func scope(name string) policy.Rule { return policy.Allow(policy.Keys(policy.Scopes(name))) }

func TestSources(t *testing.T) {
	t.Parallel()
	open := rpc{name: "Open", rule: `public {}`}
	file := fileOf(t, service{name: "A", rpcs: []rpc{{name: "Get"}, {name: "List"}, open}},
		service{name: "B", rule: `default { allow { api_key { scopes: "default" } } }`, rpcs: []rpc{{name: "Get"}, open}})
	child := fileIn(t, "test.v1.child", service{name: "C", rpcs: []rpc{{name: "Get"}}})
	sibling := fileIn(t, "test.v1beta", service{name: "D", rpcs: []rpc{{name: "Get"}}})
	annotated := []string{"/test.v1.A/Open method: anyone", "/test.v1.B/Get service default: api_key: scope default", "/test.v1.B/Open method: anyone"}
	for _, test := range []struct {
		name    string
		options []policy.Option
		want    []string // beside annotated
	}{
		{"exact", []policy.Option{policy.For("/test.v1.A/Get", scope("get")), policy.For("/test.v1.A/List", scope("list"))}, []string{
			"/test.v1.A/Get policy.For: api_key: scope get", "/test.v1.A/List policy.For: api_key: scope list",
		}},
		{"a service", []policy.Option{policy.For("/test.v1.A/*", scope("a"))}, []string{
			"/test.v1.A/Get policy.For: api_key: scope a", "/test.v1.A/List policy.For: api_key: scope a",
		}},
		{"a package", []policy.Option{policy.For("/test.v1.*", scope("v1"))}, []string{
			"/test.v1.A/Get policy.For: api_key: scope v1", "/test.v1.A/List policy.For: api_key: scope v1",
		}},
		{"the most specific, declared last", []policy.Option{policy.For("/test.v1.*", scope("v1")), policy.For("/test.v1.A/Get", scope("get"))}, []string{
			"/test.v1.A/Get policy.For: api_key: scope get", "/test.v1.A/List policy.For: api_key: scope v1",
		}},
		{"the most specific, declared first", []policy.Option{policy.For("/test.v1.A/Get", scope("get")), policy.For("/test.v1.A/*", scope("a"))}, []string{
			"/test.v1.A/Get policy.For: api_key: scope get", "/test.v1.A/List policy.For: api_key: scope a",
		}},
		{"For before Unannotated", []policy.Option{policy.For("/test.v1.A/Get", scope("get")), policy.Unannotated(scope("rest"))}, []string{
			"/test.v1.A/Get policy.For: api_key: scope get", "/test.v1.A/List policy.Unannotated: api_key: scope rest",
		}},
		{"served twice", []policy.Option{policy.Serve(file), policy.ServeService(file.Services().Get(0)), policy.Unannotated(policy.PublicUnread())}, []string{
			"/test.v1.A/Get policy.Unannotated: anyone, credentials unread", "/test.v1.A/List policy.Unannotated: anyone, credentials unread",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := slices.Concat(test.want, annotated)
			slices.Sort(want)
			if got := sources(bound(t, append(test.options, policy.Serve(file))...)); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	overridden := sources(bound(t, policy.Serve(file), policy.Unannotated(policy.Allow(policy.Any())), policy.Override("/test.v1.A/Open", scope("open")),
		policy.Override("/test.v1.B/Get", policy.Public()), policy.Override("/test.v1.A/Get", scope("get"))))
	for _, want := range []string{"/test.v1.A/Open policy.Override: api_key: scope open", "/test.v1.B/Get policy.Override: anyone", "/test.v1.A/Get policy.Override: api_key: scope get"} {
		if !slices.Contains(overridden, want) {
			t.Errorf("override: %q is not in %q", want, overridden)
		}
	}
	for _, other := range []protoreflect.FileDescriptor{child, sibling} {
		wrong := mistakesOf(t, everyKind(), policy.Serve(file, other), policy.For("/test.v1.*", scope("v1")))
		if want := string(other.Services().Get(0).FullName()) + ".Get: the method has no rule"; !strings.Contains(wrong, want) || strings.Count(wrong, "\n") != 1 {
			t.Errorf("children and siblings of a package: %s", wrong)
		}
	}
}

func TestServed(t *testing.T) {
	t.Parallel()
	file := fileOf(t, service{name: "B", rule: `default { public {} }`, rpcs: []rpc{{name: "Get"}}}, service{name: "A", rpcs: []rpc{{name: "Get"}}})
	b := bound(t, policy.ServeService(file.Services().Get(0)))
	if b.Procedure("/test.v1.A/Get") != nil || b.Procedure("test.v1.B/Get") != nil {
		t.Error("another service is served than the one named")
	}
	if p := b.Procedure("/test.v1.B/Get"); p == nil || p.Method() != file.Services().Get(0).Methods().Get(0) || p.Name() != "/test.v1.B/Get" {
		t.Error("the procedure is not that of the descriptor")
	}
	empty := fileOf(t, service{name: "None"})
	if b := bound(t, policy.Serve(empty)); len(b.Procedures()) != 0 {
		t.Error("a service without methods has procedures")
	}
}

func TestPatternMistakes(t *testing.T) {
	t.Parallel()
	file := fileOf(t, service{name: "A", rpcs: []rpc{{name: "Get"}, {name: "Open", rule: `public {}`}}},
		service{name: "B", rule: `default { public {} }`, rpcs: []rpc{{name: "Get"}}})
	twin, err := protodesc.NewFile(protodesc.ToFileDescriptorProto(file), known)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := protodesc.NewFile(parse(t, `name: "bare.proto"`, &descriptorpb.FileDescriptorProto{}), known)
	if err != nil {
		t.Fatal(err)
	}
	get := policy.For("/test.v1.A/Get", scope("get"))
	const unused = "applies to no served procedure"
	for _, test := range []struct {
		name    string
		options []policy.Option
		want    string
	}{
		{"the same pattern twice", []policy.Option{get, get}, "policy.For: /test.v1.A/Get: the same procedures are given a rule twice"},
		{"the same package twice", []policy.Option{get, policy.For("/test.v1.*", scope("a")), policy.For("/test.v1.*/*", scope("b"))}, "twice"},
		{"For and Override of the same", []policy.Option{get, policy.Override("/test.v1.A/Get", scope("a"))}, "policy.Override: /test.v1.A/Get: the same procedures are given a rule twice"},
		{"a method that is not there", []policy.Option{get, policy.For("/test.v1.A/Nothing", scope("a"))}, "policy.For: /test.v1.A/Nothing: the rule " + unused},
		{"an override of a method that is not there", []policy.Option{get, policy.Override("/test.v1.A/Nothing", scope("a"))}, "policy.Override: /test.v1.A/Nothing: the rule " + unused},
		{"a service with annotations only", []policy.Option{get, policy.For("/test.v1.B/*", scope("a"))}, "policy.For: /test.v1.B/*: the rule " + unused},
		{"a package that is not served", []policy.Option{get, policy.For("/other.v1.*", scope("a"))}, "policy.For: /other.v1.*: the rule " + unused},
		{"a package whose methods all have more specific ones", []policy.Option{get, policy.For("/test.v1.*", scope("a"))}, "policy.For: /test.v1.*: the rule " + unused},
		{"a service that is not linked", []policy.Option{get, policy.For("/other.v1.S/*", scope("a"))}, "no service other.v1.S is linked"},
		{"a message in place of a service", []policy.Option{get, policy.For("/google.protobuf.Any/*", scope("a"))}, "no service google.protobuf.Any is linked"},
		{"For of a method with an annotation", []policy.Option{get, policy.For("/test.v1.A/Open", scope("a"))}, "replace it with policy.Override"},
		{"For of a method with a default", []policy.Option{get, policy.For("/test.v1.B/Get", scope("a"))}, "replace it with policy.Override"},
		{"an override of a service", []policy.Option{get, policy.Override("/test.v1.A/*", scope("a"))}, "an override names one procedure"},
		{"an override of a package", []policy.Option{get, policy.Override("/test.v1.*", scope("a"))}, "an override names one procedure"},
		{"Unannotated twice", []policy.Option{policy.Unannotated(scope("a")), policy.Unannotated(scope("a"))}, "policy.Unannotated: given twice"},
		{"two descriptors of one service", []policy.Option{get, policy.Serve(twin)}, "two different descriptors"},
		{"a file without services", []policy.Option{get, policy.Serve(bare)}, "declares no service"},
		{"a method without a rule", nil, "test.v1.A.Get: the method has no rule"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wrong := mistakesOf(t, everyKind(), append([]policy.Option{policy.Serve(file)}, test.options...)...)
			if !strings.Contains(wrong, test.want) {
				t.Errorf("%q is not told in\n%s", test.want, wrong)
			}
		})
	}
	if wrong := mistakesOf(t, everyKind()); !strings.Contains(wrong, "no service is served") {
		t.Errorf("nothing served: %s", wrong)
	}
}

var badPatterns = []string{
	"", "/", "//", "*", "/*", "/*/*", "/**", "/.*", "/..*", "test.v1.A/Get", "/test.v1.A", "/test.v1.A/", "/test.v1.A/G*", "/test.v1.A/**", "/test.v1*", "/test.v1*/Get",
	"/test.v1.**", "/test.*.A/Get", "/*.A/Get", "/test..v1.A/Get", "/.test.v1.A/Get", "/test.v1.A./Get", "/test.v1.A/Get/x", "//test.v1.A/Get", " /test.v1.A/Get",
	"/test.v1.A/Get ", "/test.v1.A /Get", "/test.v1.A/1", "/test.v1.A/?", "/test.v1.*.*", "/test.v1.A/Get\n", "/test.v1.A\\Get", "/test/v1/A",
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, pattern := range badPatterns {
		if m, err := policy.NewMatcher("/test.v1.A/Get", pattern); err == nil || m != nil || !strings.HasPrefix(err.Error(), "policy: pattern ") {
			t.Errorf("%q: %v", pattern, err)
		}
		if wrong := mistakesOf(t, everyKind(), policy.Serve(oneRule(t, "public {}")), policy.For(pattern, policy.Public())); !strings.Contains(wrong, "policy.For") {
			t.Errorf("%q is told as %s", pattern, wrong)
		}
	}
	if _, err := policy.NewMatcher(); err == nil {
		t.Error("a matcher of nothing is made")
	}
	for _, test := range []struct {
		pattern string
		yes, no []string
	}{
		{
			"/test.v1.A/Get",
			[]string{"/test.v1.A/Get"},
			[]string{
				"", "/", "test.v1.A/Get", "//test.v1.A/Get", "/test.v1.A/Get/", "/test.v1.A/GetAll", "/test.v1.A/get", "/test.v1.a/Get", "/test.v1.AB/Get",
				"/v1.A/Get", "/test.v1.A/", "/test.v1.A", "/x/test.v1.A/Get", "/test.v1.A//Get", "/test.v1.A/Get?x", "/test.v1.A/Get/x",
			},
		},
		{
			"/test.v1.A/*",
			[]string{"/test.v1.A/Get", "/test.v1.A/List"},
			[]string{"/test.v1.A/", "/test.v1.A", "/test.v1.AB/Get", "/test.v1.A.B/Get", "/test.v1.A/Get/x", "/test.v1.A//", "test.v1.A/Get", "/Test.v1.A/Get"},
		},
		{
			"/test.v1.*",
			[]string{"/test.v1.A/Get", "/test.v1.B/List"},
			[]string{"/test.v1.child.C/Get", "/test.v1beta.A/Get", "/test.v1/Get", "/test.v1./Get", "/test.v1.A/", "/test.v1.A", "/test.A/Get", "/test.v1.A/Get/x"},
		},
		{"/test.v1.*/*", []string{"/test.v1.A/Get"}, []string{"/test.v1.child.C/Get"}},
		{"/test.v1.*/Get", []string{"/test.v1.A/Get", "/test.v1.B/Get"}, []string{"/test.v1.A/List", "/test.v1.child.C/Get"}},
		{"/NoPackage/*", []string{"/NoPackage/Get"}, []string{"/no.NoPackage/Get", "/NoPackage.A/Get"}},
	} {
		m, err := policy.NewMatcher(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, procedure := range test.yes {
			if !m.Match(procedure) {
				t.Errorf("%q does not match %q", test.pattern, procedure)
			}
		}
		for _, procedure := range test.no {
			if m.Match(procedure) {
				t.Errorf("%q matches %q", test.pattern, procedure)
			}
		}
	}
	both, err := policy.NewMatcher("/test.v1.A/Get", "/other.v1.*")
	if err != nil || !both.Match("/test.v1.A/Get") || !both.Match("/other.v1.B/X") || both.Match("/test.v1.A/List") {
		t.Errorf("a matcher of two patterns: %v", err)
	}
	var none *policy.Matcher
	if none.Match("/test.v1.A/Get") || (&policy.Matcher{}).Match("/test.v1.A/Get") {
		t.Error("the nil or the zero matcher matches")
	}
}
