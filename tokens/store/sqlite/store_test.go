// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/store/sqlite"
	"github.com/admitrpc/admit/tokens/store/storetest"
)

func open(tb testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), path, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Place {
		t.Helper()
		path := filepath.Join(t.TempDir(), "keys ?#%41&ü.db")
		return storetest.Place{
			Open:         func(t *testing.T) store.Store { t.Helper(); return open(t, path) },
			OpenReadOnly: func(t *testing.T) store.Store { t.Helper(); return open(t, path, sqlite.WithReadOnly()) },
			Forget: func(t *testing.T, s store.Store) {
				t.Helper()
				s.(*sqlite.Store).Forget(t)
			},
		}
	})
}
