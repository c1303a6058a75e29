// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite

// An Option configures [Open].
type Option interface{ apply(c *config) error }

type config struct {
	readOnly bool
}

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

// WithReadOnly opens the file for a server that only verifies. The file must be there and have the tables of this version, which a store
// that may write makes; every method that would change something returns [ErrReadOnly]. Default: the file is made and brought up to date.
func WithReadOnly() Option {
	return option(func(c *config) error {
		c.readOnly = true
		return nil
	})
}
