// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func (prefixed) Verify(context.Context, tokens.Credential) (*tokens.Principal, error) {
	return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("not asked here"))
}

// clerkCredentialCases are those of classification and of the header.
var clerkCredentialCases = []clerkCase{
	{1, "a prefix is a kind", func(t *testing.T, w *clerkWorld) {
		for text, kind := range map[string]tokens.Kind{
			"mt_x": tokens.M2MToken, "oat_x": tokens.OAuthToken, "ak_x": tokens.APIKey, "ak_": tokens.APIKey, "ak_a.b.c": tokens.APIKey,
		} {
			if got := w.classified(text); got != kind {
				t.Errorf("%s is %s", text, got)
			}
		}
	}},
	{2, "at+jwt is an OAuth token, JWT is not", func(t *testing.T, w *clerkWorld) {
		for typ, kind := range map[string]tokens.Kind{
			"at+jwt": tokens.OAuthToken, "application/at+jwt": tokens.OAuthToken, "JWT": tokens.SessionToken,
		} {
			if got := w.classified(w.oauth(typ, nil)); got != kind {
				t.Errorf("%s is %s", typ, got)
			}
		}
		// Without the category that marks a session, it is only taken for one.
		w.refuses(t, w.oauth("JWT", nil), tokens.ReasonTokenInvalid)
	}},
	{3, "a subject mch_ is a machine's", func(t *testing.T, w *clerkWorld) {
		w.takes(t, w.machine(catOfMachines, nil), tokens.M2MToken)
		w.takes(t, w.session(nil), tokens.SessionToken)
		if got := w.classified(w.oauth("at+jwt", map[string]any{"sub": "mch_1"})); got != tokens.M2MToken {
			t.Errorf("a machine's subject with at+jwt is %s", got)
		}
	}},
	{4, "other texts have no form, deviation 2", func(t *testing.T, w *clerkWorld) {
		for _, text := range []string{"", "unknown_prefix_token", "M2M_token_value", "OAUTH_token_value", "API_KEY_value", " ak_x", "AK_x"} {
			if got := w.classified(text); got.Known() {
				t.Errorf("%q is %s", text, got)
			}
		}
	}},
	{5, "the shape of a JWT", func(t *testing.T, w *clerkWorld) {
		for _, text := range []string{"a.b.c", "invalid", "invalid.jwt", "a.b.c.d", "not.a.jwt", "eyJ.e30.x", w.session(nil) + ".x"} {
			if got := w.classified(text); got.Known() {
				t.Errorf("%q is %s", text, got)
			}
			w.refuses(t, text, tokens.ReasonTokenInvalid)
		}
	}},
	{6, "at+jwt with a subject that is no text", func(t *testing.T, w *clerkWorld) {
		for _, sub := range []any{nil, 123, map[string]any{}, []string{"user_1"}} {
			token := w.oauth("at+jwt", map[string]any{"sub": sub})
			if got := w.classified(token); got != tokens.OAuthToken {
				t.Errorf("sub %v is %s", sub, got)
			}
			w.refuses(t, token, tokens.ReasonTokenInvalid)
		}
	}},
	{8, "no header", func(t *testing.T, _ *clerkWorld) {
		if token, err := tokens.ParseBearer(nil); token != "" || err != nil {
			t.Errorf("%q %v", token, err)
		}
	}},
	{9, "a bare token and another scheme are malformed, deviation 1", func(t *testing.T, w *clerkWorld) {
		for _, value := range []string{w.session(nil), "Basic eA==", "Bearer", "Bearer ", "Bearer  x", "Bearer\tx", ""} {
			if _, err := tokens.ParseBearer([]string{value}); tokens.ReasonOf(err) != tokens.ReasonCredentialMalformed {
				t.Errorf("%q: %v", value, err)
			}
		}
		for _, value := range []string{"bearer x", "BEARER x"} {
			if token, err := tokens.ParseBearer([]string{value}); token != "x" || err != nil {
				t.Errorf("%q: %q %v", value, token, err)
			}
		}
	}},
	{10, "a good session", func(t *testing.T, w *clerkWorld) {
		token, err := tokens.ParseBearer([]string{"Bearer " + w.session(nil)})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*tokens.Principal{w.takes(t, token, tokens.SessionToken), accepted(t, w.sessions, token)} {
			if p.UserID() != "user_1" || p.ID() != "sess_1" {
				t.Errorf("%v", p)
			}
		}
	}},
	{11, "a word that is no token", func(t *testing.T, w *clerkWorld) {
		w.refuses(t, "test_header_token", tokens.ReasonTokenInvalid)
	}},
	{12, "a signature that does not match", func(t *testing.T, w *clerkWorld) {
		w.refuses(t, w.iss.Tamper(w.session(nil)), tokens.ReasonTokenInvalid)
		another := newClerkWorld(t)
		w.refuses(t, another.session(map[string]any{"iss": w.iss.URL()}), tokens.ReasonTokenInvalid)
	}},
	{13, "another authorized party", func(t *testing.T, w *clerkWorld) {
		w.refuses(t, w.session(map[string]any{"azp": "https://whatever.example.com"}), tokens.ReasonTokenInvalid)
	}},
	{14, "an expired session is told so", func(t *testing.T, w *clerkWorld) {
		now, _ := dates()
		w.refuses(t, w.session(map[string]any{"exp": now - 60}), tokens.ReasonTokenExpired)
	}},
	{16, "without azp, deviation 17", func(t *testing.T, w *clerkWorld) {
		w.refuses(t, w.session(map[string]any{"azp": nil}), tokens.ReasonTokenInvalid)
		w.takes(t, w.session(map[string]any{"azp": nil, "aud": tokenstest.Party}), tokens.SessionToken)
	}},
	{17, "the category of templates is no session", func(t *testing.T, w *clerkWorld) {
		w.refuses(t, w.headed(map[string]any{"cat": catOfTemplates}), tokens.ReasonTokenInvalid)
	}},
	{18, "a machine's token is no session", func(t *testing.T, w *clerkWorld) {
		for _, token := range []string{w.machine(catOfMachines, map[string]any{"azp": tokenstest.Party}), w.headed(map[string]any{"cat": catOfMachines})} {
			refused(t, w.sessions, token, tokens.ReasonTokenInvalid)
		}
	}},
	{23, "each kind has its verifier", func(t *testing.T, w *clerkWorld) {
		w.takes(t, w.session(nil), tokens.SessionToken)
		w.takes(t, w.oauth("at+jwt", nil), tokens.OAuthToken)
		w.takes(t, w.machine(catOfMachines, nil), tokens.M2MToken)
	}},
	{25, "an OAuth token is no session", func(t *testing.T, w *clerkWorld) {
		for _, header := range []map[string]any{{"typ": "at+jwt"}, {"typ": "at+jwt", "cat": catOfSessions}} {
			token := w.iss.Sign(header, w.claimsOf(nil))
			if p, reason := w.verified(t, token); p != nil {
				t.Errorf("%v: %s %q", header, p.Kind(), reason)
			}
		}
		refused(t, w.sessions, w.oauth("at+jwt", nil), tokens.ReasonTokenInvalid)
	}},
	{65, "nothing prints a token", func(t *testing.T, w *clerkWorld) {
		token := w.session(nil)
		var log strings.Builder
		p := accepted(t, w.sessions, token)
		slog.New(slog.NewTextHandler(&log, nil)).Info("call", "caller", p, "secret", tokens.NewSecret(token))
		for _, text := range []string{log.String(), fmt.Sprintf("%v %+v %#v", p, tokens.NewSecret(token), tokens.Credential{Secret: tokens.NewSecret(token)})} {
			if strings.Contains(text, token) || strings.Contains(text, token[len(token)-20:]) {
				t.Errorf("a token in %q", text)
			}
		}
	}},
}
