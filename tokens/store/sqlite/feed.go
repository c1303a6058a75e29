// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	// look is how often the file is looked at while somebody waits.
	look = 20 * time.Millisecond
	// lookTime is how long one look may take.
	lookTime = 2 * time.Second
)

var errClosed = errors.New("sqlite: the store was closed")

// Wait returns nil when there may be changes after the revision, and an error when ctx ends, when the file cannot be looked at, and when
// the store is closed. All who wait share one goroutine.
func (s *Store) Wait(ctx context.Context, after uint64) error { return s.newest.Wait(ctx, after) }

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
		case <-s.newest.Begun():
		}
		for s.newest.Awaited() {
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
	heard := w.store.newest.Newest()
	revision, changed, err := w.revision(ctx)
	switch {
	case err != nil:
		w.forget()
		w.store.newest.Miss(w.store.failed(ctx, err))
	case changed:
		w.tell(heard, revision)
	}
}

// tell tells what the file said, and what had been heard before it was asked. If a change of our own was heard of meanwhile, then the file
// may have lost it since, and is asked once more.
func (w *watcher) tell(heard, revision uint64) {
	w.store.newest.Correct(heard, revision)
	if w.store.newest.Newest() > revision {
		w.version = 0
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
