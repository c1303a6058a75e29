// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import "math/big"

// rocaPrimes are the odd primes up to 167.
var rocaPrimes = [...]uint64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139,
	149, 151, 157, 163, 167,
}

// hasROCA reports whether a modulus has the fingerprint of the generator of CVE-2017-15361, whose keys can be factored: to each small
// prime it is a power of 65537. One in 2^27 of other moduli has it too, and is refused with them.
func hasROCA(modulus *big.Int) bool {
	var quotient, rest big.Int
	for _, prime := range rocaPrimes {
		quotient.QuoRem(modulus, new(big.Int).SetUint64(prime), &rest)
		if !isPower(rest.Uint64(), prime) {
			return false
		}
	}
	return true
}

// isPower reports whether a residue is that of a power of 65537.
func isPower(residue, prime uint64) bool {
	power := uint64(1)
	for {
		if power == residue {
			return true
		}
		power = power * 65537 % prime
		if power == 1 {
			return false
		}
	}
}
