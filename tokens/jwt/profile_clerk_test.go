// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

const (
	clerkSession  = "cl_B7d4PD111AAA"
	clerkTemplate = "cl_B7d4PD222AAA"
	clerkMachine  = "cl_B7d4PD333AAA"
	clerkNone     = "cl_I7d4PD111III"

	origin = "https://app.example.com"
)

func clerk() product {
	return product{
		name: "clerk", profile: jwt.Clerk([]string{origin}), issuer: "https://clerk.example.com", audiences: []string{api, "mch_us"},
		good: map[tokens.Kind]sample{
			tokens.SessionToken: {map[string]any{"typ": "JWT", "cat": clerkSession}, map[string]any{
				"sub": "user_1", "sid": "sess_1", "azp": origin, "v": 2, "fea": "o:invoices",
				"o": map[string]any{"id": "org_1", "rol": "admin", "per": "read,write", "fpm": "1"},
			}},
			tokens.OAuthToken: {map[string]any{"typ": "at+jwt"}, map[string]any{
				"sub": "user_1", "client_id": "client_1", "aud": api, "jti": "oat_1", "scope": "email profile",
			}},
			tokens.M2MToken: {map[string]any{"typ": "JWT", "cat": clerkMachine}, map[string]any{
				"sub": "mch_them", "aud": []string{"mch_us", "mch_other"}, "jti": "mt_1",
			}},
		},
	}
}

func TestClerk(t *testing.T) {
	t.Parallel()
	p := clerk()
	user, machine := p.good[tokens.OAuthToken], p.good[tokens.M2MToken]
	good := isMachine("mch_them", "mch_them", "mch_us", "mch_other")
	checkProfile(t, p, []profileCase{
		{"user", user, isUser("user_1", "client_1", "email", "profile")},
		{"user whose category says nothing", user.headed("cat", clerkNone), isUser("user_1", "client_1", "email", "profile")},
		{"user in the category of sessions", user.headed("cat", clerkSession), nil},
		{"user without jti", user.with(map[string]any{"jti": nil}), nil},
		{"machine", machine, good},
		{"machine without a category", machine.headed("cat", nil), good},
		{"machine for us alone", machine.with(map[string]any{"aud": "mch_us"}), isMachine("mch_them", "mch_them", "mch_us")},
		{"machine with scopes", machine.with(map[string]any{"scopes": "mch_us a"}), isMachine("mch_them", "mch_them", "mch_us", "a")},
		{"machine with scopes instead of an audience", machine.with(map[string]any{"aud": nil, "scopes": "mch_us mch_other"}), good},
		{"machine for another by its scopes", machine.with(map[string]any{"aud": nil, "scopes": "mch_other"}), nil},
		{"machine for another by its audience", machine.with(map[string]any{"aud": "mch_other", "scopes": "mch_us"}), nil},
		{"machine for nobody", machine.with(map[string]any{"aud": nil, "scopes": ""}), nil},
		{"machine with scopes that are none", machine.with(map[string]any{"scopes": "mch_us  mch_other"}), nil},
		{"machine with scopes of another type", machine.with(map[string]any{"scopes": 1}), nil},
		{"machine with an audience that is no scope", machine.with(map[string]any{"aud": []string{"mch_us", "a b"}}), nil},
		{"machine whose category says nothing", machine.headed("cat", clerkNone), nil},
		{"SEC-85 machine in the category of templates", machine.headed("cat", clerkTemplate), nil},
		{"SEC-85 machine in the category of sessions", machine.headed("cat", clerkSession), nil},
		{"SEC-85 a session that is a machine", machine.headed("cat", clerkSession).with(map[string]any{"sid": "sess_1", "azp": origin}), nil},
		{"SEC-84 machine with the type of an access token", machine.headed("cat", nil).typed("at+jwt"), nil},
		{"SEC-84 user with the subject of a machine", user.with(map[string]any{"sub": "mch_1"}), nil},
	})
}

func TestClerkSessions(t *testing.T) {
	t.Parallel()
	p := clerk()
	session := p.good[tokens.SessionToken]
	good := func(p *tokens.Principal) bool {
		return p.Kind() == tokens.SessionToken && p.UserID() == "user_1" && p.ID() == "sess_1" &&
			p.Has(tokens.Role("org:admin"), tokens.Permission("org:invoices:read"))
	}
	checkProfile(t, p, []profileCase{
		{"session", session, good},
		{"session with claims of an application", session.with(map[string]any{"nonce": "1", "events": 2}), good},
		{"no category", session.headed("cat", nil), nil},
		{"category that says nothing", session.headed("cat", clerkNone), nil},
		{"SEC-85 template", session.headed("cat", clerkTemplate), nil},
		{"SEC-85 template without a session", session.headed("cat", clerkTemplate).with(map[string]any{"sid": nil}), nil},
		{"SEC-85 machine's category", session.headed("cat", clerkMachine), nil},
		{"empty category", session.headed("cat", ""), nil},
		{"category is a list", session.headed("cat", []string{clerkSession}), nil},
		{"no session", session.with(map[string]any{"sid": nil}), nil},
		{"no typ", session.typed(nil), nil},
		{"SEC-81 typ of access tokens", session.typed("at+jwt"), nil},
		{"other party", session.with(map[string]any{"azp": "https://evil.example.com"}), nil},
		{"an audience as the party", session.with(map[string]any{"azp": api}), nil},
		{"a party as the audience of an access token", p.good[tokens.OAuthToken].with(map[string]any{"aud": origin}), nil},
		{"other issuer", session.with(map[string]any{"iss": "https://other.example.com"}), nil},
	})
	iss, keys := newIssuer(t)
	refused(t, p.verifier(keys), p.mint(iss, session.with(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})), tokens.ReasonTokenExpired)
	alone := p
	alone.audiences, alone.profile = nil, p.profile.Only(tokens.SessionToken)
	accepted(t, alone.verifier(keys), p.mint(iss, session))
}
