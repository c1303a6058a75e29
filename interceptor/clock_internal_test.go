// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The clock of a guard is that of the system, and reads it anew at least once in a second.
func TestClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c clock
		for _, wait := range []time.Duration{0, 1, time.Second - 1, time.Second, time.Hour, time.Millisecond} {
			before := c.read.Load()
			time.Sleep(wait)
			if got := c.now(); !got.Equal(time.Now()) || got.Sub(time.Now()) != 0 {
				t.Errorf("after %s it is %s, not %s", wait, got, time.Now())
			}
			if renewed := before == nil || time.Since(*before) >= time.Second; renewed != (c.read.Load() != before) {
				t.Errorf("after %s the clock was read anew: %t", wait, !renewed)
			}
		}
	})
}

// Many ask at once. It is the race detector that is asked here, and that time does not go backwards for any of them.
func TestClockAtOnce(t *testing.T) {
	t.Parallel()
	var c clock
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for last := c.now(); ; {
				now := c.now()
				if now.Before(last) {
					t.Errorf("%s after %s", now, last)
				}
				if last = now; time.Since(*c.read.Load()) > 10*time.Millisecond {
					return
				}
			}
		})
	}
	group.Wait()
}
