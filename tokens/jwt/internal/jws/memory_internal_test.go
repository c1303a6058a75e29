// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// Only headers of good signatures are remembered, and a remembered header says what it said before.
func TestHeadersAreRemembered(t *testing.T) {
	t.Parallel()
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("not an Ed25519 key")
	}
	key, err := NewKey("k", "EdDSA", public)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	token := new(Token)
	run := rand.Text() // what an earlier run of the test made is remembered
	for i := range 4 * len(headers) {
		kid := fmt.Sprintf("%s-%d", run, i)
		segment := encode(fmt.Appendf(nil, `{"alg":"EdDSA","kid":%q,"typ":"a","x":{"y":"z"}}`, kid))
		input := segment + "." + encode([]byte(`{"a":1}`))
		good := input + "." + encode(ed25519.Sign(private, []byte(input)))
		for _, text := range []string{good[:len(good)-4] + "AAAA", good, good} {
			if err := token.Parse(text); err != nil {
				t.Fatal(err)
			}
			h := token.Header()
			if x, ok, err := h.Object.Member("x").Object(); h.KID != kid || h.Type != "a" || !ok || err != nil || x.Member("y").Raw() != `"z"` {
				t.Fatalf("header %+v", h)
			}
			_, err := token.Verify(key, nil)
			if (err == nil) != (text == good) {
				t.Fatalf("%q: %v", text, err)
			}
			if remembered := rememberedHeader(segment); err != nil && remembered != nil {
				t.Fatal("the header of a token that nobody signed is remembered")
			}
		}
		if rememberedHeader(segment+"A") != nil || rememberedHeader(strings.ToLower(segment)) != nil {
			t.Fatal("a header is remembered for another segment")
		}
	}
}
