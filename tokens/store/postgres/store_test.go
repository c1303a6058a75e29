// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/store/postgres"
	"github.com/admitrpc/admit/tokens/store/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Place {
		url := empty(t)
		return storetest.Place{
			Open:         func(t *testing.T) store.Store { return open(t, url) },
			OpenReadOnly: func(t *testing.T) store.Store { return open(t, url, postgres.WithReadOnly()) },
			Forget: func(t *testing.T, _ store.Store) {
				execute(t, url, "delete from admit_change")
				execute(t, url, "update admit_state set pruned = revision")
			},
		}
	})
}

func TestEightOpenersMakeTheTablesOnce(t *testing.T) {
	t.Parallel()
	url := empty(t)
	stores := make([]*postgres.Store, 8)
	errs := make([]error, len(stores))
	var wait sync.WaitGroup
	for i := range stores {
		wait.Go(func() { stores[i], errs[i] = postgres.Open(within(t, 30*time.Second), url) })
	}
	wait.Wait()
	for i, s := range stores {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		defer s.Close()
	}
	r := insert(t, stores[0])
	for _, s := range stores {
		if _, err := s.Lookup(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
	}
	if rows := ask[int](t, url, "select count(*) from admit_state"); rows != 1 {
		t.Errorf("%d rows of state, want 1", rows)
	}
}

func TestTablesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	tables := empty(t)
	open(t, tables)
	for _, test := range []struct {
		name     string
		url      string
		version  int // of the tables; 0: leave it
		readOnly bool
		want     string
	}{
		{"none, to be read", empty(t), 0, true, "without WithReadOnly"},
		{"newer", tables, 99, false, "must be updated"},
		{"newer, to be read", tables, 99, true, "must be updated"},
		{"damaged", tables, -1, false, "not ours, or was damaged"},
	} {
		if test.version != 0 {
			execute(t, tables, "update admit_state set version = $1", test.version)
		}
		var opts []postgres.Option
		if test.readOnly {
			opts = append(opts, postgres.WithReadOnly())
		}
		s, err := postgres.Open(t.Context(), test.url, opts...)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one that says %q", test.name, err, test.want)
		}
	}
	if _, err := postgres.Open(t.Context(), tables, nil); err == nil {
		t.Error("a nil option is taken")
	}
}

// What a caller or an issuer sends may be what no text of PostgreSQL can be. That is an answer, or kept as it is, and no error of the server.
func TestBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	s := open(t, empty(t))
	ctx := within(t, 20*time.Second)
	strange := "a\x00b\xff"
	if _, err := s.Lookup(ctx, strange); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("Lookup: %v, want ErrNotFound", err)
	}
	if _, err := s.LookupHandle(ctx, strange, ""); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("LookupHandle: %v, want ErrNotFound", err)
	}
	if _, err := s.Change(ctx, strange, nil); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("Change: %v, want ErrNotFound", err)
	}
	if err := s.Touch(ctx, map[string]time.Time{strange: time.Now()}); err != nil {
		t.Errorf("Touch: %v", err)
	}
	if _, err := s.List(ctx, apikey.Filter{UserID: strange}); err == nil {
		t.Error("List takes a user that cannot be")
	}
	long := make([]byte, 2*revocation.MaxValue) // random, so that an index cannot make it smaller
	rand.Read(long)
	for _, r := range []revocation.Revocation{
		{Target: revocation.Subject, Value: strange, Issuer: strange, Before: time.Now()},
		{Target: revocation.Key, Value: strange, Reason: strange},
		{Target: revocation.Token, Value: string(long[:revocation.MaxValue]), Issuer: string(long[revocation.MaxValue:])},
	} {
		revision, err := s.Revoke(ctx, r)
		if err != nil {
			t.Errorf("Revoke of a %s: %v", r.Target, err)
			continue
		}
		for _, after := range []uint64{0, revision - 1} {
			batch := since(t, s, after)
			if len(batch.Changes) == 0 {
				t.Fatalf("after %d: nothing", after)
			}
			if got := batch.Changes[len(batch.Changes)-1].Revocation; got.Value != r.Value || got.Issuer != r.Issuer || got.Target != r.Target {
				t.Errorf("after %d: not the bytes of the %s that was revoked", after, r.Target)
			}
		}
	}
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, empty(t))
	ctx := within(t, 20*time.Second)
	far := time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC)
	late, anonymous, kept := record(t), record(t), record(t)
	late.ExpiresAt, anonymous.ID = far, ""
	for name, err := range map[string]error{
		"a time too late":  s.Insert(ctx, kept, late),
		"a record of none": s.Insert(ctx, kept, anonymous),
	} {
		if err == nil {
			t.Errorf("%s is kept", name)
		}
	}
	if _, err := s.Revoke(ctx, revocation.Revocation{Target: revocation.Session, Value: "1", Until: far}); err == nil {
		t.Error("a revocation that is forgotten too late is kept")
	}
	if _, err := s.Lookup(ctx, kept.ID); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("of records of which one was refused another is found: %v", err)
	}
	r := insert(t, s)
	if _, err := s.Change(ctx, r.ID, func(r *apikey.Record) (*apikey.Record, error) {
		r.ID = "another"
		return nil, nil
	}); err == nil {
		t.Error("the id of a key is changed")
	}
}

// However many changes there were, few are kept, and who is behind gets all in force.
func TestOldChangesAreForgotten(t *testing.T) {
	t.Parallel()
	url := empty(t)
	s := open(t, url)
	s.SetKeep(8, 10, time.Hour)
	if _, err := s.Revoke(t.Context(), revocation.Revocation{
		Target: revocation.Session, Value: "forgotten", Until: time.Now().Add(-2 * time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		revoke(t, s, fmt.Sprint("session ", i))
	}
	if n := ask[int](t, url, "select count(*) from admit_change"); n != 10 {
		t.Errorf("%d changes are kept, want 10", n)
	}
	if batch := since(t, s, 22); batch.Reset || len(batch.Changes) != 10 || batch.Revision != 32 {
		t.Errorf("after 22: %d changes up to %d, reset %t; want the last 10", len(batch.Changes), batch.Revision, batch.Reset)
	}
	if batch := since(t, s, 21); !batch.Reset || len(batch.Changes) != 30 || batch.Revision != 32 {
		t.Errorf("after 21: %d changes up to %d, reset %t; want all 30 in force", len(batch.Changes), batch.Revision, batch.Reset)
	}
	if n := ask[int](t, url, "select count(*) from admit_revocation where value = 'forgotten'"); n != 0 {
		t.Error("a revocation that may be forgotten is kept")
	}

	execute(t, url, "update admit_change set at = at - interval '2 hours'")
	for i := range 8 {
		revoke(t, s, fmt.Sprint("later session ", i))
	}
	if n := ask[int](t, url, "select count(*) from admit_change"); n != 8 {
		t.Errorf("%d changes are kept, want the 8 that are not old", n)
	}
}

// A database that was restored from a backup tells less than it told, and that can be seen.
func TestLostChangesShow(t *testing.T) {
	t.Parallel()
	url := empty(t)
	s := open(t, url)
	revoke(t, s, "one")
	last := revoke(t, s, "two")
	execute(t, url, "delete from admit_change where revision = 2; delete from admit_revocation where revision = 2; update admit_state set revision = 1")
	batch := since(t, s, last)
	if !batch.Reset || batch.Revision != 1 || len(batch.Changes) != 1 {
		t.Errorf("after %d: %+v; want all in force as of revision 1", last, batch)
	}
	// Nobody waits for what a feed that went backwards had told before.
	ctx := within(t, 10*time.Second)
	waited := make(chan error, 1)
	go func() { waited <- hear(ctx, s, batch.Revision, 2) }()
	revoke(t, s, "three")
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

// The password of the URL is in no error, whatever is wrong, and not in what is printed of a store.
func TestPasswordIsToldToNobody(t *testing.T) {
	t.Parallel()
	const canary = "c4nary-p4ssword"
	good := empty(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	wrong := edited(t, good, func(u *url.URL) { u.User = url.UserPassword("nobody_of_ours", canary) })
	for name, place := range map[string]string{
		"wrong password":     wrong,
		"nobody listens":     "postgres://admit:" + canary + "@" + closed.Addr().String() + "/postgres?sslmode=disable",
		"no such host":       "postgres://admit:" + canary + "@host.invalid/postgres",
		"no such port":       "postgres://admit:" + canary + "@localhost:port/postgres",
		"not escaped":        "postgres://admit:" + canary + "/%zz@localhost/postgres",
		"two colons":         "postgres://admit:" + canary + ":" + canary + "@local host/postgres",
		"another scheme":     "postgre://admit:" + canary + "@localhost/postgres",
		"no scheme":          "admit:" + canary + "@localhost/postgres",
		"keywords":           "host=localhost port=x user=admit password=" + canary,
		"quoted keyword":     "host=localhost port=x password = '" + canary + "'",
		"wrong mode":         "postgres://admit:" + canary + "@localhost/postgres?sslmode=sometimes",
		"wrong pool":         "postgres://admit:" + canary + "@localhost/postgres?pool_max_conns=many",
		"password parameter": "postgres://localhost/postgres?sslmode=sometimes&password=" + canary,
		"a zero byte":        "postgres://admit:" + canary + "@localhost/\x00",
	} {
		s, err := postgres.Open(within(t, 10*time.Second), place)
		if err == nil {
			s.Close()
			t.Logf("%s: no error", name) // as where the server trusts everybody
			continue
		}
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			for _, text := range []string{cause.Error(), fmt.Sprintf("%+v", cause), fmt.Sprintf("%#v", cause)} {
				if strings.Contains(text, canary) {
					t.Errorf("%s: %T says %q", name, cause, text)
				}
			}
		}
	}
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	if password, ok := u.User.Password(); ok {
		s := open(t, good)
		if text := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(text, password) {
			t.Error("a store prints the password")
		}
	}
}

func TestClosedStore(t *testing.T) {
	t.Parallel()
	url := empty(t)
	s, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	revision := revoke(t, s, "one")
	waited := make(chan error)
	for range 2 {
		go func() { waited <- hear(context.Background(), s, revision, revision+1) }()
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := <-waited; err == nil {
			t.Error("a Wait returned without an error")
		}
	}
	if err := s.Wait(t.Context(), 0); err == nil {
		t.Error("a closed store waits")
	}
	if _, err := s.Lookup(t.Context(), "id"); err == nil || errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("a closed store looks up: %v", err)
	}
	name := "closed-store"
	if s, err = postgres.Open(t.Context(), named(t, url, name)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	eventually(t, "its connections are closed", func() bool {
		return ask[int](t, url, "select count(*) from pg_stat_activity where application_name = $1", name) == 0
	})
}

// What is acknowledged is on disk, also for a role that does not care.
func TestChangesAreDurable(t *testing.T) {
	t.Parallel()
	place := empty(t)
	s := open(t, edited(t, place, func(u *url.URL) {
		query := u.Query()
		query.Set("synchronous_commit", "off")
		u.RawQuery = query.Encode()
	}))
	execute(t, place, `create table found (setting text);
		create function look() returns trigger language plpgsql as 'begin insert into found values (current_setting(''synchronous_commit'')); return null; end';
		create trigger look after insert on admit_change for each row execute function look()`)
	revoke(t, s, "one")
	if found := ask[string](t, place, "select setting from found"); found != "on" {
		t.Errorf("a revocation is committed with synchronous_commit %s", found)
	}
}
