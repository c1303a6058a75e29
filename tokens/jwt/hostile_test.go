// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// A target is a verifier of access tokens, and what makes them good and bad.
type target struct {
	iss *tokenstest.Issuer
	v   *jwt.Verifier
}

func newTarget(tb testing.TB) target {
	tb.Helper()
	iss, keys := newIssuer(tb)
	return target{iss: iss, v: must(jwt.NewOAuthVerifier(iss.URL(), []string{tokenstest.Audience}, keys))}
}

// claims are those of a good token, with changes.
func (g target) claims(changes map[string]any) map[string]any {
	now, later := dates()
	claims := map[string]any{
		"iss": g.iss.URL(), "sub": "user_1", "aud": tokenstest.Audience, "client_id": "client_1", "jti": "token_1", "iat": now, "exp": later,
	}
	maps.Copy(claims, changes)
	return claims
}

func (g target) header(changes map[string]any) string {
	header := map[string]any{"typ": "at+jwt"}
	maps.Copy(header, changes)
	return g.iss.Sign(header, g.claims(nil))
}

func (g target) claim(name string, value any) string {
	return g.iss.Sign(map[string]any{"typ": "at+jwt"}, g.claims(map[string]any{name: value}))
}

const goodHeader = `{"alg":"ES256","kid":"key-1","typ":"at+jwt"}`

// raw signs a payload of a good one's members, in which the text old is replaced, or which the text follows if old is "".
func (g target) raw(old, replacement string) string {
	text, _ := json.Marshal(g.claims(nil))
	if old == "" {
		return g.iss.SignText(goodHeader, string(text)+replacement)
	}
	if !strings.Contains(string(text), old) {
		panic(old)
	}
	return g.iss.SignText(goodHeader, strings.Replace(string(text), old, replacement, 1))
}

func (g target) rawHeader(text string) string {
	payload, _ := json.Marshal(g.claims(nil))
	return g.iss.SignText(text, string(payload))
}

func (g target) date(name, text string) string {
	claims := g.claims(nil)
	delete(claims, name)
	payload, _ := json.Marshal(claims)
	return g.iss.SignText(goodHeader, fmt.Sprintf(`{%q:%s,%s`, name, text, payload[1:]))
}

// hmacToken signs with the text of a public key as the secret.
func (g target) hmacToken(secret []byte) string {
	payload, _ := json.Marshal(g.claims(nil))
	input := b64(`{"alg":"HS256","kid":"key-1","typ":"at+jwt"}`) + "." + b64(string(payload))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestHostileTokensAreOtherwiseGood(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	for _, token := range []string{
		g.header(nil), g.raw("", ""), g.raw("", " \n"), g.rawHeader(goodHeader), g.claim("x", strings.Repeat("[", 63)),
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

func deep(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	good := g.header(nil)
	_, rest, _ := strings.Cut(good, ".")
	payload, _, _ := strings.Cut(rest, ".")
	none := func(alg string) string {
		return b64(`{"alg":"`+alg+`","kid":"key-1","typ":"at+jwt"}`) + "." + payload + "."
	}
	tests := []struct{ name, token string }{
		{"SEC-01 none", none("none")},
		{"SEC-01 nOnE with a signature", none("nOnE") + "AAAA"},
		{"SEC-01 NONE signed", g.header(map[string]any{"alg": "NONE"})},
		{"SEC-01 empty alg", g.header(map[string]any{"alg": ""})},
		{"SEC-01 no alg", g.header(map[string]any{"alg": nil})},
		{"SEC-02 HS256 with the JWKS", g.hmacToken(g.iss.Keys())},
		{"SEC-03 another alg", g.header(map[string]any{"alg": "RS256"})},
		{"SEC-03 another curve", g.header(map[string]any{"alg": "ES384"})},
		{"SEC-05 ES521", g.header(map[string]any{"alg": "ES521"})},
		{"SEC-05 ES256K", g.header(map[string]any{"alg": "ES256K"})},
		{"SEC-06 jwk", g.header(map[string]any{"jwk": map[string]any{"kty": "EC"}})},
		{"SEC-07 jku", g.header(map[string]any{"jku": g.iss.JWKSURL()})},
		{"SEC-07 x5u", g.header(map[string]any{"x5u": "https://evil.example"})},
		{"SEC-08 x5c", g.header(map[string]any{"x5c": []string{"AAAA"}})},
		{"SEC-09 crit", g.header(map[string]any{"crit": []string{"exp"}})},
		{"SEC-09 crit empty", g.header(map[string]any{"crit": []string{}})},
		{"SEC-09 crit text", g.header(map[string]any{"crit": "b64"})},
		{"SEC-09 crit null", g.rawHeader(`{"alg":"ES256","kid":"key-1","typ":"at+jwt","crit":null}`)},
		{"SEC-10 b64", g.header(map[string]any{"b64": false})},
		{"SEC-10 b64 true", g.header(map[string]any{"b64": true})},
		{"SEC-11 zip", g.header(map[string]any{"zip": "DEF"})},
		{"SEC-11 enc", g.header(map[string]any{"enc": "A128GCM"})},
		{"SEC-11 JWE", "eyJhbGciOiJkaXIifQ..AA.AA.AA"},
		{"SEC-12 typ JWT", g.header(map[string]any{"typ": "JWT"})},
		{"SEC-12 no typ", g.header(map[string]any{"typ": nil})},
		{"SEC-12 typ empty", g.header(map[string]any{"typ": ""})},
		{"SEC-12 typ number", g.header(map[string]any{"typ": 1})},
		{"SEC-12 typ id_token", g.header(map[string]any{"typ": "id_token"})},
		{"SEC-12 typ twice", g.header(map[string]any{"typ": "application/application/at+jwt"})},
		{"SEC-12 typ with space", g.header(map[string]any{"typ": "at+jwt "})},
		{"SEC-13 nested", g.header(map[string]any{"cty": "JWT"})},
		{"SEC-13 nested, lower case", g.header(map[string]any{"cty": "application/jwt"})},
		{"SEC-14 alg twice", g.rawHeader(`{"alg":"none","alg":"ES256","kid":"key-1","typ":"at+jwt"}`)},
		{"SEC-14 alg twice, escaped", g.rawHeader(`{"\u0061lg":"none","alg":"ES256","kid":"key-1","typ":"at+jwt"}`)},
		{"SEC-14 ALG", g.header(map[string]any{"ALG": "none"})},
		{"SEC-14 Kid", g.header(map[string]any{"Kid": "key-2"})},
		{"SEC-14 Crit", g.header(map[string]any{"Crit": []string{"x"}})},
		{"SEC-15 array", g.rawHeader(`["alg"]`)},
		{"SEC-15 null", g.rawHeader(`null`)},
		{"SEC-15 long", g.header(map[string]any{"x": strings.Repeat("a", 2<<10)})},
		{"SEC-15 deep", g.rawHeader(`{"alg":"ES256","kid":"key-1","typ":"at+jwt","x":` + deep(64) + `}`)},
		{"SEC-17 kid number", g.header(map[string]any{"kid": 1})},
		{"SEC-17 kid empty", g.header(map[string]any{"kid": ""})},
		{"SEC-17 kid long", g.header(map[string]any{"kid": strings.Repeat("a", 257)})},
		{"SEC-17 kid NUL", g.header(map[string]any{"kid": "key-1\x00"})},
		{"SEC-17 kid path", g.header(map[string]any{"kid": "../../etc/passwd"})},
		{"SEC-17 kid URL", g.header(map[string]any{"kid": g.iss.JWKSURL()})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refused(t, g.v, test.token, tokens.ReasonTokenInvalid)
		})
	}
	t.Cleanup(func() {
		if n := g.iss.Fetches(); n != 0 {
			t.Errorf("SEC-07: %d fetches", n)
		}
	})
}

func TestHostileEncodings(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	good := g.header(nil)
	parts := strings.Split(good, ".")
	other := strings.Split(g.claim("sub", "user_2"), ".")
	join := func(p ...string) string { return strings.Join(p, ".") }
	// 64 bytes leave two bits of the last character unused.
	stray := func(s string) string {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		return s[:len(s)-1] + string(alphabet[strings.IndexByte(alphabet, s[len(s)-1])+1])
	}
	raw, _ := base64.RawURLEncoding.DecodeString(parts[2])
	r, s := raw[:32], raw[32:]
	der := append([]byte{0x30, 68, 2, 32}, r...)
	der = append(append(der, 2, 32), s...)
	zero := string(make([]byte, 32))
	tests := []struct{ name, token string }{
		{"SEC-19 padding", good + "=="},
		{"SEC-19 newline in the signature", join(parts[0], parts[1], parts[2][:9]+"\n"+parts[2][9:])},
		{"SEC-19 carriage return in the payload", join(parts[0], parts[1][:9]+"\r"+parts[1][9:], parts[2])},
		{"SEC-19 newline in the header", join(parts[0][:8]+"\n"+parts[0][8:], parts[1], parts[2])},
		{"SEC-19 newline last", good + "\n"},
		{"SEC-19 space first", " " + good},
		{"SEC-19 stray bits", join(parts[0], parts[1], stray(parts[2]))},
		{"SEC-19 question mark", join(parts[0], parts[1], "?"+parts[2][1:])},
		{"SEC-19 standard alphabet", join(parts[0], parts[1], "+"+parts[2][1:])},
		{"SEC-20 none", ""},
		{"SEC-20 one", parts[0]},
		{"SEC-20 two", join(parts[0], parts[1])},
		{"SEC-20 four", good + ".AA"},
		{"SEC-20 dots", strings.Repeat(".", 8000)},
		{"SEC-20 two dots", ".."},
		{"SEC-20 empty header", join("", parts[1], parts[2])},
		{"SEC-20 empty payload", join(parts[0], "", parts[2])},
		{"SEC-20 empty signature", join(parts[0], parts[1], "")},
		{"SEC-21 long", g.claim("x", strings.Repeat("a", 8<<10))},
		{"SEC-22 JSON", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`},
		{"SEC-23 DER", join(parts[0], parts[1], b64(string(der)))},
		{"SEC-23 short", join(parts[0], parts[1], b64(string(raw[:63])))},
		{"SEC-23 long", join(parts[0], parts[1], b64(string(raw)+"\x00"))},
		{"SEC-23 padded halves", join(parts[0], parts[1], b64("\x00"+string(r)+"\x00"+string(s)))},
		{"SEC-23 zero", join(parts[0], parts[1], b64(zero+zero))},
		{"SEC-23 r zero", join(parts[0], parts[1], b64(zero+string(s)))},
		{"SEC-23 s zero", join(parts[0], parts[1], b64(string(r)+zero))},
		{"SEC-23 all ones", join(parts[0], parts[1], b64(strings.Repeat("\xff", 64)))},
		{"SEC-29 other payload", join(parts[0], other[1], parts[2])},
		{"SEC-29 other signature", join(parts[0], parts[1], other[2])},
		{"SEC-29 swapped", join(parts[1], parts[0], parts[2])},
		{"SEC-29 tampered", g.iss.Tamper(good)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refused(t, g.v, test.token, tokens.ReasonTokenInvalid)
		})
	}
}

func TestHostileClaims(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	surrogate := g.raw(`"user_1"`, `"user_1\ud800"`)
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
		{"SEC-38 aud object", g.claim("aud", map[string]any{"aud": tokenstest.Audience})},
		{"SEC-40 iss missing", g.claim("iss", nil)},
		{"SEC-40 iss array", g.claim("iss", []string{g.iss.URL()})},
		{"SEC-40 iss slash", g.claim("iss", g.iss.URL()+"/")},
		{"SEC-40 iss case", g.claim("iss", "HTTP"+g.iss.URL()[4:])},
		{"SEC-40 iss user", g.claim("iss", strings.Replace(g.iss.URL(), "//", "//x@", 1))},
		{"SEC-41 sub missing", g.claim("sub", nil)},
		{"SEC-41 sub empty", g.claim("sub", "")},
		{"SEC-41 sub number", g.claim("sub", 1)},
		{"SEC-41 sub NUL", g.claim("sub", "user_1\x00")},
		{"SEC-41 sub control", g.claim("sub", "user_1\u0085")},
		{"SEC-41 sub bidi", g.claim("sub", "\u202euser_1")},
		{"SEC-41 sub replacement", g.claim("sub", "user_\ufffd")},
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
		{"SEC-43 array", g.iss.SignText(goodHeader, "[]")},
		{"SEC-43 null", g.iss.SignText(goodHeader, "null")},
		{"SEC-43 empty text", g.iss.SignText(goodHeader, `""`)},
		{"SEC-44 deep", g.raw("{", `{"x":`+deep(64)+`,`)},
		{"SEC-44 deeper", g.raw("{", `{"x":`+deep(2500)+`,`)},
		{"SEC-82 no client", g.claim("client_id", nil)},
		{"SEC-83 no jti", g.claim("jti", nil)},
		{"SEC-83 jti empty", g.claim("jti", "")},
		{"SEC-90 cnf jkt", g.claim("cnf", map[string]any{"jkt": "x"})},
		{"SEC-91 cnf x5t", g.claim("cnf", map[string]any{"x5t#S256": "x"})},
		{"SEC-90 cnf null", g.raw("{", `{"cnf":null,`)},
		{"SEC-94 act null", g.raw("{", `{"act":null,`)},
		{"SEC-94 act text", g.claim("act", "x")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refused(t, g.v, test.token, tokens.ReasonTokenInvalid)
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

// SEC-29: no bit of a good token can be another one.
func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	v := must(jwt.NewM2MVerifier(iss.URL(), []string{"a"}, iss.M2MClass(), keys))
	_, later := dates()
	token := iss.Sign(nil, map[string]any{"iss": iss.URL(), "sub": "mch_1", "aud": "a", "exp": later})
	accepted(t, v, token)
	for i := range len(token) {
		for bit := range 8 {
			changed := []byte(token)
			changed[i] ^= 1 << bit
			if p, err := verify(t, v, string(changed)); err == nil || p != nil {
				t.Fatalf("bit %d of byte %d makes no difference", bit, i)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	g := newTarget(f)
	for _, token := range []string{g.header(nil), g.iss.M2M(tokenstest.M2MClaims{}), "..", "e30.e30.AA", g.raw("", "{}"), ""} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		p, err := verify(t, g.v, token)
		if (p == nil) == (err == nil) {
			t.Fatal("exactly one of principal and error must be set")
		}
		if p == nil {
			checkSilent(t, err, token)
		} else if p.Subject() != "user_1" {
			t.Fatal("a token that nobody signed")
		}
	})
}
