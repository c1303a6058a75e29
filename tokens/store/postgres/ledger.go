// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/admitrpc/admit/tokens/revocation"
)

// keep says how much of what happened is kept for feeds that fell behind; who is further behind gets everything in force.
type keep struct {
	every   uint64        // how many changes lie between two prunings
	changes uint64        // at most so many are kept
	age     time.Duration // and none that is older
}

var defaultKeep = keep{every: 256, changes: 100_000, age: 24 * time.Hour}

// Revoke commits a revocation. What of the reason no text of PostgreSQL can be is replaced.
func (s *Store) Revoke(ctx context.Context, r revocation.Revocation) (revision uint64, err error) {
	if err := r.Check(); err != nil {
		return 0, err
	}
	if err := inRange(r.Before, r.Until); err != nil {
		return 0, wrapped(err)
	}
	r.Reason = strings.ToValidUTF8(strings.ReplaceAll(r.Reason, "\x00", "\uFFFD"), "\uFFFD")
	err = s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if r.Target == revocation.Key && storable(r.Value) {
			_, err := tx.Exec(ctx, "update admit_key set revoked_at = $2, revoked_for = $3 where id = $1 and revoked_at is null",
				r.Value, moment(time.Now()), r.Reason)
			if err != nil {
				return err
			}
		}
		revision, err = s.tell(ctx, tx, revocation.Change{Revocation: r})
		return err
	})
	if err != nil {
		return 0, wrapped(err)
	}
	s.newest.Hear(revision)
	return revision, nil
}

// tellRevocation keeps a revocation, adds it to what feeds are told, and notifies; one round trip. Of two times the later one counts, and
// null, which is never, is the latest until.
const tellRevocation = `with state as (update admit_state set revision = revision + 1 returning revision),
	kept as (
		insert into admit_revocation as r (target, value, issuer, before, until, reason, revision)
		select $1, $2, $3, $4, $5, $6, revision from state
		on conflict (target, value, issuer) do update set
			before = greatest(r.before, excluded.before),
			until = case when r.until is null or excluded.until is null then null else greatest(r.until, excluded.until) end,
			reason = case when excluded.reason = '' then r.reason else excluded.reason end,
			revision = excluded.revision
		returning *),
	told as (
		insert into admit_change (revision, target, value, issuer, before, until, reason)
		select revision, target, value, issuer, before, until, reason from kept)
	select revision, ` + notify + ` from state`

const tellRecord = `with state as (update admit_state set revision = revision + 1 returning revision),
	told as (insert into admit_change (revision, record, expires_at) select revision, $1, $2 from state)
	select revision, ` + notify + ` from state`

// The channel is by the oid of a table, so that two stores in two schemas of one database do not wake each other.
const (
	channel = `'admit_' || to_regclass('admit_state')::oid`
	notify  = `pg_notify(` + channel + `, revision::text)::text`
)

// tell commits, with the transaction, what feeds are told.
func (s *Store) tell(ctx context.Context, tx pgx.Tx, c revocation.Change) (revision uint64, err error) {
	var row pgx.Row
	if r := c.Revocation; c.Record == "" {
		row = tx.QueryRow(ctx, tellRevocation,
			r.Target.String(), []byte(r.Value), []byte(r.Issuer), moment(r.Before), moment(r.Until), r.Reason)
	} else {
		row = tx.QueryRow(ctx, tellRecord, c.Record, moment(c.ExpiresAt))
	}
	if err := row.Scan(&revision, nil); err != nil {
		return 0, err
	}
	if revision%s.keep.every == 0 {
		return revision, s.prune(ctx, tx, revision)
	}
	return revision, nil
}

// prune deletes what feeds are no longer told one by one, and revocations that were to be forgotten an hour ago: clocks may differ by less.
func (s *Store) prune(ctx context.Context, tx pgx.Tx, revision uint64) error {
	var many uint64
	if revision > s.keep.changes {
		many = revision - s.keep.changes
	}
	_, err := tx.Exec(ctx, `with cut as (
			select greatest($1::bigint, max(revision)) as revision from admit_change where at < clock_timestamp() - $2::interval and revision < $3::bigint),
		gone as (delete from admit_change c using cut where c.revision <= cut.revision)
		update admit_state s set pruned = greatest(s.pruned, cut.revision) from cut`, many, s.keep.age, revision)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "delete from admit_revocation where until < clock_timestamp() - interval '1 hour'")
	return err
}

// Each of the two is one statement, so that the changes and the revision are of one snapshot, whatever the pooler in between does. There is one row
// more often than not, the state alone.
const (
	changesSince = `select s.revision, s.pruned, c.revision, c.record, c.expires_at, c.target, c.value, c.issuer, c.before, c.until, c.reason
		from admit_state s left join admit_change c on c.revision > $1 and s.pruned <= $1 and $1 <= s.revision order by c.revision`
	allInForce = `select s.revision, s.pruned, r.revision, null::text, null::timestamptz, r.target, r.value, r.issuer, r.before, r.until, r.reason
		from admit_state s left join admit_revocation r on r.until is null or r.until > $1 order by r.revision`
)

// Since returns what was committed after a revision.
func (s *Store) Since(ctx context.Context, after uint64) (revocation.Batch, error) {
	heard := s.newest.Newest()
	batch, err := s.since(ctx, after)
	if err != nil {
		return revocation.Batch{}, wrapped(err)
	}
	s.newest.Correct(heard, batch.Revision)
	return batch, nil
}

func (s *Store) since(ctx context.Context, after uint64) (batch revocation.Batch, err error) {
	if after > 0 && after <= math.MaxInt64 {
		var pruned uint64
		if batch, pruned, err = s.batch(ctx, changesSince, after); err != nil {
			return revocation.Batch{}, err
		}
		if pruned <= after && after <= batch.Revision {
			return batch, nil
		}
	}
	batch, _, err = s.batch(ctx, allInForce, time.Now())
	batch.Reset = true
	return batch, err
}

func (s *Store) batch(ctx context.Context, query string, arg any) (batch revocation.Batch, pruned uint64, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		batch = revocation.Batch{}
		rows, err := s.pool.Query(ctx, query, arg)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var (
				revision               *uint64
				record, target, reason *string
				value, issuer          []byte
				expires, before, until *time.Time
			)
			if err := rows.Scan(&batch.Revision, &pruned, &revision, &record, &expires, &target, &value, &issuer, &before, &until, &reason); err != nil {
				return err
			}
			if revision == nil {
				continue
			}
			change := revocation.Change{Revision: *revision, ExpiresAt: instant(expires)}
			if record != nil {
				change.Record = *record
			} else {
				change.Revocation = revocation.Revocation{
					Value: string(value), Issuer: string(issuer), Before: instant(before), Until: instant(until), Reason: *reason,
				}
				if change.Revocation.Target, err = revocation.ParseTarget(*target); err != nil {
					return fmt.Errorf("change %d: %w", *revision, err)
				}
			}
			batch.Changes = append(batch.Changes, change)
		}
		return rows.Err()
	})
	return batch, pruned, err
}
