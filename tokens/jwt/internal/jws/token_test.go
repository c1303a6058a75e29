// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// The token of RFC 8037 §A.4 has a payload that is not JSON, so this one is signed here with a key that is always the same.
func signed(tb testing.TB, header, payload string) (string, jws.Key) {
	tb.Helper()
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		tb.Fatal("not an Ed25519 key")
	}
	key, err := jws.NewKey("k", "EdDSA", public)
	if err != nil {
		tb.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	return input + "." + encode(ed25519.Sign(private, []byte(input))), key
}

func parse(text string) (*jws.Token, error) {
	token := new(jws.Token)
	return token, token.Parse(text)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	text, key := signed(t, `{"alg":"EdDSA","kid":"k","typ":"t"}`, `{"a":1}`)
	token, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if h := token.Header(); h.Algorithm != "EdDSA" || h.KID != "k" || h.Type != "t" {
		t.Errorf("header %+v", h)
	}
	claims, err := token.Verify(key, nil)
	if err != nil || claims.Checked().Text() != `{"a":1}` {
		t.Errorf("claims %s, error %v", claims.Checked().Text(), err)
	}
	if _, err := token.Verify(jws.Key{}, nil); err == nil {
		t.Error("the zero key verifies")
	}
}

// A token takes the place of the one before, also where it is refused: nothing of the first is left to be verified.
func TestParseForgetsTheLast(t *testing.T) {
	t.Parallel()
	text, key := signed(t, `{"alg":"EdDSA","kid":"forgotten"}`, `{"a":1}`)
	parts := strings.Split(text, ".")
	for name, bad := range map[string]string{
		"no token":  "bad",
		"header":    "e30." + parts[1] + "." + parts[2],
		"payload":   parts[0] + ".!." + parts[2],
		"signature": parts[0] + "." + parts[1] + ".!",
		"long":      strings.Repeat("A", jws.MaxToken+1),
	} {
		token, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := token.Parse(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := token.Verify(key, nil); err == nil || token.Header() != nil {
			t.Errorf("%s: the token before is still there", name)
		}
	}
}

func TestParseCountsSegments(t *testing.T) {
	t.Parallel()
	text, _ := signed(t, `{"alg":"EdDSA"}`, `{"a":1}`)
	for _, bad := range []string{"", "a", "a.b", text + ".", "." + text, text + "." + text, strings.Repeat(".", 4)} {
		if _, err := parse(bad); err == nil || err.Error() != "not three segments" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestVerifyRefusesVariants(t *testing.T) {
	t.Parallel()
	text, key := signed(t, `{"alg":"EdDSA"}`, `{"A":1}`)
	token, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(key, nil, "a"); err == nil {
		t.Error("a known name in another case is taken")
	}
	if _, err := token.Verify(key, nil, "b"); err != nil {
		t.Errorf("a name that nobody knows: %v", err)
	}
}

// The algorithm is that of the key, also where the signature would match.
func TestHeaderMustSayTheAlgorithm(t *testing.T) {
	t.Parallel()
	text, key := signed(t, `{"alg":"ES256"}`, `{"a":1}`)
	token, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(key, nil); err == nil {
		t.Error("a token that says another algorithm is taken")
	}
}

// The signature comes before the claims: a token that nobody signed is not told what is wrong with them.
func TestSignatureIsFirst(t *testing.T) {
	t.Parallel()
	text, key := signed(t, `{"alg":"EdDSA"}`, `{"a":1,"a":2}`)
	token, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(key, nil); err == nil || !strings.Contains(err.Error(), "claims") {
		t.Errorf("signed: %v", err)
	}
	token, err = parse(text[:len(text)-4] + "AAAA")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(key, nil); err == nil || !strings.Contains(err.Error(), "signature") {
		t.Errorf("not signed: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	text, key := signed(f, `{"alg":"EdDSA","kid":"k"}`, `{"iss":"i"}`)
	for _, seed := range []string{
		text, "", ".", "..", "...", "a.b.c", strings.Repeat(".", 100), text + "=", text + "\n",
		"eyJhbGciOiJub25lIn0.e30.AA", "eyJhbGciOiJFUzI1NiJ9.e30.AA", "eyJhbGciOiJFZERTQSIsImNyaXQiOltdfQ.e30.AA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		token, err := parse(input)
		if err != nil {
			if _, err := token.Verify(key, nil); err == nil || token.Header() != nil {
				t.Fatalf("%q is not taken, and verifies", input)
			}
			return
		}
		if strings.Count(input, ".") != 2 || strings.ContainsAny(input, "=\r\n+/ ") || len(input) > jws.MaxToken {
			t.Fatalf("%q is no compact JWS", input)
		}
		if _, err := token.Verify(key, nil); err == nil && input != text {
			t.Fatalf("%q was not signed", input)
		}
	})
}
