// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql"
	"testing"
)

// Forget prunes all changes up to now.
func (s *Store) Forget(tb testing.TB) {
	tb.Helper()
	kept := s.keep
	s.keep.changes = 0
	defer func() { s.keep = kept }()
	err := s.change(tb.Context(), func(tx *sql.Tx) error {
		var revision uint64
		if err := tx.QueryRowContext(tb.Context(), "select revision from admit_state").Scan(&revision); err != nil {
			return err
		}
		return s.prune(tb.Context(), tx, revision)
	})
	if err != nil {
		tb.Fatal(err)
	}
}
