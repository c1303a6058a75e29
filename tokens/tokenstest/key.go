// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokenstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
)

type signingKey struct {
	kid    string
	public map[string]string
	sign   signFunc
}

type signFunc func(input []byte) ([]byte, error)

// kty is the member of a JWK that says the type of key.
const kty = "kty"

// makers make a key for each algorithm: the public members of its JWK, and what signs.
var makers = map[string]func() (map[string]string, signFunc, error){
	"RS256": makeRSA,
	"ES256": makeEC,
	"EdDSA": makeEd25519,
}

func makeRSA() (map[string]string, signFunc, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	exponent := big.NewInt(int64(key.E)).Bytes()
	return map[string]string{kty: "RSA", "n": encode(key.N.Bytes()), "e": encode(exponent)},
		func(input []byte) ([]byte, error) {
			digest := sha256.Sum256(input)
			return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		}, nil
}

func makeEC() (map[string]string, signFunc, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, nil, err
	}
	const size = 32
	return map[string]string{kty: "EC", "crv": "P-256", "x": encode(point[1 : 1+size]), "y": encode(point[1+size:])},
		func(input []byte) ([]byte, error) {
			digest := sha256.Sum256(input)
			r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
			if err != nil {
				return nil, err
			}
			signature := make([]byte, 2*size)
			r.FillBytes(signature[:size])
			s.FillBytes(signature[size:])
			return signature, nil
		}, nil
}

func makeEd25519() (map[string]string, signFunc, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	return map[string]string{kty: "OKP", "crv": "Ed25519", "x": encode(public)},
		func(input []byte) ([]byte, error) { return ed25519.Sign(private, input), nil }, nil
}

func marshalKeys(keys []signingKey) []byte {
	set := struct {
		Keys []map[string]string `json:"keys"`
	}{}
	for _, key := range keys {
		set.Keys = append(set.Keys, key.public)
	}
	return mustMarshal(set)
}

func mustMarshal(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic("tokenstest: " + err.Error()) //nolint:forbidigo // A mistake of the test.
	}
	return text
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
