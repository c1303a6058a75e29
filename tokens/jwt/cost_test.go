// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// heavySession is a token of 961 bytes with claims of version 2, masks and ages.
func heavySession(tb testing.TB, iss *tokenstest.Issuer) string {
	tb.Helper()
	now, later := dates()
	for pad := range 3 * 961 {
		token := iss.Sign(map[string]any{"typ": "JWT", "cat": "session", "pad": strings.Repeat("p", pad%3)}, map[string]any{
			"iss": iss.URL(), "sub": tokenstest.UserID, "sid": tokenstest.SessionID, "azp": tokenstest.Party, "sts": "active", "v": 2,
			"iat": now, "nbf": now, "exp": later, "fva": []int{0, -1}, "jti": "4f2a", "fea": "o:invoices,o:gates,u:dark-mode", "pla": "o:pro",
			"o":   map[string]any{"id": "org_1", "slg": "acme", "rol": "admin", "per": "read,manage,open", "fpm": "3,5"},
			"pad": strings.Repeat("p", pad/3),
		})
		if len(token) == 961 {
			return token
		}
	}
	tb.Fatal("no token has 961 bytes")
	return ""
}

// What a token costs that was not verified before: everything from the text to the principal, the allocations of the cryptography
// included. They are 9 of RSA; those of ECDSA and Ed25519 are those of their own package, measured here without ours around them.
func TestCost(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector adds allocations; run without -race")
	}
	tests := []struct {
		algorithm string
		most      float64
	}{{"RS256", 16}, {"EdDSA", 8}}
	for _, test := range tests {
		t.Run(test.algorithm, func(t *testing.T) {
			iss := tokenstest.NewIssuer(t, tokenstest.WithAlgorithm(test.algorithm))
			keys := must(jwt.NewKeySet(iss.Keys()))
			v := must(jwt.NewSessionVerifier(iss.URL(), []string{tokenstest.Party}, iss.SessionClass(), keys))
			var token string
			if test.algorithm == "RS256" {
				token = heavySession(t, iss)
			} else {
				token = iss.Session(tokenstest.SessionClaims{
					Verification: &tokens.Verification{}, Organization: tokens.Organization{ID: "org_1"}, Permissions: []string{"org:a:b"},
				})
			}
			accepted(t, v, token)
			credential := tokens.Credential{Secret: tokens.NewSecret(token), Form: v.Forms()[0]}
			allocs := testing.AllocsPerRun(100, func() {
				if _, err := v.Verify(t.Context(), credential); err != nil {
					t.Fatal(err)
				}
			})
			if allocs > test.most {
				t.Errorf("%v allocations, at most %v are meant", allocs, test.most)
			}
		})
	}
}

// Junk costs less than to answer it, wherever in it the mistake is.
func TestCostOfJunk(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector adds allocations; run without -race")
	}
	iss, v := sessionVerifier(t)
	good := iss.Session(tokenstest.SessionClaims{})
	accepted(t, v, good) // its header is known from now on
	header := good[:strings.IndexByte(good, '.')]
	signature := good[strings.LastIndexByte(good, '.'):]
	payload := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"x":%q}`, strings.Repeat("a", 5<<10))))
	long := header + "." + payload + strings.Repeat("A", 8<<10-len(header)-1-len(payload)-len(signature)) + signature
	tests := []struct {
		name, token string
		most        float64
	}{
		{"a mistake in the last byte", long[:len(long)-1] + "=", 2},
		{"a mistake before the signature", strings.Replace(long, "A"+signature, "="+signature, 1), 3},
		{"dots", strings.Repeat(".", 8<<10), 2},
		{"no dot", strings.Repeat("A", 8<<10), 2},
		{"a line break in the header", "\n" + long[1:], 3},
		{"longer than is read", strings.Repeat("A", 1<<20), 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused(t, v, test.token, tokens.ReasonTokenInvalid)
			credential := tokens.Credential{Secret: tokens.NewSecret(test.token), Form: v.Forms()[0]}
			allocs := testing.AllocsPerRun(100, func() { _, _ = v.Verify(t.Context(), credential) })
			if allocs > test.most {
				t.Errorf("%v allocations, at most %v are meant", allocs, test.most)
			}
		})
	}
}
