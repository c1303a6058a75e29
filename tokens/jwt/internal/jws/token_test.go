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

func TestVerify(t *testing.T) {
	t.Parallel()
	text, key := signed(t, `{"alg":"EdDSA","kid":"k","typ":"t"}`, `{"a":1}`)
	token, err := jws.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if h := token.Header(); h.Algorithm != "EdDSA" || h.KID != "k" || h.Type != "t" {
		t.Errorf("header %+v", h)
	}
	claims, err := token.Verify(key, new(jws.Scratch))
	if err != nil || string(claims.Text()) != `{"a":1}` {
		t.Errorf("claims %s, error %v", claims.Text(), err)
	}
	if _, err := token.Verify(jws.Key{}, new(jws.Scratch)); err == nil {
		t.Error("the zero key verifies")
	}
}

func TestVerifyRefusesVariants(t *testing.T) {
	t.Parallel()
	text, key := signed(t, `{"alg":"EdDSA"}`, `{"A":1}`)
	token, err := jws.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(key, new(jws.Scratch), "a"); err == nil {
		t.Error("a known name in another case is taken")
	}
	if _, err := token.Verify(key, new(jws.Scratch), "b"); err != nil {
		t.Errorf("a name that nobody knows: %v", err)
	}
}

// The algorithm is that of the key, also where the signature would match.
func TestHeaderMustSayTheAlgorithm(t *testing.T) {
	t.Parallel()
	text, key := signed(t, `{"alg":"ES256"}`, `{"a":1}`)
	token, err := jws.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(key, new(jws.Scratch)); err == nil {
		t.Error("a token that says another algorithm is taken")
	}
}

// The signature comes before the claims: a token that nobody signed is not told what is wrong with them.
func TestSignatureIsFirst(t *testing.T) {
	t.Parallel()
	text, key := signed(t, `{"alg":"EdDSA"}`, `{"a":1,"a":2}`)
	token, err := jws.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(key, new(jws.Scratch)); err == nil || !strings.Contains(err.Error(), "claims") {
		t.Errorf("signed: %v", err)
	}
	token, err = jws.Parse(text[:len(text)-4] + "AAAA")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(key, new(jws.Scratch)); err == nil || !strings.Contains(err.Error(), "signature") {
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
		token, err := jws.Parse(input)
		if (token == nil) == (err == nil) {
			t.Fatal("exactly one of token and error must be set")
		}
		if token == nil {
			return
		}
		if strings.Count(input, ".") != 2 || strings.ContainsAny(input, "=\r\n+/ ") || len(input) > jws.MaxToken {
			t.Fatalf("%q is no compact JWS", input)
		}
		if _, err := token.Verify(key, new(jws.Scratch)); err == nil && input != text {
			t.Fatalf("%q was not signed", input)
		}
	})
}
