// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

func TestHostileEncodings(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	good := g.header(nil)
	parts := strings.Split(good, ".")
	other := strings.Split(g.claim("sub", "user_2"), ".")
	join := func(p ...string) string { return strings.Join(p, ".") }
	raw, _ := base64.RawURLEncoding.DecodeString(parts[2])
	r, s := raw[:32], raw[32:]
	der := append([]byte{0x30, 68, 2, 32}, r...)
	der = append(append(der, 2, 32), s...)
	zero := string(make([]byte, 32))
	order := elliptic.P256().Params().N
	n, above := string(order.Bytes()), string(new(big.Int).Add(order, big.NewInt(1)).Bytes())
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
		{"SEC-20 five", good + ".AA.AA"},
		{"SEC-20 a million", strings.Repeat("a.", 1e6)},
		{"SEC-20 two dots", ".."},
		{"SEC-20 empty header", join("", parts[1], parts[2])},
		{"SEC-20 empty payload", join(parts[0], "", parts[2])},
		{"SEC-20 empty signature", join(parts[0], parts[1], "")},
		{"SEC-21 long", g.claim("x", strings.Repeat("a", 8<<10))},
		{"SEC-22 general JSON", `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`},
		{"SEC-22 JSON", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`},
		{"SEC-23 DER", join(parts[0], parts[1], b64(string(der)))},
		{"SEC-23 short", join(parts[0], parts[1], b64(string(raw[:63])))},
		{"SEC-23 long", join(parts[0], parts[1], b64(string(raw)+"\x00"))},
		{"SEC-23 zero before s", join(parts[0], parts[1], b64(string(r)+"\x00"+string(s)))},
		{"SEC-23 padded halves", join(parts[0], parts[1], b64("\x00"+string(r)+"\x00"+string(s)))},
		{"SEC-23 zero", join(parts[0], parts[1], b64(zero+zero))},
		{"SEC-23 r zero", join(parts[0], parts[1], b64(zero+string(s)))},
		{"SEC-23 s zero", join(parts[0], parts[1], b64(string(r)+zero))},
		{"SEC-23 r = n", join(parts[0], parts[1], b64(n+string(s)))},
		{"SEC-23 s = n", join(parts[0], parts[1], b64(string(r)+n))},
		{"SEC-23 both n", join(parts[0], parts[1], b64(n+n))},
		{"SEC-23 r = n + 1", join(parts[0], parts[1], b64(above+string(s)))},
		{"SEC-23 s = n + 1", join(parts[0], parts[1], b64(string(r)+above))},
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

// SEC-29: the segments of two good tokens, in whatever order, are no third one.
func TestSegmentsAreOneToken(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	a, b := g.header(nil), g.header(map[string]any{"x": 1})
	accepted(t, g.v, a)
	accepted(t, g.v, b)
	segments := append(strings.Split(a, "."), strings.Split(b, ".")...)
	for _, first := range segments {
		for _, second := range segments {
			for _, third := range segments {
				token := first + "." + second + "." + third
				if token == a || token == b {
					continue
				}
				refused(t, g.v, token, tokens.ReasonTokenInvalid)
			}
		}
	}
}

// SEC-21: how long a token may be, to the byte.
func TestLongestToken(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	const longest = 8 << 10
	seen := map[int]bool{}
	for pad := 5700; len(seen) < 2 && pad < 6100; pad++ {
		for extra := range 3 {
			claims := g.claims(map[string]any{"pad": strings.Repeat("p", pad)})
			token := g.iss.Sign(map[string]any{"typ": "at+jwt", "pad": strings.Repeat("p", extra)}, claims)
			switch len(token) {
			case longest:
				accepted(t, g.v, token)
			case longest + 1:
				refused(t, g.v, token, tokens.ReasonTokenInvalid)
			default:
				continue
			}
			seen[len(token)] = true
		}
	}
	if len(seen) != 2 {
		t.Errorf("the lengths that were tried: %v", seen)
	}
}
