// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package spread tells what many durations are like.
package spread

import (
	"fmt"
	"slices"
	"time"
)

// A Spread is many durations.
type Spread []time.Duration

// At returns the smallest duration that a share of all do not exceed.
func (s Spread) At(percent int) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[max((len(sorted)*percent+99)/100-1, 0)]
}

// String tells the middle, that of 99 in 100, and the longest.
func (s Spread) String() string {
	return fmt.Sprintf("p50 %s, p99 %s, max %s", Brief(s.At(50)), Brief(s.At(99)), Brief(s.At(100)))
}

// Within reports whether something was measured, and is within both bounds.
func (s Spread) Within(p99, most time.Duration) bool {
	return len(s) > 0 && s.At(99) <= p99 && s.At(100) <= most
}

// Brief writes a duration with three digits or so.
func Brief(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
