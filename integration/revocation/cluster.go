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
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// replicas is how many there are.
const replicas = 3

// A cluster is a store, the replicas that serve from it, and the administrator, which is this process.
type cluster struct {
	ground   *ground
	issuer   *tokenstest.Issuer
	store    store.Store
	keys     *apikey.Keys
	replicas []*replica
	load     *load
}

// A replica is a server process, and the client that calls it.
type replica struct {
	*process
	client
}

// newCluster starts a cluster on an empty place, and the load on it.
func newCluster(ctx context.Context, g *ground, perSecond int) (c *cluster, err error) {
	c = &cluster{ground: g}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if c.issuer, err = tokenstest.StartIssuer(tokenstest.WithAlgorithm("ES256")); err != nil {
		return c, err
	}
	if c.store, err = g.open(ctx, false); err != nil {
		return c, err
	}
	if c.keys, err = apikey.NewKeys(c.store); err != nil {
		return c, err
	}
	for range replicas {
		if err := c.addReplica(); err != nil {
			return c, err
		}
	}
	good, err := c.makeAll(ctx, 60)
	if err != nil {
		return c, err
	}
	for _, r := range c.replicas {
		if err := r.recovers(ctx, good[0].secret); err != nil {
			return c, err
		}
	}
	c.load = newLoad(c.replicas, good, perSecond)
	return c, nil
}

func (c *cluster) addReplica() error {
	p, err := start(replicaRole, replicaSettings{Place: c.ground.place, Issuer: c.issuer.URL(), Keys: c.issuer.Keys()})
	if err != nil {
		return err
	}
	r := &replica{process: p}
	c.replicas = append(c.replicas, r)
	var at loopback.Addresses
	if err := p.Hear(&at); err != nil {
		return err
	}
	r.Client, err = loopback.Dial(at)
	return err
}

// close ends everything but the ground.
func (c *cluster) close() error {
	c.load.close()
	var mistakes []error
	for _, r := range c.replicas {
		if r.Client != nil {
			r.Close()
		}
		mistakes = append(mistakes, r.Stop())
	}
	if c.store != nil {
		mistakes = append(mistakes, c.store.Close())
	}
	if c.issuer != nil {
		mistakes = append(mistakes, c.issuer.Close())
	}
	return errors.Join(mistakes...)
}

// recovers waits until a replica takes a good credential.
func (r *replica) recovers(ctx context.Context, secret string) error {
	return within(ctx, 20*time.Second, func(ctx context.Context) error {
		for {
			a := r.ask(ctx, loopback.OverConnect, secret)
			if a.admitted() {
				return nil
			}
			if ctx.Err() != nil || !a.refused(tokens.ReasonVerifierUnavailable) {
				return fmt.Errorf("a good credential is not taken: %w", a.err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
}

// each does something with every replica at once, and returns the first mistake.
func (c *cluster) each(do func(i int, r *replica) error) error {
	mistakes := make([]error, len(c.replicas))
	var group sync.WaitGroup
	for i, r := range c.replicas {
		group.Go(func() {
			if err := do(i, r); err != nil {
				mistakes[i] = fmt.Errorf("replica %d: %w", i+1, err)
			}
		})
	}
	group.Wait()
	return errors.Join(mistakes...)
}

// tellAll tells every replica the same.
func (c *cluster) tellAll(do string) error {
	return c.each(func(_ int, r *replica) error { return r.tell(do, "") })
}

// warm makes every replica remember a good credential.
func (c *cluster) warm(ctx context.Context, of credential) error {
	return c.each(func(_ int, r *replica) error {
		for p := range loopback.Protocols {
			if a := r.ask(ctx, p, of.secret); !a.admitted() {
				return fmt.Errorf("a good %s is refused: %w", of.what, a.err)
			}
		}
		return nil
	})
}

// dead asks every replica whether it refuses what was revoked, by every protocol.
func (c *cluster) dead(ctx context.Context, of credential) error {
	return c.each(func(_ int, r *replica) error {
		for p := range loopback.Protocols {
			if a := r.ask(ctx, p, of.secret); !a.refused(tokens.ReasonTokenRevoked) {
				return fmt.Errorf("a revoked %s: %s %s, want %s", of.what, a.code, a.reason, tokens.ReasonTokenRevoked)
			}
		}
		return nil
	})
}
