// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// migrations bring the tables from one version to the next; the version of tables is the number of migrations that made them. A migration that
// was released is never changed.
//
// Values of revocations are bytes, because a claim may have what no text of PostgreSQL can: a zero byte. Texts are sorted and compared by bytes.
var migrations = []string{`
create table admit_state (
	sole     boolean primary key default true check (sole), -- there is one row
	version  integer not null,
	revision bigint not null default 1, -- of the newest change; 1: none yet
	pruned   bigint not null default 0  -- changes up to this revision were deleted from admit_change
);
insert into admit_state (version) values (0);

create table admit_key (
	id              text collate "C" primary key,
	digest          bytea not null,
	hint            text not null,
	name            text not null,
	user_id         text collate "C" not null,
	organization_id text collate "C" not null,
	scopes          text[],
	claims          text,
	created_at      timestamptz,
	not_before      timestamptz,
	expires_at      timestamptz,
	revoked_at      timestamptz,
	revoked_for     text not null,
	successor       text not null,
	handle          text collate "C" unique,
	last_used_at    timestamptz
) with (fillfactor = 90);
create index admit_key_user on admit_key (user_id, id);
create index admit_key_organization on admit_key (organization_id, id);

create table admit_revocation (
	target     text not null,
	value      bytea not null,
	issuer     bytea not null,
	before     timestamptz,
	until      timestamptz,
	reason     text not null,
	revision   bigint not null,
	primary key (target, value, issuer)
);

create table admit_change (
	revision   bigint primary key,
	at         timestamptz not null default clock_timestamp(),
	record     text, -- the id of a key that was changed without being revoked, or else:
	expires_at timestamptz,
	target     text,
	value      bytea,
	issuer     bytea,
	before     timestamptz,
	until      timestamptz,
	reason     text
);
`}

// prepare makes the tables, or says why they cannot be used.
func (s *Store) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	// Whoever finds tables of this version needs no right to make any.
	found, err := version(ctx, s.pool)
	if err != nil {
		return err
	}
	if err := usable(found); err != nil || found == len(migrations) {
		return err
	}
	if s.readOnly {
		return fmt.Errorf("postgres: the database has %s, and this program needs version %d; open it once without WithReadOnly, with a role that may create tables",
			tables(found), len(migrations))
	}
	return wrapped(pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock("+lockClass+")"); err != nil {
			return err
		}
		found, err := version(ctx, tx) // again: another process may have been faster
		if err != nil {
			return err
		}
		if err := usable(found); err != nil || found == len(migrations) {
			return err
		}
		for i, migration := range migrations[found:] {
			if _, err := tx.Exec(ctx, migration); err != nil {
				return fmt.Errorf("tables of version %d cannot be made: %w", found+i+1, err)
			}
		}
		_, err = tx.Exec(ctx, "update admit_state set version = $1", len(migrations))
		return err
	}))
}

// version returns the version of the tables, 0 if there are none.
func version(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) (int, error) {
	var exists bool
	// From pg_class: to_regclass alone does not see what another process made while we waited for an advisory lock.
	err := db.QueryRow(ctx, "select exists (select from pg_class where oid = to_regclass('admit_state'))").Scan(&exists)
	if err != nil || !exists {
		return 0, wrapped(err)
	}
	var found int
	err = db.QueryRow(ctx, "select version from admit_state").Scan(&found)
	if err == nil && found < 1 {
		err = errors.New("the table admit_state has no sensible version; it is not ours, or was damaged")
	}
	return found, wrapped(err)
}

func usable(found int) error {
	if found > len(migrations) {
		return fmt.Errorf("postgres: the database has %s, which a newer program made; this one knows version %d and must be updated",
			tables(found), len(migrations))
	}
	return nil
}

func tables(version int) string {
	if version == 0 {
		return "no tables of ours"
	}
	return fmt.Sprintf("tables of version %d", version)
}
