// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// A Verifier verifies API keys of some prefixes against a store. Make it with [NewVerifier]. It is safe for concurrent use.
type Verifier struct {
	store    Store
	prefixes []string
	skew     time.Duration
}

var _ tokens.Verifier = (*Verifier)(nil)

// NewVerifier returns a verifier of the keys in store.
func NewVerifier(store Store, opts ...Option) (*Verifier, error) {
	if isNil(store) {
		return nil, errors.New("apikey: a verifier needs a store")
	}
	c := config{prefixes: []string{DefaultPrefix}, skew: defaultSkew}
	var mistakes []error
	for _, opt := range opts {
		if opt == nil {
			mistakes = append(mistakes, errors.New("apikey: an option is nil"))
			continue
		}
		if err := opt.apply(&c); err != nil {
			mistakes = append(mistakes, fmt.Errorf("apikey: %w", err))
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return &Verifier{store: store, prefixes: c.prefixes, skew: c.skew}, nil
}

// An Option changes a default of [NewVerifier].
type Option interface{ apply(c *config) error }

type config struct {
	prefixes []string
	skew     time.Duration
}

type option func(c *config) error

func (o option) apply(c *config) error { return o(c) }

// WithPrefixes sets the prefixes of the keys that are verified, each without the underscore that follows; see [Spec]. A server of one
// environment names that environment's prefix alone: it then refuses the keys of every other. Default: [DefaultPrefix] alone.
func WithPrefixes(prefixes ...string) Option {
	prefixes = slices.Clone(prefixes)
	return option(func(c *config) error {
		if len(prefixes) == 0 {
			return errors.New("no prefix; name one or leave the option out")
		}
		for i, prefix := range prefixes {
			if !validPrefix(prefix) {
				return errPrefix(prefix)
			}
			if slices.Contains(prefixes[:i], prefix) {
				return fmt.Errorf("prefix %q twice", prefix)
			}
		}
		c.prefixes = prefixes
		return nil
	})
}

const defaultSkew = 5 * time.Second

// WithSkew sets how far clocks may differ: a key is valid from NotBefore - skew until ExpiresAt + skew. Default: 5 s. At most
// [tokens.MaxSkew].
func WithSkew(skew time.Duration) Option {
	return option(func(c *config) error {
		if skew < 0 || skew > tokens.MaxSkew {
			return fmt.Errorf("a skew of %s is not between 0 and %s", skew, tokens.MaxSkew)
		}
		c.skew = skew
		return nil
	})
}

// Forms returns one form of kind [tokens.APIKey] for each prefix.
func (v *Verifier) Forms() []tokens.Form {
	forms := make([]tokens.Form, 0, len(v.prefixes))
	for _, prefix := range v.prefixes {
		forms = append(forms, tokens.Form{Kind: tokens.APIKey, Prefix: prefix + "_"})
	}
	return forms
}

var (
	errOtherPrefix = tokens.NewError(tokens.ReasonTokenInvalid, errors.New("an API key of another prefix"))
	errNoMatch     = tokens.NewError(tokens.ReasonTokenInvalid, errors.New("no API key with this id and secret"))
	errExpired     = tokens.NewError(tokens.ReasonTokenExpired, errors.New("the API key has expired"))
	errRevoked     = tokens.NewError(tokens.ReasonTokenRevoked, errors.New("the API key was revoked"))
	errNotYet      = tokens.NewError(tokens.ReasonTokenNotYetValid, errors.New("the API key is not valid yet"))
	errOtherRecord = tokens.NewError(tokens.ReasonInternal, errors.New("the store returned the record of another API key"))
)

// Verify verifies a key: shape and checksum first, and only then is the store asked, once. The package comment says what each error
// means. The principal's id is that of the key; its subject, and either user or organization, is the owner.
func (v *Verifier) Verify(ctx context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	key, err := Parse(credential.Secret)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(v.prefixes, key.prefix()) {
		return nil, errOtherPrefix
	}
	id := key.ID()
	record, err := v.store.Lookup(ctx, id)
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			return nil, tokens.NewError(tokens.ReasonVerifierUnavailable, fmt.Errorf("the store of API keys: %w", err))
		}
		record = Record{} // whose digest no key has, and which is compared like any other
	}
	// An unknown id and a wrong secret take the same steps to the same error.
	found, matches := err == nil, record.Digest.Equal(key.Digest())
	switch {
	case found && record.ID != id:
		return nil, errOtherRecord
	case !found || !matches:
		return nil, errNoMatch
	}
	principal, err := record.principal(v.skew)
	if err != nil {
		return nil, tokens.NewError(tokens.ReasonInternal, fmt.Errorf("the record of an API key: %w", err))
	}
	now := time.Now()
	switch {
	case principal.Expired(now): // as the guard asks again on every call, also of a cached principal
		return nil, errExpired
	case !record.RevokedAt.IsZero():
		return nil, errRevoked
	case now.Add(v.skew).Before(record.NotBefore):
		return nil, errNotYet
	}
	return principal, nil
}

// isNil reports whether a store is nil, or an interface around a nil pointer, which would panic on the first call.
func isNil(store Store) bool {
	if store == nil {
		return true
	}
	r := reflect.ValueOf(store)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
