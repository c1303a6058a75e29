// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
)

// A trigger that runs when a transaction commits keeps each one for a random time after it got its revision, so that transactions that do not
// exclude each other commit in another order than that of their revisions.
const shuffled = `
create function dawdle() returns trigger language plpgsql as 'begin perform pg_sleep(random() * 0.006); return null; end';
create constraint trigger dawdle after insert on admit_change deferrable initially deferred for each row execute function dawdle()`

// Test 12: of concurrent writers whose commits are shuffled, a poller misses nothing.
func Test12ConcurrentWritersMissNothing(t *testing.T) {
	t.Parallel()
	url := empty(t)
	const stores, writers, changes = 3, 3, 15
	poller := open(t, url)
	execute(t, url, shuffled)
	start := revoke(t, poller, "start")

	ctx := within(t, 30*time.Second)
	acknowledged := make(chan string, stores*writers*changes)
	var wait sync.WaitGroup
	for i := range stores {
		s := open(t, url)
		for j := range writers {
			r := insert(t, s)
			wait.Go(func() {
				for k := range changes {
					name := fmt.Sprintf("session %d.%d.%d", i, j, k)
					if k%3 == 0 { // a record is changed instead
						name = r.ID
						if _, err := s.Change(ctx, r.ID, func(r *apikey.Record) (*apikey.Record, error) {
							r.ExpiresAt = time.Now().Add(time.Duration(k+1) * time.Hour)
							return nil, nil
						}); err != nil {
							t.Error(err)
						}
					} else if _, err := s.Revoke(ctx, session(name)); err != nil {
						t.Error(err)
					}
					acknowledged <- name
				}
			})
		}
	}
	done, finish := context.WithCancel(ctx)
	go func() { defer finish(); wait.Wait() }()

	seen, after := map[string]int{}, start
	for last := false; !last; {
		last = done.Err() != nil // one more look after the last acknowledgement
		batch := since(t, poller, after)
		if batch.Reset || batch.Revision < after {
			t.Fatalf("after %d: revision %d, reset %t; nothing was lost", after, batch.Revision, batch.Reset)
		}
		for _, c := range batch.Changes {
			if c.Revision != after+1 {
				t.Fatalf("change %d follows %d", c.Revision, after)
			}
			after = c.Revision
			seen[c.Record+c.Revocation.Value]++
		}
		if after != batch.Revision {
			t.Fatalf("a batch up to %d ends with %d", batch.Revision, after)
		}
	}
	close(acknowledged)
	for name := range acknowledged {
		if seen[name]--; seen[name] < 0 {
			t.Errorf("nobody told of %s, which was acknowledged", name)
		}
	}
	if want := start + stores*writers*changes; after != want {
		t.Errorf("the last revision is %d, want %d", after, want)
	}
}

// However many changes wait for one that takes its time, there are connections for those who read.
func TestWritersLeaveRoomForReaders(t *testing.T) {
	t.Parallel()
	url := empty(t)
	s, slow := open(t, url), open(t, url)
	r := insert(t, s)
	ctx := within(t, 9*time.Second)
	entered, leave := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		if _, err := slow.Change(ctx, r.ID, func(*apikey.Record) (*apikey.Record, error) {
			close(entered)
			<-leave
			return nil, nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-entered
	for i := range 8 {
		wait.Go(func() {
			if _, err := s.Revoke(ctx, session(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	for range 20 {
		if _, err := s.Lookup(ctx, r.ID); err != nil {
			t.Error(err)
		}
		if batch := since(t, s, 0); len(batch.Changes) > 0 {
			t.Errorf("there are changes already: %+v", batch)
		}
	}
	close(leave)
	wait.Wait()
	if batch := since(t, s, 0); len(batch.Changes) != 8 {
		t.Errorf("%d changes, want 8", len(batch.Changes))
	}
}

// Writers that touch, change and insert the same keys at the same time wait for each other in one order only.
func TestWritersDoNotDeadlock(t *testing.T) {
	t.Parallel()
	url := empty(t)
	s, other := open(t, url), open(t, url)
	ctx := within(t, 20*time.Second)
	uses, records := map[string]time.Time{}, make([]apikey.Record, 50)
	for i := range records {
		records[i] = record(t)
		uses[records[i].ID] = time.Now()
	}
	if err := s.Insert(ctx, records...); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 8 {
		s := []interface {
			apikey.Records
		}{s, other}[i%2]
		wait.Go(func() {
			for k := range 10 {
				if i < 4 {
					later := map[string]time.Time{}
					for id, at := range uses {
						later[id] = at.Add(time.Duration(k*8+i) * time.Second)
					}
					if err := s.Touch(ctx, later); err != nil {
						t.Error(err)
					}
					continue
				}
				if _, err := s.Change(ctx, records[k].ID, func(r *apikey.Record) (*apikey.Record, error) {
					r.Name += "."
					successor := record(t)
					return &successor, nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	r, err := s.Lookup(ctx, records[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "test...." {
		t.Errorf("the name is %q: a change was lost", r.Name)
	}
	if want := uses[r.ID].Add((9*8 + 3) * time.Second).UTC().Truncate(time.Microsecond); !r.LastUsedAt.Equal(want) {
		t.Errorf("last used at %s, want the latest, %s", r.LastUsedAt, want)
	}
}
