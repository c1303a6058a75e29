// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/admitrpc/admit/tokens/revocation"
)

// keep says how much of what happened is kept for feeds that fell behind; who is further behind gets everything in force.
type keep struct {
	every   uint64        // how many changes lie between two prunings
	changes uint64        // about so many are kept at most
	age     time.Duration // and none that is older
}

var defaultKeep = keep{every: 256, changes: 100_000, age: 24 * time.Hour}

// Revoke commits a revocation.
func (s *Store) Revoke(ctx context.Context, r revocation.Revocation) (revision uint64, err error) {
	if err := r.Check(); err != nil {
		return 0, err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		if r.Target == revocation.Key {
			_, err := tx.ExecContext(ctx, "update admit_key set revoked_at = ?, revoked_for = ? where id = ? and revoked_at is null",
				moment(time.Now()), r.Reason, r.Value)
			if err != nil {
				return err
			}
		}
		revision, err = s.tell(ctx, tx, revocation.Change{Revocation: r})
		return err
	})
	if err != nil {
		return 0, s.failed(ctx, err)
	}
	s.newest.Hear(revision)
	return revision, nil
}

// Of two times the later one counts, and null, which is never, is the latest until.
const keepRevocation = `insert into admit_revocation as r (target, value, issuer, before, until, reason, revision) values (?, ?, ?, ?, ?, ?, ?)
	on conflict (target, value, issuer) do update set
		before = max(r.before, excluded.before), until = max(r.until, excluded.until),
		reason = case when excluded.reason = '' then r.reason else excluded.reason end, revision = excluded.revision`

const tellRevocation = `insert into admit_change (revision, at, target, value, issuer, before, until, reason)
	select revision, ?, target, value, issuer, before, until, reason from admit_revocation where target = ? and value = ? and issuer = ?`

// tell commits, with the transaction, what feeds are told.
func (s *Store) tell(ctx context.Context, tx *sql.Tx, c revocation.Change) (revision uint64, err error) {
	if err := tx.QueryRowContext(ctx, "update admit_state set revision = revision + 1 returning revision").Scan(&revision); err != nil {
		return 0, err
	}
	now := moment(time.Now())
	if c.Record != "" {
		_, err = tx.ExecContext(ctx, "insert into admit_change (revision, at, record, expires_at) values (?, ?, ?, ?)", revision, now, c.Record, moment(c.ExpiresAt))
	} else {
		r := c.Revocation
		target, value, issuer := r.Target.String(), bytes(r.Value), bytes(r.Issuer)
		_, err = tx.ExecContext(ctx, keepRevocation, target, value, issuer, moment(r.Before), moment(r.Until), r.Reason, revision)
		if err == nil {
			_, err = tx.ExecContext(ctx, tellRevocation, now, target, value, issuer)
		}
	}
	if err == nil && revision%s.keep.every == 0 {
		err = s.prune(ctx, tx, revision)
	}
	return revision, err
}

// bytes is a text as a value that is not null, also if it is empty.
func bytes(text string) []byte { return append(make([]byte, 0, len(text)+1), text...) }

// prune deletes what feeds are no longer told one by one, and revocations that were to be forgotten an hour ago: clocks may differ by less.
func (s *Store) prune(ctx context.Context, tx *sql.Tx, revision uint64) error {
	var upTo uint64
	if revision > s.keep.changes {
		upTo = revision - s.keep.changes
	}
	now := time.Now()
	for _, do := range []struct {
		query string
		args  []any
	}{
		{
			"update admit_state set pruned = max(pruned, ?1, coalesce((select max(revision) from admit_change where at < ?2 and revision < ?3), 0))",
			[]any{upTo, moment(now.Add(-s.keep.age)), revision},
		},
		{"delete from admit_change where revision <= (select pruned from admit_state)", nil},
		{"delete from admit_revocation where until < ?", []any{moment(now.Add(-time.Hour))}},
	} {
		if _, err := tx.ExecContext(ctx, do.query, do.args...); err != nil {
			return err
		}
	}
	return nil
}

// Each of the two is one statement, so that the changes and the revision are of one snapshot. There is one row more often than not, the
// state alone.
const (
	changesSince = `select s.revision, s.pruned, c.revision, c.record, c.expires_at, c.target, c.value, c.issuer, c.before, c.until, c.reason
		from admit_state s left join admit_change c on c.revision > ?1 and s.pruned <= ?1 and ?1 <= s.revision order by c.revision`
	allInForce = `select s.revision, s.pruned, r.revision, null, cast(null as integer), r.target, r.value, r.issuer, r.before, r.until, r.reason
		from admit_state s left join admit_revocation r on r.until is null or r.until > ?1 order by r.revision`
)

// Since returns what was committed after a revision.
func (s *Store) Since(ctx context.Context, after uint64) (revocation.Batch, error) {
	if err := s.here(); err != nil {
		return revocation.Batch{}, err
	}
	heard := s.newest.Newest()
	batch, err := s.since(ctx, after)
	if err != nil {
		return revocation.Batch{}, s.failed(ctx, err)
	}
	s.newest.Correct(heard, batch.Revision)
	return batch, nil
}

func (s *Store) since(ctx context.Context, after uint64) (batch revocation.Batch, err error) {
	if after > 0 && after <= math.MaxInt64 {
		var pruned uint64
		batch, pruned, err = s.batch(ctx, changesSince, after)
		if err != nil || pruned <= after && after <= batch.Revision {
			return batch, err
		}
	}
	batch, _, err = s.batch(ctx, allInForce, moment(time.Now()))
	batch.Reset = true
	return batch, err
}

func (s *Store) batch(ctx context.Context, query string, arg any) (batch revocation.Batch, pruned uint64, err error) {
	rows, err := s.read.QueryContext(ctx, query, arg)
	if err != nil {
		return revocation.Batch{}, 0, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var (
			revision               *uint64
			record, target, reason sql.NullString
			value, issuer          []byte
			expires, before, until sql.NullInt64
		)
		if err := rows.Scan(&batch.Revision, &pruned, &revision, &record, &expires, &target, &value, &issuer, &before, &until, &reason); err != nil {
			return revocation.Batch{}, 0, err
		}
		if revision == nil {
			continue
		}
		change := revocation.Change{Revision: *revision, Record: record.String, ExpiresAt: at(expires)}
		if change.Record == "" {
			change.Revocation = revocation.Revocation{
				Value: string(value), Issuer: string(issuer), Before: at(before), Until: at(until), Reason: reason.String,
			}
			if change.Revocation.Target, err = revocation.ParseTarget(target.String); err != nil {
				return revocation.Batch{}, 0, fmt.Errorf("change %d: %w", *revision, err)
			}
		}
		batch.Changes = append(batch.Changes, change)
	}
	if err := rows.Err(); err != nil {
		return revocation.Batch{}, 0, err
	}
	return batch, pruned, nil
}
