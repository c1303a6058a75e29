// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
)

// boundGrowth is what the heap of a process may grow by in a flood.
const boundGrowth = 8 << 20

// A memory is what a process holds.
type memory struct {
	Heap       int64 // bytes that live objects take, after collections
	Most       int64 // bytes of memory, ever
	Goroutines int
}

// held collects, and says what is left.
func held() memory {
	var m runtime.MemStats
	for range 3 { // pools are emptied by the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return memory{Heap: int64(m.HeapAlloc), Most: most(), Goroutines: runtime.NumGoroutine()}
}

// most returns the most memory that the process ever had, where Linux tells; 0 elsewhere.
func most() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, line, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(line)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

// mebibytes writes a number of bytes.
func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// reportMemory reports what a flood left behind.
func reportMemory(r *report, before, after memory) {
	r.add("heap after collections", "grows by ≤ "+mebibytes(boundGrowth), mebibytes(before.Heap)+", then "+mebibytes(after.Heap), after.Heap-before.Heap <= boundGrowth)
	r.note("most memory that the process ever had", mebibytes(before.Most)+", then "+mebibytes(after.Most))
	r.add("goroutines", "as before", fmt.Sprintf("%d, then %d", before.Goroutines, after.Goroutines), after.Goroutines <= before.Goroutines)
}
