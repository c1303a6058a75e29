// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/revocation"
)

// A fakeFeed is a feed in memory that can be made to fail.
type fakeFeed struct {
	mutex   sync.Mutex
	changes []revocation.Change // guarded by mutex, as what follows
	news    chan struct{}       // closed at the next change
	asked   int
	down    bool // Since fails
	hangs   bool // Since answers only when its context ends
	mute    bool // Wait hears of nothing
	resets  bool // Since answers with everything
}

// newFeed has one change, so that it need not tell everything at the next one.
func newFeed() *fakeFeed {
	f := &fakeFeed{news: make(chan struct{})}
	f.revoke(revocation.Key, "somebody else's")
	return f
}

func (f *fakeFeed) with(change func(f *fakeFeed)) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	change(f)
}

func (f *fakeFeed) tell(c revocation.Change) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	c.Revision = uint64(len(f.changes) + 1)
	f.changes = append(f.changes, c)
	close(f.news)
	f.news = make(chan struct{})
}

func (f *fakeFeed) revoke(target revocation.Target, value string) {
	r := revocation.Revocation{Target: target, Value: value}
	if target == revocation.Subject || target == revocation.Client {
		r.Before = time.Now()
	}
	f.tell(revocation.Change{Revocation: r})
}

func (f *fakeFeed) questions() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.asked
}

func (f *fakeFeed) Since(ctx context.Context, after uint64) (revocation.Batch, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.asked++
	batch := revocation.Batch{Revision: uint64(len(f.changes)), Reset: after == 0 || f.resets}
	f.resets = false
	for _, c := range f.changes {
		if c.Revision > after && !batch.Reset || batch.Reset && c.Record == "" {
			batch.Changes = append(batch.Changes, c)
		}
	}
	switch {
	case f.down:
		return revocation.Batch{}, errors.New("the test's feed is down")
	case f.hangs:
		f.mutex.Unlock()
		<-ctx.Done()
		f.mutex.Lock()
		return revocation.Batch{}, ctx.Err()
	}
	return batch, nil
}

func (f *fakeFeed) Wait(ctx context.Context, after uint64) error {
	f.mutex.Lock()
	news, known := f.news, uint64(len(f.changes)) > after
	if f.mute {
		news, known = nil, false
	}
	f.mutex.Unlock()
	if known {
		return nil
	}
	select {
	case <-news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// soon is time enough for what a feed tells to be known.
const soon = 20 * time.Millisecond

// holders are credentials that a revocation can name, by their tokens.
func holders() map[string]answer {
	all := map[string]answer{}
	for prefix, kind := range map[string]tokens.Kind{"st": tokens.SessionToken, "oat": tokens.OAuthToken, "ak": tokens.APIKey, "mt": tokens.M2MToken} {
		for _, who := range []string{"1", "2"} {
			facts := factsOf(kind)
			facts.ID, facts.Subject, facts.UserID = "id_"+who, "subject_"+who, ""
			if kind == tokens.OAuthToken {
				facts.ClientID = "client_" + who
			}
			all[prefix+"_"+who] = func(context.Context, tokens.Credential) (*tokens.Principal, error) {
				facts := facts
				facts.IssuedAt = time.Now().Add(-time.Minute)
				return tokens.NewPrincipal(facts)
			}
		}
	}
	return all
}
