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

// A Token is a JWS (RFC 7515 §3.1), and the memory that it is read into: the next one that is parsed takes its place, and that of its header
// and claims. Their texts stay. The zero Token is ready. It is for one goroutine.
type Token struct {
	header     *Header
	segment    string // of the header, when it is not remembered
	input      string // what was signed
	payload    string
	signature  [maxSignature]byte
	signedWith int // the length of the signature
	encoded    [maxEncoded]byte
	claims     document
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
func (t *Token) Parse(token string) error {
	t.Reset()
	if len(token) > MaxToken {
		return errTokenLong
	}
	first := strings.IndexByte(token, '.')
	last := first + 1 + strings.IndexByte(token[first+1:], '.')
	if first < 0 || last == first {
		return errSegments
	}
	// The shortest segments come first, so that a mistake in them costs nothing more. The payload is all that is allocated for.
	signature := token[last+1:]
	t.signedWith = decodedLen(signature)
	if t.signedWith > maxSignature || !base64URL.decode(t.signature[:t.signedWith], signature) {
		if strings.IndexByte(signature, '.') >= 0 {
			return errSegments
		}
		return errSignature
	}
	segment, payload := token[:first], token[first+1:last]
	header, known, err := readHeader(segment)
	if err != nil {
		return err
	}
	var ok bool
	if t.payload, ok = decodeText(payload); !ok {
		return errPayload
	}
	if !known {
		t.segment = segment
	}
	t.header, t.input = header, token[:last]
	return nil
}

// readHeader returns what a segment says, and whether that is remembered.
func readHeader(segment string) (header *Header, known bool, err error) {
	if header = rememberedHeader(segment); header != nil {
		return header, true, nil
	}
	if decodedLen(segment) > MaxHeader {
		return nil, false, errHeader
	}
	text, ok := decodeText(segment)
	if !ok {
		return nil, false, errHeader
	}
	parsed, err := parseHeader(text)
	if err != nil {
		return nil, false, fmt.Errorf("header: %w", err)
	}
	return &parsed, false, nil
}

// Header returns the header of the token that was parsed, or nil when that failed. It must not be changed.
func (t *Token) Header() *Header { return t.header }

// Verify checks the signature of the token that was parsed with a key, and reads the payload as an object only when it matches. Members of
// the names are found by number. Case variants of the known names are refused. The algorithm is the key's: a header that says another is
// refused.
func (t *Token) Verify(key Key, names *Names, known ...string) (claims Object, err error) {
	if key.public == nil || t.header == nil || t.header.Algorithm != key.name || !key.alg.verify(key.public, t) {
		return Object{}, errMismatch
	}
	if t.segment != "" {
		rememberHeader(t.segment, *t.header)
	}
	claims, err = parseObject(t.payload, &t.claims, names, known)
	if err != nil {
		return Object{}, fmt.Errorf("claims: %w", err)
	}
	return claims, nil
}

// Reset forgets the token, and memory that only a large one needed. The bytes of its signature stay, which alone are no credential.
func (t *Token) Reset() {
	t.header, t.segment, t.input, t.payload = nil, "", "", ""
	t.claims.reset()
}

// forbidden are members that change what is signed or how, or bring the key along. Those who do not understand them must refuse them
// (RFC 7515 §4.1.11, RFC 7797 §6), or would trust the caller's own key.
var forbidden = []string{"crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"}

// headerNames are the members that must not come in another case.
var headerNames = append([]string{"alg", "kid", "typ", "cty"}, forbidden...)

func parseHeader(text string) (h Header, err error) {
	if h.Object, err = parseObject(text, new(document), nil, headerNames); err != nil {
		return Header{}, err
	}
	for _, name := range forbidden {
		if h.Object.Member(name).Exists() {
			return Header{}, fmt.Errorf("%s is not supported", name)
		}
	}
	var hasAlgorithm, hasKID, hasType bool
	if h.Algorithm, hasAlgorithm, err = h.Object.Member("alg").Text(); err != nil || !hasAlgorithm {
		return Header{}, errors.New("alg is not a string")
	}
	if h.KID, hasKID, err = h.Object.Member("kid").Text(); err != nil {
		return Header{}, err
	}
	if hasKID && !validKID(h.KID) {
		return Header{}, fmt.Errorf("kid is not 1 to %d printable characters", MaxKID)
	}
	if h.Type, hasType, err = h.Object.Member("typ").Text(); err != nil {
		return Header{}, err
	}
	if hasType && h.Type == "" {
		return Header{}, errors.New("typ is empty")
	}
	content, _, err := h.Object.Member("cty").Text()
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
