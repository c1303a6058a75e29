// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// TestTypesOfMarkedClasses: a class that is told by a header or by its subject has the typ JWT or none (SEC-12, SEC-81, SEC-84).
func TestTypesOfMarkedClasses(t *testing.T) {
	t.Parallel()
	issuer := tokenstest.NewIssuer(t)
	now := time.Now().Unix()
	session := map[string]any{"iss": issuer.URL(), "sub": "user_1", "sid": "sess_1", "azp": tokenstest.Party, "iat": now, "exp": now + 60}
	machine := map[string]any{"iss": issuer.URL(), "sub": "mch_1", "aud": tokenstest.Audience, "iat": now, "exp": now + 60}
	for _, tt := range []struct {
		name     string
		typ      any // nil: none
		accepted bool
	}{
		{"JWT", "JWT", true},
		{"another case", "jwt", true},
		{"none", nil, true},
		{"an access token", "at+jwt", false},
		{"an access token, spelled out", "application/at+jwt", false},
		{"another", "foo", false},
	} {
		for kind, ask := range map[string]struct {
			verifier tokens.Verifier
			header   map[string]any
			claims   map[string]any
		}{
			"session": {issuer.SessionVerifier(), map[string]any{"typ": tt.typ, "cat": "session"}, session},
			"machine": {issuer.M2MVerifier(), map[string]any{"typ": tt.typ}, machine},
		} {
			token := issuer.Sign(ask.header, ask.claims)
			_, err := ask.verifier.Verify(t.Context(), tokens.Credential{Secret: tokens.NewSecret(token), Form: ask.verifier.Forms()[0]})
			if accepted := err == nil; accepted != tt.accepted {
				t.Errorf("%s with typ %s: %v", kind, tt.name, err)
			} else if !accepted && tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
				t.Errorf("%s with typ %s: %s", kind, tt.name, tokens.ReasonOf(err))
			}
		}
	}
}

// TestUnseenCharacters: an identifier has no character that is not seen (SEC-41).
func TestUnseenCharacters(t *testing.T) {
	t.Parallel()
	issuer := tokenstest.NewIssuer(t)
	verifier := issuer.SessionVerifier()
	for sub, accepted := range map[string]bool{
		"user_1": true, "Ünal": true, "用户": true, "a b": true,
		"\ufeffuser_1": false, "user\u200b_1": false, "user\u00ad_1": false, "user\u2028": false, "user\u2060": false, "\ufff9user": false,
		"user\U000e0001": false, "\ue000": false, "user\uffff": false, "user\u202e1": false, "user\u0000": false, "user\ufffd": false,
	} {
		token := issuer.Session(tokenstest.SessionClaims{UserID: sub})
		_, err := verifier.Verify(t.Context(), tokens.Credential{Secret: tokens.NewSecret(token), Form: verifier.Forms()[0]})
		if (err == nil) != accepted {
			t.Errorf("%+q: %v", sub, err)
		}
	}
}
