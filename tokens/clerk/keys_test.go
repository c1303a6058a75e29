// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
)

// publicKey returns the first key of a JWK Set in the form that PEM texts have.
func publicKey(tb testing.TB, jwks []byte) []byte {
	tb.Helper()
	var set struct{ Keys []struct{ N, E string } }
	if err := json.Unmarshal(jwks, &set); err != nil || len(set.Keys) == 0 {
		tb.Fatalf("no key: %v", err)
	}
	number := func(text string) *big.Int {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			tb.Fatal(err)
		}
		return new(big.Int).SetBytes(raw)
	}
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: number(set.Keys[0].N), E: int(number(set.Keys[0].E).Int64())})
	if err != nil {
		tb.Fatal(err)
	}
	return der
}
