// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/integration/spread"
	"github.com/admitrpc/admit/tokens"
)

// silent measures how long revocations take while nothing is pushed to any replica, with the store up.
func (c *cluster) silent(ctx context.Context, with condition, rounds int) (d deaths, err error) {
	if err := c.tellAll(string(with)); err != nil {
		return d, err
	}
	for range rounds {
		one, failed := c.atOnce(ctx, len(makers))
		if d.refused, d.ended = append(d.refused, one.refused...), append(d.ended, one.ended...); failed != nil {
			err = failed
			break
		}
		if with == stuck { // whose replicas are to be stuck from the beginning of each round
			err = errors.Join(err, c.tellAll(string(sound)), c.tellAll(string(stuck)))
		}
	}
	return d, errors.Join(err, c.tellAll(string(sound)))
}

// pushless measures what happens without push.
func (c *cluster) pushless(ctx context.Context, r *report, conditions map[condition]int) {
	names := map[condition]string{deaf: "push dead, store up", stuck: "and nothing asked in the background"}
	for _, with := range []condition{deaf, stuck} {
		if conditions[with] == 0 {
			continue
		}
		d, err := c.silent(ctx, with, conditions[with])
		goal := fmt.Sprintf("max ≤ %s", boundMost)
		got := fmt.Sprintf("max %s, streams %s", spread.Brief(d.refused.At(100)), spread.Brief(d.ended.At(100)))
		r.add(names[with]+": called → refused", goal, got, max(d.refused.At(100), d.ended.At(100)) <= boundMost, err)
	}
}

// fresh revokes API keys while nothing is pushed or asked in the background, and then makes one call of a method that
// demands to ask the store.
func (c *cluster) fresh(ctx context.Context) (err error) {
	if err := c.tellAll(string(stuck)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.tellAll(string(sound))) }()
	for range 3 {
		of, err := newKey(ctx, c)
		if err != nil {
			return err
		}
		if err := c.warm(ctx, of); err != nil {
			return err
		}
		if err := of.revoke(ctx); err != nil {
			return err
		}
		err = c.each(func(i int, r *replica) error {
			a := r.askFresh(ctx, loopback.Protocol(i%int(loopback.Protocols)), of.secret)
			if !a.refused(tokens.ReasonTokenRevoked) {
				return fmt.Errorf("a revoked %s: %s %s (%w), want %s", of.what, a.code, a.reason, a.err, tokens.ReasonTokenRevoked)
			}
			return nil
		})
		if err != nil {
			return err
		}
		c.load.bury(of)
	}
	return nil
}

// slowRead revokes a key while a replica that has never seen it reads its record, and lets the reader go when the news has arrived.
func (c *cluster) slowRead(ctx context.Context) error {
	slow := c.replicas[0]
	raced, err := newKey(ctx, c)
	if err != nil {
		return err
	}
	canary, err := newSession(ctx, c)
	if err != nil {
		return err
	}
	if err := c.warm(ctx, canary); err != nil {
		return err
	}
	if err := slow.tell(holdOrder, raced.id); err != nil {
		return err
	}
	answered := make(chan answer, 1)
	go func() { answered <- slow.ask(ctx, loopback.OverConnect, raced.secret) }()
	if err := slow.tell(awaitOrder, ""); err != nil {
		return err
	}
	revoking := errors.Join(raced.revoke(ctx), canary.revoke(ctx)) // in this order, so that who knows of the second knows of the first
	heard := c.deadWithin(ctx, canary, boundMost)
	if err := errors.Join(revoking, heard, slow.tell(releaseOrder, "")); err != nil {
		return err
	}
	c.load.bury(raced)
	c.load.bury(canary)
	if a := <-answered; !a.refused(tokens.ReasonTokenRevoked) {
		return fmt.Errorf("the call whose read was slow: %s %s (%w), want %s", a.code, a.reason, a.err, tokens.ReasonTokenRevoked)
	}
	for range 50 {
		if err := c.dead(ctx, raced); err != nil {
			return err
		}
	}
	return nil
}

// deadWithin waits until every replica refuses what was revoked.
func (c *cluster) deadWithin(ctx context.Context, of credential, limit time.Duration) error {
	return within(ctx, limit, func(ctx context.Context) error {
		for {
			err := c.dead(ctx, of)
			if err == nil || ctx.Err() != nil {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
}

// restore lets the store of every replica go back to a backup that is older than some revocations, and then return.
func (c *cluster) restore(ctx context.Context) (err error) {
	if err := c.tellAll(rememberOrder); err != nil {
		return err
	}
	all, err := c.makeAll(ctx, len(makers))
	if err != nil {
		return err
	}
	for _, of := range all {
		if err := errors.Join(c.warm(ctx, of), of.revoke(ctx), c.deadWithin(ctx, of, boundMost)); err != nil {
			return err
		}
		c.load.bury(of)
	}
	defer func() { err = errors.Join(err, c.tellAll(string(sound))) }()
	if err := c.tellAll(string(restored)); err != nil {
		return err
	}
	for range 10 {
		for _, of := range all {
			if err := c.dead(ctx, of); err != nil {
				return err
			}
		}
	}
	if err := c.tellAll(string(sound)); err != nil {
		return err
	}
	_, err = c.atOnce(ctx, 2) // the next ones count too
	return err
}
