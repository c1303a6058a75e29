// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

//nolint:goconst,thelper // These are tests, in a file that others can import.
package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store"
)

// since asks a feed, and fails if the batch could not be.
func (p *place) since(t *testing.T, s store.Store, after uint64) revocation.Batch {
	t.Helper()
	batch, err := s.Since(p.ctx, after)
	if err != nil {
		t.Fatalf("Since(%d): %v", after, err)
	}
	last := uint64(0)
	for _, c := range batch.Changes {
		if c.Revision <= last || c.Revision > batch.Revision || !batch.Reset && c.Revision <= after {
			t.Errorf("after %d a batch of revision %d has revision %d after %d", after, batch.Revision, c.Revision, last)
		}
		last = c.Revision
		if (c.Record == "") == (c.Revocation == revocation.Revocation{}) {
			t.Errorf("a change is not exactly one of a revocation and a record: %+v", c)
		}
		if batch.Reset && c.Record != "" {
			t.Errorf("a reset tells of a changed record: %+v", c)
		}
	}
	return batch
}

// revision returns the newest revision.
func (p *place) revision(t *testing.T, s store.Store) uint64 {
	t.Helper()
	newest := p.since(t, s, 0).Revision
	if newest == 0 {
		t.Error("a store has revision 0, after which no change can be told alone")
	}
	return newest
}

// revoke commits a revocation, or ends the test.
func (p *place) revoke(t *testing.T, s store.Store, r revocation.Revocation) uint64 {
	t.Helper()
	revision, err := s.Revoke(p.ctx, r)
	if err != nil {
		t.Fatalf("Revoke(%+v): %v", r, err)
	}
	return revision
}

// inForce fails unless these are all revocations in force, in this order.
func (p *place) inForce(t *testing.T, s store.Store, want ...revocation.Revocation) {
	t.Helper()
	batch := p.since(t, s, 0)
	if !batch.Reset {
		t.Error("the first batch is no reset")
	}
	tells(t, batch, want...)
}

// tells fails unless a batch tells these revocations, in this order, and nothing else.
func tells(t *testing.T, batch revocation.Batch, want ...revocation.Revocation) {
	t.Helper()
	if len(batch.Changes) != len(want) {
		t.Errorf("told %+v, want %+v", batch.Changes, want)
		return
	}
	for i, r := range want {
		got := batch.Changes[i].Revocation
		if got.Target != r.Target || got.Value != r.Value || got.Issuer != r.Issuer || got.Reason != r.Reason {
			t.Errorf("told %+v, want %+v", got, r)
		}
		exactly(t, "Before of "+r.Value, got.Before, r.Before)
		exactly(t, "Until of "+r.Value, got.Until, r.Until)
	}
}

func feedBegins(t *testing.T, p *place) {
	s := p.open(t)
	if batch := p.since(t, s, 0); !batch.Reset || len(batch.Changes) != 0 {
		t.Errorf("the first batch of an empty store is %+v", batch)
	}
	p.insert(t, s, record("a"), full("b"))
	if batch := p.since(t, s, 0); !batch.Reset || len(batch.Changes) != 0 {
		t.Errorf("the first batch of a store in which nothing was revoked is %+v", batch)
	}
}

// everything is a revocation of each target.
func everything() []revocation.Revocation {
	soon := time.Now().Add(time.Hour)
	return []revocation.Revocation{
		{Target: revocation.Key, Value: "k", Reason: "leaked"},
		{Target: revocation.Token, Value: "k", Issuer: "https://id.example.com", Until: soon},
		{Target: revocation.Session, Value: "k", Issuer: "https://id.example.com"},
		{Target: revocation.Subject, Value: "k", Before: base, Until: soon.Add(time.Hour), Reason: "it's \"over\" ü"},
		{Target: revocation.Client, Value: "k", Issuer: "k", Before: time.Unix(0, 0)},
	}
}

func feedTells(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	want := everything()
	for i, r := range want {
		before := p.revision(t, b)
		revision := p.revoke(t, a, r)
		if revision <= before {
			t.Errorf("revision %d follows %d", revision, before)
		}
		batch := p.since(t, b, 0) // at once
		if batch.Revision != revision {
			t.Errorf("the newest revision is %d, want %d", batch.Revision, revision)
		}
		tells(t, batch, want[:i+1]...)
		if before > 0 {
			batch = p.since(t, b, before)
			if batch.Reset || batch.Revision != revision || len(batch.Changes) != 1 || batch.Changes[0].Revision != revision {
				t.Errorf("after %d: %+v, want revision %d", before, batch, revision)
			}
			tells(t, batch, r)
		}
	}
}

func feedFollows(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, record("a"))
	p.revoke(t, a, revocation.Revocation{Target: revocation.Token, Value: "first"})
	start := p.revision(t, b)
	var revisions []uint64
	for i := range 20 {
		p.change(t, a, "a", func(r *apikey.Record) { r.Scopes = append(r.Scopes, "s") })
		revisions = append(revisions, p.revision(t, b), p.revoke(t, b, revocation.Revocation{Target: revocation.Token, Value: fmt.Sprint(i)}))
	}
	if !slices.IsSorted(revisions) || len(slices.Compact(slices.Clone(revisions))) != len(revisions) {
		t.Errorf("revisions %v", revisions)
	}
	for i, after := range append([]uint64{start}, revisions...) {
		batch := p.since(t, a, after)
		var got []uint64
		for _, c := range batch.Changes {
			got = append(got, c.Revision)
		}
		if batch.Reset || batch.Revision != revisions[len(revisions)-1] || !slices.Equal(got, revisions[i:]) {
			t.Errorf("after %d: %+v, want %v", after, batch, revisions[i:])
		}
	}
}

func feedRecords(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, record("a"))
	p.revoke(t, a, revocation.Revocation{Target: revocation.Token, Value: "before"})
	for _, tt := range []struct {
		name   string
		change func(r *apikey.Record)
		want   bool
		ends   time.Time
	}{
		{"scopes", func(r *apikey.Record) { r.Scopes = []string{"a"} }, true, time.Time{}},
		{"scopes again", func(r *apikey.Record) { r.Scopes = []string{"a"} }, false, time.Time{}},
		{"name", func(r *apikey.Record) { r.Name, r.Successor = "n", "s" }, false, time.Time{}},
		{"nothing", func(*apikey.Record) {}, false, time.Time{}},
		{"less than what is kept", func(r *apikey.Record) { r.CreatedAt = r.CreatedAt.Add(time.Nanosecond) }, false, time.Time{}},
		{"end", func(r *apikey.Record) { r.ExpiresAt = base }, true, base},
		{"handle and digest", func(r *apikey.Record) { r.Handle, r.Digest = "sha256:a", apikey.Digest{9} }, true, base},
		{"no end", func(r *apikey.Record) { r.ExpiresAt = time.Time{} }, true, time.Time{}},
	} {
		before := p.revision(t, b)
		p.change(t, a, "a", tt.change)
		batch := p.since(t, b, before)
		if !tt.want {
			if batch.Revision != before || len(batch.Changes) != 0 {
				t.Errorf("%s: feeds were told %+v", tt.name, batch)
			}
			continue
		}
		if len(batch.Changes) != 1 || batch.Changes[0].Record != "a" || batch.Reset {
			t.Errorf("%s: feeds were told %+v", tt.name, batch)
			continue
		}
		exactly(t, tt.name, batch.Changes[0].ExpiresAt, tt.ends)
	}
	before, now := p.revision(t, b), time.Now()
	p.change(t, a, "a", func(r *apikey.Record) { r.RevokedAt, r.RevokedFor, r.Scopes = now, "leaked", nil })
	got := p.since(t, b, before)
	want := revocation.Revocation{Target: revocation.Key, Value: "a", Reason: "leaked", Until: micro(now).Add(time.Hour)}
	tells(t, got, want)
	p.inForce(t, b, revocation.Revocation{Target: revocation.Token, Value: "before"}, want)
}

func feedRegressed(t *testing.T, p *place) {
	s := p.open(t)
	want := everything()
	for _, r := range want {
		p.revoke(t, s, r)
	}
	newest := p.revision(t, s)
	for _, after := range []uint64{newest + 1, newest + 1000, 1 << 62, 1<<64 - 1} {
		batch := p.since(t, s, after)
		if !batch.Reset || batch.Revision != newest {
			t.Errorf("after %d: reset %t, revision %d, want %d", after, batch.Reset, batch.Revision, newest)
		}
		tells(t, batch, want...)
	}
}

func feedGap(t *testing.T, p *place) {
	if p.Forget == nil {
		t.Skip("the place cannot make its store forget")
	}
	a, b := p.open(t), p.open(t)
	first := p.revoke(t, a, revocation.Revocation{Target: revocation.Token, Value: "old"})
	p.revoke(t, a, revocation.Revocation{Target: revocation.Token, Value: "older"})
	p.Forget(t, a)
	last := p.revoke(t, a, revocation.Revocation{Target: revocation.Token, Value: "new"})
	for _, s := range []store.Store{a, b} {
		batch := p.since(t, s, first)
		if !batch.Reset || batch.Revision != last {
			t.Errorf("after what was forgotten: reset %t, revision %d, want %d", batch.Reset, batch.Revision, last)
		}
		for _, value := range []string{"old", "older", "new"} {
			if !slices.ContainsFunc(batch.Changes, func(c revocation.Change) bool { return c.Revocation.Value == value }) {
				t.Errorf("%s is no longer in force", value)
			}
		}
		if batch := p.since(t, s, last-1); batch.Reset || len(batch.Changes) != 1 {
			t.Errorf("after what is remembered: %+v", batch)
		}
	}
}

func feedForgotten(t *testing.T, p *place) {
	s := p.open(t)
	past, soon := time.Now().Add(-time.Minute), time.Now().Add(200*time.Millisecond)
	kept := revocation.Revocation{Target: revocation.Token, Value: "kept", Until: time.Now().Add(time.Hour)}
	p.revoke(t, s, revocation.Revocation{Target: revocation.Token, Value: "past", Until: past})
	p.revoke(t, s, revocation.Revocation{Target: revocation.Token, Value: "soon", Until: soon})
	p.revoke(t, s, kept)
	for batch := p.since(t, s, 0); ; batch = p.since(t, s, 0) {
		if slices.ContainsFunc(batch.Changes, func(c revocation.Change) bool { return c.Revocation.Value == "past" }) {
			t.Fatal("what may be forgotten is in force")
		}
		if len(batch.Changes) == 1 {
			tells(t, batch, kept)
			return
		}
		if err := p.ctx.Err(); err != nil {
			t.Fatalf("still in force: %+v", batch.Changes)
		}
	}
}
