// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
)

const (
	base62    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base64url = base62 + "-_"
	prefix    = "ak_"

	idLength       = 16
	secretLength   = 43
	checksumLength = 6
	keyLength      = len(prefix) + idLength + 1 + secretLength + checksumLength
)

// A stranger makes credentials that nobody gave out. It is for one goroutine.
type stranger struct{ *rand.Rand }

func newStranger(seed uint64) stranger { return stranger{rand.New(rand.NewPCG(seed, 1))} }

// append appends n characters of an alphabet, of which it favours some a little.
func (s stranger) append(to []byte, n int, alphabet string) []byte {
	var bits uint64
	for i := range n {
		if i%8 == 0 {
			bits = s.Uint64()
		}
		to = append(to, alphabet[int(bits&0xff)*len(alphabet)>>8])
		bits >>= 8
	}
	return to
}

// sealed is a key with an id, which may be unknown, with a secret that is not that of the key, and with the right checksum.
func (s stranger) sealed(id string) string { return string(s.sealedBytes(id)) }

func (s stranger) sealedBytes(id string) []byte {
	text := append(make([]byte, 0, keyLength), prefix...)
	if id == "" {
		text = s.append(text, idLength, base62)
	}
	text = s.append(append(append(text, id...), '_'), secretLength, base62)
	sum := crc32.ChecksumIEEE(text)
	text = append(text, "000000"...)
	for i := range checksumLength {
		text[len(text)-1-i] = base62[sum%62]
		sum /= 62
	}
	return text
}

// mistyped is a key with the last character of the checksum wrong, which is the least mistake there is.
func (s stranger) mistyped() string {
	text := s.sealedBytes("")
	last := &text[len(text)-1]
	*last = base62[(strings.IndexByte(base62, *last)+1+s.IntN(len(base62)-1))%len(base62)]
	return string(text)
}

// misspelled is of the length of a key, with a character that no key has.
func (s stranger) misspelled() string {
	text := s.sealedBytes("")
	text[len(prefix)+idLength+1+s.IntN(secretLength)] = "-._~+/"[s.IntN(6)]
	return string(text)
}

// opaque is a string of no form that is known.
func (s stranger) opaque() string {
	return string(s.append(append(make([]byte, 0, 200), 'z'), 20+s.IntN(180), base64url))
}

// junk looks like a JWT from afar.
func (s stranger) junk() string {
	text := append(s.append(append(make([]byte, 0, 300), "eyJ"...), 40, base64url), '.')
	return string(s.append(append(s.append(text, 160, base64url), '.'), 86, base64url))
}

// foreign is a JWT in good order, of an issuer that nobody knows.
func (s stranger) foreign() string {
	encode := base64.RawURLEncoding.EncodeToString
	header := fmt.Sprintf(`{"alg":"ES256","typ":"JWT","kid":"%x"}`, s.Uint64())
	claims := fmt.Sprintf(`{"iss":"https://%x.example","sub":"user_%x","exp":4102444800,"iat":1700000000}`, s.Uint64(), s.Uint64())
	return encode([]byte(header)) + "." + encode([]byte(claims)) + "." + string(s.append(nil, 86, base64url))
}

// mix are the kinds of credentials that cost no lookup.
var mix = []struct {
	what string
	next func(stranger) string
}{
	{"keys with a wrong checksum", stranger.mistyped}, {"keys with a bad character", stranger.misspelled}, {"opaque strings", stranger.opaque},
	{"junk in three segments", stranger.junk}, {"JWTs of unknown issuers", stranger.foreign},
}
