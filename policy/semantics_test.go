// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// say puts a decision into words: "admitted by 1", "needs message", or "REASON by 2", with "hidden" and what is missing behind.
func say(d policy.Decision) string {
	switch {
	case d.Outcome == policy.Admitted:
		return fmt.Sprintf("admitted by %d", d.Grant)
	case d.Outcome == policy.NeedsMessage:
		return d.Outcome.String()
	case d.Denial == nil:
		return "refused without a reason"
	}
	text := fmt.Sprintf("%s by %d", d.Denial.Reason, d.Grant)
	if d.Hidden {
		text += " hidden"
	}
	if missing := d.Denial.Metadata["missing"]; missing != "" {
		text += " " + missing
	}
	return text
}

// A callTest is one decision of the call phase.
type callTest struct {
	name  string
	rule  string // admit.v1.Rule as text
	facts *tokens.Facts
	want  string
}

func runCalls(t *testing.T, tests []callTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var p *tokens.Principal
			if test.facts != nil {
				p = principal(t, *test.facts)
			}
			if got := say(procedure(t, test.rule).DecideCall(p)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func session(change ...func(*tokens.Facts)) *tokens.Facts {
	return factsOf(tokens.SessionToken, change...)
}

func factsOf(kind tokens.Kind, change ...func(*tokens.Facts)) *tokens.Facts {
	facts := &tokens.Facts{Kind: kind, Subject: "sub_1"}
	for _, c := range change {
		c(facts)
	}
	return facts
}

func inOrg(role string, permissions ...string) func(*tokens.Facts) {
	return func(f *tokens.Facts) {
		f.Organization, f.Permissions = tokens.Organization{ID: "org_1", Slug: "one", Role: role}, permissions
	}
}

func pending(f *tokens.Facts) { f.Pending = true }

func scoped(scopes ...string) func(*tokens.Facts) {
	return func(f *tokens.Facts) { f.Scopes = scopes }
}

func agent(f *tokens.Facts) { f.Actor = &tokens.Actor{Subject: "agent_1", Type: "agent"} }

func features(elements ...string) func(*tokens.Facts) {
	return func(f *tokens.Facts) { f.Features = elements }
}

func plans(elements ...string) func(*tokens.Facts) {
	return func(f *tokens.Facts) { f.Plans = elements }
}

func ages(first, second int) func(*tokens.Facts) {
	return func(f *tokens.Facts) {
		f.Verification = &tokens.Verification{First: minutes(first), Second: minutes(second)}
	}
}

func TestPublicAndKinds(t *testing.T) {
	t.Parallel()
	runCalls(t, []callTest{
		{"semantics 5 anonymous", `public {}`, nil, "admitted by 0"},
		{"semantics 5 a good credential", `public {}`, session(), "admitted by 0"},
		{"semantics 5 unread", `public { credential: UNREAD }`, nil, "admitted by 0"},
		{"semantics 5 anonymous where a grant is needed", `allow { any {} }`, nil, "CREDENTIAL_MISSING by 0"},
		{"semantics 5 no credential is not hidden", `allow { any {} } refusal: NOT_FOUND`, nil, "CREDENTIAL_MISSING by 0"},
		{"semantics 3 a kind without a grant", `allow { api_key {} } refusal: NOT_FOUND`, session(), "TOKEN_TYPE_NOT_ACCEPTED by 0"},
		{"semantics 7 session_token", `allow { session_token {} }`, session(), "admitted by 1"},
		{"semantics 7 api_key", `allow { api_key {} }`, factsOf(tokens.APIKey), "admitted by 1"},
		{"semantics 7 any session_token", `allow { any {} }`, session(), "admitted by 1"},
		{"semantics 7 any oauth_token", `allow { any {} }`, factsOf(tokens.OAuthToken), "admitted by 1"},
		{"semantics 7 any m2m_token", `allow { any {} }`, factsOf(tokens.M2MToken), "admitted by 1"},
		{"semantics 7 any client", `allow { oauth_token { clients: "*" } }`, factsOf(tokens.OAuthToken), "admitted by 1"},
		{"semantics 8 a machine is no session", `allow { session_token { permissions: "p" } }`, factsOf(tokens.M2MToken), "TOKEN_TYPE_NOT_ACCEPTED by 0"},
		{"semantics 8 pending", `allow { session_token {} }`, session(pending), "SESSION_PENDING by 1"},
		{"semantics 8 pending is not hidden", `allow { session_token {} } refusal: NOT_FOUND`, session(pending), "SESSION_PENDING by 1"},
		{"semantics 8 allow_pending", `allow { session_token { allow_pending: true } }`, session(pending), "admitted by 1"},
		{"semantics 8 any never admits pending", `allow { any {} }`, session(pending), "SESSION_PENDING by 1"},
		{"semantics 8 any beside allow_pending", `allow { any {} } allow { session_token { allow_pending: true } }`, session(pending), "admitted by 2"},
	})
	for _, test := range []struct {
		rule   string
		public policy.PublicMode
		takes  bool
	}{
		{`public {}`, policy.OptionalCredential, true},
		{`public { credential: OPTIONAL }`, policy.OptionalCredential, true},
		{`public { credential: UNREAD }`, policy.UnreadCredential, false},
		{`allow { any {} }`, policy.NotPublic, true},
	} {
		p := procedure(t, test.rule)
		if p.Public() != test.public {
			t.Errorf("semantics 5: %s: public is %d, want %d", test.rule, p.Public(), test.public)
		}
		for _, kind := range tokens.Kinds() {
			if p.Accepts(kind) != test.takes {
				t.Errorf("semantics 5: %s: accepts %s is %v, want %v", test.rule, kind, !test.takes, test.takes)
			}
		}
		if p.Accepts(0) {
			t.Errorf("%s accepts the zero kind", test.rule)
		}
	}
}

func TestRolesToPlans(t *testing.T) {
	t.Parallel()
	noOrg := func(f *tokens.Facts) { f.Permissions = []string{"org:p"} }
	runCalls(t, []callTest{
		{"semantics 9 a permission without an organization", `allow { session_token { permissions: "p" } }`, session(noOrg), "PERMISSION_MISSING by 1 permission"},
		{"semantics 9 a role without an organization", `allow { session_token { roles: "admin" } }`, session(), "PERMISSION_MISSING by 1 role"},
		{"semantics 9 a feature without an organization", `allow { session_token { features: "f" } }`, session(features("o:f")), "admitted by 1"},
		{"semantics 9 a plan without an organization", `allow { session_token { plans: "pro" } }`, session(plans("o:pro")), "admitted by 1"},
		{"semantics 10 role, both bare", `allow { session_token { roles: "admin" } }`, session(inOrg("admin")), "admitted by 1"},
		{"semantics 10 role, demanded with prefixes", `allow { session_token { roles: "org:org:admin" } }`, session(inOrg("admin")), "admitted by 1"},
		{"semantics 10 role, held with prefixes", `allow { session_token { roles: "admin" } }`, session(inOrg("org:org:admin")), "admitted by 1"},
		{"semantics 10 role, case", `allow { session_token { roles: "Admin" } }`, session(inOrg("admin")), "PERMISSION_MISSING by 1 role"},
		{"semantics 10 one of the roles", `allow { session_token { roles: ["owner", "admin"] } }`, session(inOrg("admin")), "admitted by 1"},
		{"semantics 10 permission, demanded bare", `allow { session_token { permissions: "p" } }`, session(inOrg("", "org:p")), "admitted by 1"},
		{"semantics 10 permission, held bare", `allow { session_token { permissions: "p" } }`, session(inOrg("", "p")), "PERMISSION_MISSING by 1 permission"},
		{"semantics 10 permission, held twice prefixed", `allow { session_token { permissions: "p" } }`, session(inOrg("", "org:org:p")), "PERMISSION_MISSING by 1 permission"},
		{"semantics 10 permission, a prefix of one", `allow { session_token { permissions: "invoices" } }`, session(inOrg("", "org:invoices:read")), "PERMISSION_MISSING by 1 permission"},
		{"semantics 10 all the permissions", `allow { session_token { permissions: ["p", "q"] } }`, session(inOrg("", "org:p")), "PERMISSION_MISSING by 1 permission"},
		{"semantics 10 feature of the organization", `allow { session_token { features: "o:f" } }`, session(features("u:f")), "PERMISSION_MISSING by 1 feature"},
		{"semantics 10 feature org:", `allow { session_token { features: "org:f" } }`, session(features("o:f")), "admitted by 1"},
		{"semantics 10 feature organization:", `allow { session_token { features: "organization:f" } }`, session(features("ou:f")), "admitted by 1"},
		{"semantics 10 feature u:", `allow { session_token { features: "u:f" } }`, session(features("o:f")), "PERMISSION_MISSING by 1 feature"},
		{"semantics 10 feature user:", `allow { session_token { features: "user:f" } }`, session(features("uo:f")), "admitted by 1"},
		{"semantics 10 feature of either", `allow { session_token { features: "f" } }`, session(features("u:f")), "admitted by 1"},
		{"semantics 10 all the features", `allow { session_token { features: ["f", "g"] } }`, session(features("u:f")), "PERMISSION_MISSING by 1 feature"},
		{"semantics 10 one of the plans", `allow { session_token { plans: ["team", "user:pro"] } }`, session(plans("u:pro")), "admitted by 1"},
		{"semantics 10 a plan is no feature", `allow { session_token { plans: "pro" } }`, session(features("u:pro")), "PERMISSION_MISSING by 1 plan"},
		{"semantics 10 scopes, case", `allow { api_key { scopes: "read" } }`, factsOf(tokens.APIKey, scoped("Read")), "SCOPE_MISSING by 1"},
		{"semantics 10 all the scopes", `allow { api_key { scopes: ["a", "b"] } }`, factsOf(tokens.APIKey, scoped("b")), "SCOPE_MISSING by 1"},
		{"semantics 10 scopes in another order", `allow { api_key { scopes: ["a", "b"] } }`, factsOf(tokens.APIKey, scoped("b", "a")), "admitted by 1"},
		{"semantics 11 an agent is an impersonator", `allow { session_token { forbid_impersonation: true } }`, session(agent), "IMPERSONATION_FORBIDDEN by 1"},
		{"semantics 11 impersonation is admitted by default", `allow { session_token {} }`, session(agent), "admitted by 1"},
	})
}

func TestOwnersAndNames(t *testing.T) {
	t.Parallel()
	userKey := func(f *tokens.Facts) { f.UserID = "sub_1" }
	orgKey := func(f *tokens.Facts) { f.Organization.ID = "sub_1" }
	otherOwner := func(f *tokens.Facts) { f.UserID, f.Organization.ID = "user_2", "org_2" }
	client := func(id, name string) func(*tokens.Facts) {
		return func(f *tokens.Facts) { f.ClientID, f.ClientName = id, name }
	}
	named := func(name string) func(*tokens.Facts) { return func(f *tokens.Facts) { f.CallerName = name } }
	const ofUser, ofOrg = `allow { api_key { owner: USER } }`, `allow { api_key { owner: ORGANIZATION } }`
	const web = `allow { oauth_token { clients: ["app", "web"] } }`
	runCalls(t, []callTest{
		{"semantics 12 USER, a user's", ofUser, factsOf(tokens.APIKey, userKey), "admitted by 1"},
		{"semantics 12 USER, an organization's", ofUser, factsOf(tokens.APIKey, orgKey), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 12 USER, the subject is another", ofUser, factsOf(tokens.APIKey, otherOwner), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 12 USER, nobody's", ofUser, factsOf(tokens.APIKey), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 12 ORGANIZATION, an organization's", ofOrg, factsOf(tokens.APIKey, orgKey), "admitted by 1"},
		{"semantics 12 ORGANIZATION, a user's", ofOrg, factsOf(tokens.APIKey, userKey), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 12 ORGANIZATION, a user's in one", ofOrg, factsOf(tokens.APIKey, userKey, func(f *tokens.Facts) { f.Organization.ID = "org_1" }), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 12 ORGANIZATION, nobody's", ofOrg, factsOf(tokens.APIKey), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 12 either", `allow { api_key { owner: OWNER_UNSPECIFIED } }`, factsOf(tokens.APIKey), "admitted by 1"},
		{"semantics 13 a client by its id", web, factsOf(tokens.OAuthToken, client("web", "")), "admitted by 1"},
		{"semantics 13 a client by its name", web, factsOf(tokens.OAuthToken, client("client_9", "web")), "admitted by 1"},
		{"semantics 13 a mapped id no longer matches", web, factsOf(tokens.OAuthToken, client("web", "mapped")), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 13 the subject is no client", web, factsOf(tokens.OAuthToken, func(f *tokens.Facts) { f.Subject = "web" }), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 13 an empty name", web, factsOf(tokens.OAuthToken), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 13 an empty name and *", `allow { oauth_token { clients: "*" scopes: "a" } }`, factsOf(tokens.OAuthToken, scoped("a")), "admitted by 1"},
		{"semantics 13 the name * is not every name", web, factsOf(tokens.OAuthToken, client("*", "")), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 13 case", web, factsOf(tokens.OAuthToken, client("Web", "")), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 13 a machine by its subject", `allow { m2m_token { callers: "sub_1" } }`, factsOf(tokens.M2MToken), "admitted by 1"},
		{"semantics 13 a machine by its name", `allow { m2m_token { callers: "ledger" } }`, factsOf(tokens.M2MToken, named("ledger")), "admitted by 1"},
		{"semantics 13 a mapped subject no longer matches", `allow { m2m_token { callers: "sub_1" } }`, factsOf(tokens.M2MToken, named("ledger")), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 13 a machine's client is not its name", `allow { m2m_token { callers: "ledger" } }`, factsOf(tokens.M2MToken, client("ledger", "ledger")), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 13 any machine", `allow { m2m_token { callers: "*" } }`, factsOf(tokens.M2MToken), "admitted by 1"},
	})
}

func TestReverification(t *testing.T) {
	t.Parallel()
	rule := func(need string) string { return `allow { session_token { reverification { ` + need + ` } } }` }
	const admitted, stale = "admitted by 1", "REVERIFICATION_REQUIRED by 1"
	for _, test := range []struct {
		need          string
		first, second int
		want          string
	}{
		{`preset: STRICT_MFA`, 9, 9, admitted}, {`preset: STRICT_MFA`, 10, 9, stale}, {`preset: STRICT_MFA`, 9, 10, stale},
		{`preset: STRICT_MFA`, 9, -1, admitted}, {`preset: STRICT_MFA`, -1, 0, stale},
		{`preset: STRICT`, 30, 9, admitted}, {`preset: STRICT`, 0, 10, stale}, {`preset: STRICT`, 9, -1, admitted}, {`preset: STRICT`, -1, 0, admitted},
		{`preset: MODERATE`, 90, 59, admitted}, {`preset: MODERATE`, 0, 60, stale},
		{`preset: LAX`, 0, 1439, admitted}, {`preset: LAX`, 0, 1440, stale},
		{`level: FIRST_FACTOR minutes: 10`, 9, 99, admitted}, {`level: FIRST_FACTOR minutes: 10`, 10, 0, stale}, {`level: FIRST_FACTOR minutes: 10`, -1, 0, stale},
		{`level: SECOND_FACTOR minutes: 1`, 0, 0, admitted}, {`level: SECOND_FACTOR minutes: 1`, 0, 1, stale},
		{`level: MULTI_FACTOR minutes: 4294967295`, 0, 0, admitted}, {`level: MULTI_FACTOR minutes: 4294967295`, -1, -1, stale},
	} {
		name := fmt.Sprintf("semantics 16 %s of %d and %d", test.need, test.first, test.second)
		runCalls(t, []callTest{{name, rule(test.need), session(ages(test.first, test.second)), test.want}})
	}
	runCalls(t, []callTest{{"semantics 16 unknown ages", rule(`preset: LAX`), session(), stale}})
	synctest.Test(t, func(t *testing.T) {
		p := principal(t, *session(ages(0, 0), func(f *tokens.Facts) { f.IssuedAt = time.Now() }))
		strict := procedure(t, rule(`preset: STRICT`))
		for _, step := range []struct {
			wait time.Duration
			want string
		}{{0, admitted}, {10*time.Minute - 1, admitted}, {1, stale}} {
			time.Sleep(step.wait)
			if got := say(strict.DecideCall(p)); got != step.want {
				t.Errorf("semantics 16: after %s more: %q, want %q", step.wait, got, step.want)
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const stale = `reverification { preset: STRICT }`
	allow := func(grants ...string) (rule string) {
		for _, g := range grants {
			rule += "allow { " + g + " } "
		}
		return rule
	}
	const onOrg, onUser = ` match { field: "organization_id" equals: ORGANIZATION_ID }`, ` match { field: "user_id" equals: USER_ID }`
	everything := `session_token { forbid_impersonation: true permissions: "p" personal: false ` + stale + ` }` + onUser + onOrg
	runCalls(t, []callTest{
		{"semantics 27 missing elements of a list are one demand", allow(`session_token { roles: "admin" features: "f" }`, `session_token { permissions: ["p", "q", "r"] }`), session(inOrg("")), "PERMISSION_MISSING by 2 permission"},
		{"semantics 27 each match is one demand", allow(`session_token {}`+onOrg+onOrg, `session_token { plans: "pro" }`), session(), "PERMISSION_MISSING by 2 plan"},
		{"semantics 27 pending is one demand", allow(`session_token {}`, `session_token { allow_pending: true roles: "a" plans: "b" }`), session(pending), "SESSION_PENDING by 1"},
		{"semantics 28 the fewest", allow(`session_token { roles: "admin" plans: "pro" }`, `session_token { plans: "pro" }`), session(), "PERMISSION_MISSING by 2 plan"},
		{"semantics 28 the first declared of equals", allow(`session_token { plans: "pro" }`, `session_token { features: "f" }`), session(), "PERMISSION_MISSING by 1 plan"},
		{"semantics 28 another kind's grant is not told", allow(`api_key {}`, `session_token { plans: "pro" features: "f" }`), session(), "PERMISSION_MISSING by 2 feature"},
		{"semantics 28 order: pending first", allow(everything), session(pending, agent), "SESSION_PENDING by 1"},
		{"semantics 28 order: impersonation", allow(everything), session(agent), "IMPERSONATION_FORBIDDEN by 1"},
		{"semantics 28 order: permission", allow(everything), session(), "PERMISSION_MISSING by 1 permission"},
		{"semantics 28 order: organization before user", allow(`session_token { ` + stale + ` }` + onUser + onOrg), session(), "ORGANIZATION_MISMATCH by 1"},
		{"semantics 28 order: user before reverification", allow(`session_token { ` + stale + ` }` + onUser), session(), "RESOURCE_MISMATCH by 1"},
		{"semantics 28 order: personal before reverification", allow(`session_token { personal: true ` + stale + ` }`), session(inOrg("")), "ORGANIZATION_MISMATCH by 1"},
		{"semantics 28 order: caller before scope", allow(`m2m_token { scopes: "a" callers: "x" }`), factsOf(tokens.M2MToken), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 28 order: client before scope", allow(`oauth_token { scopes: "a" clients: "x" }`), factsOf(tokens.OAuthToken), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 28 order: owner before scope", allow(`api_key { scopes: "a" owner: USER }`), factsOf(tokens.APIKey), "CALLER_NOT_ALLOWED by 1"},
		{"semantics 28 order: scope before organization", allow(`api_key { scopes: "a" }` + onOrg), factsOf(tokens.APIKey), "SCOPE_MISSING by 1"},
		{"semantics 29 personal", allow(`session_token { personal: true }`), session(inOrg("")), "ORGANIZATION_MISMATCH by 1"},
		{"semantics 29 a slug that is not there", allow(`session_token {} match { field: "slug" equals: ORGANIZATION_SLUG }`), session(), "ORGANIZATION_MISMATCH by 1"},
		{"semantics 29 a user who is not there", allow(`session_token {}` + onUser), session(), "RESOURCE_MISMATCH by 1"},
		{"semantics 30 role before permission", allow(`session_token { roles: "a" permissions: "p" features: "f" plans: "l" }`), session(), "PERMISSION_MISSING by 1 role"},
		{"semantics 30 permission before feature", allow(`session_token { permissions: "p" features: "f" plans: "l" }`), session(), "PERMISSION_MISSING by 1 permission"},
		{"semantics 30 feature before plan", allow(`session_token { features: "f" plans: "l" }`), session(), "PERMISSION_MISSING by 1 feature"},
		{"semantics 31 stale alone is not hidden", allow(`session_token { `+stale+` }`) + `refusal: NOT_FOUND`, session(), "REVERIFICATION_REQUIRED by 1"},
		{"semantics 31 stale beside another is hidden as the other", allow(`session_token { plans: "pro" `+stale+` }`) + `refusal: NOT_FOUND`, session(), "PERMISSION_MISSING by 1 hidden plan"},
		{"semantics 31 stale alone of the grant told", allow(`session_token { plans: "pro" features: "f" }`, `session_token { `+stale+` }`+onOrg) + `refusal: NOT_FOUND`, session(inOrg("")), "REVERIFICATION_REQUIRED by 2"},
		{"semantics 31 stale is told by default", allow(`session_token { ` + stale + ` }`), session(), "REVERIFICATION_REQUIRED by 1"},
		{"semantics 31 not hidden by default", allow(`session_token { plans: "pro" }`), session(), "PERMISSION_MISSING by 1 plan"},
		{"semantics 31 not hidden by PERMISSION_DENIED", allow(`session_token { plans: "pro" }`) + `refusal: PERMISSION_DENIED`, session(), "PERMISSION_MISSING by 1 plan"},
	})
}

// TestHideable is semantics 31: exactly the reasons with code PermissionDenied, but for RULE_MISSING.
func TestHideable(t *testing.T) {
	t.Parallel()
	hideable := []tokens.Reason{
		tokens.ReasonPermissionMissing, tokens.ReasonScopeMissing, tokens.ReasonReverificationRequired, tokens.ReasonCallerNotAllowed,
		tokens.ReasonImpersonationForbidden, tokens.ReasonOrganizationMismatch, tokens.ReasonResourceMismatch, tokens.ReasonConditionFailed,
	}
	for _, reason := range append(tokens.Reasons(), "", "OTHER") {
		if want := slices.Contains(hideable, reason); policy.Hideable(reason) != want {
			t.Errorf("semantics 31: %s: hideable is %v, want %v", reason, !want, want)
		}
	}
}

// TestMetadata is semantics 30: what is told depends on the rule alone.
func TestMetadata(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, rule string
		facts      *tokens.Facts
		want       map[string]string
	}{
		{"kind", `allow { m2m_token { callers: "*" } } allow { any {} }`, nil, nil},
		{"accepted", `allow { m2m_token { callers: "*" } } allow { api_key {} }`, session(), map[string]string{"accepted": "api_key m2m_token"}},
		{"scopes", `allow { api_key { scopes: ["b", "a"] } }`, factsOf(tokens.APIKey, scoped("secret")), map[string]string{"scopes": "b a"}},
		{"level", `allow { session_token { reverification { preset: STRICT_MFA } } }`, session(), map[string]string{"level": "multi_factor", "minutes": "10"}},
		{"minutes", `allow { session_token { reverification { level: FIRST_FACTOR minutes: 3 } } }`, session(ages(7, 8)), map[string]string{"level": "first_factor", "minutes": "3"}},
		{"caller", `allow { m2m_token { callers: "ledger" } }`, factsOf(tokens.M2MToken), nil},
		{"missing", `allow { session_token { plans: "pro" } }`, session(), map[string]string{"missing": "plan"}},
		{"match", `allow { session_token {} match { field: "user_id" equals: USER_ID } }`, session(), map[string]string{"field": "user_id"}},
	} {
		t.Run("semantics 30 "+test.name, func(t *testing.T) {
			t.Parallel()
			var p *tokens.Principal
			if test.facts != nil {
				p = principal(t, *test.facts)
			}
			d := procedure(t, test.rule).DecideCall(p)
			if d.Denial == nil || len(d.Denial.Metadata) != len(test.want) {
				t.Fatalf("%q with %v, want %v", say(d), d.Denial, test.want)
			}
			for key, want := range test.want {
				if got := d.Denial.Metadata[key]; got != want {
					t.Errorf("%s: got %q, want %q", key, got, want)
				}
			}
		})
	}
	p := procedure(t, `allow { session_token {} match { field: "user_id" equals: USER_ID } }`)
	denials := map[*policy.Denial]bool{}
	for _, user := range []string{"user_1", "user_2"} {
		caller := principal(t, *session(func(f *tokens.Facts) { f.UserID = user }))
		denials[p.DecideMessage(p.DecideCall(caller), caller, request(t, `user_id: "secret`+user+`"`)).Denial] = true
	}
	if len(denials) != 1 {
		t.Errorf("semantics 30: two callers and requests are told %d different things", len(denials))
	}
}

// TestNotFound is semantics 31: a handler can say what a hidden refusal says.
func TestNotFound(t *testing.T) {
	t.Parallel()
	if !policy.IsNotFound(fmt.Errorf("wrapped: %w", policy.NotFound())) || policy.IsNotFound(nil) || policy.IsNotFound(fmt.Errorf("not found")) {
		t.Error("semantics 31: IsNotFound takes something else for NotFound, or does not see it")
	}
}

// TestOwnRule: the rule that a procedure tells is a copy.
func TestOwnRule(t *testing.T) {
	t.Parallel()
	p := procedure(t, `allow { session_token { plans: "pro" } } handler: "who may see drafts"`)
	rule := p.Rule()
	proto.Reset(rule)
	if p.Rule().GetHandler() != "who may see drafts" || p.Handler() != "who may see drafts" {
		t.Error("changing the rule that was returned changed the procedure")
	}
	if got := say(p.DecideCall(principal(t, *session()))); got != "PERMISSION_MISSING by 1 plan" {
		t.Errorf("semantics 33: with a handler's part: %q", got)
	}
}
