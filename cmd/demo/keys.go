// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

// A keyFile is a file of API keys and revocations, opened twice: once as a server opens it, and once as whoever administers the keys does,
// in another process as a rule.
type keyFile struct {
	path           string
	served, edited *sqlite.Store
	keys           *apikey.Keys
}

// openKeys makes a new file. Whatever has the name and is one of ours is of an earlier demo.
func openKeys(ctx context.Context, path string) (f *keyFile, err error) {
	f = &keyFile{path: path}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	f.remove()
	if f.edited, err = sqlite.Open(ctx, path); err != nil {
		return nil, fmt.Errorf("keep keys: %w", err)
	}
	if f.served, err = sqlite.Open(ctx, path, sqlite.WithReadOnly()); err != nil {
		return nil, fmt.Errorf("keep keys: %w", err)
	}
	if f.keys, err = apikey.NewKeys(f.edited); err != nil {
		return nil, fmt.Errorf("keep keys: %w", err)
	}
	return f, nil
}

// revoke revokes a key, given the key.
func (f *keyFile) revoke(ctx context.Context, credential string) error {
	id, err := idOf(credential)
	if err != nil {
		return err
	}
	_, err = f.keys.Revoke(ctx, id, "leaked")
	return err
}

// idOf returns the id of a key, which is no secret.
func idOf(credential string) (string, error) {
	key, err := apikey.Parse(tokens.NewSecret(credential))
	if err != nil {
		return "", err
	}
	return key.ID(), nil
}

func (f *keyFile) close() {
	if f == nil {
		return
	}
	for _, store := range []*sqlite.Store{f.served, f.edited} {
		if store != nil {
			_ = store.Close()
		}
	}
	f.remove()
}

func (f *keyFile) remove() {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(f.path + suffix)
	}
}
