// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
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
	// maxSignature is the longest signature: that of the largest RSA key.
	maxSignature = maxRSABits / 8
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
	header     Header
	segment    string // of the header, when it is not remembered
	input      string // what was signed
	payload    string
	signature  [maxSignature]byte
	signedWith int // the length of the signature
}

var (
	errTokenLong = fmt.Errorf("longer than %d bytes", MaxToken)
	errSegments  = errors.New("not three segments")
	errHeader    = fmt.Errorf("header: empty, longer than %d bytes, or not base64url", MaxHeader)
	errPayload   = errors.New("payload: empty or not base64url")
	errSignature = fmt.Errorf("signature: empty, longer than %d bytes, or not base64url", maxSignature)
	errMismatch  = errors.New("the signature does not match")
)

// Parse reads a token without any key: three segments that are not empty, in base64url that can be spelled in one way only, and a header
// that uses nothing this package does not implement. The payload is not looked at.
func Parse(token string) (*Token, error) {
	// Small enough to be inlined: the token then is on the stack of whoever parses it.
	t := new(Token)
	if err := t.parse(token); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Token) parse(token string) error {
	if len(token) > MaxToken {
		return errTokenLong
	}
	first := strings.IndexByte(token, '.')
	last := first + 1 + strings.IndexByte(token[first+1:], '.')
	if first < 0 || last == first || strings.IndexByte(token[last+1:], '.') >= 0 {
		return errSegments
	}
	// The shortest segments come first, so that a mistake in them costs nothing more. The payload is all that is allocated for.
	signature := token[last+1:]
	t.signedWith = decodedLen(signature)
	if t.signedWith > maxSignature || !decode(t.signature[:t.signedWith], signature) {
		return errSignature
	}
	segment := token[:first]
	if header := rememberedHeader(segment); header != nil {
		t.header = *header
	} else {
		if decodedLen(segment) > MaxHeader {
			return errHeader
		}
		text, ok := decodeText(segment)
		if !ok {
			return errHeader
		}
		var err error
		if t.header, err = parseHeader(text); err != nil {
			return fmt.Errorf("header: %w", err)
		}
		t.segment = segment
	}
	var ok bool
	if t.payload, ok = decodeText(token[first+1 : last]); !ok {
		return errPayload
	}
	t.input = token[:last]
	return nil
}

// Header returns the header.
func (t *Token) Header() Header { return t.header }

// Verify checks the signature with a key, and reads the payload as an object only when it matches, into the scratch, which must be as new or
// reset. Case variants of the known names are refused. The algorithm is the key's: a header that says another is refused.
func (t *Token) Verify(key Key, scratch *Scratch, known ...string) (claims Object, err error) {
	if key.public == nil || t.header.Algorithm != key.name || !key.alg.verify(key.public, t.input, t.signature[:t.signedWith]) {
		return Object{}, errMismatch
	}
	if t.segment != "" {
		rememberHeader(t.segment, t.header)
	}
	claims, err = parseObject(t.payload, &scratch.document, known)
	if err != nil {
		return Object{}, fmt.Errorf("claims: %w", err)
	}
	return claims, nil
}

// forbidden are members that change what is signed or how, or bring the key along. Those who do not understand them must refuse them
// (RFC 7515 §4.1.11, RFC 7797 §6), or would trust the caller's own key.
var forbidden = []string{"crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"}

// headerNames are the members that must not come in another case.
var headerNames = append([]string{"alg", "kid", "typ", "cty"}, forbidden...)

func parseHeader(text string) (h Header, err error) {
	if h.Object, err = parseObject(text, new(document), headerNames); err != nil {
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
