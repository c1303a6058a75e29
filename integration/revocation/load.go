// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/tokens"
)

// A load is a steady stream of calls with good credentials, and a trickle of calls with revoked ones, to every replica. It keeps its rate
// whatever the answers are.
type load struct {
	good    []credential
	stop    context.CancelFunc
	running sync.WaitGroup
	began   time.Time

	calls    atomic.Int64 // with good credentials
	skipped  atomic.Int64 // that were not made, because too many were under way
	outage   atomic.Bool  // the store is down, so that VERIFIER_UNAVAILABLE is right
	unserved atomic.Int64 // of those refused so
	revived  atomic.Int64 // calls with revoked credentials that were admitted
	graves   atomic.Int64 // calls with revoked credentials

	mutex    sync.Mutex
	dead     []credential   // guarded by mutex
	refusals map[string]int // guarded by mutex; of good credentials, that should not have been, by what was said
}

// mostCalls is how many calls are under way at most for each replica.
const mostCalls = 256

func newLoad(replicas []*replica, good []credential, perSecond int) *load {
	l := &load{good: good, began: time.Now(), refusals: map[string]int{}}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	for _, r := range replicas {
		l.running.Go(func() { l.run(ctx, r, time.Second/time.Duration(perSecond)) })
	}
	return l
}

func (l *load) close() {
	if l != nil {
		l.stop()
		l.running.Wait()
	}
}

// run calls one replica at a rate. Ticks that were missed are made up for.
func (l *load) run(ctx context.Context, r *replica, every time.Duration) {
	places := make(chan struct{}, mostCalls)
	var group sync.WaitGroup
	defer group.Wait()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	made := 0
	for began := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for due := int(time.Since(began) / every); made < due; made++ {
			select {
			case places <- struct{}{}:
			default:
				l.skipped.Add(1)
				continue
			}
			group.Go(func() {
				defer func() { <-places }()
				l.call(ctx, r)
			})
		}
	}
}

// call makes one call: in twenty, one with a revoked credential.
func (l *load) call(ctx context.Context, r *replica) {
	p := loopback.Protocol(rand.IntN(int(loopback.Protocols)))
	if rand.IntN(20) == 0 && l.dig(ctx, r, p) {
		return
	}
	of := l.good[rand.IntN(len(l.good))]
	outage := l.outage.Load()
	a := r.ask(ctx, p, of.secret)
	if ctx.Err() != nil {
		return // the end of the run
	}
	l.calls.Add(1)
	switch {
	case a.admitted():
	case outage || l.outage.Load():
		if l.unserved.Add(1); a.refused(tokens.ReasonVerifierUnavailable) {
			return
		}
		fallthrough
	default:
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.refusals[fmt.Sprintf("%s: %s %s", of.what, a.code, a.reason)]++
	}
}

// bury tells of a credential that must never be admitted again.
func (l *load) bury(of credential) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.dead = append(l.dead, of)
}

// dig calls with one that was buried, and reports whether there was any.
func (l *load) dig(ctx context.Context, r *replica, p loopback.Protocol) bool {
	l.mutex.Lock()
	if len(l.dead) == 0 {
		l.mutex.Unlock()
		return false
	}
	of := l.dead[rand.IntN(len(l.dead))]
	l.mutex.Unlock()
	l.graves.Add(1)
	if r.ask(ctx, p, of.secret).admitted() {
		l.revived.Add(1)
	}
	return true
}

// buried returns what must never be admitted again.
func (l *load) buried() []credential {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return append([]credential(nil), l.dead...)
}

// wrong says how often good credentials were refused that should not have been, and how.
func (l *load) wrong() (count int, how string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for what, n := range l.refusals {
		count += n
		how += fmt.Sprintf("; %d x %s", n, what)
	}
	return count, how
}
