// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/cache"
)

// However much an entry is used: what is verified anew takes its place, and what is forgotten is gone.
func TestMuchUsedEntries(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3, 1000, 100_000} {
		c, key := newCache(t, size, time.Hour, time.Minute), cache.KeyOf("credential")
		for round := range 3 {
			subject := fmt.Sprint("user_", round)
			entry, err := c.Fresh(t.Context(), key, 0, returns(principal(t, subject), nil, &atomic.Int64{}))
			if err != nil || entry.Principal.Subject() != subject {
				t.Fatalf("size %d: verified %v, %v", size, entry, err)
			}
			now := time.Now()
			for i := range 1000 { // at every time there is
				if got, ok := c.Get(key, now.Add(time.Duration(i))); !ok || got != entry {
					t.Fatalf("size %d, round %d: after %d uses %v, %t", size, round, i, got, ok)
				}
			}
			if _, ok := c.Get(key, now.Add(time.Hour)); ok {
				t.Errorf("size %d: it is remembered for too long", size)
			}
		}
		c.Forget(key)
		for i := range 100 {
			if got, ok := c.Get(key, time.Now().Add(time.Duration(i))); ok {
				t.Fatalf("size %d: it was forgotten, and is %v", size, got)
			}
		}
	}
}

// Keys that have one place are never taken for each other, also while all are used at once.
func TestKeysOfOnePlace(t *testing.T) {
	t.Parallel()
	c := newCache(t, 1, time.Hour, time.Minute)
	var group sync.WaitGroup
	for i := range 8 {
		key, subject := cache.KeyOf(fmt.Sprint(i)), fmt.Sprint("user_", i)
		someone := principal(t, subject)
		group.Go(func() {
			for n := range 500 {
				if _, err := do(c, t.Context(), key, returns(someone, nil, &atomic.Int64{})); err != nil {
					t.Error(err)
				}
				if got, ok := c.Get(key, time.Now().Add(time.Duration(n))); ok && got.Principal.Subject() != subject {
					t.Errorf("%s is taken for %s", subject, got.Principal.Subject())
				}
			}
		})
	}
	group.Wait()
}
