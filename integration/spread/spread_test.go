// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package spread_test

import (
	"testing"
	"time"

	"github.com/admitrpc/admit/integration/spread"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	var all spread.Spread
	for i := range 200 {
		all = append(all, time.Duration(200-i)*time.Millisecond)
	}
	for percent, want := range map[int]int{50: 100, 99: 198, 100: 200, 0: 1} {
		if got := all.At(percent); got != time.Duration(want)*time.Millisecond {
			t.Errorf("at %d percent: %s, want %dms", percent, got, want)
		}
	}
	if got := all.String(); got != "p50 100ms, p99 198ms, max 200ms" {
		t.Errorf("it is said to be %s", got)
	}
	if (spread.Spread{}).Within(time.Hour, time.Hour) {
		t.Error("what was never measured is within bounds")
	}
	if all.Within(197*time.Millisecond, time.Hour) || all.Within(time.Hour, 199*time.Millisecond) || !all.Within(198*time.Millisecond, 200*time.Millisecond) {
		t.Error("the bounds are not those of p99 and max")
	}
}

func TestBrief(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		1234567 * time.Nanosecond: "1.23ms", 12345678 * time.Nanosecond: "12ms", 1234567890: "1.23s", 0: "0s",
	} {
		if got := spread.Brief(d); got != want {
			t.Errorf("%d ns is %s, want %s", d, got, want)
		}
	}
}
