// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/admitrpc/admit/tokens/apikey"
)

// Lookup returns the record of the key with this id, or [apikey.ErrNotFound].
func (s *Store) Lookup(ctx context.Context, id string) (apikey.Record, error) {
	if err := s.here(); err != nil {
		return apikey.Record{}, err
	}
	return s.one(ctx, s.lookup.QueryRowContext(ctx, id))
}

// LookupHandle returns the record that has one of the handles, or [apikey.ErrNotFound].
func (s *Store) LookupHandle(ctx context.Context, handles ...string) (apikey.Record, error) {
	if err := s.here(); err != nil {
		return apikey.Record{}, err
	}
	args := make([]any, 0, len(handles))
	for _, handle := range handles {
		args = append(args, handle) // none is empty in the table, where keys of our own have null
	}
	const query = "select " + columns + " from admit_key where handle in ("
	return s.one(ctx, s.read.QueryRowContext(ctx, query+strings.TrimSuffix(strings.Repeat("?,", len(args)), ",")+") limit 1", args...))
}

func (s *Store) one(ctx context.Context, row *sql.Row) (apikey.Record, error) {
	r, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return apikey.Record{}, apikey.ErrNotFound
	}
	return r, s.failed(ctx, err)
}

// List returns the records that the filter names, in the order of the bytes of their ids.
func (s *Store) List(ctx context.Context, filter apikey.Filter) ([]apikey.Record, error) {
	if err := s.here(); err != nil {
		return nil, err
	}
	query, args := "select "+columns+" from admit_key where id > ?", []any{filter.After}
	if filter.UserID != "" {
		query, args = query+" and user_id = ? and user_id <> ''", append(args, filter.UserID)
	}
	if filter.OrganizationID != "" {
		query, args = query+" and organization_id = ? and organization_id <> ''", append(args, filter.OrganizationID)
	}
	limit := filter.Limit
	if limit <= 0 {
		limit = apikey.DefaultLimit
	}
	rows, err := s.read.QueryContext(ctx, query+" order by id limit ?", append(args, min(limit, apikey.MaxLimit))...)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	var records []apikey.Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, s.failed(ctx, err)
		}
		records = append(records, r)
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed(ctx, err)
	}
	return records, nil
}

const insert = `insert into admit_key (id, digest, hint, name, user_id, organization_id, scopes, claims, created_at, not_before, expires_at,
	revoked_at, revoked_for, successor, handle, last_used_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const update = `update admit_key set digest = ?2, hint = ?3, name = ?4, user_id = ?5, organization_id = ?6, scopes = ?7, claims = ?8,
	created_at = ?9, not_before = ?10, expires_at = ?11, revoked_at = ?12, revoked_for = ?13, successor = ?14, handle = ?15, last_used_at = ?16
	where id = ?1 returning ` + columns

// Insert keeps new records, all of them or none.
func (s *Store) Insert(ctx context.Context, records ...apikey.Record) error {
	return s.failed(ctx, s.change(ctx, func(tx *sql.Tx) error {
		statement, err := tx.PrepareContext(ctx, insert)
		if err != nil {
			return err
		}
		defer func() { _ = statement.Close() }()
		for _, r := range records {
			if err := add(ctx, statement, r); err != nil {
				return err
			}
		}
		return nil
	}))
}

func add(ctx context.Context, statement *sql.Stmt, r apikey.Record) error {
	args, err := values(r)
	if err != nil {
		return err
	}
	_, err = statement.ExecContext(ctx, args...)
	return exists(err)
}

// exists makes of the violation of a unique index what the contract calls it.
func exists(err error) error {
	if c := code(err); c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || c == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
		return apikey.ErrExists
	}
	return err
}

// Change changes the record with this id in a transaction. Other writers, of other processes too, wait while change runs, so it must not take
// long, and must not change the store in another way.
func (s *Store) Change(ctx context.Context, id string, change func(*apikey.Record) (*apikey.Record, error)) (apikey.Record, error) {
	var (
		now      apikey.Record
		revision uint64
		refused  error // by change itself; it is returned as it is
	)
	err := s.change(ctx, func(tx *sql.Tx) error {
		before, err := scan(tx.QueryRowContext(ctx, "select "+columns+" from admit_key where id = ?", id))
		if errors.Is(err, sql.ErrNoRows) {
			return apikey.ErrNotFound
		}
		if err != nil {
			return err
		}
		after := before.Clone()
		successor, err := change(&after)
		if err != nil {
			refused = err
			return err
		}
		if after.ID != id {
			return errors.New("the id of a key cannot be changed")
		}
		args, err := values(after)
		if err != nil {
			return err
		}
		if now, err = scan(tx.QueryRowContext(ctx, update, args...)); err != nil {
			return exists(err)
		}
		if successor != nil {
			args, err := values(*successor)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, insert, args...); err != nil {
				return exists(err)
			}
		}
		if told, changed := apikey.ChangeOf(before, now); changed {
			revision, err = s.tell(ctx, tx, told)
		}
		return err
	})
	switch {
	case refused != nil:
		return apikey.Record{}, refused
	case errors.Is(err, apikey.ErrNotFound), errors.Is(err, apikey.ErrExists):
		return apikey.Record{}, err
	case err != nil:
		return apikey.Record{}, s.failed(ctx, err)
	}
	s.newest.Hear(revision)
	return now, nil
}

// Touch notes when keys were used, up to a thousand in a transaction.
func (s *Store) Touch(ctx context.Context, uses map[string]time.Time) error {
	if s.write == nil {
		return ErrReadOnly
	}
	for ids := range slices.Chunk(slices.Collect(maps.Keys(uses)), 1000) {
		err := s.change(ctx, func(tx *sql.Tx) error {
			const touch = "update admit_key set last_used_at = ?2 where id = ?1 and (last_used_at is null or last_used_at < ?2)"
			statement, err := tx.PrepareContext(ctx, touch)
			if err != nil {
				return err
			}
			defer func() { _ = statement.Close() }()
			for _, id := range ids {
				if uses[id].IsZero() {
					continue
				}
				if _, err := statement.ExecContext(ctx, id, moment(uses[id])); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return s.failed(ctx, err)
		}
	}
	return nil
}
