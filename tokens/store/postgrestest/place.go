// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// environment is the variable with the URL of a PostgreSQL that tests may use.
const environment = "ADMIT_TEST_POSTGRES"

// The server that the tests of this process share.
var (
	mutex  sync.Mutex // guards both
	shared *Server
	failed error
)

// Main returns what runs the tests of a package and then stops the shared server:
//
//	func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m).Run()) }
//
// With goleak, give the result to goleak.VerifyTestMain.
func Main(m *testing.M) interface{ Run() int } { return tests{m} }

type tests struct{ m *testing.M }

// Run runs the tests.
func (t tests) Run() int {
	defer func() {
		mutex.Lock()
		defer mutex.Unlock()
		if shared != nil {
			_ = shared.Close() // the tests have passed or not without it
			shared, failed = nil, errors.New("postgrestest: the tests are over")
		}
	}()
	return t.m.Run()
}

// URL returns the URL of an empty schema, for this test alone and dropped after it, of the PostgreSQL in ADMIT_TEST_POSTGRES or of the shared
// server, which is started if it was not yet. Without any the test is skipped, or fails under CI=true.
func URL(tb testing.TB) string {
	tb.Helper()
	place := os.Getenv(environment)
	if place == "" {
		place = share(tb)
	}
	u, err := url.Parse(place)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		tb.Fatalf("postgrestest: %s is not a URL; write postgres://user:password@host:5432/database", environment)
	}
	schema := "admit_test_" + strings.ToLower(rand.Text()[:16])
	execute(tb, place, `create schema "`+schema+`"`)
	tb.Cleanup(func() { execute(tb, place, `drop schema if exists "`+schema+`" cascade`) })
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}

// NewServer returns a server of the test's own, closed after it. It starts one also where ADMIT_TEST_POSTGRES has a URL. Without binaries the
// test is skipped, or fails under CI=true if there is no such URL either.
func NewServer(tb testing.TB) *Server {
	tb.Helper()
	s, err := Launch(tb.Context())
	if err != nil {
		lack(tb, err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// share returns the URL of the shared server.
func share(tb testing.TB) string {
	tb.Helper()
	mutex.Lock()
	defer mutex.Unlock()
	if shared == nil && failed == nil {
		shared, failed = Launch(context.WithoutCancel(tb.Context())) // it outlives this test
	}
	if failed != nil {
		lack(tb, failed)
	}
	return shared.URL()
}

// lack skips a test that cannot have a server, or fails it.
func lack(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, ErrNotInstalled) && (os.Getenv("CI") != "true" || os.Getenv(environment) != "") {
		tb.Skip(err)
	}
	tb.Fatal(err)
}

// execute runs a command of the administrator.
func execute(tb testing.TB, place, command string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, place)
	if err != nil {
		tb.Fatalf("postgrestest: the server of the tests cannot be reached: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }() // the server does without
	if _, err := conn.Exec(ctx, command); err != nil {
		tb.Fatalf("postgrestest: %s: %v", command, err)
	}
}
