// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/store"
)

// A Place is where a store keeps what it keeps: a file, a database, a process.
type Place struct {
	// Open opens the store that is there, which is empty when it is opened for the first time. It is called several times, as several
	// processes would; what keeps all in one process returns the same store again, whose Close may then be called several times.
	// Run closes the stores it opens. Required.
	Open func(t *testing.T) store.Store
	// OpenReadOnly opens it with no more than the right to read, after it was opened with Open; nil: there is no such handle.
	OpenReadOnly func(t *testing.T) store.Store
	// Forget makes the store that is there lose the changes it has told, as it does when they are old; what is in force stays. It may make
	// other changes for that. nil: what happens then is not tested.
	Forget func(t *testing.T, s store.Store)
}

// Run holds a store to the contract, each sentence in a subtest of its own. newPlace returns a new and empty place; it is called once in
// every subtest, concurrently, and cleans up with t.Cleanup.
func Run(t *testing.T, newPlace func(t *testing.T) Place) {
	t.Helper()
	for _, test := range contract {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			t.Cleanup(cancel)
			test.run(t, &place{Place: newPlace(t), ctx: ctx})
		})
	}
}

// contract is all tests there are.
var contract = []struct {
	name string
	run  func(t *testing.T, p *place)
}{
	{"a record is found as it was inserted", insertedRecord},
	{"no record is not found", notFound},
	{"a record is found by one of several handles", lookupHandle},
	{"ids and handles are compared byte by byte", byteByByte},
	{"insert keeps all or none", insertAllOrNone},
	{"what is returned shares no memory with what is kept", copies},
	{"a change is returned and kept", changeKept},
	{"a change that fails changes nothing", changeFails},
	{"a change is not seen before it is committed", changeIsolated},
	{"changes of one record do not interleave", changesInterleave},
	{"a list is in the order of ids and filtered", listFiltered},
	{"a list has pages", listPages},
	{"touch notes the latest use and tells nobody", touch},
	{"what was committed is there when the store is opened again", reopened},
	{"an ended context changes nothing", endedContext},
	{"keys are administered in one transaction each", administered},

	{"a feed begins with a reset", feedBegins},
	{"a feed tells what was revoked", feedTells},
	{"a feed tells what followed a revision, in order", feedFollows},
	{"a feed tells of changed records", feedRecords},
	{"a revision that is not known is a reset", feedRegressed},
	{"a gap is a reset", feedGap},
	{"what may be forgotten is not in force", feedForgotten},
	{"to revoke again joins", revokeAgain},
	{"a bad revocation commits nothing", revokeBad},
	{"to revoke a key marks its record", revokeKey},
	{"values are bytes", revokeBytes},
	{"revisions are in the order of commits", commitOrder},
	{"wait ends with a change", waitChange},
	{"wait ends with its context", waitContext},
	{"wait ends with the store", waitClose},
	{"a read-only handle reads and changes nothing", readOnly},
}

// A place is where one subtest takes place.
type place struct {
	Place

	ctx context.Context //nolint:containedctx // It lives as long as the subtest.
}

// open opens the store once more.
func (p *place) open(t *testing.T) store.Store {
	t.Helper()
	s := p.Open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}
