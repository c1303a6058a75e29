// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/admitrpc/admit/tokens/cache"
)

// SEC-78: all 256 bits of the digest count: one half finds the entry, the other is compared. Keys that share a half, which no credentials do,
// are never taken for each other.
func TestEveryBitOfTheKeyCounts(t *testing.T) {
	t.Parallel()
	c := newCache(t, 10_000, time.Hour, time.Minute)
	key, calls := cache.KeyOf("credential"), &atomic.Int64{}
	if _, err := do(c, t.Context(), key, returns(principal(t, "user_1"), nil, calls)); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Get(key, time.Now()); !ok {
		t.Fatal("it is not remembered")
	}
	for bit := range 8 * len(key) {
		other := key
		other[bit/8] ^= 1 << (bit % 8)
		if _, ok := c.Get(other, time.Now()); ok {
			t.Fatalf("bit %d does not count", bit)
		}
	}
	// Of two that share the half that finds them, the last is remembered, and the other may be verified again and is never taken for it.
	twin := key
	twin[len(twin)-1] ^= 1
	if entry, err := do(c, t.Context(), twin, returns(principal(t, "user_2"), nil, calls)); err != nil || entry.Subject() != "user_2" {
		t.Errorf("the twin is %v, %v", entry, err)
	}
	if entry, ok := c.Get(twin, time.Now()); !ok || entry.Principal.Subject() != "user_2" {
		t.Error("the twin is not remembered")
	}
	if entry, ok := c.Get(key, time.Now()); ok && entry.Principal.Subject() != "user_1" {
		t.Errorf("the first is taken for %s", entry.Principal.Subject())
	}
	if got, err := do(c, t.Context(), key, returns(principal(t, "user_1"), nil, calls)); err != nil || got.Subject() != "user_1" || calls.Load() < 2 {
		t.Errorf("the first is then %v, %v, after %d verifications", got, err, calls.Load())
	}
}

// Ages are counted by the clock that nobody can set: when the system's time is set back, nothing is remembered for longer.
func TestTimeIsSetBack(t *testing.T) {
	t.Parallel()
	c, r := newCache(t, 10, time.Minute, time.Minute), newRejections(t, 10, time.Minute)
	key := cache.KeyOf("credential")
	if _, err := do(c, t.Context(), key, returns(principal(t, "user_1"), nil, &atomic.Int64{})); err != nil {
		t.Fatal(err)
	}
	r.Add(key, errTest)
	for _, step := range []struct {
		after time.Duration
		ok    bool
	}{{30 * time.Second, true}, {time.Minute, false}} {
		now := setBack(t, time.Now().Add(step.after))
		if _, ok := c.Get(key, now); ok != step.ok {
			t.Errorf("after %s a good one is remembered: %t", step.after, ok)
		}
		if _, ok := r.Get(key, now); ok != step.ok {
			t.Errorf("after %s a bad one is remembered: %t", step.after, ok)
		}
	}
}

// setBack returns the time as it would be told had the system's time been set back by an hour.
func setBack(t *testing.T, now time.Time) time.Time {
	t.Helper()
	const hour = 3600 << 30 // of the field wall, whose seconds begin at bit 30
	set := now
	*(*uint64)(unsafe.Pointer(&set)) -= hour //nolint:gosec // There is no other way to have such a time.
	if set.Sub(now) != 0 || now.Unix()-set.Unix() != 3600 {
		t.Skip("package time keeps its times in another way")
	}
	return set
}
