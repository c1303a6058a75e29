// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

// SEC-65: over a minute, the fetches that callers cause are the burst and one per 5 seconds, and no more.
func TestRemoteFlood(t *testing.T) {
	t.Parallel()
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		e.delay = 20 * time.Millisecond
		start := time.Now()
		flood(t, s, func() bool { return time.Since(start) >= time.Minute }, func() {
			if got, most := e.count(), 3+int(time.Since(start)/(5*time.Second)); got > most {
				t.Errorf("%d fetches after %s, want %d at most", got, time.Since(start), most)
			}
		})
		if got := e.count(); got < 12 {
			t.Errorf("%d fetches in a minute: rotations would be missed", got)
		}
	}, jwt.WithRefreshInterval(time.Hour))
}

// flood asks for random kids and for a known one until done, and calls check in between.
func flood(t *testing.T, s *jwt.RemoteKeySet, done func() bool, check func()) {
	t.Helper()
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := 0; !done(); i++ {
				if _, err := s.Key(t.Context(), fmt.Sprintf("x%d-%d", worker, i), "ES256"); tokens.ReasonOf(err) != invalid {
					t.Errorf("a random kid: %v", err)
				}
				if _, err := s.Key(t.Context(), "a", "ES256"); err != nil {
					t.Errorf("a known kid: %v", err)
				}
				check()
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	group.Wait()
}

// SEC-66: a new key is found within 5 seconds, whenever it comes during a flood, and right after one.
func TestRemoteRotationUnderFlood(t *testing.T) {
	t.Parallel()
	before, after := jwksOf(t, "a"), jwksOf(t, "a", "b")
	for _, wait := range []time.Duration{time.Millisecond, time.Second, 4999 * time.Millisecond, 7 * time.Second, 33 * time.Second} {
		for _, goesOn := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, flood goes on: %t", wait, goesOn), func(t *testing.T) {
				t.Parallel()
				bubble(t, before, func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
					var found, rotated atomic.Bool
					var group sync.WaitGroup
					group.Go(func() { flood(t, s, func() bool { return found.Load() || !goesOn && rotated.Load() }, func() {}) })
					time.Sleep(wait)
					e.serve(after)
					rotated.Store(true)
					start := time.Now()
					for time.Since(start) < 10*time.Second && !found.Load() {
						_, err := s.Key(t.Context(), "b", "ES256")
						found.Store(err == nil)
						time.Sleep(time.Millisecond)
					}
					if took := time.Since(start); took > 5*time.Second+2*time.Millisecond {
						t.Errorf("found after %s, want 5s at most", took)
					}
					found.Store(true)
					group.Wait()
				})
			})
		}
	}
}
