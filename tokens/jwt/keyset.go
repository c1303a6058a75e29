// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// maxKeys is how many keys a set may have. It bounds what a hostile endpoint makes us build.
const maxKeys = 256

// A KeySet is a fixed set of keys. It is immutable and safe for concurrent use; a nil or zero KeySet has no keys.
type KeySet struct {
	keys    []Key
	leftOut map[string]error // kids of keys that cannot be used, and why
	private bool             // a private key or a shared secret was among them
}

// A KeySetOption configures how a JWK Set is read.
type KeySetOption interface{ applyKeySet(c *keySetConfig) error }

type keySetConfig struct{ algorithm string }

// NewKeySet reads a JWK Set (RFC 7517 §5).
//
// A key that cannot verify signatures is left out: one whose use is not sig, whose key_ops lack verify or do not agree with its use, whose
// alg is not for its kty and crv, or that [NewKey] refuses. Shared secrets (kty oct) are left out as well, and private members are ignored. The whole set is refused
// when it is not a JSON object of good form, when a kid comes twice, when it has more than 256 keys, or when no key is left.
//
// An RSA key without alg is left out unless [WithAlgorithm] says what it is for; EC and Ed25519 keys have only one algorithm.
func NewKeySet(jwks []byte, opts ...KeySetOption) (*KeySet, error) {
	var c keySetConfig
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("jwt: a nil option was given to NewKeySet; leave it out")
		}
		if err := o.applyKeySet(&c); err != nil {
			return nil, fmt.Errorf("jwt: %w", err)
		}
	}
	set, err := parseKeySet(jwks, c.algorithm)
	if err != nil {
		return nil, fmt.Errorf("jwt: JWK Set: %w", err)
	}
	return set, nil
}

// Key returns the key with a kid and an algorithm. Without a kid it returns the key with the algorithm if there is exactly one.
func (s *KeySet) Key(_ context.Context, kid, algorithm string) (Key, error) {
	if s == nil {
		return Key{}, errNoKey
	}
	if kid != "" {
		if key := s.named(kid); key != nil && key.Algorithm() == algorithm {
			return *key, nil
		}
		if why, ok := s.leftOut[kid]; ok {
			return Key{}, invalid(fmt.Errorf("the token's key was left out of the set: %w", why))
		}
		return Key{}, errNoKey
	}
	var found Key
	count := 0
	for _, key := range s.keys {
		if key.Algorithm() == algorithm {
			found = key
			count++
		}
	}
	if count != 1 {
		return Key{}, errAmbiguous
	}
	return found, nil
}

// named returns the key with a kid, which is not empty, or nil. A set has few keys, so that they need no map.
func (s *KeySet) named(kid string) *Key {
	for i := range s.keys {
		if key := &s.keys[i]; key.KID() == kid {
			return key
		}
	}
	return nil
}

func parseKeySet(text []byte, rsaAlgorithm string) (*KeySet, error) {
	document, err := jws.ParseObject(text, nil, "keys")
	if err != nil {
		return nil, err
	}
	var elements []json.RawMessage
	if json.Unmarshal([]byte(document.Member("keys").Raw()), &elements) != nil {
		return nil, errors.New("keys is not an array")
	}
	if len(elements) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	set := &KeySet{leftOut: map[string]error{}}
	seen := map[string]bool{}
	var skipped error
	for i, element := range elements {
		jwk, err := jws.ParseObject(element, nil)
		if err != nil {
			skipped = fmt.Errorf("key %d: %w", i+1, err)
			continue
		}
		// Also of keys that are left out: which of two keys a kid means must not depend on what we support.
		kid, _, err := jwk.Member("kid").Text()
		if err == nil && kid != "" {
			if seen[kid] {
				return nil, errors.New("two keys with the same kid")
			}
			seen[kid] = true
		}
		set.private = set.private || jwk.Member("d").Exists() || jwk.Member("k").Exists()
		key, err := parseJWK(jwk, rsaAlgorithm)
		if err != nil {
			skipped = fmt.Errorf("key %d: %w", i+1, err)
			if kid != "" {
				set.leftOut[kid] = err
			}
			continue
		}
		set.keys = append(set.keys, key)
	}
	if len(set.keys) == 0 && skipped != nil {
		return nil, fmt.Errorf("no key can be used; the last: %w", skipped)
	}
	if len(set.keys) == 0 {
		return nil, errors.New("no keys")
	}
	return set, nil
}

// parseJWK reads the public part of one key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
func parseJWK(jwk jws.Object, rsaAlgorithm string) (Key, error) {
	kid, hasKID, err := jwk.Member("kid").Text()
	if err != nil || hasKID && kid == "" {
		return Key{}, errors.New("kid is not a string that says something")
	}
	if err := checkUse(jwk); err != nil {
		return Key{}, err
	}
	algorithm, hasAlgorithm, err := jwk.Member("alg").Text()
	if err != nil {
		return Key{}, err
	}
	public, only, err := parsePublic(jwk)
	if err != nil {
		return Key{}, err
	}
	switch {
	case hasAlgorithm:
	case only != "":
		algorithm = only
	case rsaAlgorithm != "":
		algorithm = rsaAlgorithm
	default:
		return Key{}, errors.New("an RSA key without alg; say what it is for with jwt.WithAlgorithm")
	}
	return NewKey(kid, algorithm, public)
}

// checkUse refuses a key that is not for verifying (RFC 7517 §4.2, §4.3).
func checkUse(jwk jws.Object) error {
	use, hasUse, err := jwk.Member("use").Text()
	if err != nil || hasUse && use != "sig" {
		return errors.New("use is not sig")
	}
	operations, hasOperations, err := jwk.Member("key_ops").Texts()
	if err != nil || hasOperations && !slices.Contains(operations, "verify") {
		return errors.New("key_ops has no verify")
	}
	for i, operation := range operations {
		if slices.Contains(operations[:i], operation) {
			return errors.New("key_ops has an operation twice")
		}
		if hasUse && operation != "verify" && operation != "sign" {
			return errors.New("use and key_ops do not agree")
		}
	}
	return nil
}

// parsePublic reads a public key, and the algorithm if only one is possible.
func parsePublic(jwk jws.Object) (public crypto.PublicKey, only string, err error) {
	kty, _, err := jwk.Member("kty").Text()
	if err != nil {
		return nil, "", err
	}
	switch kty {
	case "RSA":
		n, nErr := integer(jwk, "n")
		e, eErr := integer(jwk, "e")
		if err := errors.Join(nErr, eErr); err != nil {
			return nil, "", err
		}
		if !e.IsInt64() || e.Int64() >= 1<<31 {
			return nil, "", errors.New("e is above 2^31")
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}, "", nil
	case "EC":
		return parseEC(jwk)
	case "OKP":
		if crv, _, err := jwk.Member("crv").Text(); err != nil || crv != "Ed25519" {
			return nil, "", errors.New("crv is not Ed25519")
		}
		x, err := octets(jwk, "x")
		return ed25519.PublicKey(x), "EdDSA", err
	default:
		return nil, "", errors.New("kty is not RSA, EC or OKP")
	}
}

func parseEC(jwk jws.Object) (public crypto.PublicKey, only string, err error) {
	crv, _, err := jwk.Member("crv").Text()
	if err != nil {
		return nil, "", err
	}
	var curve elliptic.Curve
	switch crv {
	case "P-256":
		curve, only = elliptic.P256(), "ES256"
	case "P-384":
		curve, only = elliptic.P384(), "ES384"
	case "P-521":
		curve, only = elliptic.P521(), "ES512"
	default:
		return nil, "", errors.New("crv is not P-256, P-384 or P-521")
	}
	x, xErr := octets(jwk, "x")
	y, yErr := octets(jwk, "y")
	size := (curve.Params().BitSize + 7) / 8
	// Coordinates have the full length of the field (RFC 7518 §6.2.1.2).
	if xErr != nil || yErr != nil || len(x) != size || len(y) != size {
		return nil, "", errors.New("x or y is not a coordinate")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, "", errors.New("not a point on the curve")
	}
	return key, only, nil
}

func integer(jwk jws.Object, name string) (*big.Int, error) {
	raw, err := octets(jwk, name)
	if err != nil {
		return nil, err
	}
	return new(big.Int).SetBytes(raw), nil
}

func octets(jwk jws.Object, name string) ([]byte, error) {
	text, _, err := jwk.Member(name).Text()
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) == 0 || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%s is not base64url", name)
	}
	return raw, nil
}
