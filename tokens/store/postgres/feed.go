// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	heartbeat    = time.Second           // between two questions for the newest revision while somebody waits
	patience     = 2 * time.Second       // with one such question
	firstBackoff = 50 * time.Millisecond // before listening again
	lastBackoff  = time.Second           // and after many failures
	listening    = "select 'listen \"' || " + channel + " || '\"'"
	newest       = "select revision from admit_state"
)

var errClosed = errors.New("postgres: the store was closed")

// A feed is what a store has heard of changes, and who waits for more. It only ever wakes: what is told comes from the tables.
type feed struct {
	mutex   sync.Mutex    // guards all below
	newest  uint64        // the newest revision that was heard of
	breaks  uint64        // how often something may have been missed
	wake    chan struct{} // closed, and replaced, when one of the two changes, and when the feed ends
	waiting int           // how many wait
	ended   bool
	stop    context.CancelFunc // ends the goroutine that listens; nil: there is none yet
	stopped chan struct{}      // closed when it has ended
}

// Wait returns nil when there may be changes after the revision. The first one begins to listen, on a connection of its own, which is made
// again when it is lost; those who wait then return, for something may have been missed. While the server cannot be reached Wait waits.
func (s *Store) Wait(ctx context.Context, after uint64) error {
	f := &s.feed
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.stop == nil && !f.ended {
		listen, stop := context.WithCancel(context.Background())
		f.stop, f.stopped = stop, make(chan struct{})
		go func() {
			defer close(f.stopped)
			s.listen(listen)
		}()
	}
	f.waiting++
	defer func() { f.waiting-- }()
	for breaks := f.breaks; ; {
		switch {
		case f.ended:
			return errClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case f.newest > after || f.breaks != breaks:
			return nil
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

// miss notes that something may have been missed.
func (f *feed) miss() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.breaks++
	f.rouse()
}

// heard returns the newest revision that was heard of. It is asked before the tables are, for [feed.correct].
func (f *feed) heard() uint64 {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.newest
}

// correct notes what the tables say is the newest revision, and reports whether it is news. If it is older than what had been heard before
// they were asked, then the database has lost changes, or somebody who is none of us notified.
func (f *feed) correct(heard, revision uint64) (news bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	switch {
	case revision > f.newest:
		f.newest = revision
		f.rouse()
		return true
	case revision < heard && heard == f.newest:
		f.newest = revision
		f.breaks++
		f.rouse()
	}
	return false
}

// rouse wakes all who wait; the mutex is held.
func (f *feed) rouse() {
	close(f.wake)
	f.wake = make(chan struct{})
}

func (f *feed) awaited() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.waiting > 0
}

// end ends every Wait and the goroutine that listens, and waits for that.
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

// listen hears of changes until ctx ends.
func (s *Store) listen(ctx context.Context) {
	backoff, failing := firstBackoff, false
	for {
		began := time.Now()
		err := s.follow(ctx, func() {
			if failing {
				slog.Info("postgres: changes are heard of again")
			}
			failing = false
		})
		if ctx.Err() != nil {
			return
		}
		if !failing {
			slog.Warn("postgres: cannot listen for changes; they are asked for once a second", "error", wrapped(err))
		}
		failing = true
		s.feed.miss()
		if time.Since(began) > 10*lastBackoff {
			backoff = firstBackoff
		}
		pause := time.NewTimer(backoff/2 + rand.N(backoff/2)) //nolint:gosec // so that servers do not come back all at once
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		backoff = min(2*backoff, lastBackoff)
		s.beat(ctx)
	}
}

// follow listens on a connection of its own until that fails.
func (s *Store) follow(ctx context.Context, ready func()) error {
	conn, err := s.subscribe(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing) // there is nobody to tell
	}()
	ready()
	s.feed.miss() // what was committed before we listened
	for {
		waiting, cancel := context.WithTimeout(ctx, heartbeat)
		notification, err := conn.WaitForNotification(waiting)
		cancel()
		switch {
		case err == nil:
			if revision, err := strconv.ParseUint(notification.Payload, 10, 63); err == nil {
				s.feed.hear(revision)
			}
		case ctx.Err() != nil || conn.IsClosed() || !pgconn.Timeout(err):
			return err
		default:
			if err := s.check(ctx, conn); err != nil {
				return err
			}
		}
	}
}

// check asks for the newest revision, and whether the connection that listens is deaf if that is news to us.
func (s *Store) check(ctx context.Context, conn *pgx.Conn) error {
	if !s.beat(ctx) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return conn.Ping(ctx)
}

// subscribe makes a connection that listens.
func (s *Store) subscribe(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	var command string
	err = conn.QueryRow(ctx, listening).Scan(&command)
	if err == nil {
		_, err = conn.Exec(ctx, command)
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// beat asks for the newest revision, if somebody waits for it, and reports whether it is news. It asks on a connection of the pool: the one
// that listens may be dead without knowing.
func (s *Store) beat(ctx context.Context) (news bool) {
	if !s.feed.awaited() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	heard := s.feed.heard()
	var revision uint64
	err := s.read(ctx, func(ctx context.Context) error { return s.pool.QueryRow(ctx, newest).Scan(&revision) })
	if err != nil {
		return false // Since says so, to who can do something about it
	}
	return s.feed.correct(heard, revision)
}
