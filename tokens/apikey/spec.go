// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// DefaultPrefix is the prefix of keys and of verifiers for which no other is given.
const DefaultPrefix = "ak"

// The bounds of a [Spec]. Owners, names and scopes must be UTF-8 without control characters.
const (
	// MaxText is the longest owner, name or scope in bytes.
	MaxText = 512
	// MaxScopes is how many scopes a key has at most.
	MaxScopes = 256
	// MaxClaims is the most that the claims of a key take in bytes.
	MaxClaims = 8 << 10
)

// A Spec says what key to make.
type Spec struct {
	// Prefix is what the key begins with, without the underscore that follows: words of lower-case letters and digits, joined by one
	// underscore, the first beginning with a letter, 32 bytes at most. Empty: [DefaultPrefix].
	Prefix string
	// Name is what the owner calls the key; at most [MaxText] bytes.
	Name string
	// UserID is the user who will own the key; at most [MaxText] bytes. Exactly one of UserID and OrganizationID must be set.
	UserID string
	// OrganizationID is the organization that will own the key; at most [MaxText] bytes.
	OrganizationID string
	// Scopes are those of the key, at most [MaxScopes] of at most [MaxText] bytes; none may be empty.
	Scopes []string
	// Claims is a JSON object with whatever else handlers should know, at most [MaxClaims] bytes; nil: none.
	Claims json.RawMessage
	// NotBefore is when the key begins to be valid; zero: now.
	NotBefore time.Time
	// ExpiresAt is when the key ends; zero: never.
	ExpiresAt time.Time
}

// New makes a key and the record that a store should keep of it. Nothing is stored; [Keys.Create] does that. Times are cut to microseconds
// in UTC, as databases keep them.
func New(spec Spec) (Key, Record, error) {
	if err := spec.check(); err != nil {
		return Key{}, Record{}, fmt.Errorf("apikey: %w", err)
	}
	key := generate(spec.prefix())
	record, err := spec.record(stored(time.Now()))
	if err != nil {
		return Key{}, Record{}, fmt.Errorf("apikey: %w", err)
	}
	record.ID, record.Digest, record.Hint = key.ID(), key.Digest(), key.Hint()
	return key, record, nil
}

func (s Spec) prefix() string {
	if s.Prefix == "" {
		return DefaultPrefix
	}
	return s.Prefix
}

// record returns a record without what the key itself decides.
func (s Spec) record(now time.Time) (Record, error) {
	record := Record{
		Name: s.Name, UserID: s.UserID, OrganizationID: s.OrganizationID, Scopes: s.Scopes, Claims: s.Claims,
		CreatedAt: now, NotBefore: stored(s.NotBefore), ExpiresAt: stored(s.ExpiresAt),
	}.Clone()
	if ends := record.ExpiresAt; !ends.IsZero() && (!ends.After(now) || !ends.After(record.NotBefore)) {
		return Record{}, errors.New("the key would expire before it is valid")
	}
	if _, err := record.principal(0); err != nil {
		return Record{}, err
	}
	return record, nil
}

// check returns what no store could keep, or should.
func (s Spec) check() error {
	if !validPrefix(s.prefix()) {
		return errPrefix(s.prefix())
	}
	for what, text := range map[string]string{"name": s.Name, "user id": s.UserID, "organization id": s.OrganizationID} {
		if err := checkText(what, text); err != nil {
			return err
		}
	}
	if len(s.Scopes) > MaxScopes {
		return fmt.Errorf("%d scopes; a key has at most %d", len(s.Scopes), MaxScopes)
	}
	for _, scope := range s.Scopes {
		if err := checkText("scope", scope); err != nil {
			return err
		}
	}
	if len(s.Claims) > MaxClaims {
		return fmt.Errorf("claims of %d bytes; a key has at most %d", len(s.Claims), MaxClaims)
	}
	if !utf8.Valid(s.Claims) {
		return errors.New("the claims are not UTF-8")
	}
	for _, t := range []time.Time{s.NotBefore, s.ExpiresAt} {
		if year := t.UTC().Year(); year < 1 || year > 9999 {
			return errors.New("a time before the year 1 or after 9999")
		}
	}
	return nil
}

func checkText(what, text string) error {
	if len(text) > MaxText {
		return fmt.Errorf("the %s is longer than %d bytes", what, MaxText)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("the %s has control characters or is not UTF-8", what)
	}
	return nil
}

func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
