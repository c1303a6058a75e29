// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
)

// A watched is a store whose lookups are counted, and can be made slow.
type watched struct {
	apikey.Store

	lookups atomic.Int64
	running atomic.Int64
	highest atomic.Int64 // that were running at once
	delay   atomic.Int64 // nanoseconds, in the middle
}

func (w *watched) Lookup(ctx context.Context, id string) (apikey.Record, error) {
	w.lookups.Add(1)
	running := w.running.Add(1)
	defer w.running.Add(-1)
	for highest := w.highest.Load(); running > highest && !w.highest.CompareAndSwap(highest, running); highest = w.highest.Load() {
	}
	if delay := time.Duration(w.delay.Load()); delay > 0 {
		// Half as long again or half as long: lookups that all took the same would end in one burst after another, as those of no store do.
		time.Sleep(delay/2 + rand.N(delay))
	}
	return w.Store.Lookup(ctx, id)
}
