// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

const (
	minRSABits = 2048
	maxRSABits = 8192
)

// A Key verifies signatures of one algorithm. Only [NewKey] makes one; the zero Key verifies nothing.
type Key struct {
	kid    string
	name   string
	alg    algorithm
	public crypto.PublicKey
}

// NewKey makes a key of a *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey, which is copied. An empty kid means that the key has
// none.
//
// It refuses an unknown algorithm, a key of another type or curve, RSA keys that are not of 2048 to 8192 bits or whose exponent is even
// or below 3, points that are not on their curve, and RSA moduli that have the fingerprint of ROCA (CVE-2017-15361). Other weaknesses of a modulus
// are not looked for.
func NewKey(kid, alg string, public crypto.PublicKey) (Key, error) {
	a, ok := algorithms[alg]
	if !ok {
		return Key{}, errors.New("the algorithm of the key is not supported")
	}
	k := Key{kid: kid, name: alg, alg: a}
	var err error
	switch public := public.(type) {
	case *rsa.PublicKey:
		k.public, err = copyRSA(a, public)
	case *ecdsa.PublicKey:
		k.public, err = copyECDSA(a, public)
	case ed25519.PublicKey:
		k.public = slices.Clone(public)
		if a.family != familyEd25519 || len(public) != ed25519.PublicKeySize {
			err = errors.New("an Ed25519 key needs the algorithm EdDSA and 32 bytes")
		}
	default:
		err = fmt.Errorf("a %T is not a public key that signs", public)
	}
	if err != nil {
		return Key{}, err
	}
	return k, nil
}

// KID returns the key's id, or "" when it has none.
func (k Key) KID() string { return k.kid }

// Algorithm returns the one algorithm of the key, as the header alg spells it.
func (k Key) Algorithm() string { return k.name }

func copyRSA(a algorithm, key *rsa.PublicKey) (*rsa.PublicKey, error) {
	switch {
	case a.family != familyPKCS1 && a.family != familyPSS:
		return nil, errors.New("an RSA key needs an algorithm RS… or PS…")
	case key == nil || key.N == nil || key.N.Sign() <= 0 || key.N.Bit(0) == 0:
		return nil, errors.New("the modulus of the RSA key is missing or even")
	case key.N.BitLen() < minRSABits || key.N.BitLen() > maxRSABits:
		return nil, fmt.Errorf("the RSA key has not %d to %d bits", minRSABits, maxRSABits)
	case key.E < 3 || key.E%2 == 0 || int64(key.E) >= 1<<31:
		return nil, errors.New("the exponent of the RSA key is even, below 3 or above 2^31")
	case hasROCA(key.N):
		return nil, errors.New("the modulus of the RSA key was made by a generator whose keys can be factored (CVE-2017-15361)")
	}
	return &rsa.PublicKey{N: new(big.Int).Set(key.N), E: key.E}, nil
}

func copyECDSA(a algorithm, key *ecdsa.PublicKey) (*ecdsa.PublicKey, error) {
	if a.family != familyECDSA || key == nil || key.Curve != a.curve {
		return nil, errors.New("the curve of the key is not that of its algorithm")
	}
	if key.X == nil || key.Y == nil { //nolint:staticcheck // Bytes panics without them.
		return nil, errors.New("the key is not a point on its curve")
	}
	point, err := key.Bytes()
	if err != nil {
		return nil, errors.New("the key is not a point on its curve")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(a.curve, point)
	if err != nil {
		return nil, errors.New("the key is not a point on its curve")
	}
	return public, nil
}
