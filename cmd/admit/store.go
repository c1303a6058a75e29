// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/store/postgres"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

// storeVariable names the store where no flag does.
const storeVariable = "ADMIT_STORE"

// A place is where a store is.
type place struct {
	// source is a file or a URL. A URL may contain a password.
	source string
	// name is for people and has no password.
	name string
	// postgres says that the source is a URL.
	postgres bool
}

// common are the flags of every command.
type common struct {
	store string
	json  bool
}

func (c *common) define(flags *flag.FlagSet) {
	flags.StringVar(&c.store, "store", "", "the SQLite `file`, or the URL of a PostgreSQL database; default: what "+storeVariable+" says")
	flags.BoolVar(&c.json, "json", false, "write JSON to stdout")
}

// place returns where the store is, without asking it.
func (c *common) place(p *program) (place, error) {
	source := c.store
	if source == "" {
		source = p.getenv(storeVariable)
	}
	scheme, _, isURL := strings.Cut(source, "://")
	scheme = strings.ToLower(scheme)
	switch {
	case source == "":
		return place{}, usagef("which store? write -store keys.db or -store postgres://user@host/database, or set %s", storeVariable)
	case isURL && (scheme == "postgres" || scheme == "postgresql"):
		parsed, err := url.Parse(source)
		// The error would tell the URL; and before an at sign that ends no name, who knows what is the password.
		if err != nil || parsed.User == nil && strings.Contains(source, "@") {
			return place{}, usagef("the URL of the store cannot be read; write postgres://user@host/database, with %%40 for an @ in a password, and so on")
		}
		bare := url.URL{Scheme: "postgres", Host: parsed.Host, Path: parsed.Path}
		if user := parsed.User.Username(); user != "" {
			bare.User = url.User(user)
		}
		return place{source: source, name: bare.String(), postgres: true}, nil
	case isURL || strings.HasPrefix(source, "file:"), strings.HasPrefix(source, "postgres:"), namedPassword.MatchString(source):
		return place{}, usagef("a store is a file or a URL as postgres://user@host/database; this one is neither")
	default:
		return place{source: source, name: source}, nil
	}
}

// An access is what a command does with a store.
type access int

const (
	reads   access = iota // needs no right to write
	changes               // what is there
	makes                 // something new, a SQLite file too if it is not there
)

// use opens the store, does something with it, and closes it.
func (w place) use(ctx context.Context, how access, do func(store.Store) error) (err error) {
	opened, err := w.open(ctx, how)
	if err != nil {
		return err
	}
	defer func() {
		if closing := opened.Close(); closing != nil {
			err = errors.Join(err, fmt.Errorf("closing the store %s: %w", w.name, closing))
		}
	}()
	return do(opened)
}

func (w place) open(ctx context.Context, how access) (store.Store, error) {
	opened, err := w.connect(ctx, how)
	switch {
	case err == nil:
		return opened, nil
	case strings.Contains(err.Error(), "without WithReadOnly"): // an advice for programs
		return nil, fmt.Errorf("the store %s: %w (`admit keys create` does that)", w.name, err)
	default:
		return nil, fmt.Errorf("the store %s: %w", w.name, err)
	}
}

func (w place) connect(ctx context.Context, how access) (store.Store, error) {
	if w.postgres {
		var opts []postgres.Option
		if how == reads {
			opts = append(opts, postgres.WithReadOnly())
		}
		return postgres.Open(ctx, w.source, opts...)
	}
	info, err := os.Stat(w.source)
	switch {
	case errors.Is(err, fs.ErrNotExist) && how != makes:
		return nil, errors.New("it is not there; `admit keys create` makes it, or name another with -store")
	case err == nil && info.IsDir():
		return nil, errors.New("it is a folder; name a file in it")
	}
	var opts []sqlite.Option
	if how == reads {
		opts = append(opts, sqlite.WithReadOnly())
	}
	return sqlite.Open(ctx, w.source, opts...)
}
