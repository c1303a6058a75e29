// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/cache"
)

// A fresh verification reads nothing that is remembered, joins nobody, lets nobody join, and is remembered.
func TestFresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, key, calls := newCache(t, 10, time.Minute, time.Minute), cache.KeyOf("a"), &atomic.Int64{}
		who := map[bool]*tokens.Principal{true: principal(t, "fresh"), false: principal(t, "not fresh")}
		verify := func(fresh bool) func(context.Context) (*tokens.Principal, error) {
			return func(context.Context) (*tokens.Principal, error) {
				calls.Add(1)
				time.Sleep(time.Second)
				return who[fresh], nil
			}
		}
		var group sync.WaitGroup
		for range 10 {
			for fresh, ask := range map[bool]func(context.Context, cache.Key, uint64, func(context.Context) (*tokens.Principal, error)) (*cache.Entry, error){
				true: c.Fresh, false: c.Do,
			} {
				group.Go(func() {
					entry, err := ask(t.Context(), key, 7, verify(fresh))
					if err != nil || entry.Principal != who[fresh] || entry.Epoch != 7 {
						t.Errorf("verified %v, %v", entry, err)
					}
				})
			}
		}
		group.Wait()
		if calls.Load() != 11 {
			t.Errorf("%d verifications", calls.Load())
		}
		if entry, err := c.Fresh(t.Context(), key, 8, verify(true)); err != nil || entry.Epoch != 8 {
			t.Errorf("verified %v, %v", entry, err)
		}
		if entry, ok := c.Get(key, time.Now()); !ok || entry.Principal != who[true] || entry.Epoch != 8 || calls.Load() != 12 {
			t.Errorf("remembered %v after %d verifications", entry, calls.Load())
		}
	})
}

// The end of a caller is his own, and so is a timeout; a fresh verification that fails leaves what is remembered.
func TestFreshFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, key, failed := newCache(t, 10, time.Hour, time.Minute), cache.KeyOf("a"), errors.New("failed")
		if _, err := do(c, t.Context(), key, returns(principal(t, "user_1"), nil, &atomic.Int64{})); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Fresh(t.Context(), key, 0, returns(nil, failed, &atomic.Int64{})); !errors.Is(err, failed) {
			t.Errorf("told %v", err)
		}
		forever := func(ctx context.Context) (*tokens.Principal, error) { <-ctx.Done(); return nil, ctx.Err() }
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Fresh(ctx, key, 0, forever); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %s the caller is told %v", time.Since(began), err)
		}
		if _, err := c.Fresh(t.Context(), key, 0, forever); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second+time.Minute {
			t.Errorf("after %s the next is told %v", time.Since(began), err)
		}
		if _, ok := c.Get(key, time.Now()); !ok {
			t.Error("what was remembered is not any more")
		}
		var none *cache.Cache
		if entry, err := none.Fresh(t.Context(), key, 3, returns(principal(t, "user_2"), nil, &atomic.Int64{})); err != nil || entry.Principal.Subject() != "user_2" || entry.Epoch != 3 {
			t.Errorf("without a cache: %v, %v", entry, err)
		}
	})
}

// What was remembered since a caller looked is not verified again, if it is of his epoch or later; what is older is.
func TestDoLooksAgain(t *testing.T) {
	t.Parallel()
	c, key, calls := newCache(t, 10, time.Minute, time.Minute), cache.KeyOf("a"), &atomic.Int64{}
	for _, step := range []struct {
		epoch, got uint64
		calls      int64
	}{{5, 5, 1}, {5, 5, 1}, {3, 5, 1}, {6, 6, 2}, {5, 6, 2}} {
		entry, err := c.Do(t.Context(), key, step.epoch, returns(principal(t, "user_1"), nil, calls))
		if err != nil || entry.Epoch != step.got || calls.Load() != step.calls {
			t.Errorf("in epoch %d: that of %d, %v, after %d verifications", step.epoch, entry.Epoch, err, calls.Load())
		}
	}
}
