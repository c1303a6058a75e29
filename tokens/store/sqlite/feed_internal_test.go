// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"testing"
)

// A file that lost a change of our own, of which we heard while it was looked at, is looked at once more.
func TestLostWhileLookedAt(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := watcher{store: s, version: 9}
	s.newest.Hear(6)
	if w.tell(5, 2); w.version != 0 || s.newest.Newest() != 6 {
		t.Errorf("version %d, newest %d: it is not looked at again", w.version, s.newest.Newest())
	}
	w.version = 9
	if w.tell(6, 2); w.version != 9 || s.newest.Newest() != 2 {
		t.Errorf("version %d, newest %d", w.version, s.newest.Newest())
	}
	if w.tell(2, 3); w.version != 9 || s.newest.Newest() != 3 {
		t.Errorf("version %d, newest %d", w.version, s.newest.Newest())
	}
}
