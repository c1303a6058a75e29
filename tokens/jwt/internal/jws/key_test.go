// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// modulus returns an odd number of a length in bits. Nothing is signed with it.
func modulus(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.Add(n, big.NewInt(7))
}

// rocaModulus returns a number that is a power of 65537 to all primes up to 167, as the products of such primes are.
func rocaModulus() *big.Int {
	product := big.NewInt(1)
	for p := int64(2); p <= 167; p++ {
		if big.NewInt(p).ProbablyPrime(20) {
			product.Mul(product, big.NewInt(p))
		}
	}
	power := new(big.Int).Exp(big.NewInt(65537), big.NewInt(123_456_789), product)
	n := new(big.Int).Lsh(big.NewInt(1), 2047)
	n.Sub(n, new(big.Int).Mod(n, product)).Add(n, product).Add(n, power)
	return n
}

func TestNewKeyRSA(t *testing.T) {
	t.Parallel()
	even := modulus(2048)
	even.Sub(even, big.NewInt(1))
	roca := rocaModulus()
	nearlyROCA := new(big.Int).Add(roca, big.NewInt(2))
	tests := []struct {
		name string
		n    *big.Int
		e    int
		alg  string
		good bool
	}{
		{"2048 bits", modulus(2048), 65537, "RS256", true},
		{"8192 bits", modulus(8192), 65537, "PS512", true},
		{"exponent 3", modulus(2048), 3, "RS256", true},
		{"SEC-49 2047 bits", modulus(2047), 65537, "RS256", false},
		{"SEC-49 1024 bits", modulus(1024), 65537, "RS256", false},
		{"SEC-49 8193 bits", modulus(8193), 65537, "RS256", false},
		{"SEC-49 exponent 1", modulus(2048), 1, "RS256", false},
		{"SEC-49 even exponent", modulus(2048), 65536, "RS256", false},
		{"SEC-49 exponent above 2^31", modulus(2048), 1<<31 + 1, "RS256", false},
		{"SEC-49 negative exponent", modulus(2048), -3, "RS256", false},
		{"SEC-49 even modulus", even, 65537, "RS256", false},
		{"negative modulus", new(big.Int).Neg(modulus(2048)), 65537, "RS256", false},
		{"no modulus", nil, 65537, "RS256", false},
		{"SEC-52 ROCA", roca, 65537, "RS256", false},
		{"two more than ROCA", nearlyROCA, 65537, "RS256", true},
		{"for ES256", modulus(2048), 65537, "ES256", false},
		{"for EdDSA", modulus(2048), 65537, "EdDSA", false},
		{"SEC-02 for HS256", modulus(2048), 65537, "HS256", false},
		{"SEC-01 for none", modulus(2048), 65537, "none", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			key, err := jws.NewKey("k", test.alg, &rsa.PublicKey{N: test.n, E: test.e})
			if (err == nil) != test.good {
				t.Errorf("error %v", err)
			}
			if test.good && (key.KID() != "k" || key.Algorithm() != test.alg) {
				t.Errorf("kid %q, algorithm %q", key.KID(), key.Algorithm())
			}
		})
	}
}

// Every algorithm takes a signature of its own, and none of another one with the same key.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	hashes := map[crypto.Hash]func(input []byte) []byte{
		crypto.SHA256: func(input []byte) []byte { s := sha256.Sum256(input); return s[:] },
		crypto.SHA384: func(input []byte) []byte { s := sha512.Sum384(input); return s[:] },
		crypto.SHA512: func(input []byte) []byte { s := sha512.Sum512(input); return s[:] },
	}
	pkcs1 := func(hash crypto.Hash) func(input []byte) ([]byte, error) {
		return func(input []byte) ([]byte, error) { return rsa.SignPKCS1v15(nil, private, hash, hashes[hash](input)) }
	}
	pss := func(hash crypto.Hash, salt int) func(input []byte) ([]byte, error) {
		return func(input []byte) ([]byte, error) {
			return rsa.SignPSS(rand.Reader, private, hash, hashes[hash](input), &rsa.PSSOptions{SaltLength: salt})
		}
	}
	ec := func(curve elliptic.Curve, hash crypto.Hash, size int) (crypto.PublicKey, func(input []byte) ([]byte, error)) {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return &key.PublicKey, func(input []byte) ([]byte, error) {
			r, s, err := ecdsa.Sign(rand.Reader, key, hashes[hash](input))
			if err != nil {
				return nil, err
			}
			return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), nil
		}
	}
	type signer struct {
		alg    string
		public crypto.PublicKey
		sign   func(input []byte) ([]byte, error)
		good   bool
	}
	edPublic, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signers := []signer{
		{"RS256", &private.PublicKey, pkcs1(crypto.SHA256), true},
		{"RS384", &private.PublicKey, pkcs1(crypto.SHA384), true},
		{"RS512", &private.PublicKey, pkcs1(crypto.SHA512), true},
		{"PS256", &private.PublicKey, pss(crypto.SHA256, 32), true},
		{"PS384", &private.PublicKey, pss(crypto.SHA384, 48), true},
		{"PS512", &private.PublicKey, pss(crypto.SHA512, 64), true},
		{"PS256", &private.PublicKey, pss(crypto.SHA256, 20), false}, // SEC-26
		{"PS256", &private.PublicKey, pkcs1(crypto.SHA256), false},
		{"RS256", &private.PublicKey, pss(crypto.SHA256, 32), false},
		{"RS384", &private.PublicKey, pkcs1(crypto.SHA256), false},
		{"EdDSA", edPublic, func(input []byte) ([]byte, error) { return ed25519.Sign(edPrivate, input), nil }, true},
	}
	for _, c := range []struct {
		alg   string
		curve elliptic.Curve
		hash  crypto.Hash
		size  int
	}{
		{"ES256", elliptic.P256(), crypto.SHA256, 32}, {"ES384", elliptic.P384(), crypto.SHA384, 48}, {"ES512", elliptic.P521(), crypto.SHA512, 66},
	} {
		// Many, so that r and s of all lengths and signs come.
		for range 40 {
			public, sign := ec(c.curve, c.hash, c.size)
			signers = append(signers, signer{c.alg, public, sign, true})
		}
	}
	for _, s := range signers {
		key, err := jws.NewKey("", s.alg, s.public)
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range []string{`{"a":1}`, `{"a":"` + strings.Repeat("x", 4<<10) + `"}`} {
			input := encode([]byte(`{"alg":"`+s.alg+`"}`)) + "." + encode([]byte(payload))
			signature, err := s.sign([]byte(input))
			if err != nil {
				t.Fatal(err)
			}
			token, err := parse(input + "." + encode(signature))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := token.Verify(key, nil); (err == nil) != s.good {
				t.Errorf("%s: %v, want %v", s.alg, err, s.good)
			}
		}
	}
}
