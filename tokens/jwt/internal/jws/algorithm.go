// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
)

type family uint8

const (
	familyPKCS1 family = iota + 1
	familyPSS
	familyECDSA
	familyEd25519
)

// An algorithm is one value of the header alg (RFC 7518 §3, RFC 8037 §3.1). Those with a shared secret, and none, do not exist here.
type algorithm struct {
	family family
	hash   crypto.Hash
	curve  elliptic.Curve // of ECDSA
	size   int            // of r and of s in bytes
}

var algorithms = map[string]algorithm{
	"RS256": {family: familyPKCS1, hash: crypto.SHA256},
	"RS384": {family: familyPKCS1, hash: crypto.SHA384},
	"RS512": {family: familyPKCS1, hash: crypto.SHA512},
	"PS256": {family: familyPSS, hash: crypto.SHA256},
	"PS384": {family: familyPSS, hash: crypto.SHA384},
	"PS512": {family: familyPSS, hash: crypto.SHA512},
	"ES256": {family: familyECDSA, hash: crypto.SHA256, curve: elliptic.P256(), size: 32},
	"ES384": {family: familyECDSA, hash: crypto.SHA384, curve: elliptic.P384(), size: 48},
	"ES512": {family: familyECDSA, hash: crypto.SHA512, curve: elliptic.P521(), size: 66},
	"EdDSA": {family: familyEd25519},
}

// verify reports whether the signature of a token is that of what it says, under a key that NewKey has matched with the algorithm.
func (a algorithm) verify(public crypto.PublicKey, t *Token) bool {
	// The cryptography takes bytes. Most inputs fit, and then are copied on the stack, where they are aligned: what reads them is the
	// quicker for it.
	const most = 1 << 10
	var buffer [most]byte
	message, signature := append(buffer[:0], t.input...), t.signature[:t.signedWith]
	switch key := public.(type) {
	case ed25519.PublicKey:
		return a.family == familyEd25519 && ed25519.Verify(key, message, signature)
	case *rsa.PublicKey:
		switch a.family {
		case familyPKCS1:
			sum, size := a.digest(message)
			return rsa.VerifyPKCS1v15(key, a.hash, sum[:size], signature) == nil
		case familyPSS:
			sum, size := a.digest(message)
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return rsa.VerifyPSS(key, a.hash, sum[:size], signature, options) == nil
		default:
			return false
		}
	case *ecdsa.PublicKey:
		if a.family != familyECDSA || len(signature) != 2*a.size {
			return false
		}
		sum, size := a.digest(message)
		return ecdsa.VerifyASN1(key, sum[:size], appendSignature(t.encoded[:0], signature[:a.size], signature[a.size:]))
	default:
		return false
	}
}

// digest returns the hash of a message in the first size bytes of sum. The zero algorithm has none, and no signature is one of nothing.
func (a algorithm) digest(message []byte) (sum [sha512.Size]byte, size int) {
	switch a.hash {
	case crypto.SHA256:
		s := sha256.Sum256(message)
		return sum, copy(sum[:], s[:])
	case crypto.SHA384:
		s := sha512.Sum384(message)
		return sum, copy(sum[:], s[:])
	case crypto.SHA512:
		return sha512.Sum512(message), sha512.Size
	default:
		return sum, 0
	}
}

// maxEncoded is the longest signature that appendSignature appends.
const maxEncoded = 3 + 2*(2+1+66)

// appendSignature appends r and s, which JWS has in the fixed length of the curve's order (RFC 7518 §3.4), as the ASN.1 that the standard
// library reads. Both are at most 66 bytes.
func appendSignature(encoded, r, s []byte) []byte {
	const sequence, integer, longForm = 0x30, 0x02, 0x81
	r, s = bytes.TrimLeft(r, "\x00"), bytes.TrimLeft(s, "\x00")
	length := func(n []byte) int {
		if len(n) == 0 || n[0] >= 0x80 {
			return len(n) + 1 // a zero, so that it is not negative
		}
		return len(n)
	}
	content := 2 + length(r) + 2 + length(s)
	if encoded = append(encoded, sequence); content >= 0x80 {
		encoded = append(encoded, longForm)
	}
	encoded = append(encoded, byte(content)) //nolint:gosec // At most 138.
	for _, n := range [2][]byte{r, s} {
		encoded = append(encoded, integer, byte(length(n))) //nolint:gosec // At most 67.
		if length(n) > len(n) {
			encoded = append(encoded, 0)
		}
		encoded = append(encoded, n...)
	}
	return encoded
}
