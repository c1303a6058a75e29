// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/integration/spread"
)

// A load is calls at a steady rate, which does not depend on how they are answered.
type load struct {
	PerSecond int           // calls, in turn over each protocol
	Lasts     time.Duration // for which calls are begun
}

// mostCalls is how many calls are under way at most. What would be more is not called, and counted.
const mostCalls = 8192

// A result is what came of a load.
type result struct {
	Verdicts map[string]int
	Skipped  int
	Latest   time.Duration // how late a call was begun, at most of 99 in 100
	Took     [loopback.Protocols]spread.Spread
}

// run calls each time with what next returns, which is called on one goroutine. What a call took is counted from when it was to begin.
func (l load) run(c *loopback.Client, next func(n int) string) result {
	r := result{Verdicts: map[string]int{}}
	var mutex sync.Mutex
	var calls sync.WaitGroup
	var late spread.Spread
	places := make(chan struct{}, mostCalls)
	began := time.Now()
	total := int(l.Lasts * time.Duration(l.PerSecond) / time.Second)
	for n := range total {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(l.PerSecond))
		secret := next(n)
		rest(due)
		select {
		case places <- struct{}{}:
		default:
			r.Skipped++
			continue
		}
		late = append(late, time.Since(due))
		calls.Go(func() {
			defer func() { <-places }()
			p := loopback.Protocol(n % int(loopback.Protocols))
			err := c.Ask(context.Background(), p, secret)
			took, verdict := time.Since(due), verdictOf(p, err)
			mutex.Lock()
			defer mutex.Unlock()
			r.Verdicts[verdict]++
			r.Took[p] = append(r.Took[p], took)
		})
	}
	calls.Wait()
	r.Latest = late.At(99)
	return r
}

// calls is how many calls were made.
func (r result) calls() (n int) {
	for _, count := range r.Verdicts {
		n += count
	}
	return n
}

// only reports whether every call was made and came to one of the verdicts.
func (r result) only(verdicts ...string) bool {
	n := 0
	for _, verdict := range verdicts {
		n += r.Verdicts[verdict]
	}
	return n > 0 && r.Skipped == 0 && n == r.calls()
}

// all are all calls of both protocols.
func (r result) all() spread.Spread { return slices.Concat(r.Took[:]...) }
