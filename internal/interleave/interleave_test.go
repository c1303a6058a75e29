// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interleave_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/admitrpc/admit/internal/interleave"
)

// taking is a Run of something that takes so long, in a bubble whose time passes only then.
func taking(d time.Duration) func(n int) {
	return interleave.Times(func() { time.Sleep(d) })
}

var sink []byte

func TestMeasure(t *testing.T) { //nolint:paralleltest // It counts allocations.
	synctest.Test(t, func(*testing.T) {
		quick := taking(100 * time.Microsecond)
		variants := []*interleave.Variant{
			{Name: "floor", Allocs: -1, Run: taking(100 * time.Microsecond)},
			{Name: "at the limit", Reference: "floor", Limit: 1.5, Allocs: -1, Run: taking(150 * time.Microsecond)},
			{Name: "over it", Reference: "floor", Limit: 1.4, Allocs: -1, Run: taking(150 * time.Microsecond)},
			{Name: "without one", Reference: "floor", Allocs: -1, Run: taking(50 * time.Microsecond)},
			{Name: "allocates", Reference: "floor", Limit: 2, Run: func(n int) {
				quick(n)
				sink = make([]byte, 1<<10)
			}},
			{Name: "another floor", Allocs: -1, Run: taking(time.Microsecond)},
			{Name: "of another family", Reference: "another floor", Limit: 3, Run: taking(2 * time.Microsecond)},
		}
		interleave.Measure(variants, 20, time.Millisecond)
		var out strings.Builder
		interleave.Report(&out, variants)
		for _, want := range []string{
			`^medians of 20 interleaved rounds, GOGC=400;`,
			`\nfloor +100000\.0 +0\n`,
			`\nat the limit +150000\.0 +0 +1\.50 +1\.50 +floor +≤ 1\.50: kept\n`,
			`\nover it +150000\.0 +0 +1\.50 +1\.50 +floor +≤ 1\.40: MISSED\n`,
			`\nwithout one +50000\.0 +0 +0\.50 +0\.50 +floor *\n`,
			`\nallocates +100000\.0 +1 +1\.00 +1\.00 +floor +≤ 2\.00, ≤ 0 allocs: MISSED\n`,
			`\nof another family +2000\.0 +0 +2\.00 +2\.00 +another floor +≤ 3\.00, ≤ 0 allocs: kept\n`,
		} {
			if !regexp.MustCompile(want).MatchString(out.String()) {
				t.Errorf("no %q in\n%s", want, &out)
			}
		}
	})
}

// Slices run at places that are spread over a page of the stack.
func TestDepths(t *testing.T) {
	t.Parallel()
	const page, line, rounds = 4 << 10, 64, 1000
	synctest.Test(t, func(t *testing.T) {
		places := map[uintptr]bool{}
		interleave.Measure([]*interleave.Variant{{Name: "floor", Run: func(n int) {
			var local byte
			places[uintptr(unsafe.Pointer(&local))%page/line] = true //nolint:gosec // Only its place is looked at.
			time.Sleep(time.Duration(n) * time.Microsecond)
		}}}, rounds, time.Millisecond)
		if len(places) < page/line*3/4 {
			t.Errorf("%d of %d places", len(places), page/line)
		}
	})
}
