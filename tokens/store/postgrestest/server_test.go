// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgrestest_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m).Run()) }

// ask asks a server on a connection of its own.
func ask(ctx context.Context, url, query string) (answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	return answer, conn.QueryRow(ctx, query).Scan(&answer)
}

func TestURLIsEmptyAndOnesOwn(t *testing.T) {
	t.Parallel()
	one, other := postgrestest.URL(t), postgrestest.URL(t)
	create := "with made as (select 1) select current_schema()::text from made"
	a, err := ask(t.Context(), one, create)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ask(t.Context(), other, create)
	if err != nil {
		t.Fatal(err)
	}
	if a == b || a == "public" {
		t.Errorf("schemas %q and %q, want two of their own", a, b)
	}
}

func TestServerDemandsItsPassword(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	if os.Getenv("ADMIT_TEST_POSTGRES") != "" {
		t.Skip("the server is not ours")
	}
	at, colon := strings.Index(url, "@"), strings.Index(url, "admit:")+len("admit:")
	if _, err := ask(t.Context(), url[:colon]+"wrong"+url[at:], "select 'in'"); err == nil {
		t.Error("the server lets in who does not know the password")
	}
}

func TestServerComesBackWithWhatItHad(t *testing.T) {
	t.Parallel()
	s := postgrestest.NewServer(t)
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "create table kept (word text); insert into kept values ('here')"); err != nil {
		t.Fatal(err)
	}
	for name, stop := range map[string]func() error{"stopped": s.Stop, "crashed": s.Crash} {
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if _, err := ask(t.Context(), s.URL(), "select word from kept"); err == nil {
			t.Fatalf("%s: the server still answers", name)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if word, err := ask(t.Context(), s.URL(), "select word from kept"); err != nil || word != "here" {
			t.Errorf("%s and started again: %q, %v; want here", name, word, err)
		}
	}
}

func TestClosedServerStaysClosed(t *testing.T) {
	t.Parallel()
	s := postgrestest.NewServer(t)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Start(t.Context()); err == nil {
		t.Error("a closed server starts")
	}
}
