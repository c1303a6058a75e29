// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation

import (
	"context"
	"time"
)

// A Feed tells of revocations in the order in which they were committed. It is what a guard needs of the place where revocations are,
// and needs no more than the right to read. It is safe for concurrent use.
type Feed interface {
	// Since returns, without waiting, what was committed after a revision, at least once and in order. It asks the source of truth, not a
	// cache, and an error means that the source cannot be reached. After revision 0, and whenever the source cannot tell what followed
	// the revision, the batch has Reset set and contains everything in force.
	//
	// Revisions begin at 1, which a source without any change has, so that its first change can be told alone. They are in the order of
	// commits: when a batch with revision r was returned, no change with a revision up to r appears later.
	Since(ctx context.Context, after uint64) (Batch, error)
	// Wait returns nil when there may be changes after the revision, and an error when ctx ends. It is a shortcut: it may return early, and
	// where it hears of nothing, because a connection was lost in silence, it may not return before ctx ends. It never decides alone
	// what is in force. An error before ctx ends means that the feed cannot tell of changes for now; Since is asked all the same.
	Wait(ctx context.Context, after uint64) error
}

// A Batch is what a [Feed] tells at once.
type Batch struct {
	// Revision is the newest revision of the source when it was read. It is smaller than the revision asked about only when the source has
	// lost changes, as after a restore from a backup.
	Revision uint64
	// Reset says that Changes are all that is in force, whatever was told before.
	Reset bool
	// Changes are in the order of their revisions.
	Changes []Change
}

// A Change is a revocation, or a record of an API key that is no longer what it was. Exactly one of Revocation and Record is set.
type Change struct {
	// Revision is the change's own.
	Revision uint64
	// Revocation is what was revoked; the zero Revocation: nothing.
	Revocation Revocation
	// Record is the id of an API key whose record was changed without being revoked: what was read of it before must be read again.
	Record string
	// ExpiresAt is, with Record, when that key now ends; zero: never.
	ExpiresAt time.Time
}

// A Ledger is a [Feed] whose revocations can be written: what a store implements.
type Ledger interface {
	Feed

	// Revoke commits a revocation and returns its revision; when it returns without error, the revocation is durable and every later Since
	// tells of it. An error of [Revocation.Check] commits nothing. To revoke again what is revoked is no error: of two times up to which
	// credentials are revoked the later counts, and of two times at which a revocation may be forgotten the later one, never being the
	// latest. A [Key] whose record the store has is revoked in its record too, in the same transaction.
	Revoke(ctx context.Context, r Revocation) (revision uint64, err error)
}
