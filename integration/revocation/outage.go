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
	"github.com/admitrpc/admit/integration/spread"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
)

// An outage is what replicas do while PostgreSQL is down, and when it is back.
type outage struct {
	cold      time.Duration // until a key that a replica has never seen was answered
	first     time.Duration // until a replica first refused what it remembered, after the end of the server
	last      time.Duration // until one admitted it for the last time
	streams   time.Duration // until the last stream had ended
	down      time.Duration // how long the server was down
	recovered time.Duration // from the start of the server until every replica admitted again
	revoked   time.Duration // from a revocation right after that until every replica refused
}

// fails stops the server, looks on, and starts it again.
func (c *cluster) fails(ctx context.Context) (o outage, err error) {
	known, err := c.makeAll(ctx, len(makers))
	if err != nil {
		return o, err
	}
	cold, err := c.makeAll(ctx, len(makers)) // of which the API keys have to be looked up
	if err != nil {
		return o, err
	}
	nobodys, _, err := apikey.New(apikey.Spec{UserID: "user_1"})
	if err != nil {
		return o, err
	}
	cold = append(cold, credential{what: "key that nobody kept", secret: nobodys.Reveal(), id: nobodys.ID()})
	doomed, err := c.makeAll(ctx, 2)
	if err != nil {
		return o, err
	}
	for _, of := range known {
		if err := c.warm(ctx, of); err != nil {
			return o, err
		}
	}
	open, err := c.openStreams(ctx, known[0], 0)
	if err != nil {
		return o, err
	}
	c.load.outage.Store(true)
	defer c.load.outage.Store(false)
	if err := c.ground.server.Stop(); err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, c.ground.server.Start(ctx)) }() // also where something went wrong before
	stopped := time.Now()
	if o.cold, err = c.unserved(ctx, cold); err != nil {
		return o, err
	}
	if err := c.unacknowledged(ctx, doomed[0]); err != nil {
		return o, err
	}
	if err := c.until(ctx, known, stopped, &o); err != nil {
		return o, err
	}
	if o.streams, err = endOf(open, stopped, tokens.ReasonVerifierUnavailable, patience); err != nil {
		return o, err
	}
	if _, err := c.unserved(ctx, cold); err != nil {
		return o, err
	}
	if err := c.ground.server.Start(ctx); err != nil {
		return o, err
	}
	o.down = time.Since(stopped)
	return o, c.returns(ctx, known, doomed[1], &o)
}

// unserved asks every replica about keys that it has never seen, and returns how long the slowest answer took.
func (c *cluster) unserved(ctx context.Context, cold []credential) (slowest time.Duration, err error) {
	var mutex sync.Mutex
	err = c.each(func(_ int, r *replica) error {
		for _, of := range cold {
			if of.id == "" {
				continue
			}
			for p := range loopback.Protocols {
				a := r.ask(ctx, p, of.secret)
				if !a.refused(tokens.ReasonVerifierUnavailable) {
					return fmt.Errorf("a %s that was never seen, while the store is down: %s %s (%w), want %s", of.what, a.code, a.reason, a.err, tokens.ReasonVerifierUnavailable)
				}
				mutex.Lock()
				slowest = max(slowest, a.took)
				mutex.Unlock()
			}
		}
		return nil
	})
	return slowest, err
}

// unacknowledged revokes a credential while the store is down, which must be an error.
func (c *cluster) unacknowledged(ctx context.Context, of credential) error {
	err := within(ctx, time.Second, of.revoke)
	if err == nil {
		return errors.New("a revocation was acknowledged by a store that is down")
	}
	return nil
}

// until asks every replica about what it remembers, until all have refused all of it, and notes when that began and ended.
func (c *cluster) until(ctx context.Context, known []credential, stopped time.Time, o *outage) error {
	var mutex sync.Mutex
	o.first = time.Hour
	return c.each(func(i int, r *replica) error {
		for turn, all := 0, false; !all; turn++ {
			all = true
			for _, of := range known {
				a := r.ask(ctx, loopback.Protocol(turn%int(loopback.Protocols)), of.secret)
				after := a.at.Sub(stopped)
				mutex.Lock()
				switch {
				case a.admitted():
					all, o.last = false, max(o.last, after)
				case a.refused(tokens.ReasonVerifierUnavailable):
					o.first = min(o.first, after)
				default:
					mutex.Unlock()
					return fmt.Errorf("a good %s while the store is down: %s %s (%w)", of.what, a.code, a.reason, a.err)
				}
				mutex.Unlock()
				if after > boundGrace+patience {
					return fmt.Errorf("a %s is still admitted %s after the store went down", of.what, spread.Brief(after))
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
		return nil
	})
}

// returns waits until every replica admits again, and revokes a credential as soon as the store lets it, which counts.
func (c *cluster) returns(ctx context.Context, known []credential, of credential, o *outage) error {
	began := time.Now()
	revoking := make(chan error, 1)
	var acknowledged time.Time
	go func() {
		err := within(ctx, patience, func(ctx context.Context) error {
			for {
				err := of.revoke(ctx)
				if err == nil || ctx.Err() != nil {
					return err
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
		acknowledged = time.Now()
		revoking <- err
	}()
	err := c.each(func(_ int, r *replica) error {
		for _, of := range known {
			if err := r.recovers(ctx, of.secret); err != nil {
				return err
			}
		}
		return nil
	})
	o.recovered = time.Since(began)
	if err := errors.Join(err, <-revoking); err != nil {
		return err
	}
	if err := c.deadWithin(ctx, of, patience); err != nil {
		return err
	}
	o.revoked = time.Since(acknowledged)
	c.load.bury(of)
	return nil
}

// outage measures what happens when PostgreSQL is stopped.
func (c *cluster) outage(ctx context.Context, r *report) {
	if c.ground.server == nil {
		r.note("store stopped", "not measured: a file does not stop")
		return
	}
	o, err := c.fails(ctx)
	if err != nil {
		r.held("store stopped", fmt.Sprintf("unavailable after ≤ %s, and recovery", boundGrace), "", err)
		return
	}
	add := func(what string, goal string, got time.Duration, kept bool) {
		r.add(what, goal, spread.Brief(got), kept, nil)
	}
	r.note("store stopped", fmt.Sprintf("for %s; all refusals VERIFIER_UNAVAILABLE, none UNAUTHENTICATED", spread.Brief(o.down)))
	add("  a key not seen before: answered VERIFIER_UNAVAILABLE", "≤ 1s", o.cold, o.cold <= time.Second)
	add("  a remembered credential: first refused", "≥ 20s", o.first, o.first >= 20*time.Second)
	add("  a remembered credential: last admitted", fmt.Sprintf("≤ %s", boundGrace), o.last, o.last <= boundGrace)
	add("  open streams: last ended", fmt.Sprintf("≤ %s + %s", boundGrace, slack), o.streams, o.streams <= boundGrace+slack)
	add("  store started → all admit again, no restart", fmt.Sprintf("≤ %s", boundMost), o.recovered, o.recovered <= boundMost)
	add("  the first revocation after that → refused by all", fmt.Sprintf("≤ %s", boundMost), o.revoked, o.revoked <= boundMost)
}
