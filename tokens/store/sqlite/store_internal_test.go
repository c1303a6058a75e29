// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// TestEveryConnectionSyncs asks each connection that a store has for what durability and safety need.
func TestEveryConnectionSyncs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	for _, opts := range [][]Option{nil, {WithReadOnly()}} {
		s, err := Open(t.Context(), path, opts...)
		if err != nil {
			t.Fatal(err)
		}
		for name, pool := range map[string]struct {
			db          *sql.DB
			connections int
			queryOnly   string
		}{"write": {s.write, 1, "0"}, "read": {s.read, readers, "1"}, "watch": {s.watch, 1, "1"}} {
			if pool.db == nil {
				continue
			}
			var held []*sql.Conn
			for range pool.connections {
				conn, err := pool.db.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				held = append(held, conn)
				for pragma, want := range map[string]string{
					"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "trusted_schema": "0", "query_only": pool.queryOnly,
				} {
					var got string
					if err := conn.QueryRowContext(t.Context(), "pragma "+pragma).Scan(&got); err != nil || got != want {
						t.Errorf("%s: %s is %q, want %q: %v", name, pragma, got, want, err)
					}
				}
			}
			if open := pool.db.Stats().OpenConnections; open != pool.connections {
				t.Errorf("%s: %d connections, want %d", name, open, pool.connections)
			}
			for _, conn := range held {
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
