// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store/postgres"
)

// role makes a role that may read the tables of a place, and returns its URL.
func role(tb testing.TB, place, name string) string {
	tb.Helper()
	u, err := url.Parse(place)
	if err != nil {
		tb.Fatal(err)
	}
	schema := u.Query().Get("search_path")
	name += "_" + schema // roles are of the whole server
	err = attempt(tb, place, `create role "`+name+`" login password 'secret'`)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "42501" {
		tb.Skip("the role of ADMIT_TEST_POSTGRES may not create roles")
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { execute(tb, place, `drop owned by "`+name+`"; drop role "`+name+`"`) })
	execute(tb, place, `grant usage on schema "`+schema+`" to "`+name+`"; grant select on all tables in schema "`+schema+`" to "`+name+`"`)
	return edited(tb, place, func(u *url.URL) { u.User = url.UserPassword(name, "secret") })
}

func TestRightsToReadSuffice(t *testing.T) {
	t.Parallel()
	url := empty(t)
	writer := open(t, url)
	r := insert(t, writer)
	reader := open(t, role(t, url, "reader"), postgres.WithReadOnly())
	ctx := within(t, 20*time.Second)

	if got, err := reader.Lookup(ctx, r.ID); err != nil || got.Digest != r.Digest {
		t.Errorf("Lookup: %+v, %v", got, err)
	}
	heard := make(chan error, 1)
	go func() { heard <- hear(ctx, reader, 0, 1) }()
	revoke(t, writer, "session")
	if err := <-heard; err != nil {
		t.Error(err)
	}

	_, changed := reader.Change(ctx, r.ID, func(*apikey.Record) (*apikey.Record, error) {
		t.Error("a change is tried")
		return nil, nil
	})
	_, revoked := reader.Revoke(ctx, session("other"))
	for name, err := range map[string]error{
		"Insert": reader.Insert(ctx, record(t)), "Change": changed, "Revoke": revoked,
		"Touch": reader.Touch(ctx, map[string]time.Time{r.ID: time.Now()}),
	} {
		if !errors.Is(err, postgres.ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", name, err)
		}
	}
}

// A server that verifies, and notes when keys were used, needs one right more, and no option.
func TestRightsToTouchSuffice(t *testing.T) {
	t.Parallel()
	place := empty(t)
	r := insert(t, open(t, place))
	url := role(t, place, "toucher")
	name, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), ":")
	execute(t, place, `grant update (last_used_at) on admit_key to "`+name+`"`)
	s := open(t, url)
	ctx := within(t, 20*time.Second)
	used := time.Now().UTC().Truncate(time.Microsecond)
	if err := s.Touch(ctx, map[string]time.Time{r.ID: used}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Lookup(ctx, r.ID); err != nil || !got.LastUsedAt.Equal(used) {
		t.Errorf("last used at %s, %v; want %s", got.LastUsedAt, err, used)
	}
	_, err := s.Revoke(ctx, session("other"))
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "42501" {
		t.Errorf("Revoke: %v, want that the right is lacking", err)
	}
}
