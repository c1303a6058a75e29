// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Command revocation measures how long it takes until a revoked credential is refused everywhere: by three server processes on one SQLite
// file, and by three on one PostgreSQL database, which it starts itself. It is all of these processes: servers, the administrator who
// revokes, callers with good credentials at a steady rate, and writers that are killed. It prints what was measured beside what is
// promised, and fails when a promise is not kept. It takes less than three minutes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

// settings bound a run.
type settings struct {
	revocations int
	perSecond   int // calls to each replica
	crashes     int
	silent      map[condition]int // rounds without push
	outage      bool
}

func main() {
	if played, err := play(); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, "revocation:", err)
			os.Exit(1)
		}
		return
	}
	s := settings{crashes: 5, silent: map[condition]int{deaf: 3, stuck: 2}, outage: true}
	kind := flag.String("store", "all", "what to measure: sqlite, postgres or all")
	flag.IntVar(&s.revocations, "revocations", 200, "how many credentials are revoked one after another")
	flag.IntVar(&s.perSecond, "rate", 200, "how many calls per second each replica gets besides")
	flag.Parse()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // as replicas do
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := run(ctx, *kind, s); err != nil {
		fmt.Fprintln(os.Stderr, "revocation:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kind string, s settings) error {
	kinds := []string{kind}
	if kind == "all" {
		kinds = []string{sqliteStore, postgresStore}
	}
	missed := 0
	for _, kind := range kinds {
		r, err := measure(ctx, kind, s)
		if errors.Is(err, postgrestest.ErrNotInstalled) && len(kinds) > 1 && os.Getenv("CI") != "true" {
			fmt.Fprintf(os.Stdout, "\n%s is not measured: %v\n", kind, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		r.print(os.Stdout)
		missed += r.missed()
	}
	if missed > 0 {
		return fmt.Errorf("%d of the promises were not kept", missed)
	}
	return nil
}

// measure measures one store. The error is that it could not.
func measure(ctx context.Context, kind string, s settings) (r *report, err error) {
	g, err := newGround(ctx, kind)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	return on(ctx, g, s)
}

// on measures the store of a ground.
func on(ctx context.Context, g *ground, s settings) (r *report, err error) {
	r = &report{store: g.Kind}
	c, err := newCluster(ctx, g, s.perSecond)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	c.healthy(ctx, s.revocations, r)
	r.held("an unknown key, and a known one with another secret", "answered alike", "alike", c.alike(ctx))
	c.pushless(ctx, r, s.silent)
	r.held("fresh: true, no push: the next call", "refused", "refused", c.fresh(ctx))
	r.held("a read that a revocation overtakes", "refused for good", "refused for good", c.slowRead(ctx))
	r.held("an older backup restored", "nothing comes back", "nothing came back", c.restore(ctx))
	all, err := c.crashes(ctx, s.crashes, 100)
	r.add(fmt.Sprintf("kill -9 of a writer, %d times", all.rounds), "none lost", fmt.Sprintf(
		"%d acknowledged, none lost (and %d that were not)", all.acknowledged, all.unacknowledged), true, err)
	if s.outage {
		c.outage(ctx, r)
	}
	c.rest(ctx, r)
	return r, nil
}

// rest reports what was watched all the time.
func (c *cluster) rest(ctx context.Context, r *report) {
	lasted := time.Since(c.load.began)
	calls, skipped := c.load.calls.Load(), c.load.skipped.Load()
	count, how := c.load.wrong()
	r.add("good credentials, all the time", "never refused", fmt.Sprintf("%d of %d calls refused, %.0f/s%s", count, calls,
		float64(calls)/lasted.Seconds(), how), count == 0 && skipped*100 <= calls, nil)
	if unserved := c.load.unserved.Load(); unserved > 0 {
		r.note("  and while the store was stopped", fmt.Sprintf("%d answered VERIFIER_UNAVAILABLE", unserved))
	}
	if skipped > 0 {
		r.note("  calls not made because the replica was too slow", fmt.Sprint(skipped))
	}
	var err error
	buried := c.load.buried()
	for _, of := range buried {
		if err = c.dead(ctx, of); err != nil {
			break
		}
	}
	revived := c.load.revived.Load()
	r.add(fmt.Sprintf("%d revoked credentials, all the time", len(buried)), "never admitted", fmt.Sprintf(
		"%d of %d calls admitted; all TOKEN_REVOKED", revived, c.load.graves.Load()), revived == 0, err)
}
