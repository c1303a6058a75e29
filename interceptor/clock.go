// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"sync/atomic"
	"time"
)

// A clock tells the time of a call. It reads the clock that counts up on every call, and the one that can be set only once in a second:
// reading both is a tenth of what a remembered credential costs. So when the system's time is set, the guard learns of it within a second.
type clock struct{ read atomic.Pointer[time.Time] }

func (c *clock) now() time.Time {
	if last := c.read.Load(); last != nil {
		if since := time.Since(*last); since < time.Second {
			return last.Add(since)
		}
	}
	now := time.Now()
	c.read.Store(&now)
	return now
}
