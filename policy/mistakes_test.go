// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// A mistakeTest is a rule that does not start. It is tried as an annotation, as the default of a service, and given in code.
type mistakeTest struct {
	name string
	rule string // admit.v1.Rule as text
	want string // part of what is told
}

func runMistakes(t *testing.T, tests []mistakeTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			call := rpc{name: "Call", client: true, server: true}
			annotated := call
			annotated.rule = test.rule
			for where, options := range map[string][]policy.Option{
				"method":             {policy.Serve(fileOf(t, service{name: "Tests", rpcs: []rpc{annotated}}))},
				"service default":    {policy.Serve(fileOf(t, service{name: "Tests", rule: "default { " + test.rule + " }", rpcs: []rpc{call}}))},
				"policy.For":         {policy.Serve(oneRule(t, "")), policy.For(callName, ruleOf(t, test.rule))},
				"policy.Override":    {policy.Serve(oneRule(t, "public {}")), policy.Override(callName, ruleOf(t, test.rule))},
				"policy.Unannotated": {policy.Serve(oneRule(t, "")), policy.Unannotated(ruleOf(t, test.rule))},
			} {
				if wrong := mistakesOf(t, everyKind(), options...); !strings.Contains(wrong, test.want) {
					t.Errorf("as %s: %q is not told in\n%s", where, test.want, wrong)
				}
			}
		})
	}
}

func TestPublicMistakes(t *testing.T) {
	t.Parallel()
	const meaningless = "has no meaning beside public"
	runMistakes(t, []mistakeTest{
		{"semantics 6 allow", `public {} allow { any {} }`, "both allow and public"},
		{"semantics 6 refusal", `public {} refusal: PERMISSION_DENIED`, "refusal " + meaningless},
		{"semantics 6 mode", `public {} mode: ENFORCE`, "mode " + meaningless},
		{"semantics 6 stream", `public {} stream {}`, "stream " + meaningless},
		{"semantics 6 fresh", `public {} fresh: true`, "fresh " + meaningless},
		{"semantics 6 match", `public {} match { field: "organization_id" equals: ORGANIZATION_ID }`, "match " + meaningless},
		{"semantics 36 stream with UNREAD", `public { credential: UNREAD } stream { outlive { seconds: 1 } }`, "stream " + meaningless},
	})
	rules, err := policy.New(policy.Serve(oneRule(t, `public {} handler: "only published ones"`)))
	if err != nil {
		t.Fatalf("semantics 6: handler beside public: %v", err)
	}
	if _, err := rules.Bind(nil); err != nil {
		t.Errorf("semantics 6: a public rule needs a verifier: %v", err)
	}
}

func TestShapeMistakes(t *testing.T) {
	t.Parallel()
	session := func(s string) string { return `allow { session_token { ` + s + ` } }` }
	const never = "can never be held"
	runMistakes(t, []mistakeTest{
		{"semantics 36 neither allow nor public", `refusal: NOT_FOUND`, "neither allow nor public"},
		{"semantics 36 an empty rule", ` `, "neither allow nor public"},
		{"semantics 36 a grant without a credential", `allow {}`, "grant 1: the grant has no credential"},
		{"semantics 36 a second grant without a credential", `allow { api_key {} } allow { unmatched: true }`, "grant 2: the grant has no credential"},
		{"semantics 36 oauth_token {}", `allow { oauth_token {} }`, "oauth_token asks nothing"},
		{"semantics 36 m2m_token {}", `allow { m2m_token {} }`, "m2m_token asks nothing"},
		{"semantics 36 m2m_token with acting_for alone", `allow { m2m_token { acting_for {} } }`, "m2m_token asks nothing"},
		{"semantics 36 a match without field", `allow { session_token {} match { equals: USER_ID } }`, "a match has no field"},
		{"semantics 36 a match without equals", `allow { session_token {} match { field: "user_id" } }`, "a match has no equals"},
		{"semantics 36 a match of the rule without equals", `allow { session_token {} } match { field: "user_id" }`, "a match has no equals"},
		{"semantics 36 a match that no grant uses", `allow { session_token {} unmatched: true } match { equals: USER_ID }`, "a match has no field"},
		{"semantics 36 preset: PRESET_UNSPECIFIED", session(`reverification { preset: PRESET_UNSPECIFIED }`), "PRESET_UNSPECIFIED"},
		{"semantics 36 level: LEVEL_UNSPECIFIED", session(`reverification { level: LEVEL_UNSPECIFIED minutes: 1 }`), "LEVEL_UNSPECIFIED"},
		{"semantics 16 neither preset nor level", session(`reverification { minutes: 1 }`), "neither preset nor level"},
		{"semantics 16 an empty reverification", session(`reverification {}`), "neither preset nor level"},
		{"semantics 16 a level without minutes", session(`reverification { level: FIRST_FACTOR }`), "without minutes"},
		{"semantics 16 a preset with minutes", session(`reverification { preset: LAX minutes: 1 }`), "minutes beside preset"},
		{"semantics 36 role org:", session(`roles: "org:"`), never},
		{"semantics 36 role org:org:", session(`roles: ["admin", "org:org:"]`), never},
		{"semantics 36 permission org:", session(`permissions: "org:"`), never},
		{"semantics 36 feature x:f", session(`features: "x:f"`), never},
		{"semantics 36 feature o:", session(`features: "o:"`), never},
		{"semantics 36 feature org:f:x", session(`features: "org:f:x"`), never},
		{"semantics 36 feature uo:f", session(`features: "uo:f"`), never},
		{"semantics 36 plan :", session(`plans: ":"`), never},
		{"semantics 36 plan O:pro", session(`plans: "O:pro"`), never},
		{"semantics 36 personal with roles", session(`personal: true roles: "a"`), "personal"},
		{"semantics 36 personal with permissions", session(`personal: true permissions: "a"`), "personal"},
		{"semantics 36 * beside other callers", `allow { m2m_token { callers: ["*", "a"] } }`, `callers has "*" beside other names`},
		{"semantics 36 * twice", `allow { m2m_token { callers: ["*", "*"] } }`, `callers has "*" beside other names`},
		{"semantics 36 * beside other clients", `allow { oauth_token { clients: ["a", "*"] } }`, `clients has "*" beside other names`},
		{"semantics 36 negative outlive", `allow { api_key {} } stream { outlive { seconds: -1 } }`, "stream.outlive"},
		{"semantics 36 outlive of a nanosecond before 0", `allow { api_key {} } stream { outlive { nanos: -1 } }`, "stream.outlive"},
		{"semantics 36 outlive over 24 h", `allow { api_key {} } stream { outlive { seconds: 86400 nanos: 1 } }`, "stream.outlive"},
		{"semantics 36 outlive that is no duration", `allow { api_key {} } stream { outlive { seconds: 1 nanos: -1 } }`, "stream.outlive"},
		{"semantics 36 outlive beyond any duration", `allow { api_key {} } stream { outlive { seconds: 9223372036854775807 } }`, "stream.outlive"},
		{"semantics 36 outlive with session tokens", session("") + `stream { outlive { seconds: 1 } }`, "revocations"},
		{"semantics 36 outlive with any", `allow { any {} } stream { outlive { nanos: 1 } }`, "revocations"},
		{"SHADOW", session("") + `mode: SHADOW`, "not enforced by this version"},
		{"semantics 36 fresh without a source of truth", session("") + `fresh: true`, "there is no source of truth to ask about session_token"},
		{"semantics 36 fresh with any", `allow { any {} } fresh: true`, "there is no source of truth"},
		{"when", `allow { session_token {} when: "true" }`, "when is not enforced by this version"},
		{"acting_for", `allow { m2m_token { callers: "a" acting_for {} } }`, "acting_for is not enforced by this version"},
		{"acting_for with a mistake in it", `allow { m2m_token { callers: "a" acting_for { features: "x:f" } } }`, never},
	})
	b := bound(t, policy.Serve(oneRule(t, `allow { api_key {} } stream { outlive { seconds: 86400 } }`)))
	if got := b.Procedure(callName).Outlive().Hours(); got != 24 {
		t.Errorf("semantics 36: 24 h are %v h", got)
	}
	bound(t, policy.Serve(oneRule(t, session("")+`stream { outlive {} }`)))
	rules, _ := policy.New(policy.Serve(oneRule(t, session("")+`stream { outlive { seconds: 1 } }`)))
	if _, err := rules.Bind(everyKind(), policy.WithRevocations()); err != nil {
		t.Errorf("semantics 36: outlive with session tokens and a feed of revocations: %v", err)
	}
}

// TestTexts is semantics 36: texts in every field that has one.
func TestTexts(t *testing.T) {
	t.Parallel()
	fields := map[string]string{
		"roles": `allow { session_token { roles: %q } }`, "permissions": `allow { session_token { permissions: ["p", %q] } }`,
		"features": `allow { session_token { features: %q } }`, "plans": `allow { session_token { plans: %q } }`,
		"oauth_token.scopes": `allow { oauth_token { scopes: %q clients: "a" } }`, "clients": `allow { oauth_token { clients: %q } }`,
		"api_key.scopes": `allow { api_key { scopes: %q } }`, "m2m_token.scopes": `allow { m2m_token { callers: "*" scopes: ["a", %q] } }`,
		"callers": `allow { m2m_token { callers: %q } }`, "acting_for.roles": `allow { m2m_token { callers: "*" acting_for { roles: %q } } }`,
	}
	var tests []mistakeTest
	for field, format := range fields {
		tests = append(tests, mistakeTest{"semantics 36 empty string in " + field, fmt.Sprintf(format, ""), "is an empty string"})
		for _, bad := range []string{"a*", "{a", "a}", "a b", " ", "a\t", "\u00a0a", "a\u2028", "a\u3000b", "a\u0085", "a\x00", "a\x7f", "a\nb", "**"} {
			text := strings.ReplaceAll(format, "%q", "%s")
			tests = append(tests, mistakeTest{fmt.Sprintf("semantics 36 %q in %s", bad, field), fmt.Sprintf(text, quote(bad)), "have no meaning there"})
		}
		if field != "clients" && field != "callers" {
			tests = append(tests, mistakeTest{"semantics 36 * in " + field, fmt.Sprintf(format, "*"), "have no meaning there"})
		}
	}
	tests = append(tests,
		mistakeTest{"semantics 36 empty when", `allow { session_token {} when: "" }`, "when is an empty string"},
		mistakeTest{"semantics 36 empty handler", `allow { session_token {} } handler: ""`, "handler is an empty string"},
		mistakeTest{"semantics 36 empty handler beside public", `public {} handler: ""`, "handler is an empty string"},
		mistakeTest{"semantics 36 empty pattern", `allow { session_token {} } match { field: "name" equals: USER_ID pattern: "" }`, "pattern is an empty string"},
		mistakeTest{"semantics 36 white space in a field", `allow { session_token {} match { field: "user_id " equals: USER_ID } }`, "have no meaning there"},
	)
	runMistakes(t, tests)
	bound(t, policy.Serve(oneRule(t, `allow { session_token { roles: "größe-1/2:x" } match { field: "name" pattern: "a b/{}/**" equals: USER_ID } } handler: "* { } and\nmore"`)))
}

// quote writes a text as the text format reads it.
func quote(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, `\%03o`, c)
	}
	return `"` + b.String() + `"`
}

// TestUnknown is semantics 36: what a newer schema says is not passed over, at any depth.
func TestUnknown(t *testing.T) {
	t.Parallel()
	field := []byte{0xa0, 0x06, 0x01} // field 100, varint 1
	rule := parse(t, `allow { session_token { reverification { preset: STRICT } } match { field: "user_id" equals: USER_ID } } allow { any {} }
		allow { m2m_token { callers: "a" } } allow { oauth_token { clients: "a" } } allow { api_key {} } stream { outlive {} }`, &admitv1.Rule{})
	allow := rule.GetAllow()
	for name, at := range map[string]proto.Message{
		"rule": rule, "grant": allow[0], "session_token": allow[0].GetSessionToken(), "reverification": allow[0].GetSessionToken().GetReverification(),
		"match": allow[0].GetMatch()[0], "any": allow[1].GetAny(), "m2m_token": allow[2].GetM2MToken(), "oauth_token": allow[3].GetOauthToken(),
		"api_key": allow[4].GetApiKey(), "stream": rule.GetStream(), "outlive": rule.GetStream().GetOutlive(),
	} {
		at.ProtoReflect().SetUnknown(field)
		told(t, "semantics 36: an unknown field in "+name, "does not know", rule)
		at.ProtoReflect().SetUnknown(nil)
	}
	bound(t, policy.Serve(oneRule(t, "")), policy.For(callName, policy.FromProto(parse(t, `allow { api_key {} } stream { outlive {} }`, &admitv1.Rule{}))))
	unread := parse(t, `public {}`, &admitv1.Rule{})
	unread.GetPublic().ProtoReflect().SetUnknown(field)
	told(t, "semantics 36: an unknown field in public", "does not know", unread)
	for _, text := range []string{
		`allow { any {} } refusal: 3`, `allow { any {} } mode: 3`, `allow { any {} } mode: -1`, `public { credential: 3 }`, `allow { api_key { owner: 3 } }`,
		`allow { session_token { reverification { preset: 5 } } }`, `allow { session_token { reverification { level: 4 minutes: 1 } } }`,
		`allow { any {} match { field: "user_id" equals: 4 } }`, `allow { session_token {} match { field: "user_id" equals: USER_ID absent: 4 } }`,
	} {
		told(t, "semantics 36: "+text, "does not know", parse(t, text, &admitv1.Rule{}))
	}
}

// told demands that a mistake is told of a rule, as an annotation and given in code.
func told(t *testing.T, name, want string, rule *admitv1.Rule) {
	t.Helper()
	annotated := fileOf(t, service{name: "Tests", rpcs: []rpc{{name: "Call", raw: option(t, rule), client: true, server: true}}})
	for where, options := range map[string][]policy.Option{
		"annotation": {policy.Serve(annotated)}, "policy.For": {policy.Serve(oneRule(t, "")), policy.For(callName, policy.FromProto(rule))},
	} {
		if wrong := mistakesOf(t, everyKind(), options...); !strings.Contains(wrong, want) {
			t.Errorf("%s: as %s: %q is not told in\n%s", name, where, want, wrong)
		}
	}
}

// TestAllMistakesAtOnce is semantics 36: one error with every mistake, each with file, method and what to write.
func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	file := fileOf(t, service{name: "First", rule: ` `, rpcs: []rpc{
		{name: "None"}, {name: "Empty", rule: ` `}, {name: "Two", rule: `allow { oauth_token {} } allow { session_token { roles: "org:" } }`},
		{name: "Kind", rule: `allow { m2m_token { callers: "a" } match { field: "user_id" equals: USER_ID } }`},
	}}, service{name: "Second", rpcs: []rpc{{name: "Path", rule: `allow { any {} match { field: "nothing" equals: USER_ID } }`}}})
	rules, err := policy.New(policy.Serve(file), policy.For("nonsense", policy.Public()))
	var first policy.Mistakes
	if !errors.As(err, &first) || rules.Err() == nil || rules.Err().Error() != err.Error() {
		t.Fatalf("the error is %v", err)
	}
	_, err = rules.Bind(everyKind())
	var all policy.Mistakes
	if !errors.As(err, &all) || len(all) <= len(first) {
		t.Fatalf("semantics 36: Bind tells %d mistakes, New %d", len(all), len(first))
	}
	for _, m := range []policy.Mistake{
		{File: "test/v1/service.proto", Subject: "test.v1.First", Text: "is empty"},
		{File: "test/v1/service.proto", Subject: "test.v1.First.None", Text: "add: option (admit.v1.method)"},
		{File: "test/v1/service.proto", Subject: "test.v1.First.Empty", Text: "write allow"},
		{File: "test/v1/service.proto", Subject: "test.v1.First.Two", Text: "write scopes"},
		{File: "test/v1/service.proto", Subject: "test.v1.First.Two", Text: "grant 2: roles"},
		{File: "test/v1/service.proto", Subject: "test.v1.First.Kind", Text: "write unmatched"},
		{File: "test/v1/service.proto", Subject: "test.v1.Second.Path", Text: "write names as in the .proto"},
		{File: "policy.For", Subject: "nonsense", Text: "write /package.Service/Method"},
	} {
		if !slices.ContainsFunc(all, func(got policy.Mistake) bool {
			return got.File == m.File && got.Subject == m.Subject && strings.Contains(got.Text, m.Text)
		}) {
			t.Errorf("semantics 36: %v is not told in\n%v", m, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n"); lines != len(all) || !strings.HasPrefix(err.Error(), fmt.Sprintf("policy: %d mistake", len(all))) {
		t.Errorf("%d mistakes in %d lines", len(all), lines)
	}
	if b, _ := rules.Bind(everyKind()); b.Procedure("/test.v1.First/Two") != nil {
		t.Error("rules with mistakes serve something")
	}
}

// TestSteadyMistakes: the same mistakes are told in the same order every time.
func TestSteadyMistakes(t *testing.T) {
	t.Parallel()
	var before string
	for range 20 {
		public := rpc{name: "Call", rule: `public {} refusal: NOT_FOUND mode: SHADOW stream {} fresh: true match { field: "a b" equals: 9 }`}
		granted := rpc{name: "Other", rule: `allow { session_token { roles: ["", "a b"] permissions: "*" features: "{" plans: "}" } when: "" } handler: ""`}
		wrong := mistakesOf(t, everyKind(), policy.Serve(fileOf(t, service{name: "Tests", rpcs: []rpc{public, granted}})))
		if before != "" && wrong != before {
			t.Fatalf("first\n%s\nthen\n%s", before, wrong)
		}
		before = wrong
	}
	if before == "" || !regexp.MustCompile(`(?m)^  test/v1/service\.proto: test\.v1\.Tests\.Call: `).MatchString(before) {
		t.Errorf("a mistake is told as\n%s", before)
	}
}

// TestWithoutVerifier is semantics 14 and 15, as far as no verifier at all is concerned.
func TestWithoutVerifier(t *testing.T) {
	t.Parallel()
	wrong := mistakesOf(t, nil, policy.Serve(oneRule(t, `allow { any {} }`)))
	if !strings.Contains(wrong, "grant 1: any admits nobody") {
		t.Errorf("semantics 14: any without a verifier: %s", wrong)
	}
	wrong = mistakesOf(t, []tokens.Form{{Kind: tokens.APIKey, Prefix: "ak_"}}, policy.Serve(oneRule(t, `allow { api_key {} } allow { session_token {} }`)))
	if !strings.Contains(wrong, "grant 2: session_token has no verifier") || strings.Contains(wrong, "grant 1") {
		t.Errorf("a kind without a verifier: %s", wrong)
	}
}
