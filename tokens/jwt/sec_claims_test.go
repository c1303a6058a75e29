// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func TestHostileTokensAreOtherwiseGood(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	for _, token := range []string{
		g.header(nil), g.raw("", ""), g.raw("", " \n"), g.rawHeader(g.head("")), g.claim("x", strings.Repeat("[", 63)),
		g.header(map[string]any{"x5t": "a", "x5t#S256": "b", "other": 7, "cty": "json"}), g.raw("{", `{"x":`+deep(63)+`,`),
		g.raw("{", `{"x":"\ud83d\ude00",`), g.claim("aud", []string{"other", tokenstest.Audience}), g.claim("nbf", 0), g.claim("nbf", 1.5),
		g.date("exp", "253402300799"), g.date("exp", "9e9"),
	} {
		p := accepted(t, g.v, token)
		if p.Subject() != "user_1" {
			t.Errorf("subject %q", p.Subject())
		}
		if _, ok := p.Deadline(); !ok || p.Expired(time.Now()) || !p.ExpiresAt().After(time.Now()) {
			t.Errorf("the token is good and the principal ends at %v", p.ExpiresAt())
		}
	}
}

func TestHostileClaims(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	surrogate := g.raw(`"user_1"`, `"user_1\ud800"`)
	var many strings.Builder
	for i := range 100_000 {
		_, _ = fmt.Fprintf(&many, `"%d":0,`, i)
	}
	tests := []struct{ name, token string }{
		{"SEC-30 twice", g.raw("{", `{"sub":"admin",`)},
		{"SEC-30 twice, escaped", g.raw("{", `{"s\u0075b":"admin",`)},
		{"SEC-30 twice below", g.raw("{", `{"x":[{"a":1,"a":2}],`)},
		{"SEC-31 EXP", g.claim("EXP", 9e9)},
		{"SEC-31 Sub", g.claim("Sub", "admin")},
		{"SEC-31 long s", g.claim("\u017fub", "admin")},
		{"SEC-31 AUD", g.claim("AUD", "x")},
		{"SEC-32 exp missing", g.claim("exp", nil)},
		{"SEC-32 exp null", g.date("exp", "null")},
		{"SEC-32 exp text", g.date("exp", `"9999999999"`)},
		{"SEC-32 exp true", g.date("exp", "true")},
		{"SEC-32 exp array", g.date("exp", "[9999999999]")},
		{"SEC-32 exp object", g.date("exp", "{}")},
		{"SEC-32 exp negative", g.date("exp", "-1")},
		{"SEC-33 exp -0", g.date("exp", "-0")},
		{"SEC-33 exp -1e30", g.date("exp", "-1e30")},
		{"SEC-33 exp 1e30", g.date("exp", "1e30")},
		{"SEC-33 exp 1e400", g.date("exp", "1e400")},
		{"SEC-33 exp 2^63", g.date("exp", "9223372036854775808")},
		{"SEC-33 exp 2^53+1", g.date("exp", "9007199254740993")},
		{"SEC-33 exp year 10000", g.date("exp", "253402300800")},
		{"SEC-33 exp 2^63-1", g.date("exp", "9223372036854775807")},
		{"SEC-33 exp 400 digits", g.date("exp", strings.Repeat("9", 400))},
		{"SEC-33 exp 0.1 above", g.date("exp", "253402300799.1")},
		{"SEC-34 nbf negative", g.date("nbf", "-1")},
		{"SEC-34 nbf 2^63-1", g.date("nbf", "9223372036854775807")},
		{"SEC-34 nbf 1e400", g.date("nbf", "1e400")},
		{"SEC-34 nbf true", g.date("nbf", "true")},
		{"SEC-34 iat 1e30", g.date("iat", "1e30")},
		{"SEC-34 iat negative", g.date("iat", "-1")},
		{"SEC-34 iat null", g.date("iat", "null")},
		{"SEC-34 nbf 1e30", g.date("nbf", "1e30")},
		{"SEC-34 nbf text", g.date("nbf", `"0"`)},
		{"SEC-34 nbf null", g.date("nbf", "null")},
		{"SEC-35 iat missing", g.claim("iat", nil)},
		{"SEC-35 iat text", g.date("iat", `"0"`)},
		{"SEC-38 aud missing", g.claim("aud", nil)},
		{"SEC-38 aud other", g.claim("aud", "other")},
		{"SEC-38 aud slash", g.claim("aud", tokenstest.Audience+"/")},
		{"SEC-38 aud case", g.claim("aud", strings.ToUpper(tokenstest.Audience))},
		{"SEC-38 aud part", g.claim("aud", tokenstest.Audience[:9])},
		{"SEC-38 aud number", g.claim("aud", 7)},
		{"SEC-38 aud empty", g.claim("aud", "")},
		{"SEC-38 aud []", g.claim("aud", []string{})},
		{"SEC-38 aud mixed", g.claim("aud", []any{tokenstest.Audience, 7})},
		{"SEC-38 aud with null", g.claim("aud", []any{tokenstest.Audience, nil})},
		{"SEC-38 aud nested", g.claim("aud", []any{[]string{tokenstest.Audience}})},
		{"SEC-38 aud twice another", g.claim("aud", []string{"other", "other"})},
		{"SEC-38 aud object", g.claim("aud", map[string]any{"aud": tokenstest.Audience})},
		{"SEC-40 iss missing", g.claim("iss", nil)},
		{"SEC-40 iss array", g.claim("iss", []string{g.iss.URL()})},
		{"SEC-40 iss slash", g.claim("iss", g.iss.URL()+"/")},
		{"SEC-40 iss case", g.claim("iss", "HTTP"+g.iss.URL()[4:])},
		{"SEC-40 iss number", g.claim("iss", 1)},
		{"SEC-40 iss before @", g.claim("iss", g.iss.URL()+"@evil.example")},
		{"SEC-40 iss not ASCII", g.claim("iss", strings.Replace(g.iss.URL(), "1", "\uff11", 1))},
		{"SEC-40 iss escaped", g.claim("iss", strings.Replace(g.iss.URL(), ":", "%3a", 1))},
		{"SEC-40 iss user", g.claim("iss", strings.Replace(g.iss.URL(), "//", "//x@", 1))},
		{"SEC-41 sub missing", g.claim("sub", nil)},
		{"SEC-41 sub empty", g.claim("sub", "")},
		{"SEC-41 sub number", g.claim("sub", 1)},
		{"SEC-41 sub NUL", g.claim("sub", "user_1\x00")},
		{"SEC-41 sub control", g.claim("sub", "user_1\u0085")},
		{"SEC-41 sub bidi", g.claim("sub", "\u202euser_1")},
		{"SEC-41 sub replacement", g.claim("sub", "user_\ufffd")},
		{"SEC-41 sub array", g.claim("sub", []string{"user_1"})},
		{"SEC-41 sub 4 KiB", g.claim("sub", strings.Repeat("a", 4<<10))},
		{"SEC-41 sub long", g.claim("sub", strings.Repeat("a", 1025))},
		{"SEC-41 sub not UTF-8", g.raw("user_1", "user_\xff")},
		{"SEC-41 sub surrogate", surrogate},
		{"SEC-41 sub low surrogate", g.raw("user_1", `\udc00`)},
		{"SEC-41 two high surrogates", g.raw("user_1", `\ud800\ud800`)},
		{"SEC-41 surrogate in a name", g.raw("{", `{"\ud800":1,`)},
		{"SEC-41 surrogate below", g.raw("{", `{"x":["\ud800"],`)},
		{"SEC-43 trailing object", g.raw("", "{}")},
		{"SEC-43 trailing NUL", g.raw("", "\x00")},
		{"SEC-43 BOM", g.raw("{", "\ufeff{")},
		{"SEC-43 comment", g.raw("{", "{/**/")},
		{"SEC-43 NaN", g.date("exp", "NaN")},
		{"SEC-43 single quotes", g.raw(`"user_1"`, `'user_1'`)},
		{"SEC-43 array", g.iss.SignText(g.head(""), "[]")},
		{"SEC-43 null", g.iss.SignText(g.head(""), "null")},
		{"SEC-43 empty text", g.iss.SignText(g.head(""), `""`)},
		{"SEC-44 many members", g.raw("{", "{"+many.String())},
		{"SEC-44 a long string", g.claim("x", strings.Repeat("a", 1<<20))},
		{"SEC-44 deep", g.raw("{", `{"x":`+deep(64)+`,`)},
		{"SEC-44 deeper", g.raw("{", `{"x":`+deep(2500)+`,`)},
		{"SEC-82 no client", g.claim("client_id", nil)},
		{"SEC-83 no jti", g.claim("jti", nil)},
		{"SEC-83 jti empty", g.claim("jti", "")},
		{"SEC-46 SEC-90 cnf jkt", g.claim("cnf", map[string]any{"jkt": "x"})},
		{"SEC-46 SEC-91 cnf x5t", g.claim("cnf", map[string]any{"x5t#S256": "x"})},
		{"SEC-46 SEC-90 cnf null", g.raw("{", `{"cnf":null,`)},
		{"SEC-46 SEC-94 act null", g.raw("{", `{"act":null,`)},
		{"SEC-46 SEC-94 act text", g.claim("act", "x")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refused(t, g.v, test.token, tokens.ReasonTokenInvalid)
		})
	}
}

// Dates that are good numbers, and past or to come.
func TestHostileDates(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	tests := []struct {
		name, token string
		want        tokens.Reason
	}{
		{"SEC-32 exp 0", g.date("exp", "0"), tokens.ReasonTokenExpired},
		{"SEC-33 exp 1.5", g.date("exp", "1.5"), tokens.ReasonTokenExpired},
		{"SEC-33 exp 1e3", g.date("exp", "1e3"), tokens.ReasonTokenExpired},
		{"SEC-33 exp 1e-400", g.date("exp", "1e-400"), tokens.ReasonTokenExpired},
		{"SEC-34 nbf the last second", g.date("nbf", "253402300799"), tokens.ReasonTokenNotYetValid},
		{"SEC-34 nbf 9e9", g.date("nbf", "9e9"), tokens.ReasonTokenNotYetValid},
		{"SEC-35 iat 9e9", g.date("iat", "9e9"), tokens.ReasonTokenNotYetValid},
		{"SEC-35 iat the last second", g.date("iat", "253402300799"), tokens.ReasonTokenNotYetValid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refused(t, g.v, test.token, test.want)
		})
	}
}

// SEC-47: what a handler does to what it was given is not seen by others.
func TestClaimsAreCopies(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	p := accepted(t, g.v, g.claim("scope", "a b"))
	raw, _ := p.Claim("sub")
	copy(raw, `"admin`)
	p.Scopes()[0] = "admin"
	if again, _ := p.Claim("sub"); string(again) != `"user_1"` || p.HasScope("admin") {
		t.Error("a principal was changed")
	}
}
