// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

//nolint:goconst,thelper // These are tests, in a file that others can import.
package storetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store"
)

// base is a time with nanoseconds, in a zone of its own, which no store keeps.
var base = time.Date(2026, 3, 4, 5, 6, 7, 123_456_789, time.FixedZone("", 2*60*60))

// micro is a time as it is kept.
func micro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// record makes a record with an id, owned by a user.
func record(id string) apikey.Record {
	return apikey.Record{ID: id, Digest: apikey.Digest{1, 2, 3}, Hint: "ak_" + id, UserID: "user_1", CreatedAt: micro(base)}
}

// full makes a record in which every field is set.
func full(id string) apikey.Record {
	return apikey.Record{
		ID: id, Digest: apikey.Digest{0, 0xff, '\'', 1}, Hint: "ak_" + id + "…abcd", Name: "Bob's \"laptop\" \U0001F511 %_\\", OrganizationID: "org_1",
		Scopes: []string{"invoices:read", "a,b", "{}", `"`, "NULL", "ü"}, Claims: json.RawMessage(`{"tier": "gold", "n": 1.0, "u": "\u0000é"}`),
		CreatedAt: base, NotBefore: base.Add(time.Second), ExpiresAt: base.Add(time.Hour), RevokedAt: base.Add(2 * time.Hour), RevokedFor: "lost\nit",
		Successor: "next", Handle: "sha256:" + id, LastUsedAt: base.Add(3 * time.Hour),
	}
}

// insert keeps records, or ends the test.
func (p *place) insert(t *testing.T, s store.Store, records ...apikey.Record) {
	t.Helper()
	if err := s.Insert(p.ctx, records...); err != nil {
		t.Fatalf("Insert: %v", err)
	}
}

// change changes a record, or ends the test.
func (p *place) change(t *testing.T, s store.Store, id string, change func(r *apikey.Record)) apikey.Record {
	t.Helper()
	r, err := s.Change(p.ctx, id, func(r *apikey.Record) (*apikey.Record, error) {
		change(r)
		return nil, nil
	})
	if err != nil {
		t.Fatalf("Change: %v", err)
	}
	return r
}

// has fails unless the store has the record as it would keep it.
func (p *place) has(t *testing.T, s store.Store, want apikey.Record) {
	t.Helper()
	got, err := s.Lookup(p.ctx, want.ID)
	if err != nil {
		t.Fatalf("Lookup: %v", err)
	}
	same(t, got, want)
}

// same fails unless a record is another as a store would keep it. No scopes and an empty list of them are the same.
func same(t *testing.T, got, want apikey.Record) {
	t.Helper()
	texts := func(r apikey.Record) []string {
		return []string{r.ID, r.Hint, r.Name, r.UserID, r.OrganizationID, r.RevokedFor, r.Successor, r.Handle, fmt.Sprintf("%x", r.Digest), string(r.Claims)}
	}
	if a, b := texts(got), texts(want); !slices.Equal(a, b) {
		t.Errorf("got  %q\nwant %q", a, b)
	}
	if !slices.Equal(got.Scopes, want.Scopes) {
		t.Errorf("scopes %q, want %q", got.Scopes, want.Scopes)
	}
	if (got.Claims == nil) != (want.Claims == nil) {
		t.Errorf("claims %v, want %v", got.Claims, want.Claims)
	}
	times := func(r apikey.Record) []time.Time {
		return []time.Time{r.CreatedAt, r.NotBefore, r.ExpiresAt, r.RevokedAt, r.LastUsedAt}
	}
	for i, at := range times(want) {
		exactly(t, fmt.Sprintf("time %d", i), times(got)[i], at)
	}
}

// exactly fails unless a time is another as a store would keep it: to the microsecond, in UTC, the zero time as such.
func exactly(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if want = micro(want); !got.Equal(want) || got.IsZero() != want.IsZero() || got.Location() != time.UTC {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// missing fails unless there is no record with the id.
func (p *place) missing(t *testing.T, s store.Store, id string) {
	t.Helper()
	if r, err := s.Lookup(p.ctx, id); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("%s is there: %v, %v", id, r.ID, err)
	}
}

func insertedRecord(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	far := record("far")
	far.CreatedAt, far.ExpiresAt = time.Date(1, 2, 3, 4, 5, 6, 7000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	epoch := record("epoch")
	epoch.CreatedAt, epoch.ExpiresAt = time.Unix(0, 0), time.Unix(-1, 999_999_999)
	records := []apikey.Record{full("full"), record("plain"), {ID: "bare"}, far, epoch}
	p.insert(t, a, records...)
	for _, r := range records {
		p.has(t, a, r)
		p.has(t, b, r)
	}
}

func notFound(t *testing.T, p *place) {
	s := p.open(t)
	p.insert(t, s, record("a"), record("b"))
	for _, id := range []string{"", "c", "A", "a ", "a\x00", "\xff", "a' or '1'='1"} {
		p.missing(t, s, id)
		called := false
		_, err := s.Change(p.ctx, id, func(*apikey.Record) (*apikey.Record, error) {
			called = true
			return nil, nil
		})
		if !errors.Is(err, apikey.ErrNotFound) || called {
			t.Errorf("Change(%q): %v, called %t", id, err, called)
		}
	}
	for _, handles := range [][]string{nil, {""}, {"sha256:a"}, {"", "a", "\x00", "\xff"}} {
		if r, err := s.LookupHandle(p.ctx, handles...); !errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("LookupHandle(%q): %q, %v", handles, r.ID, err)
		}
	}
}

func lookupHandle(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, full("a"), full("b"), record("own"))
	for _, s := range []store.Store{a, b} {
		for _, handles := range [][]string{{"sha256:b"}, {"sha512:x", "sha256:b", ""}, {"sha256:b", "sha256:b", "sha256-long:y"}} {
			r, err := s.LookupHandle(p.ctx, handles...)
			if err != nil {
				t.Fatalf("LookupHandle(%q): %v", handles, err)
			}
			same(t, r, full("b"))
		}
	}
	p.change(t, a, "b", func(r *apikey.Record) { r.Handle = "sha256:c" })
	if _, err := b.LookupHandle(p.ctx, "sha256:b"); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("the handle that a record had: %v", err)
	}
	if r, err := b.LookupHandle(p.ctx, "sha256:c"); err != nil || r.ID != "b" {
		t.Errorf("the handle that a record has: %q, %v", r.ID, err)
	}
	p.insert(t, b, full("x"), func() apikey.Record { r := full("y"); r.Handle = "sha256:b"; return r }())
}

func byteByByte(t *testing.T, p *place) {
	s := p.open(t)
	ids := []string{"key", "Key", "KEY", "key ", " key", "kéy", "ke\u0301y"}
	for _, id := range ids {
		p.insert(t, s, full(id))
	}
	for _, id := range ids {
		p.has(t, s, full(id))
		if r, err := s.LookupHandle(p.ctx, "sha256:"+id); err != nil || r.ID != id {
			t.Errorf("handle of %q: %q, %v", id, r.ID, err)
		}
	}
}

func insertAllOrNone(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, full("taken"), record("own"))
	p.insert(t, a) // nothing at all
	handle := func(id, of string) apikey.Record {
		r := full(id)
		r.Handle = "sha256:" + of
		return r
	}
	for _, tt := range []struct {
		name    string
		records []apikey.Record
	}{
		{"an id that is taken", []apikey.Record{record("new1"), record("taken")}},
		{"a handle that is taken", []apikey.Record{record("new1"), handle("new2", "taken")}},
		{"an id twice", []apikey.Record{record("new1"), record("new2"), record("new1")}},
		{"a handle twice", []apikey.Record{record("new1"), handle("new2", "x"), handle("new3", "x")}},
	} {
		if err := b.Insert(p.ctx, tt.records...); !errors.Is(err, apikey.ErrExists) {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, id := range []string{"new1", "new2", "new3"} {
			p.missing(t, a, id)
		}
	}
	if err := a.Insert(p.ctx, record("new1"), record("")); err == nil {
		t.Error("a record without an id is kept")
	}
	p.missing(t, b, "new1")
	p.has(t, b, full("taken"))

	many := make([]apikey.Record, 2500)
	for i := range many {
		many[i] = full(fmt.Sprintf("many%04d", i))
	}
	p.insert(t, a, many...)
	p.has(t, b, many[len(many)-1])
}

func copies(t *testing.T, p *place) {
	s := p.open(t)
	spoil := func(r apikey.Record) {
		r.Scopes[0], r.Claims[2] = "admin", 'X'
	}
	want := full("a")
	inserted := want.Clone()
	p.insert(t, s, inserted)
	spoil(inserted)
	p.has(t, s, want)
	var leaked *apikey.Record
	successor := full("next")
	changed, err := s.Change(p.ctx, "a", func(r *apikey.Record) (*apikey.Record, error) {
		leaked = r
		return &successor, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	spoil(*leaked)
	spoil(changed)
	spoil(successor)
	looked, err := s.Lookup(p.ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	spoil(looked)
	handled, err := s.LookupHandle(p.ctx, want.Handle)
	if err != nil {
		t.Fatal(err)
	}
	spoil(handled)
	listed, err := s.List(p.ctx, apikey.Filter{})
	if err != nil || len(listed) != 2 {
		t.Fatal(len(listed), err)
	}
	spoil(listed[0])
	spoil(listed[1])
	p.has(t, s, want)
	p.has(t, s, full("next"))
}

func changeKept(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, record("a"), record("other"))
	want, next := full("a"), full("next")
	want.Successor = "next"
	got, err := a.Change(p.ctx, "a", func(r *apikey.Record) (*apikey.Record, error) {
		same(t, *r, record("a"))
		*r = want.Clone()
		successor := next.Clone()
		return &successor, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
	p.has(t, b, want)
	p.has(t, b, next)
	p.has(t, b, record("other"))
	// And back: what was set can be unset.
	bare := apikey.Record{ID: "a"}
	same(t, p.change(t, b, "a", func(r *apikey.Record) { *r = bare }), bare)
	p.has(t, a, bare)
}

func changeFails(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, record("a"), full("taken"))
	refusal := errors.New("not today")
	successor := func(id, handle string) *apikey.Record {
		r := full(id)
		r.Handle = handle
		return &r
	}
	for _, tt := range []struct {
		name   string
		change func(r *apikey.Record) (*apikey.Record, error)
		is     error // nil: any error
	}{
		{"it refuses", func(*apikey.Record) (*apikey.Record, error) { return successor("next", ""), refusal }, refusal},
		{"the successor's id is taken", func(*apikey.Record) (*apikey.Record, error) { return successor("taken", ""), nil }, apikey.ErrExists},
		{"the successor's id is its own", func(*apikey.Record) (*apikey.Record, error) { return successor("a", ""), nil }, apikey.ErrExists},
		{"the successor's handle is taken", func(*apikey.Record) (*apikey.Record, error) { return successor("next", "sha256:taken"), nil }, apikey.ErrExists},
		{"the handle is taken", func(r *apikey.Record) (*apikey.Record, error) {
			r.Handle = "sha256:taken"
			return successor("next", ""), nil
		}, apikey.ErrExists},
		{"the id is another", func(r *apikey.Record) (*apikey.Record, error) {
			r.ID = "b"
			return successor("next", ""), nil
		}, nil},
	} {
		before := p.revision(t, b)
		_, err := a.Change(p.ctx, "a", func(r *apikey.Record) (*apikey.Record, error) {
			r.RevokedAt, r.Scopes, r.UserID = base, []string{"admin"}, "user_2"
			return tt.change(r)
		})
		if err == nil || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: %v", tt.name, err)
		}
		p.has(t, b, record("a"))
		p.has(t, b, full("taken"))
		p.missing(t, b, "next")
		p.missing(t, b, "b")
		if after := p.revision(t, b); after != before {
			t.Errorf("%s: feeds were told of it", tt.name)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = a.Change(p.ctx, "a", func(r *apikey.Record) (*apikey.Record, error) {
			r.Name = "panicked"
			panic("in the middle of a change") //nolint:forbidigo // It is what is tested.
		})
	}()
	p.has(t, b, record("a"))
	if r := p.change(t, a, "a", func(r *apikey.Record) { r.Name = "on" }); r.Name != "on" {
		t.Error("after a change that panicked none is possible")
	}
}

func changeIsolated(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, record("a"))
	_, err := a.Change(p.ctx, "a", func(r *apikey.Record) (*apikey.Record, error) {
		r.RevokedAt = base
		for _, s := range []store.Store{a, b} {
			p.has(t, s, record("a"))
			if batch, err := s.Since(p.ctx, 0); err != nil || len(batch.Changes) != 0 {
				t.Errorf("Since while a change is under way: %v, %v", batch, err)
			}
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := b.Lookup(p.ctx, "a"); err != nil || r.RevokedAt.IsZero() {
		t.Errorf("the change is not there: %v", err)
	}
}

func changesInterleave(t *testing.T, p *place) {
	handles := []store.Store{p.open(t), p.open(t)}
	p.insert(t, handles[0], record("a"))
	const writers, each = 8, 10
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for range each {
				_, err := handles[w%2].Change(p.ctx, "a", func(r *apikey.Record) (*apikey.Record, error) {
					r.Name += "x"
					runtime.Gosched() // gives the others the occasion
					return nil, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	want := record("a")
	want.Name = string(bytes.Repeat([]byte("x"), writers*each))
	p.has(t, handles[0], want)
}
