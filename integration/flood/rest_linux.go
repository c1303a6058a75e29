// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"syscall"
	"time"
)

// rest sleeps until a time. The runtime's own timers may wake a whole millisecond late, which is more than what is measured here.
func rest(until time.Time) {
	const coarse = 2 * time.Millisecond
	if wait := time.Until(until); wait > coarse {
		time.Sleep(wait - coarse)
	}
	runtime.Gosched()
	if wait := time.Until(until); wait > 0 {
		left := syscall.NsecToTimespec(int64(wait))
		_ = syscall.Nanosleep(&left, nil)
	}
}
