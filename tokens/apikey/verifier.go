// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// A Verifier verifies API keys of some prefixes against a store. Make it with [NewVerifier]. It is safe for concurrent use.
type Verifier struct {
	store    Store
	prefixes []string
	imported []string  // prefixes, in full
	recorder *Recorder // nil: none
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
	for _, err := range c.checkImported(store) {
		mistakes = append(mistakes, fmt.Errorf("apikey: %w", err))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	v := &Verifier{store: store, prefixes: c.prefixes, imported: c.imported, recorder: c.recorder, skew: c.skew}
	if _, err := tokens.NewVerifiers(v); err != nil { // which a server would be told anyway, later
		return nil, fmt.Errorf("apikey: %w", err)
	}
	return v, nil
}

// An Option changes a default of [NewVerifier].
type Option interface{ apply(c *config) error }

type config struct {
	prefixes []string
	imported []string
	recorder *Recorder
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

// Forms returns one form of kind [tokens.APIKey] for each prefix, those of imported keys included.
func (v *Verifier) Forms() []tokens.Form {
	forms := make([]tokens.Form, 0, len(v.prefixes)+len(v.imported))
	for _, prefix := range v.prefixes {
		forms = append(forms, tokens.Form{Kind: tokens.APIKey, Prefix: prefix + "_", Fresh: true})
	}
	for _, prefix := range v.imported {
		if !slices.ContainsFunc(forms, func(f tokens.Form) bool { return f.Prefix == prefix }) {
			forms = append(forms, tokens.Form{Kind: tokens.APIKey, Prefix: prefix, Fresh: true})
		}
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
// means. The principal's id is that of the key's record; its subject, and either user or organization, is the owner.
func (v *Verifier) Verify(ctx context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	record, err := v.lookup(ctx, credential.Secret)
	if err != nil {
		return nil, err
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
	if v.recorder != nil {
		v.recorder.used(record.ID, now)
		if record.Handle != "" {
			v.upgraded(credential.Secret, record)
		}
	}
	return principal, nil
}

// lookup returns the record of a key whose secret is right.
func (v *Verifier) lookup(ctx context.Context, secret tokens.Secret) (Record, error) {
	key, err := Parse(secret)
	if err == nil && slices.Contains(v.prefixes, key.prefix()) {
		return v.lookupOwn(ctx, key)
	}
	// A key of ours that was mistyped is none of another system: to ask for it would cost what the checksum saves.
	mistyped := errors.Is(err, errChecksum) && v.beginsOwn(secret.Reveal())
	if v.isImported(secret.Reveal()) && !mistyped {
		return v.lookupImported(ctx, secret)
	}
	if err == nil {
		err = errOtherPrefix
	}
	return Record{}, err
}

// beginsOwn reports whether a text of the shape of a key has a prefix of ours.
func (v *Verifier) beginsOwn(text string) bool {
	return slices.Contains(v.prefixes, text[:len(text)-tailLength])
}

// lookupOwn asks the store for the record of a key of ours, once.
func (v *Verifier) lookupOwn(ctx context.Context, key Key) (Record, error) {
	id := key.ID()
	record, err := v.store.Lookup(ctx, id)
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			return Record{}, unavailable(err)
		}
		record = Record{} // whose digest no key has, and which is compared like any other
	}
	// An unknown id and a wrong secret take the same steps to the same error.
	found, matches := err == nil, record.Digest.Equal(key.Digest())
	switch {
	case found && record.ID != id:
		return Record{}, errOtherRecord
	case !found || !matches:
		return Record{}, errNoMatch
	}
	return record, nil
}

func unavailable(err error) error {
	return tokens.NewError(tokens.ReasonVerifierUnavailable, fmt.Errorf("the store of API keys: %w", err))
}
