// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store/postgres"
	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(postgrestest.Main(m)) }

// within bounds what a test does.
func within(tb testing.TB, limit time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), limit)
	tb.Cleanup(cancel)
	return ctx
}

// open opens a store, which is closed after the test.
func open(tb testing.TB, url string, opts ...postgres.Option) *postgres.Store {
	tb.Helper()
	s, err := postgres.Open(within(tb, 30*time.Second), url, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// named returns the URL with a name by which the server knows our connections.
func named(tb testing.TB, rawURL, name string) string {
	tb.Helper()
	return edited(tb, rawURL, func(u *url.URL) {
		query := u.Query()
		query.Set("application_name", name)
		u.RawQuery = query.Encode()
	})
}

func edited(tb testing.TB, rawURL string, edit func(*url.URL)) string {
	tb.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		tb.Fatal(err)
	}
	edit(u)
	return u.String()
}

// execute runs a command on a connection of its own.
func execute(tb testing.TB, url, command string, args ...any) {
	tb.Helper()
	if err := attempt(tb, url, command, args...); err != nil {
		tb.Fatalf("%s: %v", command, err)
	}
}

func attempt(tb testing.TB, url, command string, args ...any) error {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, command, args...)
	return err
}

// ask reads one value on a connection of its own.
func ask[T any](tb testing.TB, url, query string, args ...any) (answer T) {
	tb.Helper()
	ctx := within(tb, 10*time.Second)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, query, args...).Scan(&answer); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return answer
}

// eventually asks until the answer is yes.
func eventually(tb testing.TB, what string, yes func() bool) {
	tb.Helper()
	ctx := within(tb, 20*time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("%s: not after 20 s", what)
		}
	}
}

// empty returns the URL of an empty place.
func empty(tb testing.TB) string {
	tb.Helper()
	return postgrestest.URL(tb)
}

func session(value string) revocation.Revocation {
	return revocation.Revocation{Target: revocation.Session, Value: value, Reason: "test"}
}

func revoke(tb testing.TB, s *postgres.Store, value string) uint64 {
	tb.Helper()
	revision, err := s.Revoke(within(tb, 10*time.Second), session(value))
	if err != nil {
		tb.Fatal(err)
	}
	return revision
}

// since asks for what followed a revision.
func since(tb testing.TB, s *postgres.Store, after uint64) revocation.Batch {
	tb.Helper()
	batch, err := s.Since(within(tb, 10*time.Second), after)
	if err != nil {
		tb.Fatal(err)
	}
	return batch
}

// hear waits until the store tells of a revision.
func hear(ctx context.Context, s *postgres.Store, after, revision uint64) error {
	for {
		if err := s.Wait(ctx, after); err != nil {
			return fmt.Errorf("waiting for %d after %d: %w", revision, after, err)
		}
		batch, err := s.Since(ctx, after)
		if err != nil {
			return err
		}
		if batch.Revision >= revision {
			return nil
		}
		after = batch.Revision
	}
}

func record(tb testing.TB) apikey.Record {
	tb.Helper()
	_, r, err := apikey.New(apikey.Spec{UserID: "user_1", Name: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func insert(tb testing.TB, s *postgres.Store) apikey.Record {
	tb.Helper()
	r := record(tb)
	if err := s.Insert(within(tb, 10*time.Second), r); err != nil {
		tb.Fatal(err)
	}
	return r
}
