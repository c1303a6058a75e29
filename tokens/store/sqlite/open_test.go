// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

// raw runs statements in a file without the store.
func raw(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		path  string // in a folder of its own
		setUp func(t *testing.T, path string)
		opts  []sqlite.Option
		want  string
	}{
		{"no folder", "none/keys.db", nil, nil, "no such file or directory"},
		{"a folder", ".", nil, nil, "is not a file"},
		{"not there, to be read", "keys.db", nil, []sqlite.Option{sqlite.WithReadOnly()}, "there is no file"},
		{"nil option", "keys.db", nil, []sqlite.Option{nil}, "an option is nil"},
		{"no database", "keys.db", write(strings.Repeat("no database\n", 500)), nil, "is no SQLite database"},
		{"no database, to be read", "keys.db", write(strings.Repeat("no database\n", 500)), []sqlite.Option{sqlite.WithReadOnly()}, "is no SQLite database"},
		{"a few bytes", "keys.db", write("key,value\n"), nil, "is no SQLite database"},
		{"another's database", "keys.db", execute("create table t (x)"), nil, "is a database of something else"},
		{"another's application", "keys.db", execute("pragma application_id = 1"), nil, "is a database of something else"},
		{"another's version", "keys.db", execute("pragma user_version = 1"), nil, "is a database of something else"},
		{"empty, to be read", "keys.db", write(""), []sqlite.Option{sqlite.WithReadOnly()}, "has no tables, and this program needs version 1; open it once"},
		{"newer", "keys.db", newer, nil, "tables of version 77, which a newer program made"},
		{"newer, to be read", "keys.db", newer, []sqlite.Option{sqlite.WithReadOnly()}, "tables of version 77, which a newer program made"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), tt.path)
			if tt.setUp != nil {
				tt.setUp(t, path)
			}
			before, _ := os.ReadFile(path)
			s, err := sqlite.Open(t.Context(), path, tt.opts...)
			if s != nil || err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "sqlite: ") ||
				strings.Count(err.Error(), "sqlite: ") != 1 {
				t.Errorf("store %v, error %v, want %q", s != nil, err, tt.want)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
	for _, path := range []string{"", ":memory:", "file:keys.db?mode=memory"} {
		if s, err := sqlite.Open(t.Context(), path); s != nil || err == nil || !strings.Contains(err.Error(), "not the path of a file") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func write(text string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func execute(statement string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		raw(t, path, statement)
	}
}

func newer(t *testing.T, path string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, path, "pragma user_version = 77")
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "keys.db")); s != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestNewFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	s := open(t, path)
	if _, err := s.Revoke(t.Context(), revocation.Revocation{Target: revocation.Token, Value: "t"}); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("keys.db%s has mode %o", suffix, mode)
		}
	}
}

// TestReadOnlyAlone opens a file that nobody else has open.
func TestReadOnlyAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	_, record, err := apikey.New(apikey.Spec{UserID: "user_1"})
	if err != nil {
		t.Fatal(err)
	}
	writer := open(t, path)
	if err := writer.Insert(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	reader := open(t, path, sqlite.WithReadOnly())
	if _, err := reader.Lookup(t.Context(), record.ID); err != nil {
		t.Error(err)
	}
	if err := reader.Insert(t.Context(), record); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("Insert: %v", err)
	}
}

// TestFileReplaced notices that what others change is another file.
func TestFileReplaced(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(path string) error{
		"removed": os.Remove,
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", nil, 0o600), os.Rename(path+".new", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.db")
			s := open(t, path)
			waits := make(chan error, 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			batch, err := s.Since(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			go func() { waits <- s.Wait(ctx, batch.Revision) }()
			if err := replace(path); err != nil {
				t.Fatal(err)
			}
			if err := <-waits; err == nil || ctx.Err() != nil {
				t.Errorf("Wait: %v", err)
			}
			_, lookup := s.Lookup(t.Context(), "a")
			_, since := s.Since(t.Context(), 0)
			_, revoke := s.Revoke(t.Context(), revocation.Revocation{Target: revocation.Key, Value: "a"})
			for _, err := range []error{lookup, since, revoke} {
				if err == nil || errors.Is(err, apikey.ErrNotFound) || !strings.Contains(err.Error(), "the file") {
					t.Errorf("error %v", err)
				}
			}
		})
	}
}

// TestOldChangesAreForgotten has no feed told one by one what is older than a day, or more than is kept.
func TestOldChangesAreForgotten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	s := open(t, path)
	revoke := func(many int) (last uint64) {
		for range many {
			revision, err := s.Revoke(t.Context(), revocation.Revocation{Target: revocation.Token, Value: "t", Until: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			last = revision
		}
		return last
	}
	revoke(200)
	raw(t, path, "update admit_change set at = at - 25 * 60 * 60 * 1000000 where revision <= 150",
		"update admit_revocation set until = until - 2 * 60 * 60 * 1000000")
	last := revoke(100) // prunes with the 256th
	for after, reset := range map[uint64]bool{1: true, 149: true, 150: false, 299: false, last: false} {
		batch, err := s.Since(t.Context(), after)
		if err != nil || batch.Reset != reset || batch.Revision != last || !reset && uint64(len(batch.Changes)) != last-after {
			t.Errorf("after %d: reset %t, %d changes, %v", after, batch.Reset, len(batch.Changes), err)
		}
	}
}

// TestBusyWriter waits for a writer, until its context ends.
func TestBusyWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	a, b := open(t, path), open(t, path)
	_, record, err := apikey.New(apikey.Spec{UserID: "user_1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Insert(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	_, err = a.Change(t.Context(), record.ID, func(*apikey.Record) (*apikey.Record, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := b.Revoke(ctx, revocation.Revocation{Target: revocation.Token, Value: "t"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("another handle: %v", err)
		}
		if _, err := a.Revoke(ctx, revocation.Revocation{Target: revocation.Token, Value: "t"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the same handle: %v", err)
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Revoke(t.Context(), revocation.Revocation{Target: revocation.Token, Value: "t"}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
