// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
)

// decodeSlowly is what decode is quicker than.
func decodeSlowly(segment string) ([]byte, bool) {
	if segment == "" || strings.ContainsAny(segment, "\r\n") {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	return raw, err == nil
}

func checkDecode(tb testing.TB, segment string) {
	tb.Helper()
	want, wantOK := decodeSlowly(segment)
	into := make([]byte, decodedLen(segment))
	if ok := base64URL.decode(into, segment); ok != wantOK || ok && !bytes.Equal(into, want) {
		tb.Fatalf("decode(%q) is %x %v, want %x %v", segment, into, ok, want, wantOK)
	}
	if text, ok := decodeText(segment); ok != wantOK || ok && text != string(want) {
		tb.Fatalf("decodeText(%q) is %x %v, want %x %v", segment, text, ok, want, wantOK)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for size := range 1600 {
		raw := make([]byte, size)
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		segment := base64.RawURLEncoding.EncodeToString(raw)
		checkDecode(t, segment)
		checkDecode(t, segment+"=")
		checkDecode(t, segment+"A")
		for range 20 {
			if size > 0 {
				changed := []byte(segment)
				changed[r.IntN(len(changed))] = byte(r.Uint32())
				checkDecode(t, string(changed))
			}
		}
	}
}

// Every byte at every place of the groups that are read together, and every last character.
func TestDecodeEveryByte(t *testing.T) {
	t.Parallel()
	good := strings.Repeat("Ab-_", 13)
	for length := 1; length <= len(good); length++ {
		for at := range length {
			for c := range 256 {
				checkDecode(t, good[:at]+string([]byte{byte(c)})+good[at+1:length])
			}
		}
	}
}
