// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// A state is what the commands that the demo prints read: where it serves, and credentials, which are never printed.
type state struct {
	ConnectURL  string            `json:"connect_url"`
	GRPCAddr    string            `json:"grpc_addr"`
	Keys        string            `json:"keys"` // the file
	KeyID       string            `json:"api_key_id"`
	Credentials map[string]string `json:"credentials"`
}

// stateCallers are the callers whose credentials are in the state, by the name they have there.
var stateCallers = map[string]string{
	"session": admin, "oauth": application, "api_key": keyAcme, "m2m": bank,
	"expired": expired, "tampered": tampered, "foreign": foreign,
}

func newState(d *demo) (state, error) {
	st := state{ConnectURL: d.url, GRPCAddr: d.grpcAddr, Keys: d.keys.path, Credentials: map[string]string{}}
	for name, caller := range stateCallers {
		st.Credentials[name] = d.credentials[caller]
	}
	var err error
	st.KeyID, err = idOf(d.credentials[keyAcme])
	return st, err
}

// write writes the state so that only its owner can read it, in place of whatever has the name.
func (st state) write(path string) error {
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".admit-demo-*") // with permissions 0600
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}
