// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

//nolint:goconst,thelper // These are tests, in a file that others can import.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store"
)

func revokeAgain(t *testing.T, p *place) {
	early, late, never := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour), time.Time{}
	subject := func(value, issuer string, before, until time.Time, reason string) revocation.Revocation {
		return revocation.Revocation{Target: revocation.Subject, Value: value, Issuer: issuer, Before: before, Until: until, Reason: reason}
	}
	for _, tt := range []struct {
		name          string
		first, second revocation.Revocation
		want          []revocation.Revocation
	}{
		{
			"later times", subject("s", "", base, early, "1"), subject("s", "", base.Add(time.Hour), late, "2"),
			[]revocation.Revocation{subject("s", "", base.Add(time.Hour), late, "2")},
		},
		{
			"earlier times", subject("s", "", base.Add(time.Hour), late, "1"), subject("s", "", base, early, ""),
			[]revocation.Revocation{subject("s", "", base.Add(time.Hour), late, "1")},
		},
		{"never first", subject("s", "", base, never, ""), subject("s", "", base, late, ""), []revocation.Revocation{subject("s", "", base, never, "")}},
		{"never last", subject("s", "", base, late, ""), subject("s", "", base, never, ""), []revocation.Revocation{subject("s", "", base, never, "")}},
		{
			"another issuer", subject("s", "a", base, late, ""), subject("s", "", base.Add(time.Hour), early, ""),
			[]revocation.Revocation{subject("s", "a", base, late, ""), subject("s", "", base.Add(time.Hour), early, "")},
		},
		{
			"another value", subject("s", "", base, late, ""), subject("S", "", base.Add(time.Hour), early, ""),
			[]revocation.Revocation{subject("s", "", base, late, ""), subject("S", "", base.Add(time.Hour), early, "")},
		},
		{
			"the same token", revocation.Revocation{Target: revocation.Token, Value: "t"}, revocation.Revocation{Target: revocation.Token, Value: "t"},
			[]revocation.Revocation{{Target: revocation.Token, Value: "t"}},
		},
	} {
		// Values of one case do not meet those of another.
		named := func(r revocation.Revocation) revocation.Revocation {
			r.Value = tt.name + r.Value
			return r
		}
		s := p.open(t)
		start := len(p.since(t, s, 0).Changes)
		first := p.revoke(t, s, named(tt.first))
		if second := p.revoke(t, s, named(tt.second)); second < first {
			t.Errorf("%s: revision %d after %d", tt.name, second, first)
		}
		batch := p.since(t, s, 0)
		if len(batch.Changes) < start {
			t.Fatalf("%s: less is in force than before", tt.name)
		}
		batch.Changes = batch.Changes[start:]
		for i, r := range tt.want {
			tt.want[i] = named(r)
		}
		tells(t, batch, tt.want...)
		for _, c := range p.since(t, s, first).Changes {
			if c.Revocation.Before.Before(micro(tt.second.Before)) {
				t.Errorf("%s: told %+v, which revokes less than what was revoked", tt.name, c)
			}
		}
	}
}

func revokeBad(t *testing.T, p *place) {
	s := p.open(t)
	p.insert(t, s, record("a"))
	before := p.revision(t, s)
	for _, r := range []revocation.Revocation{
		{},
		{Target: 77, Value: "a"},
		{Target: revocation.Key},
		{Target: revocation.Key, Value: "a", Before: base},
		{Target: revocation.Subject, Value: "a"},
		{Target: revocation.Token, Value: strings.Repeat("a", revocation.MaxValue+1)},
	} {
		if _, err := s.Revoke(p.ctx, r); err == nil {
			t.Errorf("%+v is revoked", r)
		}
	}
	if batch := p.since(t, s, 0); batch.Revision != before || len(batch.Changes) != 0 {
		t.Errorf("feeds were told %+v", batch)
	}
	p.has(t, s, record("a"))
}

func revokeKey(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, record("a"), record("b"), record("subject"))
	// What is not a key marks no record, whatever it is called.
	p.revoke(t, a, revocation.Revocation{Target: revocation.Token, Value: "a"})
	p.revoke(t, a, revocation.Revocation{Target: revocation.Subject, Value: "subject", Before: time.Now()})
	p.has(t, b, record("a"))
	p.has(t, b, record("subject"))

	before, began := p.revision(t, b), micro(time.Now())
	p.revoke(t, a, revocation.Revocation{Target: revocation.Key, Value: "a", Reason: "leaked"})
	marked, err := b.Lookup(p.ctx, "a")
	if err != nil || marked.RevokedAt.Before(began) || marked.RevokedAt.After(time.Now()) || marked.RevokedFor != "leaked" {
		t.Errorf("the record: %+v, %v", marked, err)
	}
	tells(t, p.since(t, b, before), revocation.Revocation{Target: revocation.Key, Value: "a", Reason: "leaked"})
	p.revoke(t, b, revocation.Revocation{Target: revocation.Key, Value: "a", Reason: "again"})
	p.has(t, a, marked)
	p.has(t, a, record("b"))

	// One that is not there is revoked all the same.
	p.revoke(t, a, revocation.Revocation{Target: revocation.Key, Value: "elsewhere", Reason: "r"})
	p.missing(t, b, "elsewhere")
	batch := p.since(t, b, 0)
	if last := batch.Changes[len(batch.Changes)-1].Revocation; last.Value != "elsewhere" {
		t.Errorf("in force is %+v", last)
	}
}

func revokeBytes(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	var want []revocation.Revocation
	for _, value := range []string{
		"a", "A", "a ", "a\x00b", "a\x00", "\xff\xfe", "'; drop table x; --", "%", "_", `\`, "ü", "u\u0308", strings.Repeat("x", revocation.MaxValue),
	} {
		want = append(want, revocation.Revocation{Target: revocation.Token, Value: value, Issuer: value})
	}
	for _, r := range want {
		p.revoke(t, a, r)
	}
	p.inForce(t, b, want...)
}

// commitOrder lets several writers change what they can through two handles, while a reader that asks for what followed the last revision
// must miss nothing.
func commitOrder(t *testing.T, p *place) {
	handles := []store.Store{p.open(t), p.open(t)}
	reader := p.open(t)
	const writers, each = 8, 12
	records := make([]apikey.Record, writers)
	for w := range records {
		records[w] = record(fmt.Sprintf("key%d", w))
	}
	p.insert(t, handles[0], records...)
	p.revoke(t, handles[0], revocation.Revocation{Target: revocation.Token, Value: "first"})

	last := p.revision(t, reader)
	var (
		mutex sync.Mutex
		made  = map[string]uint64{} // the revision of what was revoked
	)
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for i := range each {
				value := fmt.Sprintf("%d/%d", w, i)
				revision, err := handles[w%2].Revoke(p.ctx, revocation.Revocation{Target: revocation.Session, Value: value})
				if err != nil {
					t.Errorf("Revoke: %v", err)
					return
				}
				mutex.Lock()
				made[value] = revision
				mutex.Unlock()
				if _, err := handles[w%2].Change(p.ctx, records[w].ID, func(r *apikey.Record) (*apikey.Record, error) {
					r.Scopes = []string{value}
					return nil, nil
				}); err != nil {
					t.Errorf("Change: %v", err)
					return
				}
			}
		})
	}
	told := map[string]uint64{}
	changed := map[string]int{}
	for len(told) < writers*each && p.ctx.Err() == nil && !t.Failed() {
		batch := p.since(t, reader, last)
		if batch.Reset || batch.Revision < last {
			t.Errorf("after %d: reset %t, revision %d", last, batch.Reset, batch.Revision)
		}
		last = batch.Revision
		for _, c := range batch.Changes {
			if c.Record == "" {
				told[c.Revocation.Value] = c.Revision
			} else {
				changed[c.Record]++
			}
		}
	}
	running.Wait()
	for _, c := range p.since(t, reader, last).Changes {
		changed[c.Record]++
	}
	for value, revision := range made {
		if told[value] != revision {
			t.Errorf("%s was revoked with revision %d and told with %d", value, revision, told[value])
		}
	}
	for _, r := range records {
		if changed[r.ID] != each {
			t.Errorf("%d of %d changes of a record were told", changed[r.ID], each)
		}
	}
}

// waiting begins to wait, and returns what Wait will have returned.
func waiting(ctx context.Context, s store.Store, after uint64) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Wait(ctx, after) }()
	return done
}

func waitChange(t *testing.T, p *place) {
	a, b := p.open(t), p.open(t)
	p.insert(t, a, record("a"))
	p.revoke(t, a, revocation.Revocation{Target: revocation.Token, Value: "first"})
	for i, do := range []func(){
		func() { p.revoke(t, a, revocation.Revocation{Target: revocation.Token, Value: "x"}) },
		func() { p.change(t, a, "a", func(r *apikey.Record) { r.Scopes = []string{"x"} }) },
		func() { p.change(t, a, "a", func(r *apikey.Record) { r.RevokedAt = base }) },
	} {
		after := p.revision(t, b)
		waits := []<-chan error{waiting(p.ctx, a, after), waiting(p.ctx, b, after), waiting(p.ctx, b, after)}
		do()
		for w, done := range waits {
			// It may return early; who waits asks, and waits again.
			for s := []store.Store{a, b, b}[w]; ; done = waiting(p.ctx, s, after) {
				if err := <-done; err != nil {
					t.Fatalf("change %d, waiter %d: %v", i, w, err)
				}
				if len(p.since(t, s, after).Changes) > 0 {
					break
				}
			}
		}
		if err := b.Wait(p.ctx, after); err != nil { // what has happened already
			t.Errorf("change %d: %v", i, err)
		}
	}
}

func waitContext(t *testing.T, p *place) {
	s := p.open(t)
	p.revoke(t, s, revocation.Revocation{Target: revocation.Token, Value: "first"})
	after := p.revision(t, s)
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	// What was told early is told before long; then it waits.
	for err := s.Wait(ctx, after); err == nil; err = s.Wait(ctx, after) {
		if p.ctx.Err() != nil {
			t.Fatal("Wait returns nil, though its context has ended and nothing happened")
		}
	}
	short, cancel := context.WithTimeout(p.ctx, 100*time.Millisecond)
	defer cancel()
	for {
		err := s.Wait(short, after)
		if err == nil {
			continue
		}
		if short.Err() == nil {
			t.Errorf("Wait: %v, though its context has not ended", err)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		return
	}
}

func waitClose(t *testing.T, p *place) {
	s := p.open(t)
	p.revoke(t, s, revocation.Revocation{Target: revocation.Token, Value: "first"})
	after := p.revision(t, s)
	var waits []<-chan error
	for range 5 {
		waits = append(waits, waiting(p.ctx, s, after))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		waits = append(waits, waiting(p.ctx, s, after))
	}
	for i, done := range waits {
		err := <-done
		if i < 5 && err == nil { // It may have returned early, before Close.
			err = s.Wait(p.ctx, after)
		}
		if err == nil || p.ctx.Err() != nil {
			t.Errorf("waiter %d: %v, though the store was closed", i, err)
		}
	}
}

func readOnly(t *testing.T, p *place) {
	if p.OpenReadOnly == nil {
		t.Skip("the place has no read-only handle")
	}
	writer := p.open(t)
	p.insert(t, writer, full("a"), record("b"))
	p.revoke(t, writer, revocation.Revocation{Target: revocation.Token, Value: "first"})
	reader := p.OpenReadOnly(t)
	t.Cleanup(func() {
		if err := reader.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	p.has(t, reader, full("a"))
	if r, err := reader.LookupHandle(p.ctx, "sha256:a"); err != nil || r.ID != "a" {
		t.Errorf("LookupHandle: %q, %v", r.ID, err)
	}
	if ids := p.ids(t, reader, apikey.Filter{}); len(ids) != 2 {
		t.Errorf("List: %q", ids)
	}
	before := p.revision(t, reader)
	for name, do := range map[string]func() error{
		"Insert": func() error { return reader.Insert(p.ctx, record("c")) },
		"Change": func() error {
			_, err := reader.Change(p.ctx, "b", func(r *apikey.Record) (*apikey.Record, error) {
				r.Name = "changed"
				return nil, nil
			})
			return err
		},
		"Touch": func() error { return reader.Touch(p.ctx, map[string]time.Time{"b": base}) },
		"Revoke": func() error {
			_, err := reader.Revoke(p.ctx, revocation.Revocation{Target: revocation.Key, Value: "b"})
			return err
		},
	} {
		if err := do(); err == nil || errors.Is(err, apikey.ErrNotFound) || errors.Is(err, apikey.ErrExists) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.has(t, writer, record("b"))
	p.missing(t, writer, "c")
	if after := p.revision(t, writer); after != before {
		t.Error("feeds were told of it")
	}
	done := waiting(p.ctx, reader, before)
	p.revoke(t, writer, revocation.Revocation{Target: revocation.Token, Value: "second"})
	for ; ; done = waiting(p.ctx, reader, before) {
		if err := <-done; err != nil {
			t.Fatalf("Wait: %v", err)
		}
		if batch := p.since(t, reader, before); len(batch.Changes) == 1 {
			return
		}
	}
}
