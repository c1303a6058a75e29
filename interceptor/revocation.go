// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/cache"
	"github.com/admitrpc/admit/tokens/revocation"
)

// WithRevocations refuses what the feed says was revoked, on every call and on open streams, of every kind of credential. Default: none; what
// verifiers ask about themselves is then remembered as long as [WithCache] says.
//
// What was revoked is refused as soon as the feed tells, and within five seconds as long as it can be asked. When it cannot, what was
// believed before is taken for [revocation.Grace] after the feed was last heard, and then calls are refused, and streams ended, with
// VERIFIER_UNAVAILABLE. Until the feed was heard for the first time, they all are.
func WithRevocations(feed revocation.Feed) Option {
	return tenantOption("WithRevocations", func(c *config) error {
		if isNil(feed) {
			return errors.New("the feed of revocations is nil")
		}
		c.feed = feed
		return nil
	})
}

// revocations are what a guard knows of revoked credentials, and the streams that such news may end. Nil: the guard has no feed.
type revocations struct {
	follower *revocation.Follower
	news     chan struct{} // holds one piece, since each is about everything
	once     sync.Once
	closed   chan struct{}
	ended    chan struct{}

	mutex   sync.Mutex
	streams map[*Stream]struct{} // guarded by mutex
}

func newRevocations(feed revocation.Feed, keep time.Duration) *revocations {
	r := &revocations{
		news: make(chan struct{}, 1), closed: make(chan struct{}), ended: make(chan struct{}), streams: map[*Stream]struct{}{},
	}
	r.follower = revocation.Follow(feed, keep, func() {
		select {
		case r.news <- struct{}{}:
		default:
		}
	})
	go r.watch()
	return r
}

func (r *revocations) close() {
	if r == nil {
		return
	}
	r.follower.Close()
	r.once.Do(func() { close(r.closed) })
	<-r.ended
}

// watch judges the open streams whenever there is news.
func (r *revocations) watch() {
	defer close(r.ended)
	for {
		select {
		case <-r.news:
			for _, s := range r.open() {
				r.judge(s)
			}
		case <-r.closed:
			return
		}
	}
}

func (r *revocations) open() []*Stream {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	open := make([]*Stream, 0, len(r.streams))
	for s := range r.streams {
		open = append(open, s)
	}
	return open
}

// add judges a stream from now on, and at once: something may have been told since its call was decided.
func (r *revocations) add(s *Stream) {
	r.mutex.Lock()
	r.streams[s] = struct{}{}
	r.mutex.Unlock()
	r.judge(s)
}

func (r *revocations) remove(s *Stream) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.streams, s)
}

// judge ends a stream whose credential is no longer good. One whose record was changed goes on, until the time at which it now ends.
func (r *revocations) judge(s *Stream) {
	caller := s.call.Principal()
	// The feed is not asked: whoever judges one stream keeps the others waiting.
	switch verdict, _ := r.follower.Known(caller, s.call.epoch); verdict {
	case revocation.Good:
	case revocation.Changed:
		switch ends, known := r.follower.Ends(caller, s.call.epoch); {
		case !known:
			_ = s.fail(tokens.ReasonVerifierUnavailable, "the feed of revocations told everything anew, and not when the credential now ends")
		case !ends.IsZero():
			s.endBy(ends.Add(caller.Skew() + s.call.procedure.Outlive()))
		}
	case revocation.Revoked:
		_ = s.fail(tokens.ReasonTokenRevoked, "the credential was revoked while the stream was open")
	case revocation.Unknown:
		_ = s.fail(tokens.ReasonVerifierUnavailable, errUnheard)
	}
}

const errUnheard = "the feed of revocations cannot be reached"

// epoch is the state that a verification which begins now cannot be older than.
func (r *revocations) epoch() uint64 {
	if r == nil {
		return 0
	}
	return r.follower.Epoch()
}

// current reports whether nothing was told since an entry was last judged.
func (r *revocations) current(e *cache.Entry, now time.Time) bool {
	return r == nil || r.follower.Current(e.Seen.Load(), now)
}

// judgeEntry returns the refusal of a credential, or says that it must be verified again.
func (r *revocations) judgeEntry(ctx context.Context, e *cache.Entry) (refusal *Refusal, again bool) {
	if r == nil {
		return nil, false
	}
	switch verdict, epoch := r.follower.Judge(ctx, e.Principal, e.Epoch); verdict {
	case revocation.Good:
		e.Seen.Store(epoch)
		return nil, false
	case revocation.Changed:
		return nil, true
	case revocation.Revoked:
		return newRefusal(tokens.ReasonTokenRevoked, errors.New("the feed of revocations names the credential")), false
	case revocation.Unknown:
	}
	return newRefusal(tokens.ReasonVerifierUnavailable, errors.New(errUnheard)), false
}

// sync asks the feed for what it has not told yet.
func (r *revocations) sync(ctx context.Context) error {
	if r == nil {
		return nil
	}
	if err := r.follower.Sync(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // The caller has gone, which is no fault of the feed.
		}
		return tokens.NewError(tokens.ReasonVerifierUnavailable, err)
	}
	return nil
}
