// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

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
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

// An ownKey is a key of the test's own, a verifier of machines' tokens that are signed with it, and what such a token says.
type ownKey struct {
	v     *jwt.Verifier
	input string
}

func newOwnKey(tb testing.TB, algorithm string, public any) ownKey {
	tb.Helper()
	keys := must(jwt.NewKeySet(set(jwk(tb, public, map[string]any{"kid": "k", "alg": algorithm}))))
	return ownKey{
		v:     must(jwt.NewM2MVerifier("i", []string{"a"}, jwt.ClassType("m2m"), keys)),
		input: b64(fmt.Sprintf(`{"alg":%q,"kid":"k","typ":"m2m"}`, algorithm)) + "." + b64(`{"iss":"i","sub":"s","aud":"a","jti":"j","exp":9000000000}`),
	}
}

func (o ownKey) token(signature []byte) string {
	return o.input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// SEC-04: a key that says no algorithm has the one that the application gave it, whatever the token says.
func TestAlgorithmIsNotTheTokens(t *testing.T) {
	t.Parallel()
	key := rsaKey()
	keys := must(jwt.NewKeySet(set(jwk(t, &key.PublicKey, map[string]any{"kid": "k"})), jwt.WithAlgorithm("RS256")))
	v := must(jwt.NewM2MVerifier("i", []string{"a"}, jwt.ClassType("m2m"), keys))
	for algorithm, hash := range map[string]crypto.Hash{"RS256": crypto.SHA256, "RS384": crypto.SHA384, "PS256": crypto.SHA256} {
		input := b64(fmt.Sprintf(`{"alg":%q,"kid":"k","typ":"m2m"}`, algorithm)) + "." + b64(`{"iss":"i","sub":"s","aud":"a","exp":9000000000}`)
		digest := hash.New()
		digest.Write([]byte(input))
		var options crypto.SignerOpts = hash
		if algorithm == "PS256" {
			options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		}
		token := input + "." + base64.RawURLEncoding.EncodeToString(must(key.Sign(rand.Reader, digest.Sum(nil), options)))
		if algorithm == "RS256" {
			accepted(t, v, token)
		} else {
			refused(t, v, token, tokens.ReasonTokenInvalid)
		}
	}
}

// SEC-24: whoever has a token can make its twin, which is as good. So a token's bytes must not be what is revoked or used once; its id is
// the same in both.
func TestTwinOfECDSA(t *testing.T) {
	t.Parallel()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	own := newOwnKey(t, "ES256", &key.PublicKey)
	digest := sha256.Sum256([]byte(own.input))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := func(s *big.Int) []byte {
		return slices.Concat(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32)))
	}
	one, twin := own.token(signature(s)), own.token(signature(new(big.Int).Sub(elliptic.P256().Params().N, s)))
	if one == twin || accepted(t, own.v, one).ID() != "j" || accepted(t, own.v, twin).ID() != "j" {
		t.Error("the two tokens do not have one id")
	}
}

// SEC-25: an RSA signature has the length of its modulus and is below it.
func TestLengthOfRSASignatures(t *testing.T) {
	t.Parallel()
	key := rsaKey()
	own := newOwnKey(t, "RS256", &key.PublicKey)
	digest := sha256.Sum256([]byte(own.input))
	good := must(rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]))
	accepted(t, own.v, own.token(good))
	above := new(big.Int).Add(new(big.Int).SetBytes(good), key.N)
	for name, signature := range map[string][]byte{
		"zero before": slices.Concat([]byte{0}, good), "zero behind": slices.Concat(good, []byte{0}), "one short": good[1:],
		"plus modulus": above.Bytes(), "zero": make([]byte, 256), "one": append(make([]byte, 255), 1), "modulus": key.N.Bytes(),
		"as long as the longest": slices.Concat(make([]byte, 1024-256), good), "longer than the longest": slices.Concat(make([]byte, 1025-256), good),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, own.v, own.token(signature), tokens.ReasonTokenInvalid)
		})
	}
}

// SEC-27: what a signature says once it is raised to e is compared whole, not parsed.
func TestPaddingOfRSASignatures(t *testing.T) {
	t.Parallel()
	key := rsaKey()
	own := newOwnKey(t, "RS256", &key.PublicKey)
	digest := sha256.Sum256([]byte(own.input))
	const info = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
	raise := func(text string) []byte {
		message := new(big.Int).SetBytes([]byte(text))
		return new(big.Int).Exp(message, key.D, key.N).FillBytes(make([]byte, 256))
	}
	// padded fills up with ff between a beginning and an end.
	padded := func(begin, end string) string {
		return begin + strings.Repeat("\xff", 256-len(begin)-len(end)) + end
	}
	hash := string(digest[:])
	accepted(t, own.v, own.token(raise(padded("\x00\x01", "\x00"+info+hash))))
	early := "\x00\x01" + strings.Repeat("\xff", 8) + "\x00" + info + hash
	for name, text := range map[string]string{
		"garbage behind the hash":   early + strings.Repeat("\xff", 256-len(early)),
		"no NULL":                   padded("\x00\x01", "\x00\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20"+hash),
		"length in the long form":   padded("\x00\x01", "\x00\x30\x81"+info[1:]+hash),
		"garbage in the parameters": padded("\x00\x01", "\x00\x30\x33\x30\x0f\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x02AA\x04\x20"+hash),
		"block of type 2":           padded("\x00\x02", "\x00"+info+hash),
		"block of type 0":           "\x00\x00" + strings.Repeat("\x00", 256-3-len(info+hash)) + "\x00" + info + hash,
		"zero in the padding":       padded("\x00\x01\xff\xff\x00", "\x00"+info+hash),
		"no separator":              padded("\x00\x01", info+hash),
		"no hash function":          padded("\x00\x01", "\x00"+hash),
		"SHA-384 named":             padded("\x00\x01", "\x00"+strings.Replace(info, "\x04\x02\x01", "\x04\x02\x02", 1)+hash),
		"half of the hash":          padded("\x00\x01", "\x00"+info+hash[:16]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, own.v, own.token(raise(text)), tokens.ReasonTokenInvalid)
		})
	}
}

// SEC-28: the corners of Ed25519 are answered as the standard library answers them.
func TestCornersOfEd25519(t *testing.T) {
	t.Parallel()
	order := new(big.Int).Lsh(big.NewInt(1), 252)
	order.Add(order, must2(new(big.Int).SetString("27742317777372353535851937790883648493", 10)))
	seed := sha256.Sum256([]byte("corners"))
	private := ed25519.NewKeyFromSeed(seed[:])
	public, _ := private.Public().(ed25519.PublicKey)
	own := newOwnKey(t, "EdDSA", public)
	good := ed25519.Sign(private, []byte(own.input))
	identity := append([]byte{1}, make([]byte, 31)...)

	// With R of order 1, whoever has the private key finds S: hash times secret.
	expanded := sha512.Sum512(seed[:])
	expanded[0], expanded[31] = expanded[0]&248, expanded[31]&127|64
	challenge := sha512.Sum512(slices.Concat(identity, public, []byte(own.input)))
	secret := new(big.Int).Mul(little(expanded[:32]), little(challenge[:]))

	tests := []struct {
		name      string
		signature []byte
		good      bool
	}{
		{"good", good, true},
		{"S + L", slices.Concat(good[:32], encodeLittle(new(big.Int).Add(little(good[32:]), order))), false},
		{"S = L", slices.Concat(good[:32], encodeLittle(order)), false},
		{"zero", make([]byte, 64), false},
		{"R and S of nothing", slices.Concat(identity, make([]byte, 32)), false},
		{"R of order 1", slices.Concat(identity, encodeLittle(secret.Mod(secret, order))), true},
		{"short", good[:63], false},
		{"long", append(slices.Clone(good), 0), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if ed25519.Verify(public, []byte(own.input), test.signature) != test.good {
				t.Errorf("the standard library does not say %v any more", test.good)
			}
			if test.good {
				accepted(t, own.v, own.token(test.signature))
			} else {
				refused(t, own.v, own.token(test.signature), tokens.ReasonTokenInvalid)
			}
		})
	}
}

func must2[T any](value T, ok bool) T {
	if !ok {
		panic("no value")
	}
	return value
}

// little reads a number whose lowest byte comes first.
func little(text []byte) *big.Int {
	reversed := slices.Clone(text)
	slices.Reverse(reversed)
	return new(big.Int).SetBytes(reversed)
}

func encodeLittle(number *big.Int) []byte {
	text := number.FillBytes(make([]byte, 32))
	slices.Reverse(text)
	return text
}

// SEC-52: a modulus that to each small prime is a power of 65537.
func TestROCA(t *testing.T) {
	t.Parallel()
	primorial, modulus := big.NewInt(1), big.NewInt(1)
	for _, prime := range []int64{
		2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139,
		149, 151, 157, 163, 167,
	} {
		primorial.Mul(primorial, big.NewInt(prime))
	}
	modulus.Exp(big.NewInt(65537), big.NewInt(4711), primorial)
	multiple := new(big.Int).Lsh(big.NewInt(1), 2047)
	modulus.Add(modulus, multiple.Sub(multiple, new(big.Int).Mod(multiple, primorial))).Add(modulus, primorial)
	for name, test := range map[string]struct {
		modulus *big.Int
		good    bool
	}{"with": {modulus, false}, "without": {new(big.Int).Add(modulus, big.NewInt(2)), true}} {
		if bits := test.modulus.BitLen(); bits != 2048 {
			t.Fatalf("%d bits", bits)
		}
		public := &rsa.PublicKey{N: test.modulus, E: 65537}
		if _, err := jwt.NewKey("k", "RS256", public); (err == nil) != test.good {
			t.Errorf("%s: NewKey: %v", name, err)
		}
		if _, err := jwt.NewKeySet(set(jwk(t, public, map[string]any{"alg": "RS256"}))); (err == nil) != test.good {
			t.Errorf("%s: NewKeySet: %v", name, err)
		}
	}
}
