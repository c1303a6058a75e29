// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package awaited lets many wait for the next revision of a database, for whom one goroutine listens.
package awaited

import (
	"context"
	"sync"
)

// A Revision is the newest one that was heard of, and who waits for a newer one. It only ever wakes: what is told comes from the tables.
// Make it with [NewRevision]; it is safe for concurrent use.
type Revision struct {
	listen func(context.Context)
	closed error
	begun  chan struct{} // has one while somebody has begun to wait and nobody has taken it

	mutex   sync.Mutex    // guards all below
	newest  uint64        // the newest revision that was heard of
	breaks  uint64        // how often something may have been missed
	missed  error         // why, the last time; nil: it may be asked for
	wake    chan struct{} // closed, and replaced, when one of these changes, and at the end
	waiting int           // how many wait
	ended   bool
	stop    context.CancelFunc // ends the goroutine that listens; nil: there is none yet
	stopped chan struct{}      // closed when it has ended
}

// NewRevision returns a revision for which listen hears of changes. It runs on a goroutine of its own, from the first Wait on, and must return
// soon after its context has ended. Who waits when the revision is closed, or later, gets the error.
func NewRevision(listen func(context.Context), closed error) *Revision {
	return &Revision{listen: listen, closed: closed, begun: make(chan struct{}, 1), wake: make(chan struct{})}
}

// Wait returns nil when a later revision was heard of, or may have been missed, and an error when ctx ends, when the revision is closed, and
// the one that [Revision.Miss] was given, if any.
func (r *Revision) Wait(ctx context.Context, after uint64) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.begin()
	r.waiting++
	defer func() { r.waiting-- }()
	select {
	case r.begun <- struct{}{}:
	default:
	}
	for breaks := r.breaks; ; {
		switch {
		case r.ended:
			return r.closed
		case ctx.Err() != nil:
			return ctx.Err() //nolint:wrapcheck // It is the caller's own.
		case r.newest > after:
			return nil
		case r.breaks != breaks:
			return r.missed
		}
		wake := r.wake
		r.mutex.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
		}
		r.mutex.Lock()
	}
}

// begin begins to listen; the mutex is held.
func (r *Revision) begin() {
	if r.stop != nil || r.ended {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop, r.stopped = stop, make(chan struct{})
	go func() {
		defer close(r.stopped)
		r.listen(ctx)
	}()
}

// Hear notes that there is a change with this revision; 0: none.
func (r *Revision) Hear(revision uint64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if revision > r.newest {
		r.newest = revision
		r.rouse()
	}
}

// Miss notes that something may have been missed: all who wait return, with the error if there is one, which says that it cannot be asked for
// either.
func (r *Revision) Miss(err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.miss(err)
}

// miss is Miss with the mutex held.
func (r *Revision) miss(err error) {
	r.breaks++
	r.missed = err
	r.rouse()
}

// Newest returns the newest revision that was heard of. It is asked before the tables are, for [Revision.Correct].
func (r *Revision) Newest() uint64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.newest
}

// Correct notes what the tables say is the newest revision, and reports whether it is news. If it is older than what had been heard before
// they were asked, then the database has lost changes, or somebody who is none of us told of one.
func (r *Revision) Correct(heard, revision uint64) (news bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	switch {
	case revision > r.newest:
		r.newest = revision
		r.rouse()
		return true
	case revision < heard && heard == r.newest:
		r.newest = revision
		r.miss(nil)
	}
	return false
}

// rouse wakes all who wait; the mutex is held.
func (r *Revision) rouse() {
	close(r.wake)
	r.wake = make(chan struct{})
}

// Awaited reports whether somebody waits.
func (r *Revision) Awaited() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.waiting > 0
}

// Begun returns a channel that has one when somebody has begun to wait.
func (r *Revision) Begun() <-chan struct{} { return r.begun }

// Close ends every Wait and the goroutine that listens, and waits for that.
func (r *Revision) Close() {
	r.mutex.Lock()
	r.ended = true
	r.rouse()
	stop, stopped := r.stop, r.stopped
	r.mutex.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}
