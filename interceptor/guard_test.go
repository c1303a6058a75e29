// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// Everything that is wrong at start-up is in one error.
func TestMistakesOfNew(t *testing.T) {
	t.Parallel()
	file := fileOf(t, standard)
	rules, err := policy.New(policy.Serve(file))
	if err != nil {
		t.Fatal(err)
	}
	good := func() *tokens.Verifiers { return verifiersOf(t, everyForm()...) }
	badRules, err := policy.New(policy.Serve(fileOf(t, rulesWith("Empty", `allow {}`))), policy.For("/nobody.v1.Service/*", policy.Public()))
	if err == nil {
		t.Fatal("the rules have no mistake")
	}
	overlapping, err := tokens.NewVerifiers(&fake{forms: everyForm()[:1]}, nil, &fake{forms: everyForm()[:2]})
	if err == nil {
		t.Fatal("the verifiers have no mistake")
	}
	for _, test := range []struct {
		name      string
		rules     *policy.Rules
		verifiers *tokens.Verifiers
		options   []interceptor.Option
		want      []string
	}{
		{"nil rules", nil, good(), nil, []string{"policy: the rules are nil; make them with policy.New"}},
		{"nil verifiers", rules, nil, nil, []string{"tokens: the table of verifiers is nil; make it with tokens.NewVerifiers", "session_token", "m2m_token"}},
		{"both nil", nil, nil, nil, []string{"the rules are nil", "the table of verifiers is nil"}},
		{"no verifiers", rules, verifiersOf(t), nil, []string{"session_token", "api_key", "m2m_token", "any admits nobody"}},
		{"a kind without a verifier", rules, verifiersOf(t, everyForm()[:3]...), nil, []string{"m2m_token", "tokens.NewVerifiers"}},
		{"mistakes of the rules", badRules, good(), nil, []string{"grant 1: the grant has no credential", "no service nobody.v1.Service is linked"}},
		{"mistakes of the verifiers", rules, overlapping, nil, []string{"tokens: verifier 2 is nil", "forms overlap"}},
		{
			"all at once", badRules, overlapping, []interceptor.Option{
				nil, interceptor.WithLogger(nil), interceptor.WithObserver(nil), interceptor.WithCache(0, time.Second), interceptor.WithVerifyTimeout(-1),
				interceptor.WithResourceMetadata("http://api.example/meta"),
			},
			[]string{
				"grant 1: the grant has no credential", "no service nobody.v1.Service is linked", "m2m_token", "tokens: verifier 2 is nil", "forms overlap",
				"interceptor: an option is nil", "interceptor: the logger is nil", "interceptor: the observer is nil",
				"interceptor: a cache of 0 for 1s", "interceptor: a verification of -1ns", `interceptor: the resource metadata "http://api.example/meta" is not an https URL`,
			},
		},
		{"options with nil rules", nil, nil, []interceptor.Option{interceptor.WithCache(1, 0), interceptor.WithVerifyTimeout(0)},
			[]string{"the rules are nil", "the table of verifiers is nil", "a cache of 1 for 0s", "a verification of 0s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			guard, err := interceptor.New(test.rules, test.verifiers, test.options...)
			if guard != nil || err == nil {
				t.Fatalf("a guard was made: %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not told in\n%v", want, err)
				}
			}
			lines := map[string]bool{}
			for line := range strings.Lines(err.Error()) {
				if lines[line] {
					t.Errorf("%q is told twice", line)
				}
				lines[line] = true
			}
		})
	}
}

func TestMistakesOfOptions(t *testing.T) {
	t.Parallel()
	rules, err := policy.New(policy.Serve(fileOf(t, standard)))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		option interceptor.Option
		ok     bool
	}{
		{"a cache of nothing", interceptor.WithCache(0, time.Second), false},
		{"a cache of less", interceptor.WithCache(-1, time.Second), false},
		{"a cache for no time", interceptor.WithCache(1, 0), false},
		{"a cache for less", interceptor.WithCache(1, -1), false},
		{"the smallest cache", interceptor.WithCache(1, 1), true},
		{"no time to verify", interceptor.WithVerifyTimeout(0), false},
		{"little time to verify", interceptor.WithVerifyTimeout(1), true},
		{"metadata without a scheme", interceptor.WithResourceMetadata("api.example"), false},
		{"metadata over http", interceptor.WithResourceMetadata("http://api.example"), false},
		{"metadata without a host", interceptor.WithResourceMetadata("https:///meta"), false},
		{"metadata that is no URL", interceptor.WithResourceMetadata("https://a b"), false},
		{"metadata of two lines", interceptor.WithResourceMetadata("https://api.example/\r\nx: y"), false},
		{"no metadata", interceptor.WithResourceMetadata(""), false},
		{"metadata", interceptor.WithResourceMetadata("https://api.example/meta"), true},
		{"a logger", interceptor.WithLogger(slog.New(slog.DiscardHandler)), true},
		{"an observer", interceptor.WithObserver(&recorder{}), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			guard, err := interceptor.New(rules, verifiersOf(t, everyForm()...), test.option)
			if (err == nil) != test.ok || (guard != nil) != test.ok {
				t.Errorf("the guard is %v, the error %v", guard, err)
			}
			guard.Close()
		})
	}
}

// The metadata in a challenge is quoted, whatever the URL has.
func TestResourceMetadataIsQuoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil, interceptor.WithResourceMetadata(`https://api.example/a"b?c="d\e`))
	_, refusal := w.call(t.Context(), "Session")
	if got, want := refusal.Challenge(), `Bearer resource_metadata="https://api.example/a%22b?c=\"d\\e"`; got != want {
		t.Errorf("the challenge is %s, not %s", got, want)
	}
}

// A descriptor other than the one that the rule was read from is not served (SEC-112).
func TestProceduresOfAnotherDescriptor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	name := nameOf("Session")
	own := w.Procedure(name, nil)
	if own == nil || w.Procedure(name, own.Method()) != own {
		t.Fatal("the procedure is not found")
	}
	other := fileOf(t, standard).Services().Get(0).Methods().ByName("Session")
	if other.FullName() != own.Method().FullName() || w.Procedure(name, other) != nil {
		t.Error("another descriptor of the same name is served")
	}
	if w.Procedure(name, w.Procedure(nameOf("Allowed"), nil).Method()) != nil {
		t.Error("another method's descriptor is served")
	}
	for _, wrong := range []string{"", "/", name + "/", name[1:], strings.ToLower(name), "/test.v1.Tests/*", "//test.v1.Tests/Session"} {
		if w.Procedure(wrong, nil) != nil {
			t.Errorf("%q is served", wrong)
		}
	}
	if len(w.Rules().Procedures()) != len(standard) {
		t.Errorf("%d procedures", len(w.Rules().Procedures()))
	}
}

func rulesWith(name, rule string) rules {
	with := rules{name: rule}
	maps.Copy(with, standard)
	return with
}

func verifiersOf(tb testing.TB, forms ...tokens.Form) *tokens.Verifiers {
	tb.Helper()
	var all []tokens.Verifier
	for _, form := range forms {
		all = append(all, &fake{forms: []tokens.Form{form}})
	}
	table, err := tokens.NewVerifiers(all...)
	if err != nil {
		tb.Fatal(err)
	}
	return table
}
