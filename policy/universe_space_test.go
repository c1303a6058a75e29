// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/policy/internal/oracle"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// A caller of the universe, once for the oracle and once for package policy. Both are nil for the anonymous caller.
type caller struct {
	plain     *oracle.Caller
	principal *tokens.Principal
}

var kinds = map[string]tokens.Kind{
	"session_token": tokens.SessionToken, "oauth_token": tokens.OAuthToken, "api_key": tokens.APIKey, "m2m_token": tokens.M2MToken,
}

func callerOf(t testing.TB, c oracle.Caller) caller {
	t.Helper()
	if c.Subject == "" {
		c.Subject = "subject"
	}
	facts := tokens.Facts{
		Kind: kinds[c.Kind], Subject: c.Subject, UserID: c.UserID, Organization: tokens.Organization{ID: c.OrgID, Slug: c.OrgSlug, Role: c.Role},
		Permissions: c.Permissions, Features: c.Features, Plans: c.Plans, Scopes: c.Scopes,
		ClientName: c.Client, CallerName: c.Name, Pending: c.Pending,
	}
	if c.Impersonated {
		facts.Actor = &tokens.Actor{Subject: "admin"}
	}
	if c.Ages != nil {
		facts.Verification = &tokens.Verification{First: minutes(c.Ages.First), Second: minutes(c.Ages.Second)}
	}
	return caller{plain: &c, principal: principal(t, facts)}
}

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

// callers are every caller of the call phase, the anonymous one first.
func callers(t testing.TB) []caller {
	t.Helper()
	list := []caller{{}}
	for _, plain := range sessions() {
		list = append(list, callerOf(t, plain))
	}
	for _, plain := range oddSessions() {
		list = append(list, callerOf(t, plain))
	}
	for _, plain := range machines() {
		list = append(list, callerOf(t, plain))
	}
	return list
}

// sessions has every combination of the facts that a session grant can demand.
func sessions() []oracle.Caller {
	list := []oracle.Caller{
		{Kind: "session_token", UserID: "user_1"},
		{Kind: "session_token", UserID: "user_1", OrgID: "org_1", OrgSlug: "one"},
		{Kind: "session_token", UserID: "user_1", OrgID: "org_1", OrgSlug: "one", Role: "org:admin"},
	}
	cross := func(change func(*oracle.Caller)) {
		for _, c := range list {
			change(&c)
			list = append(list, c)
		}
	}
	cross(func(c *oracle.Caller) { c.Permissions = []string{"org:p"} })
	cross(func(c *oracle.Caller) { c.Features = []string{"o:f"} })
	cross(func(c *oracle.Caller) { c.Plans = []string{"u:pro"} })
	cross(func(c *oracle.Caller) { c.Pending = true })
	cross(func(c *oracle.Caller) { c.Impersonated = true })
	withoutAges := len(list)
	cross(func(c *oracle.Caller) { c.Ages = &oracle.Ages{} })
	for _, c := range list[:withoutAges] {
		c.Ages = &oracle.Ages{First: 30, Second: 30}
		list = append(list, c)
	}
	return list
}

// oddSessions has the spellings and the shapes that the combinations leave out.
func oddSessions() []oracle.Caller {
	list := []oracle.Caller{
		{},
		{OrgID: "org_1"}, // without slug and user
		{OrgID: "org_2", OrgSlug: "two", UserID: "user_2", Role: "org:admin", Permissions: []string{"org:p"}},
		{OrgID: "org_1", Role: "admin", Permissions: []string{"p", "org:q"}}, // held permissions are taken as they are
		{OrgID: "org_1", Role: "org:org:admin", Permissions: []string{"org:p", "org:q"}},
		{OrgID: "org_1", Role: "org:member", Permissions: []string{"org:q"}},
		{Permissions: []string{"org:p", "org:q"}}, // without an organization
		{Features: []string{"u:f"}, Plans: []string{"o:pro"}},
		{Features: []string{"uo:f", "o:g"}, Plans: []string{"ou:pro"}},
		{Features: []string{"o:g", "u:f"}, Plans: []string{"u:free"}},
	}
	for _, ages := range []oracle.Ages{
		{First: 0, Second: -1}, {First: -1, Second: 0}, {First: -1, Second: -1}, {First: 5, Second: 30}, {First: 30, Second: 5},
		{First: 10, Second: 9}, {First: 9, Second: 10}, {First: 59, Second: 60}, {First: 1439, Second: 1440}, {First: 1440, Second: 1439},
	} {
		list = append(list, oracle.Caller{UserID: "user_1", OrgID: "org_1", Ages: &ages})
	}
	for i := range list {
		list[i].Kind = "session_token"
	}
	return list
}

func machines() []oracle.Caller {
	var list []oracle.Caller
	for _, scopes := range [][]string{nil, {"a"}, {"b"}, {"b", "a"}} {
		for _, name := range []string{"", "ledger", "mail", "*"} {
			for _, user := range []string{"", "user_1"} {
				list = append(list, oracle.Caller{Kind: "oauth_token", Scopes: scopes, Client: name, UserID: user})
			}
			list = append(list, oracle.Caller{Kind: "m2m_token", Scopes: scopes, Name: name}, oracle.Caller{
				Kind: "m2m_token", Scopes: scopes, Name: name, UserID: "user_1", OrgID: "org_1",
			})
		}
		for _, owner := range []oracle.Caller{
			{Subject: "user_1", UserID: "user_1"},
			{Subject: "org_1", OrgID: "org_1"},
			{Subject: "user_1", UserID: "user_1", OrgID: "org_1"},
			{Subject: "org_1", UserID: "user_1", OrgID: "org_1"},
			{Subject: "key", UserID: "user_1", OrgID: "org_1"},
			{Subject: "key"},
		} {
			owner.Kind, owner.Scopes = "api_key", scopes
			list = append(list, owner)
		}
	}
	for i := range list { // a name left unset is the id: here an id that no rule names
		if list[i].Kind == "m2m_token" && list[i].Name == "" {
			list[i].Name, list[i].Subject = "machine", "machine"
		}
	}
	return list
}

// singleGrants has every shape of one grant, as text.
func singleGrants() []string {
	session := []string{""}
	for _, part := range []string{
		`roles: "admin"`, `permissions: "p"`, `features: "f"`, `plans: "pro"`, `reverification { preset: STRICT }`, `allow_pending: true`,
		`forbid_impersonation: true`, `personal: true`,
	} {
		for _, s := range session {
			if part == `personal: true` && (strings.Contains(s, "roles") || strings.Contains(s, "permissions")) {
				continue
			}
			session = append(session, s+" "+part)
		}
	}
	var grants []string
	add := func(credential string, matches ...string) {
		for _, match := range append(matches, "") {
			grants = append(grants, credential+" "+match)
		}
	}
	const onOrganization = `match { field: "organization_id" equals: ORGANIZATION_ID }`
	const onSlug = `match { field: "slug" equals: ORGANIZATION_SLUG }`
	const onUser = `match { field: "user_id" equals: USER_ID absent: ADMITTED }`
	for _, s := range session {
		if strings.Contains(s, "personal") {
			add("session_token {"+s+"}", onUser)
			continue
		}
		add("session_token {"+s+"}", onOrganization, onUser, onSlug+onUser)
	}
	for _, scopes := range []string{"", `scopes: "a"`, `scopes: ["a", "b"]`} {
		for _, names := range []string{"", `"*"`, `"ledger"`, `["mail", "ledger"]`} {
			if scopes+names == "" {
				continue
			}
			clients, machines := "", ""
			if names != "" {
				clients, machines = " clients: "+names, " callers: "+names
			}
			add("oauth_token {"+scopes+clients+"}", onUser)
			add("m2m_token {"+scopes+machines+"}", onUser, onOrganization)
		}
		add("api_key {"+scopes+"}", onUser, onOrganization)
		add("api_key {"+scopes+" owner: USER}", onUser)
		add("api_key {"+scopes+" owner: ORGANIZATION}", onUser, onOrganization)
	}
	add("any {}", onUser, onUser+onUser)
	return grants
}

// representatives are grants of which every ordered pair is tried: of each kind the lightest and the heaviest, each reason alone, and
// each that a match can join. None contradicts a match on the user.
func representatives() []string {
	const onOrganization = `match { field: "organization_id" equals: ORGANIZATION_ID }`
	const onUser = `match { field: "user_id" equals: USER_ID }`
	return []string{
		`session_token {}`, `session_token { roles: ["owner", "org:admin"] }`, `session_token { permissions: ["p", "q"] }`,
		`session_token { roles: "admin" permissions: "org:p" features: "o:f" plans: ["team", "pro"] }`, `session_token { features: ["user:f", "g"] }`,
		`session_token { plans: "organization:pro" }`, `session_token { reverification { level: MULTI_FACTOR minutes: 10 } }`,
		`session_token { reverification { level: FIRST_FACTOR minutes: 60 } permissions: "p" }`,
		`session_token { reverification { preset: LAX } allow_pending: true }`, `session_token { reverification { preset: STRICT_MFA } }`,
		`session_token { allow_pending: true }`, `session_token { forbid_impersonation: true }`, `session_token { personal: true }`,
		`session_token {} ` + onOrganization, `session_token { permissions: "p" } unmatched: true`,
		`session_token { allow_pending: true roles: "admin" } unmatched: true ` + onOrganization,
		`oauth_token { scopes: "a" }`, `oauth_token { clients: "ledger" }`, `oauth_token { scopes: ["a", "b"] clients: "*" } unmatched: true`,
		`api_key {}`, `api_key { owner: USER }`, `api_key { scopes: "b" owner: ORGANIZATION } ` + onOrganization, `api_key { scopes: "a" } unmatched: true`,
		`m2m_token { callers: "*" }`, `m2m_token { callers: ["mail", "ledger"] scopes: "a" }`, `m2m_token { scopes: "b" } unmatched: true`,
		`any {}`, `any {} unmatched: true`, `any {} ` + onUser,
	}
}

// A message of the universe, once for each side.
type message struct {
	plain  oracle.Message
	actual proto.Message
}

func grantRule(t testing.TB, rest string, grants ...string) *admitv1.Rule {
	t.Helper()
	var b strings.Builder
	for _, g := range grants {
		b.WriteString("allow { " + g + " } ")
	}
	return parse(t, b.String()+rest, &admitv1.Rule{})
}
