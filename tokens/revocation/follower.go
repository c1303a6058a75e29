// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// A Verdict is what a [Follower] knows of a credential that was good when it was verified. The zero Verdict refuses.
type Verdict uint8

// The verdicts.
const (
	// Unknown says that the feed has not been heard for longer than [Grace], so that nobody can tell.
	Unknown Verdict = iota
	// Good says that nothing is known against it.
	Good
	// Changed says that what it was verified against is no longer what it was, so that it must be verified again.
	Changed
	// Revoked says that it was revoked.
	Revoked
)

// The bounds of a [Follower].
const (
	// Heartbeat is how long a follower waits at most before it asks the feed again.
	Heartbeat = time.Second
	// Lease is how long what the feed told is believed without asking. When it has run out, the next call asks, so that what was revoked
	// is not taken for longer than five seconds even if nothing is told any more.
	Lease = 4 * time.Second
	// Grace is how long a credential is taken after the feed was last heard, when asking fails too.
	Grace = 30 * time.Second
	// patience is how long a call waits for the feed that it has to ask.
	patience = time.Second
	// limit is how long the feed may take to answer, so that one question that is lost leaves time for another within the lease.
	limit = 3 * time.Second
	// longLimit is how long it may take when nothing can be told before it has answered: everything that is in force may be much.
	longLimit = 5 * time.Second
)

// A Follower keeps in memory what a feed tells, and asks it again when it has not been heard for a while. Make it with [Follow]; it is safe
// for concurrent use.
type Follower struct {
	feed  Feed
	began time.Time // of which the clock that does not jump is used
	set   *set
	told  func()
	heard atomic.Int64  // when the feed was last asked with success, as nanoseconds since began; negative: never
	next  atomic.Int64  // when a call may ask again, likewise
	after atomic.Uint64 // the revision up to which the feed has told

	mutex   sync.Mutex
	waiting *asking // guarded by mutex: begins when the one that is under way has ended; nil: nobody waits
	asks    bool    // guarded by mutex: one is under way

	lapse   *time.Timer // when the feed has not been heard for Grace
	stop    context.CancelFunc
	ctx     context.Context //nolint:containedctx // It ends with Close.
	running sync.WaitGroup
}

// An asking is one question to the feed that callers wait for together.
type asking struct {
	done chan struct{}
	err  error
}

// Follow begins to follow a feed. keep is for how long those who ask the follower may remember what they verified. told, unless nil, is
// called on goroutines of the follower whenever something was revoked or changed, and when the feed has not been heard for [Grace]; it
// must return soon. Until the feed was heard for the first time every verdict is [Unknown]. Call Close when the follower is no longer used.
func Follow(feed Feed, keep time.Duration, told func()) *Follower {
	if told == nil {
		told = func() {}
	}
	f := &Follower{feed: feed, began: time.Now(), set: newSet(max(keep, time.Minute)), told: told}
	f.heard.Store(-1)
	f.lapse = time.NewTimer(Grace)
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.running.Go(f.follow)
	f.running.Go(f.tellLapses)
	return f
}

// Close ends what the follower started, and waits for that. Verdicts are as before until [Grace] has passed.
func (f *Follower) Close() {
	f.mutex.Lock()
	f.stop() // after which nothing is asked
	f.mutex.Unlock()
	f.running.Wait()
}

// Epoch returns the number of the state that verdicts are now given from. Whoever verifies a credential reads it before that begins.
func (f *Follower) Epoch() uint64 { return f.set.epoch.Load() }

// Current reports whether the state has the number, and can be believed without asking the feed. It is the quick way: of what was [Good] in
// the state of that number, and is Current, nothing else need be asked.
func (f *Follower) Current(epoch uint64, now time.Time) bool {
	heard := f.heard.Load()
	return f.set.epoch.Load() == epoch && heard >= 0 && int64(now.Sub(f.began))-heard < int64(Lease)
}

// Judge says what is known of a principal that was verified in an epoch, and the epoch of that verdict. When the feed has not been heard for
// [Lease], it is asked first, by one call in a second.
func (f *Follower) Judge(ctx context.Context, p *tokens.Principal, verified uint64) (verdict Verdict, epoch uint64) {
	if f.silence() >= Lease && f.mayAsk() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		_ = f.Sync(ctx) // whether it was heard is asked below
		cancel()
	}
	return f.Known(p, verified)
}

// Known is [Follower.Judge] without asking, for those who must not wait.
func (f *Follower) Known(p *tokens.Principal, verified uint64) (verdict Verdict, epoch uint64) {
	if f.silence() >= Grace {
		return Unknown, 0
	}
	return f.set.judge(p, verified)
}

// silence is how long the feed has not been heard.
func (f *Follower) silence() time.Duration {
	heard := f.heard.Load()
	if heard < 0 {
		return Grace
	}
	return time.Since(f.began) - time.Duration(heard)
}

// mayAsk lets one call in a second ask, so that a feed that is down costs the others nothing. Until the feed was heard for the first time,
// all may: nobody is admitted without.
func (f *Follower) mayAsk() bool {
	now, next := int64(time.Since(f.began)), f.next.Load()
	return f.heard.Load() < 0 || now >= next && f.next.CompareAndSwap(next, now+int64(time.Second))
}

// Ends returns when an API key now ends whose record was changed since it was verified in an epoch, and zero if it does not. ok is false when
// that is not known, because the feed told everything anew.
func (f *Follower) Ends(p *tokens.Principal, verified uint64) (at time.Time, ok bool) {
	return f.set.ends(p, verified)
}

// Sync asks the feed, and returns when what it told is in force, with an error when it cannot be reached or ctx ends. What was committed
// before Sync was called is then known.
func (f *Follower) Sync(ctx context.Context) error {
	f.mutex.Lock()
	if f.ctx.Err() != nil {
		f.mutex.Unlock()
		return errClosed
	}
	// One that is under way may have read before the caller's commit, so the caller waits for the next.
	if f.waiting == nil {
		f.waiting = &asking{done: make(chan struct{})}
		if !f.asks {
			f.asks = true
			f.running.Go(f.ask)
		}
	}
	mine := f.waiting
	f.mutex.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return fmt.Errorf("revocation: the feed: %w", ctx.Err())
	}
}

var errClosed = errors.New("revocation: the follower is closed")

// ask asks the feed for as long as somebody waits.
func (f *Follower) ask() {
	for {
		f.mutex.Lock()
		current := f.waiting
		f.waiting, f.asks = nil, current != nil
		f.mutex.Unlock()
		if current == nil {
			return
		}
		current.err = f.read()
		close(current.done)
	}
}

// read asks the feed once and applies what it tells.
func (f *Follower) read() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("revocation: the feed panicked with a %T", r)
		}
	}()
	patience := limit
	if f.silence() >= Grace {
		patience = longLimit
	}
	ctx, cancel := context.WithTimeout(f.ctx, patience)
	defer cancel()
	began := time.Since(f.began)
	batch, err := f.feed.Since(ctx, f.after.Load())
	if err == nil && batch.Revision < f.after.Load() && !batch.Reset {
		// It has lost changes. What was told stays in force, and what it has now comes on top.
		batch, err = f.feed.Since(ctx, 0)
		batch.Reset = true
	}
	if err != nil {
		return fmt.Errorf("revocation: the feed: %w", err)
	}
	if f.heard.Load() >= 0 && f.after.Load() == 0 && batch.Revision == 0 {
		batch.Reset = false // Nothing was ever committed, and that was told before: there is nothing to read again.
	}
	f.after.Store(batch.Revision)
	changed := batch.Reset || len(batch.Changes) > 0
	if changed {
		f.set.apply(batch, time.Now())
	}
	f.heard.Store(int64(began))
	f.lapse.Reset(Grace - (time.Since(f.began) - began))
	if changed {
		f.told()
	}
	return nil
}

// pause is the least time between two questions that nobody but the follower itself asks.
const pause = 5 * time.Millisecond

// follow asks the feed whenever it may have news, and at least once in every [Heartbeat].
func (f *Follower) follow() {
	forgot := time.Now()
	for f.ctx.Err() == nil {
		began := time.Now()
		err := f.Sync(f.ctx)
		if time.Since(forgot) >= time.Minute {
			forgot = time.Now()
			f.set.forget(forgot)
		}
		rest := Heartbeat / 4 // where the feed does not tell when it has news
		if err == nil && f.wait() == nil {
			rest = pause
		}
		f.sleep(rest - time.Since(began))
	}
}

// tellLapses tells when the feed has not been heard for [Grace]. It is apart from follow, which may then be waiting for an answer.
func (f *Follower) tellLapses() {
	for {
		select {
		case <-f.lapse.C:
			f.told()
		case <-f.ctx.Done():
			return
		}
	}
}

// wait waits until the feed may have news, a [Heartbeat] at most.
func (f *Follower) wait() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("revocation: the feed panicked with a %T", r)
		}
	}()
	ctx, cancel := context.WithTimeout(f.ctx, Heartbeat)
	defer cancel()
	if err := f.feed.Wait(ctx, f.after.Load()); err != nil && ctx.Err() == nil {
		return fmt.Errorf("revocation: the feed: %w", err)
	}
	return nil
}

func (f *Follower) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.ctx.Done():
	}
}
