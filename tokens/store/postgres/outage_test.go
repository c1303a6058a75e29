// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

// A store outlives its server: while that is away there are errors, and no wrong answers, and then it works again.
func TestOutage(t *testing.T) {
	t.Parallel()
	server := postgrestest.NewServer(t)
	const name = "outage"
	s, writer := open(t, named(t, server.URL(), name)), open(t, server.URL())
	r := insert(t, writer)
	listening(t, s, server.URL(), name)
	for _, outage := range []struct {
		name string
		stop func() error
	}{{"stopped", server.Stop}, {"crashed", server.Crash}} {
		last := revoke(t, writer, outage.name)
		if err := outage.stop(); err != nil {
			t.Fatal(err)
		}
		ctx := within(t, 5*time.Second)
		if batch, err := s.Since(ctx, last); err == nil {
			t.Errorf("%s: Since tells %+v", outage.name, batch)
		}
		if _, err := s.Lookup(ctx, r.ID); err == nil || errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("%s: Lookup: %v, want that it cannot tell", outage.name, err)
		}
		if _, err := writer.Revoke(ctx, session("lost")); err == nil {
			t.Errorf("%s: a revocation is acknowledged", outage.name)
		}
		if ctx.Err() != nil {
			t.Errorf("%s: the errors took 5 s", outage.name)
		}
		waiting, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		for waiting.Err() == nil {
			_ = s.Wait(waiting, last) // it may return early
		}
		cancel()
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		// At once, with the same stores.
		if _, err := s.Lookup(t.Context(), r.ID); err != nil {
			t.Errorf("%s and started: Lookup: %v", outage.name, err)
		}
		batch := since(t, s, last-1)
		if len(batch.Changes) != 1 || batch.Changes[0].Revocation.Value != outage.name {
			t.Errorf("%s and started: after %d: %+v, want the revocation that was acknowledged", outage.name, last-1, batch)
		}
		revoke(t, writer, "after "+outage.name)
		eventually(t, "listening again", func() bool { return listener(t, server.URL(), name) != 0 })
		pushed(t, writer, s)
	}
}

// Connections that died while nobody used them are not noticed.
func TestDeadConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	url := empty(t)
	const name = "dead-connections"
	s := open(t, named(t, url, name))
	r := insert(t, s)
	ctx := within(t, 20*time.Second)
	for operation, try := range map[string]func() error{
		"Lookup": func() error { _, err := s.Lookup(ctx, r.ID); return err },
		"Since":  func() error { _, err := s.Since(ctx, 0); return err },
		"Revoke": func() error { _, err := s.Revoke(ctx, session("one")); return err },
		"Touch":  func() error { return s.Touch(ctx, map[string]time.Time{r.ID: time.Now()}) },
	} {
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if _, err := s.Lookup(ctx, r.ID); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if n := ask[int](t, url, `select count(*) from (select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1) as dead`, name); n == 0 {
			t.Error("there was no connection")
		}
		if err := try(); err != nil {
			t.Errorf("%s: %v", operation, err)
		}
	}
}
