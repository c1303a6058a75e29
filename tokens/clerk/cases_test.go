// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/clerk"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// The cases that Clerk's own tests make of its middleware, by the numbers that package jwt gives them: those that are about the verification
// of machines by the Backend API, and those about options of an instance. Where Admit answers otherwise, the name says so with the number
// of docs/clerk-deviations.md.
var cases = []struct {
	number int
	name   string
	test   func(t *testing.T, b *backend, c caller)
}{
	{1, "a prefix is a kind", func(t *testing.T, _ *backend, c caller) {
		for text, kind := range map[string]tokens.Kind{
			"mt_x": tokens.M2MToken, "oat_x": tokens.OAuthToken, "ak_x": tokens.APIKey, "ak_": tokens.APIKey, "ak_a.b.c": tokens.APIKey,
		} {
			if form, _, ok := c.table.Classify(text); !ok || form.Kind != kind {
				t.Errorf("%s is %s", text, form)
			}
		}
	}},
	{2, "at+jwt is an OAuth token, JWT is not", func(t *testing.T, b *backend, c caller) {
		c.takes(t, b.oauth(nil), tokens.OAuthToken)
		c.takes(t, b.sign(map[string]any{"typ": "application/at+jwt"}, map[string]any{"sub": "user_1", "client_id": "c", "aud": ours, "jti": "j"}, nil),
			tokens.OAuthToken)
		c.refuses(t, b.sign(map[string]any{"typ": "JWT"}, map[string]any{"sub": "user_1", "client_id": "c", "aud": ours, "jti": "j"}, nil),
			tokens.ReasonTokenInvalid)
	}},
	{3, "a subject mch_ is a machine's", func(t *testing.T, b *backend, c caller) {
		c.takes(t, b.machine(nil, nil), tokens.M2MToken)
		c.takes(t, b.session(nil), tokens.SessionToken)
	}},
	{4, "other texts have no form, deviation 2", func(t *testing.T, b *backend, c caller) {
		for _, text := range []string{"", "unknown_prefix_token", "M2M_token_value", "OAUTH_token", "API_KEY_x", "AK_x", " ak_x", "api_key_x"} {
			c.refuses(t, text, tokens.ReasonTokenInvalid)
		}
	}},
	{6, "at+jwt without a subject that is a text", func(t *testing.T, b *backend, c caller) {
		for _, sub := range []any{nil, 123, map[string]any{}} {
			c.refuses(t, b.oauth(map[string]any{"sub": sub}), tokens.ReasonTokenInvalid)
		}
	}},
	{13, "another authorized party", func(t *testing.T, b *backend, c caller) {
		c.refuses(t, b.session(map[string]any{"azp": "https://whatever.example"}), tokens.ReasonTokenInvalid)
	}},
	{15, "a key set of nothing", func(t *testing.T, b *backend, _ caller) {
		empty := instance(t, b.all(clerk.WithHTTPClient(&http.Client{Transport: answers(func(*http.Request) (int, string) { return 200, "{}" })}))...)
		callerOf(t, empty).refuses(t, b.session(nil), tokens.ReasonVerifierUnavailable)
	}},
	{17, "the category of templates is no session", func(t *testing.T, b *backend, c caller) {
		c.refuses(t, b.headed("cat", catOfTemplates, nil), tokens.ReasonTokenInvalid)
	}},
	{19, "an opaque token of each kind", func(t *testing.T, b *backend, c caller) {
		for _, o := range opaque {
			b.says(o.token, 200, object(o.good))
			c.takes(t, o.token, o.kind)
		}
	}},
	{20, "an opaque token that the API does not know", func(t *testing.T, b *backend, c caller) {
		for _, o := range opaque {
			_, err := c.present(t, trimmed(o.token)+"x")
			if tokens.ReasonOf(err) != tokens.ReasonTokenInvalid || !strings.Contains(err.Error(), o.notFound) {
				t.Errorf("%v", err)
			}
		}
	}},
	{21, "the machine's secret key is used where it is given", func(t *testing.T, b *backend, _ caller) {
		c := callerOf(t, instance(t, b.all(clerk.WithMachineSecretKey(machineSecretKey))...))
		b.says("mt_21", 200, object(goodMachine))
		c.takes(t, "mt_21", tokens.M2MToken)
		requests := b.requests("/m2m_tokens/verify")
		if key := requests[len(requests)-1].header.Get("Authorization"); key != "Bearer "+machineSecretKey {
			t.Error("another key")
		}
	}},
	{22, "M2M tokens without any secret", func(t *testing.T, _ *backend, _ caller) {
		if _, err := clerk.New(publishableKey(host), "", clerk.WithKinds(tokens.M2MToken), clerk.WithMachineID(us)); err == nil {
			t.Error("it is made")
		}
	}},
	{23, "all kinds, opaque and JWT", func(t *testing.T, b *backend, c caller) {
		for _, o := range opaque {
			b.says(o.token, 200, object(o.good))
			c.takes(t, o.token, o.kind)
		}
		c.takes(t, b.session(nil), tokens.SessionToken)
		c.takes(t, b.oauth(nil), tokens.OAuthToken)
		c.takes(t, b.machine(catOfMachines, nil), tokens.M2MToken)
	}},
	{24, "a token given to the verifier of another kind asks nobody", func(t *testing.T, b *backend, c caller) {
		for _, o := range opaque {
			_, of, _ := c.table.Classify(o.token)
			for _, other := range opaque {
				for _, form := range []tokens.Form{{}, {Kind: o.kind, Prefix: "x"}} {
					if other.kind == o.kind {
						continue
					}
					_, err := of.Verify(t.Context(), tokens.Credential{Secret: tokens.NewSecret(trimmed(other.token) + "24"), Form: form})
					if tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
						t.Errorf("%s to %s: %v", other.kind, o.kind, err)
					}
				}
			}
			_, err := of.Verify(t.Context(), tokens.Credential{Secret: tokens.NewSecret(o.token + "24"), Form: tokens.Form{Kind: tokens.SessionToken}})
			if tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
				t.Errorf("%s that was classified as a session: %v", o.kind, err)
			}
			for _, a := range b.requests(o.path) {
				if strings.Contains(a.body, trimmed(o.token)+"24") {
					t.Error("the API was asked")
				}
			}
		}
	}},
	{31, "the category of machines is no session, before keys are asked for", func(t *testing.T, b *backend, _ caller) {
		fresh := newBackend(t)
		c := callerOf(t, instance(t, fresh.all()...))
		c.refuses(t, fresh.headed("cat", catOfMachines, nil), tokens.ReasonTokenInvalid)
		if len(fresh.requests("/v1/jwks")) != 0 {
			t.Error("keys were asked for")
		}
	}},
	{32, "a skew of nothing counts, and 5 seconds is the default", func(t *testing.T, b *backend, c caller) {
		strict := callerOf(t, instance(t, b.all(clerk.WithClockSkew(0))...))
		past := map[string]any{"exp": time.Now().Add(-2 * time.Second).Unix()}
		for _, token := range []string{b.session(past), b.oauth(past), b.machine(catOfMachines, past)} {
			strict.refuses(t, token, tokens.ReasonTokenExpired)
			if _, err := c.present(t, token); err != nil {
				t.Error(err)
			}
		}
	}},
	{37, "azp", func(t *testing.T, b *backend, c caller) {
		for _, azp := range []any{nil, "", "https://other.example", origin + "/"} {
			c.refuses(t, b.session(map[string]any{"azp": azp}), tokens.ReasonTokenInvalid)
		}
		c.takes(t, b.session(nil), tokens.SessionToken)
	}},
	{39, "at+jwt", func(t *testing.T, b *backend, c caller) {
		p := c.takes(t, b.oauth(nil), tokens.OAuthToken)
		if p.ID() != "oat_id" || p.ClientID() != "client_1" || !slices.Equal(p.Scopes(), []string{"email", "profile"}) {
			t.Errorf("%v %q %q", p, p.ClientID(), p.Scopes())
		}
	}},
	{40, "at+jwt without an algorithm, and expired", func(t *testing.T, b *backend, c caller) {
		c.refuses(t, b.sign(map[string]any{"typ": "at+jwt", "alg": "none"}, map[string]any{"sub": "u"}, nil), tokens.ReasonTokenInvalid)
		c.refuses(t, b.oauth(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}), tokens.ReasonTokenExpired)
	}},
	{41, "a machine's JWT, with and without cat", func(t *testing.T, b *backend, c caller) {
		for _, cat := range []any{catOfMachines, nil} {
			p := c.takes(t, b.machine(cat, map[string]any{"scopes": us + " a"}), tokens.M2MToken)
			if !slices.Equal(p.Scopes(), []string{us, "a"}) {
				t.Errorf("%q", p.Scopes())
			}
		}
	}},
	{42, "a machine's JWT of another category, before keys are asked for", func(t *testing.T, _ *backend, _ caller) {
		fresh := newBackend(t)
		c := callerOf(t, instance(t, fresh.all()...))
		for _, cat := range []string{catOfSessions, catOfTemplates, "cl_unknown"} {
			c.refuses(t, fresh.machine(cat, nil), tokens.ReasonTokenInvalid)
		}
		if len(fresh.requests("/v1/jwks")) != 0 {
			t.Error("keys were asked for")
		}
	}},
	{43, "404 and 500, deviation 3", func(t *testing.T, b *backend, c caller) {
		for _, o := range opaque {
			c.refuses(t, trimmed(o.token)+"43", tokens.ReasonTokenInvalid)
			b.says(trimmed(o.token)+"44", 500, "")
			c.refuses(t, trimmed(o.token)+"44", tokens.ReasonVerifierUnavailable)
		}
	}},
	{44, "keys are fetched once", func(t *testing.T, _ *backend, _ caller) {
		fresh := newBackend(t)
		c := callerOf(t, instance(t, fresh.all()...))
		for range 3 {
			c.takes(t, fresh.session(nil), tokens.SessionToken)
			c.takes(t, fresh.machine(catOfMachines, nil), tokens.M2MToken)
		}
		requests := fresh.requests("/v1/jwks")
		if len(requests) != 1 || requests[0].header.Get("Authorization") != "Bearer "+secretKey {
			t.Errorf("%d requests, or one without the key", len(requests))
		}
	}},
	{47, "a key that one secret key gets is not another's", func(t *testing.T, b *backend, c caller) {
		c.takes(t, b.session(nil), tokens.SessionToken)
		other, err := clerk.New(publishableKey(host), "sk_test_canaryOfAnother", b.all()...)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		callerOf(t, other).refuses(t, b.session(nil), tokens.ReasonVerifierUnavailable)
	}},
	{48, "the same kid and another PEM", func(t *testing.T, b *backend, _ caller) {
		another := newBackendWithKeys(t, tokenstest.NewIssuer(t))
		mine, theirs := instance(t, b.all(clerk.WithJWTKey(b.publicPEM(t)))...), instance(t, b.all(clerk.WithJWTKey(another.publicPEM(t)))...)
		callerOf(t, mine).takes(t, b.session(nil), tokens.SessionToken)
		callerOf(t, mine).refuses(t, another.session(nil), tokens.ReasonTokenInvalid)
		callerOf(t, theirs).takes(t, another.session(nil), tokens.SessionToken)
		callerOf(t, theirs).refuses(t, b.session(nil), tokens.ReasonTokenInvalid)
	}},
	{63, "machines hold nothing", func(t *testing.T, b *backend, c caller) {
		for _, o := range opaque {
			b.says(o.token, 200, object(o.good))
			if p := c.takes(t, o.token, o.kind); p.Has() || p.Has(tokens.Role("admin")) {
				t.Errorf("%s", o.kind)
			}
		}
	}},
}

// trimmed is a token to which something can be added.
func trimmed(token string) string { return strings.TrimRight(token, "=") }

func TestCases(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	c := callerOf(t, instance(t, b.all()...))
	for _, test := range cases {
		t.Run(fmt.Sprintf("case %d %s", test.number, test.name), func(t *testing.T) {
			t.Parallel()
			test.test(t, b, c)
		})
	}
}

// The classes of sessions, by the header cat.
func TestSection1_3Classes(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	strict := callerOf(t, instance(t, b.all()...))
	legacy := callerOf(t, instance(t, b.all(clerk.WithInsecureLegacyClass())...))
	for name, test := range map[string]struct {
		cat            any
		strict, legacy bool
	}{
		"sessions":     {catOfSessions, true, true},
		"absent":       {nil, false, true},
		"says nothing": {catOfNothing, false, true},
		"templates":    {catOfTemplates, false, false},
		"machines":     {catOfMachines, false, false},
		"unknown":      {"cl_unknown", false, false},
		"empty":        {"", false, false},
		"a list":       {[]string{catOfSessions}, false, false},
	} {
		for c, taken := range map[caller]bool{strict: test.strict, legacy: test.legacy} {
			if _, err := c.present(t, b.headed("cat", test.cat, nil)); (err == nil) != taken {
				t.Errorf("§1.3 %s: %v", name, err)
			}
			c.refuses(t, b.headed("cat", test.cat, map[string]any{"sid": nil}), tokens.ReasonTokenInvalid)
			c.refuses(t, b.headed("cat", test.cat, map[string]any{"sub": "mch_them", "aud": "x"}), tokens.ReasonTokenInvalid)
		}
	}
}

// For whom a session was made.
func TestSection3_1AudienceAndParty(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	configured := map[string]caller{}
	for name, opts := range map[string][]clerk.Option{
		"both": b.all(), "parties": {clerk.WithAPIURL(b.URL), clerk.WithAuthorizedParties(origin)},
		"audience": {clerk.WithAPIURL(b.URL), clerk.WithAudience(ours)},
	} {
		configured[name] = callerOf(t, instance(t, opts...))
	}
	for _, test := range []struct {
		azp, aud any
		taken    string
	}{
		{origin, nil, "both parties"},
		{origin, ours, "both parties audience"},
		{origin, []string{"x", ours}, "both parties audience"},
		{origin, "https://other.example", "parties"},
		{"https://evil.example", nil, ""},
		{"https://evil.example", ours, "audience"},
		{nil, ours, "both audience"},
		{nil, origin, "parties"},
		{nil, nil, ""},
		{ours, nil, ""},
		{"", ours, ""},
		{7, ours, ""},
		{origin, 7, ""},
		{origin, "", ""},
		{origin, []any{ours, 7}, ""},
	} {
		token := b.session(map[string]any{"azp": test.azp, "aud": test.aud})
		for name, c := range configured {
			_, err := c.present(t, token)
			if taken := slices.Contains(strings.Fields(test.taken), name); (err == nil) != taken {
				t.Errorf("§3.1 azp %v, aud %v with %s: %v", test.azp, test.aud, name, err)
			}
		}
	}
}
