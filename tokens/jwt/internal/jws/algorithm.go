// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // Linked in for crypto.SHA256.
	_ "crypto/sha512" // Linked in for crypto.SHA384 and crypto.SHA512.
	"math/big"
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
}

var algorithms = map[string]algorithm{
	"RS256": {family: familyPKCS1, hash: crypto.SHA256},
	"RS384": {family: familyPKCS1, hash: crypto.SHA384},
	"RS512": {family: familyPKCS1, hash: crypto.SHA512},
	"PS256": {family: familyPSS, hash: crypto.SHA256},
	"PS384": {family: familyPSS, hash: crypto.SHA384},
	"PS512": {family: familyPSS, hash: crypto.SHA512},
	"ES256": {family: familyECDSA, hash: crypto.SHA256, curve: elliptic.P256()},
	"ES384": {family: familyECDSA, hash: crypto.SHA384, curve: elliptic.P384()},
	"ES512": {family: familyECDSA, hash: crypto.SHA512, curve: elliptic.P521()},
	"EdDSA": {family: familyEd25519},
}

// verify reports whether signature is that of input under a key that NewKey has matched with the algorithm.
func (a algorithm) verify(public crypto.PublicKey, input, signature []byte) bool {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return a.family == familyEd25519 && ed25519.Verify(key, input, signature)
	case *rsa.PublicKey:
		switch a.family {
		case familyPKCS1:
			return rsa.VerifyPKCS1v15(key, a.hash, a.digest(input), signature) == nil
		case familyPSS:
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return rsa.VerifyPSS(key, a.hash, a.digest(input), signature, options) == nil
		default:
			return false
		}
	case *ecdsa.PublicKey:
		if a.family != familyECDSA {
			return false
		}
		// r and s in the fixed length of the curve's order, never ASN.1 (RFC 7518 §3.4).
		size := (a.curve.Params().BitSize + 7) / 8
		if len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(key, a.digest(input), r, s)
	default:
		return false
	}
}

func (a algorithm) digest(input []byte) []byte {
	h := a.hash.New()
	h.Write(input)
	return h.Sum(nil)
}
