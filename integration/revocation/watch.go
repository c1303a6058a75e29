// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/tokens"
)

const (
	pollEvery = time.Millisecond      // how long a poller rests between two calls
	afterward = 20 * time.Millisecond // how long it goes on after the last replica has refused
	patience  = 15 * time.Second      // how long a refusal is waited for; the bound is for the report to judge
	before    = 3 * time.Millisecond  // how long a credential is polled before it is revoked
	streams   = 2                     // that are open with a credential on each replica
)

// A death is how long it took until a credential was dead everywhere, from before the administrator asked for it.
type death struct {
	acknowledged time.Duration // until the store had committed, and the administrator was told
	refused      time.Duration // until the slowest replica refused a call
	ended        time.Duration // until the last stream had ended
}

// kill revokes a credential that every replica remembers and has streams open with, and watches how all of them take it. An error is that
// one of them did something wrong, however fast.
func (c *cluster) kill(ctx context.Context, of credential, turn int) (d death, err error) {
	if err := c.warm(ctx, of); err != nil {
		return d, err
	}
	open, err := c.openStreams(ctx, of, turn)
	if err != nil {
		return d, err
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &watch{of: of, began: time.Now(), refused: make([]time.Duration, len(c.replicas)), done: make(chan struct{})}
	w.missing.Add(len(c.replicas))
	finished := make(chan error, 1)
	go func() { finished <- c.each(func(i int, r *replica) error { return w.poll(watching, i, r) }) }()
	time.Sleep(before)
	w.setRevoked(time.Now())
	if err := of.revoke(ctx); err != nil {
		cancel()
		<-finished
		return d, fmt.Errorf("revoking a %s: %w", of.what, err)
	}
	d.acknowledged = time.Since(w.revoked)
	w.missing.Wait()
	d.ended, err = endOf(open, w.revoked, tokens.ReasonTokenRevoked, patience)
	time.AfterFunc(afterward, func() { close(w.done) })
	err = errors.Join(err, <-finished)
	for _, took := range w.refused {
		d.refused = max(d.refused, took)
	}
	if err == nil {
		c.load.bury(of)
	}
	return d, err
}

// openStreams opens streams with a credential on every replica, of which shape by which protocol depends on the turn.
func (c *cluster) openStreams(ctx context.Context, of credential, turn int) ([]<-chan answer, error) {
	open := make([]<-chan answer, len(c.replicas)*streams)
	err := c.each(func(i int, r *replica) (err error) {
		for k := range streams {
			p, bidi := loopback.Protocol((k+turn)%int(loopback.Protocols)), k == 0
			if open[i*streams+k], err = r.open(ctx, p, bidi, of.secret); err != nil {
				return fmt.Errorf("a stream with a good %s does not open: %w", of.what, err)
			}
		}
		return nil
	})
	return open, err
}

// endOf waits for the end of streams, and returns how long after a time the last one ended. It is an error if one ends for another reason, or not
// at all.
func endOf(open []<-chan answer, since time.Time, reason tokens.Reason, limit time.Duration) (last time.Duration, err error) {
	timeout := time.After(limit)
	for i, ended := range open {
		select {
		case a := <-ended:
			if !a.refused(reason) {
				return 0, fmt.Errorf("a stream ended with %s %s (%w), want %s", a.code, a.reason, a.err, reason)
			}
			last = max(last, a.at.Sub(since))
		case <-timeout:
			return 0, fmt.Errorf("a stream is still open after %s: number %d of %d", limit, i+1, len(open))
		}
	}
	return last, nil
}

// A watch is over the replicas while a credential is revoked.
type watch struct {
	of      credential
	began   time.Time
	refused []time.Duration // by replica
	missing sync.WaitGroup  // replicas that have not refused
	done    chan struct{}   // closed when the polling may end

	mutex   sync.Mutex
	revoked time.Time // guarded by mutex until missing is done; zero: not yet
}

func (w *watch) setRevoked(at time.Time) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.revoked = at
}

// since returns how long before a time the revocation was asked for; ok is false if it was not.
func (w *watch) since(at time.Time) (d time.Duration, ok bool) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return at.Sub(w.revoked), !w.revoked.IsZero() && !at.Before(w.revoked)
}

// poll calls a replica with the credential, by all protocols in turns, and notes when it is refused for the first time. After that it must be
// refused for good, for the right reason.
func (w *watch) poll(ctx context.Context, i int, r *replica) error {
	dead := false
	defer func() {
		if !dead {
			w.missing.Done()
		}
	}()
	for turn := 0; ; turn++ {
		select {
		case <-w.done:
			return nil
		case <-ctx.Done():
			return nil // because something else went wrong
		default:
		}
		a := r.ask(ctx, loopback.Protocol(turn%int(loopback.Protocols)), w.of.secret)
		took, revoked := w.since(a.at)
		switch {
		case ctx.Err() != nil:
			return nil
		case a.admitted() && dead:
			return fmt.Errorf("a revoked %s was refused, and then admitted", w.of.what)
		case a.admitted():
			if revoked && took > patience {
				return fmt.Errorf("a revoked %s is still admitted after %s", w.of.what, took)
			}
		case !revoked:
			return fmt.Errorf("a good %s was refused: %w", w.of.what, a.err)
		case !a.refused(tokens.ReasonTokenRevoked):
			return fmt.Errorf("a revoked %s was answered %s %s, want %s", w.of.what, a.code, a.reason, tokens.ReasonTokenRevoked)
		case !dead:
			dead = true
			w.refused[i] = took
			w.missing.Done()
		}
		time.Sleep(pollEvery)
	}
}
