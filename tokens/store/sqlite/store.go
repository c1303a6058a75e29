// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/store/internal/awaited"
)

const (
	readers  = 4                // connections that read
	patience = 10 * time.Second // for which a writer waits for others, where its context does not end earlier
	pause    = 2 * time.Millisecond
	// SQLite does not look at contexts while it waits for a lock, so a writer asks often, and waits itself.
	writerBusy = 20 * time.Millisecond
	// Readers wait for others only where one was killed, until its log has been read.
	readerBusy = time.Second
)

// ErrReadOnly is what methods that would change something return in a store that was opened with [WithReadOnly].
var ErrReadOnly = errors.New("sqlite: the store was opened with WithReadOnly; change keys through one that may write")

// A Store keeps API keys and revocations in a SQLite file. [Open] makes it. It is safe for concurrent use.
type Store struct {
	path   string
	file   fs.FileInfo // of the file that was opened
	read   *sql.DB
	write  *sql.DB // one connection; nil: the store is read-only
	watch  *sql.DB // one connection, of the goroutine that looks for changes
	lookup *sql.Stmt
	keep   keep
	newest *awaited.Revision
	close  sync.Once
	closed error
}

var _ store.Store = (*Store)(nil)

// Open opens the file at a path, which is made if it is not there, for its owner alone, and makes or brings up to date the tables in it, in one
// transaction; several processes may do that at once. The folder must be there. Call Close when the store is no longer used.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	var c config
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("sqlite: an option is nil")
		}
		if err := o.apply(&c); err != nil {
			return nil, fmt.Errorf("sqlite: %w", err)
		}
	}
	if path == "" || path == ":memory:" || strings.HasPrefix(path, "file:") {
		return nil, fmt.Errorf("sqlite: %q is not the path of a file; to keep keys in memory there is apikey.NewMemoryStore", path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	file, err := find(path, c.readOnly)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	s := &Store{path: path, file: file, keep: defaultKeep}
	s.newest = awaited.NewRevision(s.follow, errClosed)
	if err := s.open(ctx, c.readOnly); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// creating keeps the only code that opens files beside SQLite from doing so while SQLite does: to close a file ends all locks that the process has
// on it, those of other stores too.
var creating sync.Mutex

// find returns what is at a path, and makes an empty file, which is an empty database, if nothing is.
func find(path string, readOnly bool) (fs.FileInfo, error) {
	creating.Lock()
	defer creating.Unlock()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && !readOnly {
		var file *os.File
		// Only a new file is opened: nobody in this process has locks on it yet.
		if file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil { //nolint:gosec // Which file is the caller's to say.
			err = file.Close()
		}
		if err == nil || errors.Is(err, fs.ErrExist) {
			info, err = os.Stat(path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && readOnly:
		return nil, fmt.Errorf("there is no file %s; open it once without WithReadOnly, which makes it", path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	}
	return info, nil
}

// open makes the connections.
func (s *Store) open(ctx context.Context, readOnly bool) (err error) {
	if !readOnly {
		if s.write, err = s.pool(1, writerBusy, "mode=rw", "_txlock=immediate"); err != nil {
			return err
		}
		if err := s.prepare(ctx); err != nil {
			return err
		}
	}
	mode := []string{"mode=rw", "_query_only=1"}
	if readOnly {
		mode[0] = "mode=ro"
	}
	if s.read, err = s.pool(readers, readerBusy, mode...); err != nil {
		return err
	}
	if s.watch, err = s.pool(1, readerBusy, mode...); err != nil {
		return err
	}
	if readOnly {
		if err := s.ready(ctx); err != nil {
			return err
		}
	}
	s.lookup, err = s.read.PrepareContext(ctx, "select "+columns+" from admit_key where id = ?")
	return s.failed(ctx, err)
}

// pool opens a number of connections, as they are needed.
func (s *Store) pool(connections int, busy time.Duration, parameters ...string) (*sql.DB, error) {
	slashed := filepath.ToSlash(s.path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/keys.db
	}
	// Every connection syncs, whatever it is used for. The rest makes a file that was tampered with less of a tool.
	parameters = append(parameters, "_synchronous=FULL", "_foreign_keys=1", fmt.Sprintf("_busy_timeout=%d", busy.Milliseconds()),
		"_defensive=1", "_dqs=0", "_pragma=trusted_schema(0)", "_error_rc=1")
	name := url.URL{Scheme: "file", Path: slashed, RawQuery: strings.Join(parameters, "&")}
	connector, err := driver.NewConnector(name.String())
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// Close ends every Wait with an error, waits for what is under way, and closes the connections. It may be called more than once.
func (s *Store) Close() error {
	s.close.Do(func() {
		s.newest.Close()
		var errs []error
		if s.lookup != nil {
			errs = append(errs, s.lookup.Close())
		}
		for _, db := range []*sql.DB{s.watch, s.read, s.write} { // The last to close it takes over the log.
			if db != nil {
				errs = append(errs, db.Close())
			}
		}
		if err := errors.Join(errs...); err != nil {
			s.closed = fmt.Errorf("sqlite: %w", err)
		}
	})
	return s.closed
}

// here returns an error if the file is no longer the one that was opened: others then see another.
func (s *Store) here() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("sqlite: the file of the store is gone: %w", err)
	}
	if !os.SameFile(info, s.file) {
		return fmt.Errorf("sqlite: the file %s was replaced since it was opened; open the store again", s.path)
	}
	return nil
}

// change runs do in a transaction that no other change interleaves with, of whatever process, and commits it unless do returns an error.
func (s *Store) change(ctx context.Context, do func(tx *sql.Tx) error) (err error) {
	if s.write == nil {
		return ErrReadOnly
	}
	if err := s.here(); err != nil {
		return err
	}
	tx, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// begin waits until it may write.
func (s *Store) begin(ctx context.Context) (tx *sql.Tx, err error) {
	err = patiently(ctx, func() error {
		tx, err = s.write.BeginTx(ctx, nil)
		return err
	})
	return tx, err
}

// patiently does something again until no other process is in its way.
func patiently(ctx context.Context, do func() error) error {
	for began := time.Now(); ; {
		err := do()
		if !isBusy(err) {
			return err
		}
		if time.Since(began) > patience {
			return fmt.Errorf("others have been writing to the file for %s: %w", patience, err)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// code returns SQLite's code for an error, the extended one if there is; 0 for errors of others.
func code(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code()
	}
	return 0
}

func isBusy(err error) bool {
	primary := code(err) & 0xff
	return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
}

// failed says what an error means to the caller.
func (s *Store) failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, apikey.ErrNotFound), errors.Is(err, apikey.ErrExists), strings.HasPrefix(err.Error(), "sqlite: "):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("sqlite: %w", ctx.Err()) // and not how SQLite was interrupted
	case code(err)&0xff == sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("sqlite: %s is no SQLite database", s.path)
	default:
		return fmt.Errorf("sqlite: %w", err)
	}
}
