// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

func TestClerkLegacyClass(t *testing.T) {
	t.Parallel()
	p := clerk()
	p.profile = jwt.Clerk([]string{origin}, jwt.WithInsecureLegacyClass())
	session, user, machine := p.good[tokens.SessionToken], p.good[tokens.OAuthToken], p.good[tokens.M2MToken]
	good := func(p *tokens.Principal) bool { return p.Kind() == tokens.SessionToken && p.ID() == "sess_1" }
	checkProfile(t, p, []profileCase{
		{"session", session, good},
		{"no category", session.headed("cat", nil), good},
		{"category that says nothing", session.headed("cat", clerkNone), good},
		{"no category and no session", session.headed("cat", nil).with(map[string]any{"sid": nil}), nil},
		{"no category and no typ", session.headed("cat", nil).typed(nil), nil},
		{"no category and another party", session.headed("cat", nil).with(map[string]any{"azp": api}), nil},
		{"SEC-85 template", session.headed("cat", clerkTemplate), nil},
		{"SEC-85 machine's category", session.headed("cat", clerkMachine), nil},
		{"empty category", session.headed("cat", ""), nil},
		{"user in the category of sessions", user.headed("cat", clerkSession), nil},
		{"machine whose category says nothing", machine.headed("cat", clerkNone), nil},
		{"machine without a category", machine.headed("cat", nil), isMachine("mch_them", "mch_them", "mch_us", "mch_other")},
	})
}

func TestClerkAnyReceiver(t *testing.T) {
	t.Parallel()
	p := clerk()
	p.profile = jwt.Clerk([]string{origin}, jwt.WithInsecureAnyReceiver())
	session, user, machine := p.good[tokens.SessionToken], p.good[tokens.OAuthToken], p.good[tokens.M2MToken]
	checkProfile(t, p, []profileCase{
		{"for us", machine, isMachine("mch_them", "mch_them", "mch_us", "mch_other")},
		{"for another", machine.with(map[string]any{"aud": "mch_other"}), isMachine("mch_them", "mch_them", "mch_other")},
		{"for another by scopes", machine.with(map[string]any{"aud": nil, "scopes": "mch_other"}), isMachine("mch_them", "mch_them", "mch_other")},
		{"for nobody", machine.with(map[string]any{"aud": nil}), isMachine("mch_them", "mch_them")},
		{"for what is no text", machine.with(map[string]any{"aud": 1, "scopes": "mch_us"}), nil},
		{"for an empty text", machine.with(map[string]any{"aud": []string{""}, "scopes": "mch_us"}), nil},
		{"in the category of sessions", machine.headed("cat", clerkSession), nil},
		{"application for another", user.with(map[string]any{"aud": "mch_other"}), nil},
		{"session of another party", session.with(map[string]any{"azp": api}), nil},
	})
}

func TestClerkSessionAudiences(t *testing.T) {
	t.Parallel()
	good := func(p *tokens.Principal) bool { return p.Kind() == tokens.SessionToken && p.UserID() == "user_1" }
	for name, test := range map[string]struct {
		parties []string
		cases   func(s sample) []profileCase
	}{
		"beside parties": {[]string{origin}, func(s sample) []profileCase {
			return []profileCase{
				{"party and no audience", s, good},
				{"party and audience", s.with(map[string]any{"aud": []string{"x", api}}), good},
				{"party and another audience", s.with(map[string]any{"aud": "x"}), nil},
				{"another party and our audience", s.with(map[string]any{"azp": "x", "aud": api}), nil},
				{"our audience as the party", s.with(map[string]any{"azp": api}), nil},
				{"no party and our audience", s.with(map[string]any{"azp": nil, "aud": api}), good},
				{"no party and a party as the audience", s.with(map[string]any{"azp": nil, "aud": origin}), nil},
				{"neither", s.with(map[string]any{"azp": nil}), nil},
				{"audience of another type", s.with(map[string]any{"aud": 1}), nil},
				{"party of another type", s.with(map[string]any{"azp": 1, "aud": api}), nil},
			}
		}},
		"alone": {nil, func(s sample) []profileCase {
			return []profileCase{
				{"no audience", s, nil},
				{"audience", s.with(map[string]any{"aud": api}), good},
				{"audience and no party", s.with(map[string]any{"azp": nil, "aud": api}), good},
				{"another audience", s.with(map[string]any{"aud": "x"}), nil},
				{"our audience as the party", s.with(map[string]any{"azp": api}), nil},
				{"party of another type", s.with(map[string]any{"azp": 1, "aud": api}), nil},
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := clerk()
			p.profile = jwt.Clerk(test.parties, jwt.WithSessionAudiences(api))
			checkProfile(t, p, test.cases(p.good[tokens.SessionToken]))
		})
	}
}

func TestClerkOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, keys := newIssuer(t)
	for name, opts := range map[string][]jwt.ClerkOption{
		"nil": {nil}, "no audience": {jwt.WithSessionAudiences()}, "an empty audience": {jwt.WithSessionAudiences(api, "")},
	} {
		if _, err := jwt.NewIssuerVerifier("https://clerk.example.com", nil, jwt.Clerk([]string{origin}, opts...).Only(tokens.SessionToken), keys); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := jwt.NewIssuerVerifier("https://clerk.example.com", nil, jwt.Clerk(nil, jwt.WithInsecureLegacyClass()).Only(tokens.SessionToken), keys); err == nil {
		t.Error("no parties")
	}
}
