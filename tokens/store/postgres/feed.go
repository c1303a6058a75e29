// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
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
	revisionNow  = "select revision from admit_state"
)

var errClosed = errors.New("postgres: the store was closed")

// Wait returns nil when there may be changes after the revision. The first one begins to listen, on a connection of its own, which is made
// again when it is lost. Those who wait then return, for something may have been missed, and so they do after each attempt to listen while the
// server cannot be reached.
func (s *Store) Wait(ctx context.Context, after uint64) error { return s.newest.Wait(ctx, after) }

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
		s.newest.Miss(nil)
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
	s.newest.Miss(nil) // what was committed before we listened
	for {
		waiting, cancel := context.WithTimeout(ctx, heartbeat)
		notification, err := conn.WaitForNotification(waiting)
		cancel()
		switch {
		case err == nil:
			if revision, err := strconv.ParseUint(notification.Payload, 10, 63); err == nil {
				s.newest.Hear(revision)
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
	if !s.newest.Awaited() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	heard := s.newest.Newest()
	var revision uint64
	err := s.read(ctx, func(ctx context.Context) error { return s.pool.QueryRow(ctx, revisionNow).Scan(&revision) })
	if err != nil {
		return false // Since says so, to who can do something about it
	}
	return s.newest.Correct(heard, revision)
}
