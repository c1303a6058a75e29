// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/admitrpc/admit/tokens/apikey"
)

const columns = `id, digest, hint, name, user_id, organization_id, scopes, claims, created_at, not_before, expires_at, revoked_at,
	revoked_for, successor, coalesce(handle, ''), last_used_at`

// scan reads the columns of a record.
func scan(row interface{ Scan(into ...any) error }) (r apikey.Record, err error) {
	var (
		digest, claims                             []byte
		scopes                                     sql.NullString
		created, notBefore, expires, revoked, used sql.NullInt64
	)
	if err := row.Scan(&r.ID, &digest, &r.Hint, &r.Name, &r.UserID, &r.OrganizationID, &scopes, &claims, &created, &notBefore, &expires, &revoked,
		&r.RevokedFor, &r.Successor, &r.Handle, &used); err != nil {
		return apikey.Record{}, err
	}
	if len(digest) != len(r.Digest) {
		return apikey.Record{}, fmt.Errorf("the digest of a key has %d bytes instead of %d", len(digest), len(r.Digest))
	}
	copy(r.Digest[:], digest)
	if scopes.Valid {
		if err := json.Unmarshal([]byte(scopes.String), &r.Scopes); err != nil {
			return apikey.Record{}, fmt.Errorf("the scopes of a key: %w", err)
		}
	}
	r.Claims = claims
	r.CreatedAt, r.NotBefore, r.ExpiresAt, r.RevokedAt, r.LastUsedAt = at(created), at(notBefore), at(expires), at(revoked), at(used)
	return r, nil
}

// values are what is written of a record, in the order of the columns.
func values(r apikey.Record) ([]any, error) {
	if r.ID == "" {
		return nil, errors.New("a record without an id")
	}
	for _, text := range append([]string{r.ID, r.Hint, r.Name, r.UserID, r.OrganizationID, r.RevokedFor, r.Successor, r.Handle}, r.Scopes...) {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return nil, errors.New("a text of the record is not UTF-8 or has a zero byte")
		}
	}
	var scopes, claims any
	if r.Scopes != nil {
		encoded, err := json.Marshal(r.Scopes)
		if err != nil {
			return nil, err
		}
		scopes = string(encoded)
	}
	if r.Claims != nil {
		claims = []byte(r.Claims)
	}
	return []any{
		r.ID, r.Digest[:], r.Hint, r.Name, r.UserID, r.OrganizationID, scopes, claims, moment(r.CreatedAt), moment(r.NotBefore),
		moment(r.ExpiresAt), moment(r.RevokedAt), r.RevokedFor, r.Successor, sql.NullString{String: r.Handle, Valid: r.Handle != ""}, moment(r.LastUsedAt),
	}, nil
}

// moment is a time as it is written; the zero time is null.
func moment(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func at(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return time.UnixMicro(micros.Int64).UTC()
}
