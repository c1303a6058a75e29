// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A row is what was measured of a library.
type row struct {
	library library

	// fetches, and how many of 1000 good tokens were refused
	herd, herdRefused int64
	// fetches after the first: for 1000 tokens with one unknown kid, with as many unknown kids, and for 100 bad signatures on a known kid
	same, distinct, signatures int64
	// during an attack
	fetches, attempts, good, goodRefused int64
	attacked                             time.Duration

	// how many of the good tokens were believed while the endpoint was down, and then after 20 unknown kids
	downBelieved, downAsked, afterBelieved, afterAsked int
	// until a new key was believed; negative if it was not
	quiet, bogus time.Duration
	removed      bool // a removed key is still believed then
}

// warm returns a world whose key set has been fetched.
func (r *row) warm(ctx context.Context) (w *world, token string, err error) {
	w, err = newWorld(ctx, r.library)
	if err != nil {
		return nil, "", err
	}
	token = w.token()
	if !w.believes(ctx, token) {
		w.close()
		return nil, "", errors.New("a good token is refused")
	}
	return w, token, nil
}

// load measures what loads the machine.
func (r *row) load(ctx context.Context, s settings) error {
	w, err := newWorld(ctx, r.library)
	if err != nil {
		return err
	}
	token := w.token()
	r.herdRefused = 1000 - atOnce(1000, func() bool { return w.believes(ctx, token) })
	r.herd = w.fetches.Load()
	w.close()
	after := func(measured *int64, attack func(w *world, token string)) {
		if err != nil {
			return
		}
		var w *world
		var token string
		if w, token, err = r.warm(ctx); err != nil {
			return
		}
		defer w.close()
		before := w.fetches.Load()
		attack(w, token)
		*measured = w.fetches.Load() - before
	}
	after(&r.same, func(w *world, token string) {
		bad := w.bogus(token)
		atOnce(1000, func() bool { return w.believes(ctx, bad) })
	})
	after(&r.distinct, func(w *world, token string) {
		atOnce(1000, func() bool { return w.believes(ctx, w.bogus(token)) })
	})
	after(&r.signatures, func(w *world, token string) {
		bad := w.issuer.Tamper(token)
		for range 100 {
			w.believes(ctx, bad)
		}
	})
	after(&r.fetches, func(w *world, token string) { r.attack(ctx, w, token, s.attack) })
	return err
}

// atOnce calls n times at once, and returns how often the answer was true.
func atOnce(n int, call func() bool) int64 {
	var group sync.WaitGroup
	var count atomic.Int64
	begin := make(chan struct{})
	for range n {
		group.Go(func() {
			<-begin
			if call() {
				count.Add(1)
			}
		})
	}
	close(begin)
	group.Wait()
	return count.Load()
}

// attack sends random kids from 64 workers, and good tokens from one.
func (r *row) attack(ctx context.Context, w *world, token string, length time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	start := time.Now()
	var attempts, good, goodRefused atomic.Int64
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for ctx.Err() == nil {
				w.believes(ctx, w.bogus(token))
				attempts.Add(1)
			}
		})
	}
	group.Go(func() {
		for ctx.Err() == nil {
			// Its own time, so that the end of the attack is not a refusal.
			if good.Add(1); !w.believes(context.WithoutCancel(ctx), token) {
				goodRefused.Add(1)
			}
		}
	})
	group.Wait()
	r.attempts, r.good, r.goodRefused, r.attacked = attempts.Load(), good.Load(), goodRefused.Load(), time.Since(start)
}

// wait measures an outage, and two rotations, at once.
func (r *row) wait(ctx context.Context, s settings) error {
	failed := make([]error, 3)
	var group sync.WaitGroup
	for i, measure := range []func(context.Context, settings) error{
		r.outage,
		func(ctx context.Context, s settings) (err error) {
			r.quiet, r.removed, err = r.rotate(ctx, s, 0)
			return err
		},
		func(ctx context.Context, s settings) (err error) {
			r.bogus, _, err = r.rotate(ctx, s, 100)
			return err
		},
	} {
		group.Go(func() { failed[i] = measure(ctx, s) })
	}
	group.Wait()
	return errors.Join(failed...)
}

func (r *row) outage(ctx context.Context, s settings) error {
	w, token, err := r.warm(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	w.down.Store(true)
	tick := time.NewTicker(latency)
	defer tick.Stop()
	for start := time.Now(); time.Since(start) < s.outage; <-tick.C {
		r.downAsked++
		if w.believes(ctx, token) {
			r.downBelieved++
		}
	}
	unknown, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	atOnce(20, func() bool { return w.believes(unknown, w.bogus(token)) })
	for range 20 {
		r.afterAsked++
		if w.believes(ctx, token) {
			r.afterBelieved++
		}
	}
	return nil
}

// rotate measures how long after a rotation the new key is believed, right after a number of unknown kids, one after another.
func (r *row) rotate(ctx context.Context, s settings, bogus int) (took time.Duration, removed bool, err error) {
	w, old, err := r.warm(ctx)
	if err != nil {
		return 0, false, err
	}
	defer w.close()
	before, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	for range bogus {
		w.believes(before, w.bogus(old))
	}
	w.issuer.RotateKey()
	token := w.token()
	patience, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); patience.Err() == nil; <-tick.C {
		if w.believes(patience, token) {
			return time.Since(start), w.believes(ctx, old), nil
		}
	}
	return -1, w.believes(ctx, old), nil
}

// check returns what our key set says of itself and does not keep.
func (r *row) check(s settings) error {
	most := 3 + int64(r.attacked/(5*time.Second))
	var broken []error
	for _, promise := range []struct {
		kept bool
		what string
	}{
		{r.herd == 1 && r.herdRefused == 0, "a cold herd is one fetch"},
		{1+r.same <= 3, "unknown kids are 3 fetches at once at most, the first included"},
		{1+r.distinct <= 3, "distinct unknown kids are 3 fetches at once at most, the first included"},
		{r.signatures == 0, "bad signatures on a known kid cause no fetch"},
		{1+r.fetches <= most, fmt.Sprintf("an attack of %s is %d fetches at most, the first included", s.attack, most)},
		{r.goodRefused == 0 && r.good > 0, "good tokens are believed during an attack"},
		{r.downBelieved == r.downAsked && r.afterBelieved == r.afterAsked, "known keys are believed while the endpoint is down"},
		{r.quiet >= 0 && r.quiet < time.Second, "a new key is believed at once when it is quiet"},
		{r.bogus >= 0 && r.bogus < 6*time.Second, "a new key is believed within 5s and a fetch after a flood"},
		{!r.removed, "a removed key is not believed after the next fetch"},
	} {
		if !promise.kept {
			broken = append(broken, errors.New("admit does not keep that "+promise.what))
		}
	}
	return errors.Join(broken...)
}
