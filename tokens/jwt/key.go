// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// A KeySource finds the key that a token says it is signed with. Implementations are safe for concurrent use.
type KeySource interface {
	// Key returns the key with an id and an algorithm, both as an unverified token tells them. The algorithm is one that this package
	// supports; the kid is empty when the token has none, and then only a sole candidate may be returned.
	//
	// A token whose key does not exist is a [tokens.Error] with [tokens.ReasonTokenInvalid]. Any other error that is not a tokens.Error
	// counts as [tokens.ReasonVerifierUnavailable], unless ctx has ended.
	Key(ctx context.Context, kid, algorithm string) (Key, error)
}

// A Key is a public key with the one algorithm that it may be used with. The zero Key verifies nothing.
type Key struct{ key jws.Key }

// NewKey makes a key of a *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey for implementations of [KeySource]. The key is copied.
// An empty kid means that it has none.
//
// It refuses an algorithm that is unknown or not for such a key, RSA keys that are not of 2048 to 8192 bits or have an exponent that is
// even or below 3, RSA moduli with the fingerprint of ROCA (CVE-2017-15361), and points that are not on their curve. Whether an RSA modulus
// was generated well otherwise is not checked.
func NewKey(kid, algorithm string, public crypto.PublicKey) (Key, error) {
	key, err := jws.NewKey(kid, algorithm, public)
	if err != nil {
		return Key{}, fmt.Errorf("jwt: %w", err)
	}
	return Key{key: key}, nil
}

// KID returns the key's id, or "" when it has none.
func (k Key) KID() string { return k.key.KID() }

// Algorithm returns the key's algorithm, as the header alg spells it.
func (k Key) Algorithm() string { return k.key.Algorithm() }

// A cause is an error of another package, which it says to be of this one.
type cause struct{ err error }

func (c cause) Error() string { return "jwt: " + c.err.Error() }
func (c cause) Unwrap() error { return c.err }

func invalid(cause error) *tokens.Error { return tokens.NewError(tokens.ReasonTokenInvalid, cause) }

var (
	errNoKey     = invalid(errors.New("no key with the token's kid and alg"))
	errAmbiguous = invalid(errors.New("the token has no kid, and not exactly one key has its alg"))
)
