// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

// newLosing returns a store with some changes, the newest revision, and what takes the file back to the first change, as a backup would.
func newLosing(t *testing.T) (s *sqlite.Store, last uint64, lose func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.db")
	s = open(t, path)
	for _, value := range []string{"one", "two", "three"} {
		var err error
		if last, err = s.Revoke(t.Context(), revocation.Revocation{Target: revocation.Token, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	return s, last, func() {
		raw(t, path, "delete from admit_change where revision > 2", "delete from admit_revocation where revision > 2", "update admit_state set revision = 2")
	}
}

// Who waits when the file loses changes is woken, to ask what is in force.
func TestLostChangesWake(t *testing.T) {
	t.Parallel()
	s, last, lose := newLosing(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	woken := make(chan error, 1)
	go func() { woken <- s.Wait(ctx, last) }()
	lose()
	if err := <-woken; err != nil {
		t.Fatal(err)
	}
	batch, err := s.Since(ctx, last)
	if err != nil || !batch.Reset || batch.Revision != 2 || len(batch.Changes) != 1 {
		t.Errorf("after %d: %+v, %v", last, batch, err)
	}
}

// Nobody is woken again and again by a revision that the file has lost, also where only Since saw that it did.
func TestLostChangesAreNotAwaited(t *testing.T) {
	t.Parallel()
	s, last, lose := newLosing(t)
	lose()
	batch, err := s.Since(t.Context(), last)
	if err != nil || !batch.Reset || batch.Revision != 2 {
		t.Fatalf("after %d: %+v, %v", last, batch, err)
	}
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Wait(short, batch.Revision); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait ended with %v, though nothing has changed", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	woken := make(chan error, 1)
	go func() { woken <- s.Wait(ctx, batch.Revision) }()
	if _, err := s.Revoke(ctx, revocation.Revocation{Target: revocation.Token, Value: "four"}); err != nil {
		t.Fatal(err)
	}
	if err := <-woken; err != nil {
		t.Error(err)
	}
}
