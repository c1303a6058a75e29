// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// The longest that is read, in bytes.
const (
	// MaxToken is the longest token.
	MaxToken = 8 << 10
	// MaxHeader is the longest JSON of a header.
	MaxHeader = 2 << 10
	// MaxKID is the longest key id.
	MaxKID = 256
)

// A Header is the protected header of a token (RFC 7515 §4). Nothing of it is believed before the signature matched.
type Header struct {
	// Algorithm is alg.
	Algorithm string
	// KID is kid: at most [MaxKID] printable ASCII characters, or "" when there is none.
	KID string
	// Type is typ, or "" when there is none.
	Type string
	// Object has all members.
	Object Object
}

// A Token is a JWS of good form whose signature nobody has checked.
type Token struct {
	header    Header
	input     []byte
	payload   []byte
	signature []byte
}

// Parse reads a token without any key: three segments that are not empty, in base64url that can be spelled in one way only, and a header
// that uses nothing this package does not implement. The payload is not looked at.
func Parse(token string) (*Token, error) {
	if len(token) > MaxToken {
		return nil, fmt.Errorf("longer than %d bytes", MaxToken)
	}
	// Counted first, so that a token of dots costs one scan.
	if strings.Count(token, ".") != 2 {
		return nil, errors.New("not three segments")
	}
	first, rest, _ := strings.Cut(token, ".")
	second, third, _ := strings.Cut(rest, ".")
	if base64.RawURLEncoding.DecodedLen(len(first)) > MaxHeader {
		return nil, fmt.Errorf("a header longer than %d bytes", MaxHeader)
	}
	text, err := decode(first)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	header, err := parseHeader(text)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	payload, err := decode(second)
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	signature, err := decode(third)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	return &Token{header: header, input: []byte(token[:len(first)+1+len(second)]), payload: payload, signature: signature}, nil
}

// Header returns the header.
func (t *Token) Header() Header { return t.header }

// Verify checks the signature with a key, and reads the payload as an object only when it matches. Case variants of the known names are
// refused. The algorithm is the key's: a header that says another is refused.
func (t *Token) Verify(key Key, known ...string) (claims Object, err error) {
	if key.public == nil || t.header.Algorithm != key.name || !key.alg.verify(key.public, t.input, t.signature) {
		return Object{}, errors.New("the signature does not match")
	}
	claims, err = ParseObject(t.payload, known...)
	if err != nil {
		return Object{}, fmt.Errorf("claims: %w", err)
	}
	return claims, nil
}

// decode reads base64url without padding (RFC 7515 §2). Strict refuses stray bits; that the decoder skips line breaks cannot be turned
// off.
func decode(segment string) ([]byte, error) {
	if segment == "" {
		return nil, errors.New("empty")
	}
	if strings.ContainsAny(segment, "\r\n") {
		return nil, errors.New("not base64url")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return nil, errors.New("not base64url")
	}
	return raw, nil
}

// forbidden are members that change what is signed or how, or bring the key along. Those who do not understand them must refuse them
// (RFC 7515 §4.1.11, RFC 7797 §6), or would trust the caller's own key.
var forbidden = []string{"crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"}

// headerNames are the members that must not come in another case.
var headerNames = append([]string{"alg", "kid", "typ", "cty"}, forbidden...)

func parseHeader(text []byte) (h Header, err error) {
	if h.Object, err = ParseObject(text, headerNames...); err != nil {
		return Header{}, err
	}
	for _, name := range forbidden {
		if h.Object.Has(name) {
			return Header{}, fmt.Errorf("%s is not supported", name)
		}
	}
	var hasAlgorithm, hasKID, hasType bool
	if h.Algorithm, hasAlgorithm, err = h.Object.String("alg"); err != nil || !hasAlgorithm {
		return Header{}, errors.New("alg is not a string")
	}
	if h.KID, hasKID, err = h.Object.String("kid"); err != nil {
		return Header{}, err
	}
	if hasKID && !validKID(h.KID) {
		return Header{}, fmt.Errorf("kid is not 1 to %d printable characters", MaxKID)
	}
	if h.Type, hasType, err = h.Object.String("typ"); err != nil {
		return Header{}, err
	}
	if hasType && h.Type == "" {
		return Header{}, errors.New("typ is empty")
	}
	content, _, err := h.Object.String("cty")
	if err != nil {
		return Header{}, err
	}
	if strings.EqualFold(content, "JWT") || strings.EqualFold(content, "application/JWT") {
		return Header{}, errors.New("a nested token is not supported")
	}
	if _, ok := algorithms[h.Algorithm]; !ok {
		return Header{}, errors.New("the algorithm is not supported")
	}
	return h, nil
}

func validKID(kid string) bool {
	if kid == "" || len(kid) > MaxKID {
		return false
	}
	for i := range len(kid) {
		if kid[i] < 0x20 || kid[i] > 0x7E {
			return false
		}
	}
	return true
}
