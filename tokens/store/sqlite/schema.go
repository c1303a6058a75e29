// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// application is what PRAGMA application_id says of files of ours: "admt".
const application = 0x61646d74

// migrations bring the tables from one version, which is PRAGMA user_version, to the next. One that was released is never changed.
//
// Times are microseconds since 1970. Values of revocations are bytes, because a claim may be any.
var migrations = []string{`
create table admit_state (
	only     integer primary key check (only = 1),
	revision integer not null, -- of the newest change
	pruned   integer not null  -- changes up to this revision were deleted from admit_change
) strict;
insert into admit_state values (1, 1, 0);

create table admit_key (
	id              text primary key,
	digest          blob not null,
	hint            text not null,
	name            text not null,
	user_id         text not null,
	organization_id text not null,
	scopes          text, -- JSON
	claims          blob, -- JSON, as it was given
	created_at      integer,
	not_before      integer,
	expires_at      integer,
	revoked_at      integer,
	revoked_for     text not null,
	successor       text not null,
	handle          text unique,
	last_used_at    integer
) strict, without rowid;
create index admit_key_user on admit_key (user_id, id) where user_id <> '';
create index admit_key_organization on admit_key (organization_id, id) where organization_id <> '';

create table admit_revocation (
	target   text not null,
	value    blob not null,
	issuer   blob not null,
	before   integer,
	until    integer,
	reason   text not null,
	revision integer not null,
	primary key (target, value, issuer)
) strict, without rowid;
create index admit_revocation_revision on admit_revocation (revision);

create table admit_change (
	revision   integer primary key,
	at         integer not null,
	record     text, -- the id of a key that was changed without being revoked, or else:
	expires_at integer,
	target     text,
	value      blob,
	issuer     blob,
	before     integer,
	until      integer,
	reason     text
) strict;
create index admit_change_at on admit_change (at);
`}

// prepare makes the tables, or says why they cannot be used.
func (s *Store) prepare(ctx context.Context) error {
	var found int
	err := patiently(ctx, func() (err error) {
		found, err = s.version(ctx, s.write)
		return err
	})
	if err == nil { // The file is ours, or nobody's.
		err = s.log(ctx)
	}
	if err != nil || found == len(migrations) {
		return s.failed(ctx, err)
	}
	return s.failed(ctx, s.change(ctx, func(tx *sql.Tx) error {
		found, err := s.version(ctx, tx) // again: another process may have been faster
		if err != nil || found == len(migrations) {
			return err
		}
		for _, migration := range migrations[found:] {
			if _, err := tx.ExecContext(ctx, migration); err != nil {
				return fmt.Errorf("the tables cannot be made: %w", err)
			}
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("pragma application_id = %d; pragma user_version = %d", application, len(migrations)))
		return err
	}))
}

// log makes sure that the journal is a write-ahead log, which the file itself remembers. Processes that open a new file at once are in each
// other's way there, and SQLite does not wait.
func (s *Store) log(ctx context.Context) error {
	var mode string
	err := patiently(ctx, func() error { return s.write.QueryRowContext(ctx, "pragma journal_mode = wal").Scan(&mode) })
	if err == nil && mode != "wal" {
		return fmt.Errorf("%s cannot have a write-ahead log, but only the journal %q; is it on a local disk?", s.path, mode)
	}
	return err
}

// ready says why the tables cannot be used by one that does not write.
func (s *Store) ready(ctx context.Context) error {
	found, err := s.version(ctx, s.read)
	if err == nil && found < len(migrations) {
		err = fmt.Errorf("%s has %s, and this program needs version %d; open it once without WithReadOnly", s.path, tables(found), len(migrations))
	}
	return s.failed(ctx, err)
}

// version returns the version of the tables, 0 if there are none, and an error if they are not ours or of a newer program.
func (s *Store) version(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) (version int, err error) {
	var id, others int
	const query = `select (select application_id from pragma_application_id), (select user_version from pragma_user_version),
		(select count(*) from sqlite_schema)` // at once: another process may be making them
	if err := db.QueryRowContext(ctx, query).Scan(&id, &version, &others); err != nil {
		return 0, err
	}
	switch {
	case id == 0 && version == 0 && others == 0:
		return 0, nil
	case id != application || version < 1:
		return 0, errors.New(s.path + " is a database of something else; name a file for API keys alone")
	case version > len(migrations):
		return 0, fmt.Errorf("%s has %s, which a newer program made; this one knows version %d and must be updated", s.path, tables(version), len(migrations))
	}
	return version, nil
}

func tables(version int) string {
	if version == 0 {
		return "no tables"
	}
	return fmt.Sprintf("tables of version %d", version)
}
