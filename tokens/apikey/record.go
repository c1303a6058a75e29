// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// A Store is what a [Verifier] needs of the place where records are. It is safe for concurrent use.
type Store interface {
	// Lookup returns the record of the key with this id. [ErrNotFound], wrapped or not, is definitive: there is no such key, and the
	// caller is refused. Any other error means that the store cannot tell, and the caller is told to try again. Lookup asks the source of
	// truth, not a cache, and returns when ctx ends. The Verifier does not change the record, and does not keep it.
	Lookup(ctx context.Context, id string) (Record, error)
}

// ErrNotFound says that there is no key with the id.
var ErrNotFound = errors.New("apikey: no key with this id")

// A Record is what is stored of a key. It contains nothing from which the key can be made.
type Record struct {
	// ID is the id of the key.
	ID string
	// Digest is the digest of the key.
	Digest Digest
	// Hint is [Key.Hint], for people.
	Hint string
	// Name is what the owner calls the key, for people.
	Name string
	// UserID is the user who owns the key. Exactly one of UserID and OrganizationID is set.
	UserID string
	// OrganizationID is the organization that owns the key.
	OrganizationID string
	// Scopes are those of the key.
	Scopes []string
	// Claims is a JSON object with whatever else handlers should know, read with [tokens.Principal.Claim]; nil: none.
	Claims json.RawMessage
	// CreatedAt is when the key was made.
	CreatedAt time.Time
	// NotBefore is when the key begins to be valid; zero: always was.
	NotBefore time.Time
	// ExpiresAt is when the key ends; zero: never.
	ExpiresAt time.Time
	// RevokedAt is when the key was revoked; zero: it was not. Every other time, a future one too, means revoked.
	RevokedAt time.Time
}

// Clone returns a copy that shares no memory with the record.
func (r Record) Clone() Record {
	r.Scopes = slices.Clone(r.Scopes)
	r.Claims = bytes.Clone(r.Claims)
	return r
}

// principal makes the caller of a record, and refuses a record that cannot be right.
func (r Record) principal(skew time.Duration) (*tokens.Principal, error) {
	if (r.UserID == "") == (r.OrganizationID == "") {
		return nil, errors.New("a key is owned by exactly one of a user and an organization")
	}
	return tokens.NewPrincipal(tokens.Facts{
		Kind:         tokens.APIKey,
		ID:           r.ID,
		Subject:      r.UserID + r.OrganizationID, // one of them is empty
		UserID:       r.UserID,
		Organization: tokens.Organization{ID: r.OrganizationID},
		Scopes:       r.Scopes,
		Claims:       r.Claims,
		IssuedAt:     r.CreatedAt,
		NotBefore:    r.NotBefore,
		ExpiresAt:    r.ExpiresAt,
		Skew:         skew,
	})
}

// DefaultPrefix is the prefix of keys and of verifiers for which no other is given.
const DefaultPrefix = "ak"

// A Spec says what key to make.
type Spec struct {
	// Prefix is what the key begins with, without the underscore that follows: words of lower-case letters and digits, joined by one
	// underscore, the first beginning with a letter, 32 bytes at most. Empty: [DefaultPrefix].
	Prefix string
	// Name is what the owner calls the key.
	Name string
	// UserID is the user who will own the key. Exactly one of UserID and OrganizationID must be set.
	UserID string
	// OrganizationID is the organization that will own the key.
	OrganizationID string
	// Scopes are those of the key; none may be empty.
	Scopes []string
	// Claims is a JSON object with whatever else handlers should know; nil: none.
	Claims json.RawMessage
	// NotBefore is when the key begins to be valid; zero: now.
	NotBefore time.Time
	// ExpiresAt is when the key ends; zero: never.
	ExpiresAt time.Time
}

// New makes a key and the record that a store should keep of it. Nothing is stored. Whoever writes a store inserts the record and gives
// the key to the caller; users of a store call its own method. Times are cut to microseconds in UTC, as databases keep them.
func New(spec Spec) (Key, Record, error) {
	if spec.Prefix == "" {
		spec.Prefix = DefaultPrefix
	}
	if !validPrefix(spec.Prefix) {
		return Key{}, Record{}, fmt.Errorf("apikey: %w", errPrefix(spec.Prefix))
	}
	now := stored(time.Now())
	key := generate(spec.Prefix)
	record := Record{
		ID: key.ID(), Digest: key.Digest(), Hint: key.Hint(),
		Name: spec.Name, UserID: spec.UserID, OrganizationID: spec.OrganizationID, Scopes: spec.Scopes, Claims: spec.Claims,
		CreatedAt: now, NotBefore: stored(spec.NotBefore), ExpiresAt: stored(spec.ExpiresAt),
	}.Clone()
	if ends := record.ExpiresAt; !ends.IsZero() && (!ends.After(now) || !ends.After(record.NotBefore)) {
		return Key{}, Record{}, errors.New("apikey: the key would expire before it is valid")
	}
	if _, err := record.principal(0); err != nil {
		return Key{}, Record{}, fmt.Errorf("apikey: %w", err)
	}
	return key, record, nil
}

func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
