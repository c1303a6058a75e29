// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import "time"

// HTTP requests that callers cause: this many at once, and then one per period.
const (
	burst  = 3
	period = 5 * time.Second
)

// A budget lets a burst pass and then one per period, by the generic cell rate algorithm. The zero budget is full.
type budget struct{ due time.Time }

// take takes n, or nothing if there are not n left.
func (b *budget) take(now time.Time, n int) bool {
	due := b.due
	if due.Before(now) {
		due = now
	}
	due = due.Add(time.Duration(n) * period)
	if due.Sub(now) > burst*period {
		return false
	}
	b.due = due
	return true
}

// giveBack returns n that were taken and not used.
func (b *budget) giveBack(n int) { b.due = b.due.Add(-time.Duration(n) * period) }
