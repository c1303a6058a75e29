// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/integration/spread"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
)

// deaths are what many deaths took.
type deaths struct{ acknowledged, refused, ended spread.Spread }

func (d *deaths) add(one death) {
	d.acknowledged = append(d.acknowledged, one.acknowledged)
	d.refused = append(d.refused, one.refused)
	d.ended = append(d.ended, one.ended)
}

// oneByOne revokes n credentials of all sorts, one after another.
func (c *cluster) oneByOne(ctx context.Context, n int) (d deaths, err error) {
	all, err := c.makeAll(ctx, n)
	if err != nil {
		return d, err
	}
	for i, of := range all {
		one, err := c.kill(ctx, of, i)
		if err != nil {
			return d, err
		}
		d.add(one)
	}
	return d, nil
}

// atOnce revokes one credential of each of n sorts at the same time.
func (c *cluster) atOnce(ctx context.Context, n int) (d deaths, err error) {
	all, err := c.makeAll(ctx, n)
	if err != nil {
		return d, err
	}
	var mutex sync.Mutex
	var group sync.WaitGroup
	for i, of := range all {
		group.Go(func() {
			one, failed := c.kill(ctx, of, i)
			mutex.Lock()
			defer mutex.Unlock()
			if d.add(one); failed != nil {
				err = failed
			}
		})
	}
	group.Wait()
	return d, err
}

// healthy measures how long a revocation takes where everything works.
func (c *cluster) healthy(ctx context.Context, n int, r *report) {
	d, err := c.oneByOne(ctx, n)
	goal := fmt.Sprintf("p99 ≤ %s, max ≤ %s", boundP99, boundMost)
	r.note("Revoke called → acknowledged", d.acknowledged.String())
	r.add(fmt.Sprintf("%d revocations: called → refused by all", len(d.refused)), goal, d.refused.String(), d.refused.Within(boundP99, boundMost), err)
	r.add(fmt.Sprintf("%d open streams: called → all ended", len(d.ended)*replicas*streams), goal, d.ended.String(), d.ended.Within(boundP99, boundMost), err)
}

// alike asks whether a key that nobody made and one with another secret are answered the same, on every replica.
func (c *cluster) alike(ctx context.Context) error {
	unknown, record, err := apikey.New(apikey.Spec{UserID: "user_1"})
	if err != nil {
		return err
	}
	wrong, kept, err := apikey.New(apikey.Spec{UserID: "user_1"})
	if err != nil {
		return err
	}
	kept.Digest = record.Digest // so that the secret of the key that we have is not the one that is expected
	if err := c.store.Insert(ctx, kept); err != nil {
		return err
	}
	return c.each(func(_ int, r *replica) error {
		for p := range loopback.Protocols {
			a, b := r.ask(ctx, p, unknown.Reveal()), r.ask(ctx, p, wrong.Reveal())
			if !a.refused(tokens.ReasonTokenInvalid) || !b.refused(tokens.ReasonTokenInvalid) || a.err.Error() != b.err.Error() {
				return fmt.Errorf("an unknown key is answered %w, and a wrong one %w", a.err, b.err)
			}
		}
		return nil
	})
}
