// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/revocation"
)

var errDown = errors.New("the test's feed is down")

// A fake is a feed in memory that can be made to fail in every way that a feed can.
type fake struct {
	mutex    sync.Mutex
	changes  []revocation.Change // guarded by mutex, as all that follows
	revision uint64
	pruned   uint64
	news     chan struct{} // closed at the next change
	asked    []uint64      // the revisions that Since was asked about
	waits    int           // how often Wait was called

	down  bool          // Since fails
	hangs bool          // Since answers only when its context ends
	slow  time.Duration // Since reads, and then takes so long to answer
	mute  bool          // Wait hears of nothing
	deaf  bool          // Wait fails at once
	eager bool          // Wait returns at once, whether there is news or not
	panic bool          // Since and Wait panic
}

func newFake() *fake { return &fake{news: make(chan struct{})} }

// with changes how the feed behaves.
func (f *fake) with(change func(f *fake)) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	change(f)
}

// tell commits changes, one revision each.
func (f *fake) tell(changes ...revocation.Change) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, c := range changes {
		f.revision++
		c.Revision = f.revision
		f.changes = append(f.changes, c)
	}
	close(f.news)
	f.news = make(chan struct{})
}

func (f *fake) revoke(target revocation.Target, value string) {
	f.tell(revocation.Change{Revocation: revocation.Revocation{Target: target, Value: value}})
}

// lose is a restore from a backup: what was committed after the revision never was.
func (f *fake) lose(revision uint64) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.revision = revision
	f.changes = slices.DeleteFunc(f.changes, func(c revocation.Change) bool { return c.Revision > revision })
}

func (f *fake) questions() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return len(f.asked)
}

func (f *fake) Since(ctx context.Context, after uint64) (revocation.Batch, error) {
	f.mutex.Lock()
	f.asked = append(f.asked, after)
	down, hangs, slow, panics := f.down, f.hangs, f.slow, f.panic
	batch := revocation.Batch{Revision: f.revision, Reset: after == 0 || after < f.pruned}
	for _, c := range f.changes {
		if batch.Reset && c.Record == "" || !batch.Reset && c.Revision > after {
			batch.Changes = append(batch.Changes, c)
		}
	}
	f.mutex.Unlock()
	switch {
	case panics:
		panic("the test's feed") //nolint:forbidigo // It is what is tested.
	case down:
		return revocation.Batch{}, errDown
	case hangs:
		<-ctx.Done()
		return revocation.Batch{}, ctx.Err()
	}
	select {
	case <-time.After(slow):
		return batch, nil
	case <-ctx.Done():
		return revocation.Batch{}, ctx.Err()
	}
}

func (f *fake) Wait(ctx context.Context, after uint64) error {
	f.mutex.Lock()
	f.waits++
	news, mute, deaf, eager, panics, known := f.news, f.mute, f.deaf, f.eager, f.panic, f.revision
	f.mutex.Unlock()
	switch {
	case panics:
		panic("the test's feed") //nolint:forbidigo // It is what is tested.
	case deaf:
		return errDown
	case eager || known > after && !mute:
		return nil
	case mute:
		news = nil
	}
	select {
	case <-news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keep is for how long the tests say that they remember.
const keep = 2 * time.Minute

// follow begins to follow in a bubble, and returns when the feed was first asked. Close is called when the test ends.
func follow(t *testing.T, feed revocation.Feed, told func()) *revocation.Follower {
	t.Helper()
	f := revocation.Follow(feed, keep, told)
	t.Cleanup(f.Close)
	synctest.Wait()
	return f
}

func principal(tb testing.TB, facts tokens.Facts) *tokens.Principal {
	tb.Helper()
	p, err := tokens.NewPrincipal(facts)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// key is the caller of an API key.
func key(tb testing.TB, id string) *tokens.Principal {
	tb.Helper()
	return principal(tb, tokens.Facts{Kind: tokens.APIKey, ID: id, Subject: "user_of_" + id, UserID: "user_of_" + id})
}

// expect fails unless the verdict is this.
func expect(t *testing.T, f *revocation.Follower, p *tokens.Principal, verified uint64, want revocation.Verdict) {
	t.Helper()
	if got, _ := f.Judge(t.Context(), p, verified); got != want {
		t.Errorf("%s %s, verified in %d, is judged %d, not %d", p.Kind(), p.ID(), verified, got, want)
	}
}
