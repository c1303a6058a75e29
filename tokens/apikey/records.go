// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admitrpc/admit/tokens/revocation"
)

// Records is where records are kept and changed: what a store of keys implements, and what [Keys] administers. A server that only
// verifies needs no more than its [Store]. It is safe for concurrent use, also by several processes where the store is shared.
//
// Times are kept to the microsecond, in UTC, the zero time as such. What a method returns shares no memory with what is kept.
type Records interface {
	Store

	// LookupHandle returns the record that has one of the handles, asking once for all; [ErrNotFound] if none has. Otherwise it is as Lookup.
	LookupHandle(ctx context.Context, handles ...string) (Record, error)
	// Insert keeps new records, all of them or none. [ErrExists]: one of the ids or handles is taken.
	Insert(ctx context.Context, records ...Record) error
	// Change changes the record with this id, and nothing of it when change fails. change is given the record as it is, in a transaction that
	// no other change of it interleaves with, and may be called again if that is needed to get one. A successor that it returns is inserted in the
	// same transaction. Before Change returns, the change is durable, and it is told to every feed of the store as [ChangeOf] says, in
	// the same transaction. [ErrNotFound]: there is no such record. [ErrExists]: the successor's id, or a handle, is taken. To change the
	// id is an error. The record is returned as it now is.
	Change(ctx context.Context, id string, change func(*Record) (successor *Record, err error)) (Record, error)
	// List returns the records that the filter names, in the order of their ids, at most filter.Limit.
	List(ctx context.Context, filter Filter) ([]Record, error)
	// Touch notes when keys were used, by id; an earlier time than the one noted, and an id that is not known, change nothing. It is told to no
	// feed, and need not survive a crash.
	Touch(ctx context.Context, uses map[string]time.Time) error
}

// ErrExists says that a record with the id or handle exists.
var ErrExists = errors.New("apikey: a key with this id or handle exists")

// A Filter says which records [Records.List] returns; the zero Filter: the first [DefaultLimit].
type Filter struct {
	// UserID limits the list to keys of this user; empty: of all.
	UserID string
	// OrganizationID limits the list to keys of this organization; empty: of all.
	OrganizationID string
	// After is the id after which the list goes on; empty: from the beginning.
	After string
	// Limit is how many are returned at most; 0: [DefaultLimit]. More than [MaxLimit] is MaxLimit.
	Limit int
}

// The limits of a list.
const (
	// DefaultLimit is how many records are listed where no limit is given.
	DefaultLimit = 100
	// MaxLimit is how many records are listed at most.
	MaxLimit = 1000
)

// ChangeOf returns what a store tells its feeds of a changed record, without the revision, and false if there is nothing to tell, because
// the two do not differ in what a verifier reads of them.
func ChangeOf(before, after Record) (revocation.Change, bool) {
	if before.RevokedAt.IsZero() && !after.RevokedAt.IsZero() {
		return revocation.Change{Revocation: revocation.Revocation{
			Target: revocation.Key, Value: after.ID, Until: after.RevokedAt.Add(remembered), Reason: after.RevokedFor,
		}}, true
	}
	if before.same(after) {
		return revocation.Change{}, false
	}
	return revocation.Change{Record: after.ID, ExpiresAt: after.ExpiresAt}, true
}

// remembered is for how long feeds tell of a revoked key. Its record says it for good; the feed is for what was read of it before, which
// nobody keeps for as long.
const remembered = time.Hour

// same reports whether a verifier reads the same of two records of one key.
func (r Record) same(other Record) bool {
	return r.Digest == other.Digest && r.Handle == other.Handle && r.UserID == other.UserID && r.OrganizationID == other.OrganizationID &&
		slices.Equal(r.Scopes, other.Scopes) && bytes.Equal(r.Claims, other.Claims) &&
		r.NotBefore.Equal(other.NotBefore) && r.ExpiresAt.Equal(other.ExpiresAt) && r.RevokedAt.Equal(other.RevokedAt)
}
