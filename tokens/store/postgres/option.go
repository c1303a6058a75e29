// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

// An Option configures [Open].
type Option interface{ apply(c *config) error }

type config struct {
	readOnly bool
}

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

// WithReadOnly opens the store for a server that only verifies: its role needs no right but SELECT. The tables must have been made
// by a store that may write and be those of this version, and every method that would change something returns [ErrReadOnly].
func WithReadOnly() Option {
	return option(func(c *config) error {
		c.readOnly = true
		return nil
	})
}
