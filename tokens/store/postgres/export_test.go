// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import "time"

// SetKeep sets how much is kept of what happened, before the store is used.
func (s *Store) SetKeep(every, changes uint64, age time.Duration) {
	s.keep = keep{every: every, changes: changes, age: age}
}
