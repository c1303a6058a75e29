// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/store/postgres"
	"github.com/admitrpc/admit/tokens/store/postgrestest"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

// The stores that are measured.
const (
	sqliteStore   = "sqlite"
	postgresStore = "postgres"
)

// A place is where a store is: a file of SQLite, or the URL of a PostgreSQL database.
type place struct {
	Kind  string `json:"kind"`
	Where string `json:"where"`
}

// open opens the store. A replica opens it readOnly.
func (p place) open(ctx context.Context, readOnly bool) (store.Store, error) {
	switch p.Kind {
	case sqliteStore:
		var options []sqlite.Option
		if readOnly {
			options = append(options, sqlite.WithReadOnly())
		}
		return sqlite.Open(ctx, p.Where, options...)
	case postgresStore:
		var options []postgres.Option
		if readOnly {
			options = append(options, postgres.WithReadOnly())
		}
		return postgres.Open(ctx, p.Where, options...)
	default:
		return nil, fmt.Errorf("%q is not a store; write %s, %s or all", p.Kind, sqliteStore, postgresStore)
	}
}

// A ground is a place of one's own, and what can be done to it.
type ground struct {
	place

	server *postgrestest.Server // nil: there is none that could be stopped
	close  func() error
}

// newGround makes an empty place. The error is [postgrestest.ErrNotInstalled] where there is no PostgreSQL to start.
func newGround(ctx context.Context, kind string) (*ground, error) {
	switch kind {
	case sqliteStore:
		dir, err := os.MkdirTemp("", "admit-revocation-")
		if err != nil {
			return nil, err
		}
		return &ground{place: place{kind, filepath.Join(dir, "keys.db")}, close: func() error { return os.RemoveAll(dir) }}, nil
	case postgresStore:
		server, err := postgrestest.Launch(ctx)
		if err != nil {
			return nil, err
		}
		return &ground{place: place{kind, server.URL()}, server: server, close: server.Close}, nil
	}
	_, err := place{Kind: kind}.open(ctx, true) // which says what is wrong with it
	return nil, err
}
