// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	// RevokedFor is why it was revoked, for people.
	RevokedFor string
	// Successor is the id of the key that replaces this one since it was rotated; empty: none.
	Successor string
	// Handle is, of a key that another system made, the hash by which it is found; see [Handles]. Empty: a key of ours.
	Handle string
	// LastUsedAt is when the key was last used, as far as was noticed; zero: never. It is for people, coarse, and never decides.
	LastUsedAt time.Time
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
