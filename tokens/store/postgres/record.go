// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/admitrpc/admit/tokens/apikey"
)

const columns = `id, digest, hint, name, user_id, organization_id, scopes, claims, created_at, not_before, expires_at, revoked_at,
	revoked_for, successor, coalesce(handle, ''), last_used_at`

// scan reads the columns of a record.
func scan(row pgx.Row) (apikey.Record, error) {
	var (
		r                                          apikey.Record
		digest, claims                             []byte
		created, notBefore, expires, revoked, used *time.Time
	)
	if err := row.Scan(&r.ID, &digest, &r.Hint, &r.Name, &r.UserID, &r.OrganizationID, &r.Scopes, &claims, &created, &notBefore, &expires, &revoked,
		&r.RevokedFor, &r.Successor, &r.Handle, &used); err != nil {
		return apikey.Record{}, err
	}
	if copy(r.Digest[:], digest) != len(digest) || len(digest) != len(r.Digest) {
		return apikey.Record{}, fmt.Errorf("the digest of a key has %d bytes instead of %d", len(digest), len(r.Digest))
	}
	r.Claims = json.RawMessage(claims)
	r.CreatedAt, r.NotBefore, r.ExpiresAt = instant(created), instant(notBefore), instant(expires)
	r.RevokedAt, r.LastUsedAt = instant(revoked), instant(used)
	return r, nil
}

// values are what is written of a record, in the order of the columns.
func values(r apikey.Record) []any {
	var claims, handle *string
	if r.Claims != nil {
		text := string(r.Claims)
		claims = &text
	}
	if r.Handle != "" {
		handle = &r.Handle
	}
	return []any{
		r.ID, r.Digest[:], r.Hint, r.Name, r.UserID, r.OrganizationID, r.Scopes, claims, moment(r.CreatedAt), moment(r.NotBefore),
		moment(r.ExpiresAt), moment(r.RevokedAt), r.RevokedFor, r.Successor, handle, moment(r.LastUsedAt),
	}
}

// check returns what is wrong with a record that is to be written.
func check(r apikey.Record) error {
	if r.ID == "" {
		return errors.New("a record without an id")
	}
	return inRange(r.CreatedAt, r.NotBefore, r.ExpiresAt, r.RevokedAt, r.LastUsedAt)
}

// inRange refuses times that the wire format would turn into others.
func inRange(times ...time.Time) error {
	for _, t := range times {
		if year := t.UTC().Year(); year < 1 || year > 9999 {
			return errors.New("a time before the year 1 or after 9999 cannot be kept")
		}
	}
	return nil
}

// kept is a time as the database keeps it.
func kept(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// moment is a time as it is written; the zero time is null.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = kept(t)
	return &t
}

// instant is a time as it was read; null is the zero time.
func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// storable reports whether a text can be in a column at all. One that cannot names nothing: asking with it would be an error of the
// server instead of an answer.
func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }
