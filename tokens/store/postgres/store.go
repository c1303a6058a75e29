// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/store/internal/awaited"
)

const (
	connections    = 4                // of the pool, where the URL does not say
	connectTimeout = 5 * time.Second  // where the URL does not say
	longest        = 30 * time.Second // that an operation takes whose context has no earlier end
)

// ErrReadOnly is what methods that would change something return in a store that was opened with [WithReadOnly].
var ErrReadOnly = errors.New("postgres: the store was opened with WithReadOnly; change keys through one that may write")

// A Store keeps API keys and revocations in a PostgreSQL database. [Open] makes it. It is safe for concurrent use.
type Store struct {
	pool     *pgxpool.Pool
	readOnly bool
	keep     keep
	turn     chan struct{} // has a place for one: changes wait here and not on connections, which reads need
	newest   *awaited.Revision
	close    sync.Once
}

var _ store.Store = (*Store)(nil)

// Open connects to the database of a URL, such as postgres://user:password@host:5432/database, and makes or brings up to date the tables
// there, in one transaction; several processes may do that at once. It returns an error when the server cannot be reached before ctx
// ends or 30 s have passed, or when the tables are of a newer version of this package.
//
// The URL may have the parameters of libpq and of pgxpool. Unless it says otherwise there are at most 4 connections, opened as they are needed, and
// one more that listens from the first Wait on; connecting takes at most 5 s to a host. Behind a pooler that multiplexes transactions, add
// default_query_exec_mode=exec where it does not keep prepared statements. Where the server is on another host, write
// sslmode=verify-full: a warning is logged with [slog.Default] if it could be read or impersonated on the way.
func Open(ctx context.Context, rawURL string, opts ...Option) (*Store, error) {
	var c config
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("postgres: a nil option")
		}
		if err := o.apply(&c); err != nil {
			return nil, fmt.Errorf("postgres: %w", err)
		}
	}
	settings, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return nil, mistaken(rawURL, err)
	}
	if !strings.Contains(rawURL, "pool_max_conns") {
		settings.MaxConns = connections
	}
	if settings.ConnConfig.ConnectTimeout == 0 {
		settings.ConnConfig.ConnectTimeout = connectTimeout
	}
	if _, ok := settings.ConnConfig.RuntimeParams["application_name"]; !ok {
		settings.ConnConfig.RuntimeParams["application_name"] = "admit"
	}
	warn(settings.ConnConfig)
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	s := &Store{pool: pool, readOnly: c.readOnly, keep: defaultKeep, turn: make(chan struct{}, 1)}
	s.newest = awaited.NewRevision(s.listen, errClosed)
	if err := s.prepare(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// mistaken says what is wrong with a URL. Where it cannot be told what of the text is the password, nothing of it is repeated; and the
// cause is not wrapped, because it has the whole text in a field.
func mistaken(rawURL string, err error) error {
	if u, broken := url.Parse(rawURL); broken == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		return fmt.Errorf("postgres: %v", err) //nolint:errorlint // see above
	}
	return errors.New("postgres: the URL cannot be read; write postgres://user:password@host:5432/database, special characters of the password escaped as in %40")
}

// warn logs when what goes to a server on another host could be read, or answered, by somebody else.
func warn(c *pgx.ConnConfig) {
	attempts := append([]*pgconn.FallbackConfig{{Host: c.Host, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	for _, a := range attempts {
		verified := a.TLSConfig != nil && (!a.TLSConfig.InsecureSkipVerify || a.TLSConfig.VerifyPeerCertificate != nil) // it is set for verify-ca
		local := strings.HasPrefix(a.Host, "/") || a.Host == "localhost" || net.ParseIP(a.Host).IsLoopback()
		if !verified && !local {
			slog.Warn("postgres: the server is not verified; who can answer in its place decides which keys are good. Use sslmode=verify-full",
				"host", a.Host)
			return
		}
	}
}

// Close ends every Wait with an error, waits for what is under way, and closes the connections. It may be called more than once.
func (s *Store) Close() error {
	s.close.Do(func() {
		s.newest.Close()
		s.pool.Close()
	})
	return nil
}

// read asks the database, and asks again if the first connection it was given turns out to be dead, as all are after the server was restarted.
func (s *Store) read(ctx context.Context, query func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	err := query(ctx)
	if lost(ctx, err) {
		s.pool.Reset()
		err = query(ctx)
	}
	return err
}

// write runs change in a transaction that no other change interleaves with.
func (s *Store) write(ctx context.Context, change func(context.Context, pgx.Tx) error) error {
	if s.readOnly {
		return ErrReadOnly
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	began := false
	attempt := func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, lock); err != nil {
				return err
			}
			began = true
			return change(ctx, tx)
		})
	}
	err := attempt(ctx)
	if !began && lost(ctx, err) { // nothing was changed
		s.pool.Reset()
		err = attempt(ctx)
	}
	return err
}

// lock takes the lock of changes until the transaction ends. A writer that is stopped in its middle loses the lock with its connection. What is
// acknowledged must be on disk, whatever the role's default is.
const lock = `select set_config('idle_in_transaction_session_timeout', '10s', true),
	set_config('synchronous_commit', case current_setting('synchronous_commit') when 'off' then 'on' else current_setting('synchronous_commit') end, true),
	pg_advisory_xact_lock(` + lockClass + ` + to_regclass('admit_state')::oid::bigint)`

// lockClass keeps our advisory locks, which are by the oid of a table, apart from those of others in the database.
const lockClass = `(1633971572::bigint << 32)` // "admt"

// lost reports whether a connection that had been made is dead, in which case another one may do.
func lost(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil {
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return false // it was not made
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "57P01" || e.Code == "57P02" || e.Code == "57P05" // shut down, crashed, idle for too long
	}
	_, network := errors.AsType[net.Error](err)
	return network || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// wrapped puts our name before an error of the driver. Of one that has the settings in a field, password included, only the cause is kept.
func wrapped(err error) error {
	if err == nil || errors.Is(err, ErrReadOnly) {
		return err
	}
	if e, ok := errors.AsType[*pgconn.ConnectError](err); ok && e.Unwrap() != nil {
		return fmt.Errorf("postgres: the server cannot be reached: %w", e.Unwrap())
	}
	return fmt.Errorf("postgres: %w", err)
}
