// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// segments changes one of a good token's three segments.
func (g target) segment(at int, change func(segment string) string) string {
	parts := strings.Split(g.header(nil), ".")
	parts[at] = change(parts[at])
	return strings.Join(parts, ".")
}

// standard is a good token whose signature is in the standard alphabet, and so has a character that base64url does not.
func (g target) standard(tb testing.TB) string {
	tb.Helper()
	for i := range 1000 {
		token := g.claim("jti", fmt.Sprint("token_", i))
		last := strings.LastIndexByte(token, '.')
		signature := strings.NewReplacer("-", "+", "_", "/").Replace(token[last:])
		if signature != token[last:] {
			return token[:last] + signature
		}
	}
	tb.Fatal("no signature has - or _")
	return ""
}

// stray sets a bit of a base64url text that is beyond its last byte. Without such a bit it panics.
func stray(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(text)%4 == 0 {
		panic(text)
	}
	return text[:len(text)-1] + string(alphabet[strings.IndexByte(alphabet, text[len(text)-1])+1])
}

func brokenAt(at int) func(string) string {
	return func(segment string) string { return segment[:at] + "\n" + segment[at:] }
}

// Tokens that JWT libraries do not answer alike: go-jose, golang-jwt, jwx, the npm package jose and @clerk/backend disagree on most of
// these, and each accepts some of them. Every verifier refuses them all.
func TestDisputedTokens(t *testing.T) {
	t.Parallel()
	past, future := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	header := func(more string) func(g target) string {
		return func(g target) string { return g.rawHeader(g.head(more)) }
	}
	claim := func(name string, value any) func(g target) string {
		return func(g target) string { return g.claim(name, value) }
	}
	date := func(name, text string) func(g target) string {
		return func(g target) string { return g.date(name, text) }
	}
	raw := func(old, replacement string) func(g target) string {
		return func(g target) string { return g.raw(old, replacement) }
	}
	subject := func(text string) func(g target) string {
		return func(g target) string { return g.raw(`"`+g.subject+`"`, `"`+g.subject+text+`"`) }
	}
	segment := func(at int, change func(string) string) func(g target) string {
		return func(g target) string { return g.segment(at, change) }
	}
	tests := []struct {
		name  string
		token func(g target) string
		want  tokens.Reason // default: TOKEN_INVALID
	}{
		{name: "exp missing", token: claim("exp", nil)},
		{name: "exp as string", token: date("exp", fmt.Sprintf(`"%d"`, future))},
		{name: "exp null", token: date("exp", "null")},
		{name: "exp 1e30", token: date("exp", "1e30")},
		{name: "exp 1e400", token: date("exp", "1e400")},
		{name: "exp 2^63-1", token: date("exp", "9223372036854775807")},
		{name: "exp 2^63", token: date("exp", "9223372036854775808")},
		{name: "exp -1e30", token: date("exp", "-1e30")},
		{name: "nbf 1e30", token: date("nbf", "1e30")},
		{name: "nbf 2^63-1", token: date("nbf", "9223372036854775807")},
		{name: "iat in the future", token: claim("iat", future), want: tokens.ReasonTokenNotYetValid},
		{name: "exp twice, expired first", token: raw("{", fmt.Sprintf(`{"exp":%d,`, past))},
		{name: "exp twice, expired last", token: raw("}", fmt.Sprintf(`,"exp":%d}`, past))},
		{name: "sub twice", token: raw("{", `{"sub":"admin",`)},
		{name: "exp expired and EXP valid", token: func(g target) string {
			return g.iss.Sign(g.marks, g.claims(map[string]any{"exp": past, "EXP": future}))
		}},
		{name: "SUB after sub", token: raw("}", `,"SUB":"admin"}`)},
		{name: "aud number", token: claim("aud", 7)},
		{name: "aud empty", token: claim("aud", []string{})},
		{name: "aud missing", token: claim("aud", nil)},
		{name: "aud with a number", token: claim("aud", []any{tokenstest.Audience, 7})},
		{name: "sub number", token: claim("sub", 7)},
		{name: "sub not UTF-8", token: subject("\xff")},
		{name: "sub with a lone surrogate", token: subject(`\ud800`)},
		{name: "sub with NUL", token: subject(`\u0000`)},
		{name: "JSON after the claims", token: raw("", `{"sub":"admin"}`)},
		{name: "BOM before the claims", token: raw("{", "\ufeff{")},
		{name: "65 levels", token: raw("{", `{"x":`+deep(64)+`,`)},
		{name: "2,500 levels", token: raw("{", `{"x":`+deep(2500)+`,`)},
		{name: "5,000 levels", token: raw("{", `{"x":`+deep(5000)+`,`)},
		{name: "20,000 levels", token: raw("{", `{"x":`+deep(20_000)+`,`)},
		{name: "alg twice", token: header(`"alg":"none",`)},
		{name: "crit unknown", token: header(`"crit":["exp"],`)},
		{name: "crit empty", token: header(`"crit":[],`)},
		{name: "crit text", token: header(`"crit":"b64",`)},
		{name: "b64 false without crit", token: header(`"b64":false,`)},
		{name: "kid number", token: func(g target) string { return g.header(map[string]any{"kid": 1}) }},
		{name: "jwk in the header", token: header(`"jwk":{"kty":"oct","k":"AAAA"},`)},
		{name: "jku in the header", token: header(`"jku":"https://evil.example/keys.json",`)},
		{name: "zip", token: header(`"zip":"DEF",`)},
		{name: "cty JWT", token: header(`"cty":"JWT",`)},
		{name: "stray bits in the signature", token: segment(2, stray)},
		{name: "newline in the signature", token: segment(2, brokenAt(9))},
		{name: "newline in the payload", token: segment(1, brokenAt(9))},
		{name: "padded signature", token: segment(2, func(s string) string { return s + "==" })},
		{name: "signature in the standard alphabet", token: func(g target) string { return g.standard(t) }},
		{name: "space before the token", token: segment(0, func(s string) string { return " " + s })},
		{name: "1 MiB of dots", token: func(target) string { return strings.Repeat(".", 1<<20) }},
	}
	// RS256 and ES256 signatures have stray bits; an Ed25519 key's would be the same.
	for _, algorithm := range []string{"RS256", "ES256"} {
		for _, g := range newTargets(t, algorithm) {
			accepted(t, g.v, g.header(nil))
			accepted(t, g.v, g.raw("", " "))
			accepted(t, g.v, g.rawHeader(g.head(`"x":1,`)))
			accepted(t, g.v, g.date("nbf", "1e3"))
			for _, test := range tests {
				t.Run(g.name+" "+algorithm+" "+test.name, func(t *testing.T) {
					t.Parallel()
					want := test.want
					if want == "" {
						want = tokens.ReasonTokenInvalid
					}
					refused(t, g.v, test.token(g), want)
				})
			}
		}
	}
}

// An access token is no session, also when it is one in all else.
func TestAccessTokenIsNoSession(t *testing.T) {
	t.Parallel()
	for _, g := range newTargets(t, "ES256") {
		if g.name != "sessions" && g.name != "profile of Clerk" {
			continue
		}
		claims := g.claims(map[string]any{"client_id": "client_1", "azp": tokenstest.Audience, "sid": "sess_1"})
		accepted(t, g.v, g.iss.Sign(g.marks, claims))
		token := g.iss.Sign(map[string]any{"typ": "at+jwt"}, claims)
		if p, err := verify(t, g.v, token); err == nil && p.Kind() == tokens.SessionToken {
			t.Errorf("%s: an access token is a session", g.name)
		}
		if g.name == "profile of Clerk" {
			refused(t, g.v, g.header(map[string]any{"typ": "at+jwt"}), tokens.ReasonTokenInvalid)
		}
	}
}

// Every bit of a token's last characters is one of a byte, but those that stray sets.
func TestStrayBitsAreStray(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	signature := g.header(nil)
	signature = signature[strings.LastIndexByte(signature, '.')+1:]
	one, err := base64.RawURLEncoding.DecodeString(signature)
	two, other := base64.RawURLEncoding.DecodeString(stray(signature))
	if err != nil || other != nil || string(one) != string(two) {
		t.Error("the bit is not stray")
	}
}
