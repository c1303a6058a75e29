// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/admitrpc/admit/tokens/apikey"
)

// Lookup returns the record of the key with this id, or [apikey.ErrNotFound].
func (s *Store) Lookup(ctx context.Context, id string) (apikey.Record, error) {
	if !storable(id) {
		return apikey.Record{}, apikey.ErrNotFound
	}
	return s.one(ctx, "select "+columns+" from admit_key where id = $1", id)
}

// LookupHandle returns the record that has one of the handles, or [apikey.ErrNotFound].
func (s *Store) LookupHandle(ctx context.Context, handles ...string) (apikey.Record, error) {
	handles = slices.DeleteFunc(slices.Clone(handles), func(h string) bool { return h == "" || !storable(h) })
	if len(handles) == 0 {
		return apikey.Record{}, apikey.ErrNotFound
	}
	return s.one(ctx, "select "+columns+" from admit_key where handle = any($1) limit 1", handles)
}

func (s *Store) one(ctx context.Context, query string, arg any) (record apikey.Record, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		record, err = scan(s.pool.QueryRow(ctx, query, arg))
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return apikey.Record{}, apikey.ErrNotFound
	}
	return record, wrapped(err)
}

// List returns the records that the filter names, in the order of the bytes of their ids.
func (s *Store) List(ctx context.Context, filter apikey.Filter) ([]apikey.Record, error) {
	if !storable(filter.UserID + filter.OrganizationID + filter.After) {
		return nil, errors.New("postgres: the filter has a text that is not UTF-8 or has a zero byte; no key can be named so")
	}
	query, args := "select "+columns+" from admit_key where id > $1", []any{filter.After}
	if filter.UserID != "" {
		args = append(args, filter.UserID)
		query += fmt.Sprintf(" and user_id = $%d", len(args))
	}
	if filter.OrganizationID != "" {
		args = append(args, filter.OrganizationID)
		query += fmt.Sprintf(" and organization_id = $%d", len(args))
	}
	limit := filter.Limit
	if limit <= 0 {
		limit = apikey.DefaultLimit
	}
	args = append(args, min(limit, apikey.MaxLimit))
	query += fmt.Sprintf(" order by id limit $%d", len(args))

	var records []apikey.Record
	err := s.read(ctx, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		records, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (apikey.Record, error) { return scan(row) })
		return err
	})
	return records, wrapped(err)
}

// Insert keeps new records, all of them or none.
func (s *Store) Insert(ctx context.Context, records ...apikey.Record) error {
	for _, r := range records {
		if err := check(r); err != nil {
			return wrapped(err)
		}
	}
	return wrapped(s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for chunk := range slices.Chunk(records, 500) {
			var batch pgx.Batch
			for _, r := range chunk {
				batch.Queue(insert, values(r)...)
			}
			if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
				return exists(err)
			}
		}
		return nil
	}))
}

const insert = `insert into admit_key (id, digest, hint, name, user_id, organization_id, scopes, claims, created_at, not_before, expires_at,
	revoked_at, revoked_for, successor, handle, last_used_at)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

const update = `update admit_key set digest = $2, hint = $3, name = $4, user_id = $5, organization_id = $6, scopes = $7, claims = $8,
	created_at = $9, not_before = $10, expires_at = $11, revoked_at = $12, revoked_for = $13, successor = $14, handle = $15, last_used_at = $16
	where id = $1 returning ` + columns

// exists makes of the violation of a unique constraint what the contract calls it. The driver's error is dropped: it repeats the values.
func exists(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "23505" {
		return apikey.ErrExists
	}
	return err
}

// Change changes the record with this id in a transaction. Others wait while change runs, so it should not take long; after 10 s without a
// word the server ends the transaction. It must not change the store in another way: it would wait for itself.
func (s *Store) Change(ctx context.Context, id string, change func(*apikey.Record) (*apikey.Record, error)) (apikey.Record, error) {
	if s.readOnly {
		return apikey.Record{}, ErrReadOnly
	}
	if !storable(id) {
		return apikey.Record{}, apikey.ErrNotFound
	}
	var (
		now      apikey.Record
		revision uint64
		refused  error // by change itself; it is returned as it is
	)
	err := s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		before, err := scan(tx.QueryRow(ctx, "select "+columns+" from admit_key where id = $1 for update", id))
		if errors.Is(err, pgx.ErrNoRows) {
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
		if after.ID != before.ID {
			return errors.New("the id of a key cannot be changed")
		}
		if err := check(after); err != nil {
			return err
		}
		if now, err = scan(tx.QueryRow(ctx, update, values(after)...)); err != nil {
			return exists(err)
		}
		if successor != nil {
			if err := check(*successor); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, insert, values(*successor)...); err != nil {
				return exists(err)
			}
		}
		told, changed := apikey.ChangeOf(before, now)
		if !changed {
			return nil
		}
		revision, err = s.tell(ctx, tx, told)
		return err
	})
	switch {
	case refused != nil:
		return apikey.Record{}, refused
	case errors.Is(err, apikey.ErrNotFound), errors.Is(err, apikey.ErrExists):
		return apikey.Record{}, err
	case err != nil:
		return apikey.Record{}, wrapped(err)
	}
	s.newest.Hear(revision)
	return now, nil
}

// touch locks rows in the order of their ids, so that two of it never wait for each other. Nobody is told.
const touch = `with used as (select id, at from unnest($1::text[], $2::timestamptz[]) as u (id, at)),
	locked as (select k.id, u.at from admit_key k join used u on u.id = k.id where k.last_used_at is null or k.last_used_at < u.at
		order by k.id for no key update of k)
	update admit_key k set last_used_at = greatest(k.last_used_at, l.at) from locked l where k.id = l.id`

// Touch notes when keys were used. It takes no lock that changes wait for, except those of the rows, a thousand at a time.
func (s *Store) Touch(ctx context.Context, uses map[string]time.Time) error {
	if s.readOnly {
		return ErrReadOnly
	}
	ids := slices.SortedFunc(maps.Keys(uses), strings.Compare)
	for chunk := range slices.Chunk(ids, 1000) {
		known, times := make([]string, 0, len(chunk)), make([]time.Time, 0, len(chunk))
		for _, id := range chunk {
			if at := uses[id]; storable(id) && !at.IsZero() && inRange(at) == nil {
				known, times = append(known, id), append(times, kept(at))
			}
		}
		err := s.read(ctx, func(ctx context.Context) error {
			_, err := s.pool.Exec(ctx, touch, known, times) // to note a use twice is to note it once
			return err
		})
		if err != nil {
			return wrapped(err)
		}
	}
	return nil
}
