// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// decideAll decides a call and its messages, until one is refused.
func decideAll(p *policy.Procedure, caller *tokens.Principal, messages ...proto.Message) []string {
	d := p.DecideCall(caller)
	said := []string{say(d)}
	for _, m := range messages {
		if d = p.DecideMessage(d, caller, m); true {
			said = append(said, say(d))
		}
		if d.Outcome == policy.Refused {
			break
		}
	}
	return said
}

func requests(t testing.TB, texts ...string) []proto.Message {
	t.Helper()
	var list []proto.Message
	for _, text := range texts {
		list = append(list, request(t, text))
	}
	return list
}

func TestMessages(t *testing.T) {
	t.Parallel()
	const (
		onOrg     = ` match { field: "organization_id" equals: ORGANIZATION_ID `
		onUser    = ` match { field: "user_id" equals: USER_ID `
		orgLater  = onOrg + `absent: ADMITTED_LATER }`
		userLater = onUser + `absent: ADMITTED_LATER }`
		mine      = `organization_id: "org_1" user_id: "user_1"`
		orgWrong  = "ORGANIZATION_MISMATCH by 1"
		admitted  = "admitted by 1"
		needs     = "needs message"
	)
	both := principal(t, *session(inOrg("admin"), func(f *tokens.Facts) { f.UserID = "user_1" }))
	noUser := principal(t, *session(inOrg("admin")))
	for _, test := range []struct {
		name     string
		rule     string
		caller   *tokens.Principal
		messages []string
		want     []string
	}{
		{"semantics 18 the rule's and the grant's", `allow { session_token {} ` + onUser + `} } ` + onOrg + `}`, both, []string{mine, `organization_id: "org_1"`}, []string{needs, admitted, "RESOURCE_MISMATCH by 1"}},
		{"semantics 18 unmatched keeps the grant's", `allow { session_token {} unmatched: true ` + onUser + `} } ` + onOrg + `}`, both, []string{`user_id: "user_1"`, ``}, []string{needs, admitted, "RESOURCE_MISMATCH by 1"}},
		{"semantics 18 unmatched drops the rule's", `allow { session_token {} unmatched: true } ` + onOrg + `}`, both, nil, []string{admitted}},
		{"semantics 20 absent by default", `allow { session_token {} ` + onOrg + `} }`, both, []string{``}, []string{needs, orgWrong}},
		{"semantics 20 REFUSED", `allow { session_token {} ` + onOrg + `absent: REFUSED } }`, both, []string{``}, []string{needs, orgWrong}},
		{"semantics 20 ADMITTED", `allow { session_token {} ` + onOrg + `absent: ADMITTED } }`, both, []string{``, mine, `organization_id: "org_2"`}, []string{needs, admitted, admitted, orgWrong}},
		{"semantics 20 ADMITTED_LATER, the first is absent", `allow { session_token {} ` + orgLater + ` }`, both, []string{``}, []string{needs, orgWrong}},
		{"semantics 20 ADMITTED_LATER, later ones are absent", `allow { session_token {} ` + orgLater + ` }`, both, []string{mine, ``, ``, mine, `organization_id: "org_2"`}, []string{needs, admitted, admitted, admitted, admitted, orgWrong}},
		{"semantics 20 ADMITTED_LATER under the grant that the first met", `allow { session_token {} ` + orgLater + ` } allow { session_token {} ` + userLater + ` }`, both, []string{`user_id: "user_1"`, ``}, []string{needs, "admitted by 2", "admitted by 2"}},
		{"semantics 20 ADMITTED_LATER is not met by a later one", `allow { session_token {} ` + orgLater + ` } allow { session_token {} ` + onUser + `} }`, both, []string{`user_id: "user_1"`, `organization_id: "org_1"`, ``}, []string{needs, "admitted by 2", admitted, orgWrong}},
		{"semantics 20 each value of a list alone, later", `allow { session_token {} match { field: "organization_ids" equals: ORGANIZATION_ID absent: ADMITTED_LATER } }`, both, []string{`organization_ids: "org_1"`, `organization_ids: ["", "org_1"]`, ``, `organization_ids: ["org_1", "org_2"]`}, []string{needs, admitted, admitted, admitted, orgWrong}},
		{"semantics 20 each value of a list alone, first", `allow { session_token {} match { field: "organization_ids" equals: ORGANIZATION_ID absent: ADMITTED_LATER } }`, both, []string{`organization_ids: ["org_1", ""]`}, []string{needs, orgWrong}},
		{"semantics 21 without the attribute", `allow { session_token {} ` + onUser + `} }`, noUser, nil, []string{"RESOURCE_MISMATCH by 1"}},
		{"semantics 21 without the attribute, though absent is admitted", `allow { session_token {} ` + onUser + `absent: ADMITTED } }`, noUser, nil, []string{"RESOURCE_MISMATCH by 1"}},
		{"semantics 24 a grant without a match admits", `allow { session_token {} ` + onOrg + `} } allow { session_token { roles: "admin" } }`, both, nil, []string{"admitted by 2"}},
		{"semantics 24 a grant without a match that fails", `allow { session_token {} ` + onOrg + `} } allow { session_token { roles: "owner" } }`, both, []string{mine}, []string{needs, admitted}},
		{"semantics 24 no survivor", `allow { session_token { plans: "pro" } ` + onOrg + `} }`, both, nil, []string{"PERMISSION_MISSING by 1 plan"}},
		{"semantics 24 each message by another survivor", `allow { session_token {} ` + onOrg + `} } allow { session_token {} ` + onUser + `} }`, both, []string{`organization_id: "org_1"`, `user_id: "user_1"`, mine, ``}, []string{needs, admitted, "admitted by 2", admitted, orgWrong}},
		{"semantics 24 who does not survive does not return", `allow { session_token { roles: "owner" } ` + onUser + `} } allow { session_token {} ` + onOrg + `} }`, both, []string{`user_id: "user_1"`}, []string{needs, "ORGANIZATION_MISMATCH by 2"}},
		{"semantics 25 reverification before the message", `allow { session_token { reverification { preset: STRICT } } ` + onOrg + `} }`, both, nil, []string{"REVERIFICATION_REQUIRED by 1"}},
		{"semantics 26 an empty message for none", `allow { session_token {} ` + onOrg + `absent: ADMITTED } }`, both, []string{``}, []string{needs, admitted}},
		{"semantics 28 only survivors count", `allow { session_token { plans: "pro" } ` + onUser + `} } allow { session_token {} ` + onOrg + `} ` + onUser + `} }`, both, []string{``}, []string{needs, "ORGANIZATION_MISMATCH by 2"}},
		{"semantics 28 the fewest of the message", `allow { session_token {} ` + onOrg + `} ` + onUser + `} } allow { session_token {} ` + onUser + `} }`, both, []string{`organization_id: "org_2"`}, []string{needs, "RESOURCE_MISMATCH by 2"}},
		{"semantics 31 a mismatch is hidden", `allow { session_token {} ` + onOrg + `} } refusal: NOT_FOUND`, both, []string{``}, []string{needs, orgWrong + " hidden"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := decideAll(procedure(t, test.rule), test.caller, requests(t, test.messages...)...); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestServiceMatches is semantics 18: where the matches of a service apply.
func TestServiceMatches(t *testing.T) {
	t.Parallel()
	const all = `allow { session_token {} }`
	file := fileOf(t, service{
		name: "Matched", rule: `match { field: "organization_id" equals: ORGANIZATION_ID } default { allow { session_token {} } }`,
		rpcs: []rpc{
			{name: "Default"},
			{name: "Own", rule: all},
			{name: "Overridden", rule: `public {}`},
			{name: "Unmatched", rule: `allow { session_token {} unmatched: true }`, input: "Empty"},
			{name: "Open", rule: `public {}`, input: "Empty"},
		},
	}, service{
		name: "Bare", rule: `match { field: "organization_id" equals: ORGANIZATION_ID }`,
		rpcs: []rpc{{name: "Given"}, {name: "Unannotated"}},
	})
	b := bound(t, policy.Serve(file), policy.For("/test.v1.Bare/Given", ruleOf(t, all)), policy.Override("/test.v1.Matched/Overridden", ruleOf(t, all)),
		policy.Unannotated(ruleOf(t, all)))
	member := principal(t, *session(inOrg("")))
	for name, want := range map[string]struct {
		said   string
		source policy.Source
	}{
		"Matched/Default": {"needs message", policy.FromService}, "Matched/Own": {"needs message", policy.FromMethod},
		"Matched/Overridden": {"needs message", policy.FromOverride}, "Bare/Given": {"needs message", policy.FromFor},
		"Bare/Unannotated": {"needs message", policy.FromUnannotated}, "Matched/Unmatched": {"admitted by 1", policy.FromMethod},
		"Matched/Open": {"admitted by 0", policy.FromMethod},
	} {
		p := b.Procedure("/test.v1." + name)
		if got := say(p.DecideCall(member)); got != want.said || p.Source() != want.source {
			t.Errorf("semantics 18: %s: %q from %s, want %q from %s", name, got, p.Source(), want.said, want.source)
		}
	}
	d := b.Procedure("/test.v1.Bare/Given").DecideCall(member)
	if got := say(b.Procedure("/test.v1.Bare/Given").DecideMessage(d, member, request(t, `organization_id: "org_2"`))); got != "ORGANIZATION_MISMATCH by 1" {
		t.Errorf("semantics 18: a rule from For, another's message: %q", got)
	}
}

// TestForeignMessages: a message is judged by the descriptor that the rule was read with, and by no other.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	p := procedure(t, `allow { session_token {} match { field: "organization_id" equals: ORGANIZATION_ID absent: ADMITTED } }`)
	caller := principal(t, *session(inOrg("")))
	d := p.DecideCall(caller)
	twin := fileOf(t, service{name: "Twin", rpcs: []rpc{{name: "Call"}}}).Services().Get(0).Methods().Get(0)
	rebuilt := twinRequest(t)
	if rebuilt.Descriptor().FullName() != p.Method().Input().FullName() || twin.Input() != p.Method().Input() {
		t.Fatal("the twins are not twins")
	}
	for name, m := range map[string]proto.Message{
		"nil": nil, "another type": messageOf(t, "Item", `organization_id: "org_1"`), "another instance of the type": rebuilt,
	} {
		if got := say(p.DecideMessage(d, caller, m)); got != "INTERNAL by 0" {
			t.Errorf("%s: %q, want a refusal", name, got)
		}
	}
	if got := say(p.DecideMessage(d, caller, request(t, ``))); got != "admitted by 1" {
		t.Errorf("the method's own: %q", got)
	}
}

// TestMisuse: what the transports never do is refused.
func TestMisuse(t *testing.T) {
	t.Parallel()
	p := procedure(t, `allow { session_token {} match { field: "organization_id" equals: ORGANIZATION_ID } } allow { api_key {} }`)
	caller, key, own := principal(t, *session(inOrg(""))), principal(t, *factsOf(tokens.APIKey)), request(t, `organization_id: "org_1"`)
	d := p.DecideCall(caller)
	refused := p.DecideMessage(d, caller, request(t, ``))
	var none *policy.Procedure
	for name, got := range map[string]policy.Decision{
		"a zero decision":             p.DecideMessage(policy.Decision{}, caller, own),
		"a decision made by hand":     p.DecideMessage(policy.Decision{Ruling: policy.Ruling{Outcome: policy.NeedsMessage, Grant: 1}}, caller, own),
		"no caller":                   p.DecideMessage(d, nil, own),
		"a caller of another kind":    p.DecideMessage(d, key, own),
		"after a refusal":             p.DecideMessage(refused, caller, own),
		"admitted in the call phase":  p.DecideMessage(p.DecideCall(key), key, own),
		"the nil procedure's message": none.DecideMessage(d, caller, own),
	} {
		if got.Outcome != policy.Refused || got.Denial == nil || got.Denial.Reason != tokens.ReasonInternal {
			t.Errorf("%s: %q, want INTERNAL", name, say(got))
		}
	}
}

// TestZeroValues: zero means no.
func TestZeroValues(t *testing.T) {
	t.Parallel()
	caller := principal(t, *session())
	var none *policy.Procedure
	if got := say(none.DecideCall(caller)); got != "RULE_MISSING by 0" {
		t.Errorf("semantics 1: nil procedure: %q", got)
	}
	if got := say(none.NotAccepted()); got != "RULE_MISSING by 0" {
		t.Errorf("nil procedure, not accepted: %q", got)
	}
	if none.Name() != "" || none.Method() != nil || none.Source() != 0 || none.Rule() != nil || none.Public() != policy.NotPublic || none.Handler() != "" ||
		none.Hides() || none.Accepts(tokens.SessionToken) || none.Grants() != nil || none.Outlive() != 0 {
		t.Error("the nil procedure says something")
	}
	if (policy.Decision{}).Outcome != policy.Refused {
		t.Error("the zero decision does not refuse")
	}
	if got := say((&policy.Procedure{}).DecideCall(caller)); got == "admitted by 0" || got == "needs message" {
		t.Errorf("the zero procedure: %q", got)
	}
	for name, b := range map[string]*policy.Bound{"nil": nil, "zero": {}} {
		if b.Procedure(callName) != nil || len(b.Procedures()) != 0 {
			t.Errorf("%s Bound serves something", name)
		}
	}
	var rules *policy.Rules
	if b, err := rules.Bind(everyKind()); err == nil || b != nil || rules.Err() == nil {
		t.Error("nil rules can be bound")
	}
	if b, _ := (&policy.Rules{}).Bind(everyKind()); len(b.Procedures()) != 0 {
		t.Error("zero rules serve something")
	}
	wrong := mistakesOf(t, everyKind(), policy.For(callName, policy.Rule{}), policy.Unannotated(policy.Rule{}), policy.Override(callName, policy.FromProto(nil)),
		policy.Serve(oneRule(t, "")), nil, policy.Serve(nil), policy.ServeService(nil))
	if n := strings.Count(wrong, "zero Rule"); n < 3 {
		t.Errorf("%d zero rules told in\n%s", n, wrong)
	}
	for _, want := range []string{"an option is nil", "a file descriptor is nil", "a service descriptor is nil"} {
		if !strings.Contains(wrong, want) {
			t.Errorf("%q is not told in\n%s", want, wrong)
		}
	}
}

// TestAllocations: a decision takes no memory.
func TestAllocations(t *testing.T) { //nolint:paralleltest // Other tests' allocations would be counted.
	file := fileOf(t, service{name: "Tests", rpcs: []rpc{
		{name: "Plain", rule: `allow { session_token { roles: ["owner", "admin"] permissions: "p" features: "f" plans: "pro" reverification { preset: STRICT } forbid_impersonation: true } }`},
		{name: "Generated", input: ".google.protobuf.StringValue", rule: `allow { session_token {} match { field: "value" equals: ORGANIZATION_ID } }`},
		{name: "Integer", input: ".google.protobuf.Int64Value", rule: `allow { session_token {} match { field: "value" equals: USER_ID } }`},
		{name: "Pattern", rule: `allow { session_token {} match { field: "name" pattern: "organizations/{}/**" equals: ORGANIZATION_ID } }`},
		{name: "Refused", rule: `allow { session_token { plans: "team" } } allow { session_token { permissions: ["p", "q"] } } refusal: NOT_FOUND`},
	}})
	b := bound(t, policy.Serve(file))
	caller := principal(t, *session(inOrg("admin", "org:p"), features("o:f"), plans("u:pro"), ages(0, 0), func(f *tokens.Facts) { f.UserID = "-9223372036854775808" }))
	for _, test := range []struct {
		method  string
		caller  *tokens.Principal
		message proto.Message
		want    string
	}{
		{"Plain", caller, nil, "admitted by 1"},
		{"Plain", nil, nil, "CREDENTIAL_MISSING by 0"},
		{"Refused", caller, nil, "PERMISSION_MISSING by 1 hidden plan"},
		{"Generated", caller, wrapperspb.String("org_1"), "admitted by 1"},
		{"Generated", caller, wrapperspb.String("org_2"), "ORGANIZATION_MISMATCH by 1"},
		{"Integer", caller, wrapperspb.Int64(-9223372036854775808), "admitted by 1"},
		{"Pattern", caller, request(t, `name: "organizations/org_1/a/b"`), "admitted by 1"},
	} {
		p := b.Procedure("/test.v1.Tests/" + test.method)
		var d policy.Decision
		decide := func() {
			d = p.DecideCall(test.caller)
			if test.message != nil {
				d = p.DecideMessage(d, test.caller, test.message)
			}
		}
		if n := testing.AllocsPerRun(100, decide); n != 0 {
			t.Errorf("%s: %v allocations", test.method, n)
		}
		if say(d) != test.want {
			t.Errorf("%s: %q, want %q", test.method, say(d), test.want)
		}
	}
}

// twinRequest is an empty Request of a descriptor of the same name as that of the test methods, made a second time.
func twinRequest(t testing.TB) *dynamicpb.Message {
	t.Helper()
	return dynamicpb.NewMessage(rebuild(t).Messages().ByName("Request"))
}
