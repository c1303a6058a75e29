// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

//nolint:goconst,thelper // These are tests, in a file that others can import.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store"
)

// ids lists the ids of what a filter names.
func (p *place) ids(t *testing.T, s store.Store, filter apikey.Filter) []string {
	t.Helper()
	records, err := s.List(p.ctx, filter)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	ids := make([]string, 0, len(records))
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

func listFiltered(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	if records, err := a.List(p.ctx, apikey.Filter{}); err != nil || len(records) != 0 {
		t.Errorf("an empty store lists %v, %v", records, err)
	}
	owned := func(id, user, organization string) apikey.Record {
		r := full(id)
		r.UserID, r.OrganizationID = user, organization
		return r
	}
	p.insert(t, a, owned("b", "user_1", ""), owned("B", "user_1", ""), owned("0", "", "org_1"), owned("a", "user_2", ""), owned("é", "", "org_1"))
	for _, tt := range []struct {
		name   string
		filter apikey.Filter
		want   []string
	}{
		{"all, by the bytes of their ids", apikey.Filter{}, []string{"0", "B", "a", "b", "é"}},
		{"of a user", apikey.Filter{UserID: "user_1"}, []string{"B", "b"}},
		{"of nobody", apikey.Filter{UserID: "user"}, nil},
		{"of an organization", apikey.Filter{OrganizationID: "org_1"}, []string{"0", "é"}},
		{"of both", apikey.Filter{UserID: "user_1", OrganizationID: "org_1"}, nil},
		{"after one", apikey.Filter{After: "B"}, []string{"a", "b", "é"}},
		{"after one that is not there", apikey.Filter{After: "a0", UserID: "user_1"}, []string{"b"}},
		{"after the last", apikey.Filter{After: "é"}, nil},
		{"limited", apikey.Filter{Limit: 2}, []string{"0", "B"}},
		{"limited after one", apikey.Filter{Limit: 1, After: "0"}, []string{"B"}},
	} {
		if got := p.ids(t, b, tt.filter); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	records, err := b.List(p.ctx, apikey.Filter{After: "a", Limit: 1})
	if err != nil || len(records) != 1 {
		t.Fatal(len(records), err)
	}
	same(t, records[0], owned("b", "user_1", ""))
}

func listPages(t *testing.T, p *place) {
	s := p.open(t)
	var want []string
	records := make([]apikey.Record, apikey.MaxLimit+150)
	for i := range records {
		records[i] = record(fmt.Sprintf("%05d", i*7))
		want = append(want, records[i].ID)
	}
	p.insert(t, s, records...)
	for limit, many := range map[int]int{0: apikey.DefaultLimit, apikey.MaxLimit: apikey.MaxLimit, apikey.MaxLimit + 100: apikey.MaxLimit, 1: 1} {
		if got := p.ids(t, s, apikey.Filter{Limit: limit}); len(got) != many {
			t.Errorf("limit %d: %d records, want %d", limit, len(got), many)
		}
	}
	var got []string
	for after := ""; ; {
		page := p.ids(t, s, apikey.Filter{After: after, UserID: "user_1"})
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		after = page[len(page)-1]
	}
	if !slices.Equal(got, want) {
		t.Errorf("the pages have %d records, want %d", len(got), len(want))
	}
}

func touch(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, record("a"), record("b"))
	before := p.revision(t, b)
	later := base.Add(time.Minute)
	for _, uses := range []map[string]time.Time{
		{"a": base, "unknown": base, "": base, "\x00": base}, {"a": later}, {"a": base}, nil, {"a": later.Add(-time.Nanosecond), "b": base},
	} {
		if err := a.Touch(p.ctx, uses); err != nil {
			t.Errorf("Touch(%v): %v", uses, err)
		}
	}
	for id, at := range map[string]time.Time{"a": later, "b": base} {
		want := record(id)
		want.LastUsedAt = at
		p.has(t, b, want)
	}
	p.missing(t, b, "unknown")

	many := make([]apikey.Record, 1500)
	uses := map[string]time.Time{}
	for i := range many {
		many[i] = record(fmt.Sprintf("many%04d", i))
		uses[many[i].ID] = base.Add(time.Duration(i) * time.Millisecond)
	}
	p.insert(t, a, many...)
	if err := b.Touch(p.ctx, maps.Clone(uses)); err != nil {
		t.Errorf("Touch with %d uses: %v", len(uses), err)
	}
	for _, r := range []apikey.Record{many[0], many[1499]} {
		r.LastUsedAt = uses[r.ID]
		p.has(t, a, r)
	}
	if after := p.revision(t, b); after != before {
		t.Error("feeds were told of uses")
	}
}

func reopened(t *testing.T, p *place) {
	first := p.open(t)
	p.insert(t, first, full("a"), record("b"))
	p.change(t, first, "b", func(r *apikey.Record) { r.Name = "changed" })
	p.revoke(t, first, revocation.Revocation{Target: revocation.Token, Value: "t"})
	revision := p.revision(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	again := p.open(t)
	want := record("b")
	want.Name = "changed"
	p.has(t, again, want)
	p.has(t, again, full("a"))
	if got := p.revision(t, again); got != revision {
		t.Errorf("revision %d, was %d", got, revision)
	}
	p.inForce(t, again, revocation.Revocation{Target: revocation.Token, Value: "t"})
	if next := p.revoke(t, again, revocation.Revocation{Target: revocation.Token, Value: "u"}); next <= revision {
		t.Errorf("revision %d follows %d", next, revision)
	}
}

func endedContext(t *testing.T, p *place) {
	s := p.open(t)
	p.insert(t, s, full("a"))
	before := p.revision(t, s)
	ended, cancel := context.WithCancel(p.ctx)
	cancel()
	for name, do := range map[string]func() error{
		"Lookup":       func() error { _, err := s.Lookup(ended, "a"); return err },
		"Lookup none":  func() error { _, err := s.Lookup(ended, "b"); return err },
		"LookupHandle": func() error { _, err := s.LookupHandle(ended, "sha256:b"); return err },
		"Insert":       func() error { return s.Insert(ended, record("b")) },
		"Change": func() error {
			_, err := s.Change(ended, "a", func(r *apikey.Record) (*apikey.Record, error) {
				r.RevokedAt = time.Time{}
				return nil, nil
			})
			return err
		},
		"List":  func() error { _, err := s.List(ended, apikey.Filter{}); return err },
		"Touch": func() error { return s.Touch(ended, map[string]time.Time{"a": base.Add(24 * time.Hour)}) },
		"Revoke": func() error {
			_, err := s.Revoke(ended, revocation.Revocation{Target: revocation.Key, Value: "a"})
			return err
		},
		"Since": func() error { _, err := s.Since(ended, 0); return err },
		"Wait":  func() error { return s.Wait(ended, before) },
	} {
		if err := do(); err == nil || errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("%s: %v, though the context has ended", name, err)
		}
	}
	p.has(t, s, full("a"))
	p.missing(t, s, "b")
	if after := p.revision(t, s); after != before {
		t.Error("feeds were told of it")
	}
}

func administered(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	keys, err := apikey.NewKeys(a)
	if err != nil {
		t.Fatal(err)
	}
	_, record, err := keys.Create(p.ctx, apikey.Spec{OrganizationID: "org_1", Scopes: []string{"read"}, Prefix: "ak_live"})
	if err != nil {
		t.Fatal(err)
	}
	p.has(t, b, record)
	before := p.revision(t, b)
	_, next, err := keys.Rotate(p.ctx, record.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.has(t, b, next)
	old, err := b.Lookup(p.ctx, record.ID)
	if err != nil || old.RevokedAt.IsZero() || old.Successor != next.ID || old.RevokedFor != "rotated" {
		t.Errorf("the old key: %+v, %v", old, err)
	}
	batch := p.since(t, b, before)
	if len(batch.Changes) != 1 || batch.Changes[0].Revocation.Value != record.ID {
		t.Errorf("feeds were told %+v", batch)
	}
	if _, _, err := keys.Rotate(p.ctx, record.ID, time.Hour); err == nil {
		t.Error("a key was rotated twice")
	}
	foreign := apikey.Foreign{Spec: apikey.Spec{UserID: "user_1"}, Handle: apikey.Handles("sk_live_0123456789abcdef0123456789abcdef")[0]}
	imported, err := keys.Import(p.ctx, foreign)
	if err != nil {
		t.Fatal(err)
	}
	p.has(t, b, imported[0])
	if _, err := keys.Import(p.ctx, foreign); !errors.Is(err, apikey.ErrExists) {
		t.Errorf("a second import: %v", err)
	}
}
