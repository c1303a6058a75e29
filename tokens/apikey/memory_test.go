// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
)

// What every store does is tested by package storetest, of another module; here is what only this one does.

func TestZeroMemoryStore(t *testing.T) {
	t.Parallel()
	var store apikey.MemoryStore
	if _, err := store.Lookup(t.Context(), "x"); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("Lookup: %v", err)
	}
	if _, err := store.LookupHandle(t.Context(), "x"); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("LookupHandle: %v", err)
	}
	if err := store.Touch(t.Context(), map[string]time.Time{"x": time.Now()}); err != nil {
		t.Errorf("Touch: %v", err)
	}
	if records, err := store.List(t.Context(), apikey.Filter{}); err != nil || len(records) != 0 {
		t.Errorf("List: %v, %v", records, err)
	}
	if batch, err := store.Since(t.Context(), 0); err != nil || !batch.Reset || batch.Revision != 1 {
		t.Errorf("Since: %+v, %v", batch, err)
	}
	if revision, err := store.Revoke(t.Context(), revocation.Revocation{Target: revocation.Key, Value: "x"}); err != nil || revision != 2 {
		t.Errorf("Revoke: %d, %v", revision, err)
	}
	create(t, newKeys(t, &store), apikey.Spec{UserID: "user_1"})
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	if err := store.Wait(t.Context(), 1); err == nil {
		t.Error("Wait after Close returns nil")
	}
}

// TestMemoryStoreForgetsChanges has only so many changes in memory, and all that is in force.
func TestMemoryStoreForgetsChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := apikey.NewMemoryStore()
		revoke := func(value string, until time.Time) uint64 {
			t.Helper()
			revision, err := store.Revoke(t.Context(), revocation.Revocation{Target: revocation.Token, Value: value, Until: until})
			if err != nil {
				t.Fatal(err)
			}
			return revision
		}
		first := revoke("for good", time.Time{})
		var last uint64
		for i := range 30_000 {
			last = revoke(fmt.Sprint(i), time.Now().Add(time.Minute))
		}
		if batch, err := store.Since(t.Context(), first); err != nil || !batch.Reset || len(batch.Changes) != 30_001 {
			t.Errorf("after the first: reset %t, %d changes, %v", batch.Reset, len(batch.Changes), err)
		}
		if batch, err := store.Since(t.Context(), last-4999); err != nil || batch.Reset || len(batch.Changes) != 4999 {
			t.Errorf("after a late one: reset %t, %d changes, %v", batch.Reset, len(batch.Changes), err)
		}
		time.Sleep(time.Minute)
		if batch, err := store.Since(t.Context(), 0); err != nil || len(batch.Changes) != 1 || batch.Revision != last {
			t.Errorf("a minute later: %d changes, revision %d, %v", len(batch.Changes), batch.Revision, err)
		}
	})
}

func TestMemoryStoreIsConcurrent(t *testing.T) {
	t.Parallel()
	store := apikey.NewMemoryStore()
	keys, v := newKeys(t, store), newVerifier(t, store)
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 20 {
				key, record, err := keys.Create(t.Context(), apikey.Spec{UserID: "user_1", Scopes: []string{"a"}})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := v.Verify(t.Context(), credential(key.Reveal())); err != nil {
					t.Error(err)
				}
				if _, err := keys.Revoke(t.Context(), record.ID, "lost"); err != nil {
					t.Error(err)
				}
				if _, err := keys.List(t.Context(), apikey.Filter{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	records, _ := keys.List(t.Context(), apikey.Filter{Limit: apikey.MaxLimit})
	if open := slices.ContainsFunc(records, func(r apikey.Record) bool { return r.RevokedAt.IsZero() }); len(records) != 160 || open {
		t.Errorf("%d records; some not revoked: %t", len(records), open)
	}
}

// TestMemoryStoreWakesAll wakes all who wait, and leaves nobody behind.
func TestMemoryStoreWakesAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := apikey.NewMemoryStore()
		ctx, cancel := context.WithCancel(t.Context())
		var woken, ended int
		var mutex sync.Mutex
		for range 5 {
			go func() {
				err := store.Wait(ctx, 0)
				mutex.Lock()
				defer mutex.Unlock()
				if err == nil {
					woken++
				}
			}()
		}
		synctest.Wait()
		revision, err := store.Revoke(t.Context(), revocation.Revocation{Target: revocation.Token, Value: "t"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for range 5 {
			go func() {
				err := store.Wait(ctx, revision)
				mutex.Lock()
				defer mutex.Unlock()
				if errors.Is(err, context.Canceled) {
					ended++
				}
			}()
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if woken != 5 || ended != 5 {
			t.Errorf("%d were woken by the change, %d by the end of their context", woken, ended)
		}
	})
}
