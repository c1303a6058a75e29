// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// TestAny is semantics 14.
func TestAny(t *testing.T) {
	t.Parallel()
	rules, err := policy.New(policy.Serve(oneRule(t, `allow { any {} } allow { api_key { scopes: "a" } }`)))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kinds []tokens.Kind
		want  []string
	}{
		{[]tokens.Kind{tokens.APIKey}, []string{"api_key", "api_key: scope a"}},
		{[]tokens.Kind{tokens.M2MToken, tokens.APIKey, tokens.SessionToken}, []string{"session_token", "api_key", "api_key: scope a", "m2m_token"}},
	} {
		var forms []tokens.Form
		for _, form := range everyKind() {
			if slices.Contains(test.kinds, form.Kind) {
				forms = append(forms, form, form) // two verifiers of a kind are one kind
			}
		}
		b, err := rules.Bind(forms)
		if err != nil {
			t.Fatal(err)
		}
		p := b.Procedure(callName)
		if got := p.Grants(); !slices.Equal(got, test.want) {
			t.Errorf("semantics 14: %v: %q, want %q", test.kinds, got, test.want)
		}
		for _, kind := range tokens.Kinds() {
			want := slices.Contains(test.kinds, kind)
			got := p.DecideCall(principal(t, *factsOf(kind)))
			if p.Accepts(kind) != want || (got.Outcome == policy.Admitted) != want {
				t.Errorf("semantics 14: %v: %s is answered %q", test.kinds, kind, say(got))
			}
		}
	}
}

// TestAttributes is semantics 15: which matches start, for which kind.
func TestAttributes(t *testing.T) {
	t.Parallel()
	credentials := map[tokens.Kind]string{
		tokens.SessionToken: `session_token {}`, tokens.OAuthToken: `oauth_token { clients: "*" }`, tokens.APIKey: `api_key {}`,
		tokens.M2MToken: `m2m_token { callers: "*" }`,
	}
	own := map[tokens.Kind][]tokens.Attribute{
		tokens.SessionToken: {tokens.OrganizationID, tokens.OrganizationSlug, tokens.UserID}, tokens.OAuthToken: {tokens.UserID},
		tokens.APIKey: {tokens.OrganizationID, tokens.UserID},
	}
	starts := func(credential string, attribute tokens.Attribute, forms ...tokens.Form) bool {
		rule := fmt.Sprintf(`allow { %s match { field: "name" equals: %s } }`, credential, attribute)
		rules, err := policy.New(policy.Serve(oneRule(t, rule)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = rules.Bind(forms)
		if err != nil && !strings.Contains(err.Error(), "has no "+attribute.String()+" to match") {
			t.Errorf("semantics 15: %s on %s: %v", credential, attribute, err)
		}
		return err == nil
	}
	for kind, credential := range credentials {
		for _, attribute := range []tokens.Attribute{tokens.OrganizationID, tokens.OrganizationSlug, tokens.UserID} {
			plain := tokens.Form{Kind: kind, Prefix: "a_"}
			more := tokens.Form{Kind: kind, Prefix: "b_", Attributes: []tokens.Attribute{attribute}}
			has := slices.Contains(own[kind], attribute)
			for _, c := range []string{credential, `any {}`} {
				if got := starts(c, attribute, plain); got != has {
					t.Errorf("semantics 15: %s as %s on %s starts: %v", c, kind, attribute, got)
				}
				if !starts(c, attribute, more) {
					t.Errorf("semantics 15: %s as %s on a declared %s does not start", c, kind, attribute)
				}
				if got := starts(c, attribute, more, plain); got != has {
					t.Errorf("semantics 15: %s as %s on a %s that one of two verifiers declares starts: %v", c, kind, attribute, got)
				}
			}
		}
	}
	if starts(`any {}`, tokens.OrganizationID, everyKind()...) {
		t.Error("semantics 15: any on ORGANIZATION_ID starts though machines have none")
	}
}

// TestRequestMistakes are those that show only where a rule applies.
func TestRequestMistakes(t *testing.T) {
	t.Parallel()
	const onOrg, onSlug = `match { field: "organization_id" equals: ORGANIZATION_ID }`, `match { field: "slug" equals: ORGANIZATION_SLUG }`
	const later = `match { field: "user_id" equals: USER_ID absent: ADMITTED_LATER }`
	const personal, ofUser = `session_token { personal: true }`, `api_key { owner: USER }`
	for _, test := range []struct {
		name    string
		service string
		rpc     rpc
		want    string // "" is none
	}{
		{"semantics 36 stream on a unary method", "", rpc{rule: `allow { api_key {} } stream {}`}, "unary method"},
		{"semantics 36 stream on a stream of requests", "", rpc{rule: `allow { api_key {} } stream {}`, client: true}, ""},
		{"semantics 36 stream on a stream of responses", "", rpc{rule: `allow { api_key {} } stream {}`, server: true}, ""},
		{"semantics 36 stream of a default on a unary method", `default { allow { api_key {} } stream {} }`, rpc{}, "unary method"},
		{"semantics 20 ADMITTED_LATER on a unary method", "", rpc{rule: `allow { session_token {} ` + later + ` }`}, "ADMITTED_LATER"},
		{"semantics 20 ADMITTED_LATER on a stream of responses", "", rpc{rule: `allow { session_token {} ` + later + ` }`, server: true}, "ADMITTED_LATER"},
		{"semantics 20 ADMITTED_LATER on a stream of requests", "", rpc{rule: `allow { session_token {} ` + later + ` }`, client: true}, ""},
		{"semantics 20 ADMITTED_LATER of the service", later, rpc{rule: `allow { session_token {} }`}, "ADMITTED_LATER"},
		{"semantics 20 ADMITTED_LATER of the service, unmatched", later, rpc{rule: `allow { session_token {} unmatched: true }`}, ""},
		{"semantics 36 personal with the grant's match", "", rpc{rule: `allow { ` + personal + onOrg + ` }`}, "personal"},
		{"semantics 36 personal with the rule's match", "", rpc{rule: `allow { ` + personal + `} ` + onSlug}, "personal"},
		{"semantics 36 personal with the service's match", onOrg, rpc{rule: `allow { ` + personal + ` }`}, "personal"},
		{"semantics 36 personal, unmatched", onOrg, rpc{rule: `allow { ` + personal + ` unmatched: true } ` + onSlug}, ""},
		{"semantics 36 personal, unmatched with its own", "", rpc{rule: `allow { ` + personal + ` unmatched: true ` + onOrg + ` }`}, "personal"},
		{"semantics 36 personal with a match on the user", "", rpc{rule: `allow { ` + personal + ` match { field: "user_id" equals: USER_ID } }`}, ""},
		{"semantics 36 owner: USER with the grant's match", "", rpc{rule: `allow { ` + ofUser + onOrg + ` }`}, "owner: USER"},
		{"semantics 36 owner: USER with the rule's match", "", rpc{rule: `allow { ` + ofUser + `} ` + onOrg}, "owner: USER"},
		{"semantics 36 owner: USER with the service's match", onOrg, rpc{rule: `allow { ` + ofUser + ` }`}, "owner: USER"},
		{"semantics 36 owner: USER, unmatched", onOrg, rpc{rule: `allow { ` + ofUser + ` unmatched: true }`}, ""},
		{"semantics 36 owner: ORGANIZATION with a match", onOrg, rpc{rule: `allow { api_key { owner: ORGANIZATION } }`}, ""},
		{"semantics 18 the path of the service is missing", onOrg, rpc{rule: `allow { session_token {} }`, input: "Empty"}, "has no field"},
		{"semantics 18 the path is missing where nothing needs it", onOrg, rpc{rule: `allow { session_token {} unmatched: true }`, input: "Empty"}, ""},
		{"semantics 18 the path is missing in a public method", onOrg, rpc{rule: `public {}`, input: "Empty"}, ""},
		{"semantics 18 one of two grants needs the path", onOrg, rpc{rule: `allow { session_token {} unmatched: true } allow { api_key {} }`, input: "Empty"}, "grant 2: field"},
		{"semantics 18 unmatched without a match", "", rpc{rule: `allow { session_token {} unmatched: true }`}, ""},
		{"semantics 37 a default that is replaced, its path", `default { allow { session_token {} match { field: "nothing" equals: USER_ID } } }`, rpc{rule: `public {}`}, ""},
		{"semantics 37 a default that is replaced, its stream", `default { allow { session_token {} } stream {} }`, rpc{rule: `public {}`}, ""},
		{"semantics 37 a default that is replaced, its attribute", `default { allow { m2m_token { callers: "*" } match { field: "user_id" equals: USER_ID } } }`, rpc{rule: `public {}`}, ""},
		{"semantics 37 a default that is replaced, its shape", `default { allow { oauth_token {} } }`, rpc{rule: `public {}`}, "oauth_token asks nothing"},
		{"semantics 37 a default that is replaced, its pattern", `default { allow { session_token {} match { field: "x" pattern: "/{}" equals: USER_ID } } }`, rpc{rule: `public {}`}, "slash"},
		{"semantics 37 matches that no method uses", `match { field: "nothing" equals: USER_ID }`, rpc{rule: `public {}`}, ""},
		{"semantics 37 matches that no method uses, their shape", `match { field: "nothing" }`, rpc{rule: `public {}`}, "no equals"},
		{"semantics 37 matches that no method uses, their pattern", `match { field: "nothing" pattern: "{}{}" equals: USER_ID }`, rpc{rule: `public {}`}, "bad pattern"},
		{"semantics 36 an empty service option", ` `, rpc{rule: `public {}`}, "(admit.v1.service) is empty"},
		{"a method without a rule", "", rpc{}, "the method has no rule"},
		{"a method without a rule beside matches", onOrg, rpc{}, "the method has no rule"},
		{"an empty default", `default {}`, rpc{}, "neither allow nor public"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.rpc.name = "Call"
			file := fileOf(t, service{name: "Tests", rule: test.service, rpcs: []rpc{test.rpc}})
			if test.want == "" {
				bound(t, policy.Serve(file))
				return
			}
			if wrong := mistakesOf(t, everyKind(), policy.Serve(file)); !strings.Contains(wrong, test.want) {
				t.Errorf("%q is not told in\n%s", test.want, wrong)
			}
		})
	}
}

// TestReplacedDefaultNeedsNoVerifier is semantics 37.
func TestReplacedDefaultNeedsNoVerifier(t *testing.T) {
	t.Parallel()
	file := fileOf(t, service{name: "Tests", rule: `default { allow { m2m_token { callers: "*" } } }`, rpcs: []rpc{{name: "Call", rule: `public {}`}}})
	rules, err := policy.New(policy.Serve(file))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rules.Bind(nil); err != nil {
		t.Errorf("semantics 37: %v", err)
	}
}

// TestLimits: what a word of bits cannot hold is told.
func TestLimits(t *testing.T) {
	t.Parallel()
	grants := func(n int) string { return strings.Repeat(`allow { session_token {} } `, n) }
	later := func(n int) string {
		return `allow { session_token {} } ` + strings.Repeat(`match { field: "user_id" equals: USER_ID absent: ADMITTED_LATER } `, n)
	}
	caller := principal(t, *session(func(f *tokens.Facts) { f.UserID = "user_1" }))
	last := procedure(t, strings.Repeat(`allow { session_token { plans: "pro" } } `, 63)+`allow { session_token {} match { field: "user_id" equals: USER_ID } }`)
	if got := decideAll(last, caller, requests(t, `user_id: "user_1"`, ``)...); !slices.Equal(got, []string{"needs message", "admitted by 64", "RESOURCE_MISMATCH by 64"}) {
		t.Errorf("64 grants: %q", got)
	}
	if got := decideAll(procedure(t, later(64)), caller, requests(t, `user_id: "user_1"`, ``)...); !slices.Equal(got, []string{"needs message", "admitted by 1", "admitted by 1"}) {
		t.Errorf("64 matches: %q", got)
	}
	for rule, want := range map[string]string{grants(65): "65 grants", later(65): "more than 64"} {
		if wrong := mistakesOf(t, everyKind(), policy.Serve(oneRule(t, rule))); !strings.Contains(wrong, want) {
			t.Errorf("%q is not told in %s", want, wrong)
		}
	}
}
