// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

const (
	// look is how often the file is looked at while somebody waits.
	look = 20 * time.Millisecond
	// lookTime is how long one look may take.
	lookTime = 2 * time.Second
)

var errClosed = errors.New("sqlite: the store was closed")

// A feed is what a store has heard of changes, and who waits for more. It only ever wakes: what is told comes from the tables.
type feed struct {
	mutex   sync.Mutex    // guards all below
	newest  uint64        // the newest revision that was heard of
	err     error         // why the file could not be looked at, the last time
	wake    chan struct{} // closed, and replaced, when one of the two changes, and when the feed ends
	waiting int           // how many wait
	ended   bool
	stop    context.CancelFunc // ends the goroutine that looks; nil: there is none yet
	stopped chan struct{}      // closed when it has ended
	awaited chan struct{}      // has one while somebody has begun to wait and nobody has looked
}

func newFeed() feed { return feed{wake: make(chan struct{}), awaited: make(chan struct{}, 1)} }

// Wait returns nil when there are changes after the revision, and an error when ctx ends, when the file cannot be looked at, and when
// the store is closed. All who wait share one goroutine.
func (s *Store) Wait(ctx context.Context, after uint64) error {
	f := &s.feed
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.stop == nil && !f.ended {
		ctx, stop := context.WithCancel(context.Background())
		f.stop, f.stopped = stop, make(chan struct{})
		go func() {
			defer close(f.stopped)
			s.follow(ctx)
		}()
	}
	f.waiting++
	defer func() { f.waiting-- }()
	select {
	case f.awaited <- struct{}{}:
	default:
	}
	for f.err = nil; ; {
		switch {
		case f.ended:
			return errClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case f.newest > after:
			return nil
		case f.err != nil:
			return f.err
		}
		wake := f.wake
		f.mutex.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
		}
		f.mutex.Lock()
	}
}

// hear notes that there is a change with this revision; 0: none.
func (f *feed) hear(revision uint64) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if revision > f.newest {
		f.newest = revision
		f.rouse()
	}
}

// correct notes what the file says is the newest revision, or why it could not be asked.
func (f *feed) correct(revision uint64, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if err != nil {
		f.err = err
	} else {
		f.newest = revision // also if it is an older one, than which a change of our own may be newer that the next look will see
	}
	f.rouse()
}

// rouse wakes all who wait; the mutex is held.
func (f *feed) rouse() {
	close(f.wake)
	f.wake = make(chan struct{})
}

func (f *feed) isAwaited() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.waiting > 0
}

// end ends every Wait and the goroutine that looks, and waits for that.
func (f *feed) end() {
	f.mutex.Lock()
	f.ended = true
	f.rouse()
	stop, stopped := f.stop, f.stopped
	f.mutex.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}

// follow looks at the file while somebody waits, until ctx ends.
func (s *Store) follow(ctx context.Context) {
	w := watcher{store: s}
	defer w.forget()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.feed.awaited:
		}
		for s.feed.isAwaited() {
			w.look(ctx)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}
}

// A watcher sees that a file was changed by looking at one number.
type watcher struct {
	store   *Store
	conn    *sql.Conn // the number is the connection's own; nil: there is none
	version int64     // the number that was seen last; 0: none
}

func (w *watcher) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	revision, changed, err := w.revision(ctx)
	switch {
	case err != nil:
		w.forget()
		w.store.feed.correct(0, w.store.failed(ctx, err))
	case changed:
		w.store.feed.correct(revision, nil)
	}
}

// revision returns the newest revision, if the file was changed since the last time.
func (w *watcher) revision(ctx context.Context) (revision uint64, changed bool, err error) {
	if err := w.store.here(); err != nil {
		return 0, false, err
	}
	if w.conn == nil {
		if w.conn, err = w.store.watch.Conn(ctx); err != nil {
			return 0, false, err
		}
	}
	var version int64
	if err := w.conn.QueryRowContext(ctx, "pragma data_version").Scan(&version); err != nil {
		return 0, false, err
	}
	if version == w.version {
		return 0, false, nil
	}
	// What is committed between the two questions makes the next number another, and is asked for once more than needed.
	if err := w.conn.QueryRowContext(ctx, "select revision from admit_state").Scan(&revision); err != nil {
		return 0, false, err
	}
	w.version = version
	return revision, true, nil
}

// forget gives the connection back, and with it what was seen.
func (w *watcher) forget() {
	if w.conn != nil {
		_ = w.conn.Close()
	}
	w.conn, w.version = nil, 0
}
