// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/admitrpc/admit/integration/child"
)

// A question is one line to the peer.
type question struct {
	Kind          string           `json:"kind"` // session, machine, any or classify
	Now           int64            `json:"now"`  // milliseconds
	Authorization []string         `json:"authorization"`
	Token         *string          `json:"token,omitempty"` // to be verified by itself as well
	Accepts       any              `json:"accepts,omitempty"`
	Skew          int64            `json:"skew"` // milliseconds
	Asks          []map[string]any `json:"asks"`
	Elapsed       *float64         `json:"elapsed"` // minutes since iat
}

// An answer is one line of the peer.
type answer struct {
	Status   string `json:"status"` // of a whole request
	Accepted bool   `json:"accepted"`
	Type     string `json:"type"`
	Reason   string `json:"reason"`
	Threw    string `json:"threw"`
	Direct   *bool  `json:"direct"`
	Has      []bool `json:"has"`
	Aged     []bool `json:"aged"`
	// Object is read only where both accept: of a token that we refuse it can be anything.
	Object json.RawMessage `json:"object"`

	Machine  bool     `json:"machine"`
	Prefixed bool     `json:"prefixed"`
	Types    []string `json:"types"`
}

// An object is what the peer's auth object tells; null is what is not there.
type object struct {
	UserID         string   `json:"userId"`
	SessionID      string   `json:"sessionId"`
	SessionStatus  string   `json:"sessionStatus"`
	OrgID          string   `json:"orgId"`
	OrgRole        string   `json:"orgRole"`
	OrgSlug        string   `json:"orgSlug"`
	OrgPermissions []string `json:"orgPermissions"`
	Actor          *struct {
		Subject string `json:"sub"`
		Type    string `json:"type"`
	} `json:"actor"`
	Subject   string   `json:"subject"`
	Scopes    []string `json:"scopes"`
	ClientID  string   `json:"clientId"`
	MachineID string   `json:"machineId"`
	ID        string   `json:"id"` // of a token of a machine; whole requests alone tell it
}

// A peer is the Node process.
type peer struct{ *child.Process }

const install = `Node is needed, version 20.9 or later, with npm: https://nodejs.org/en/download, or the packages nodejs and npm of the system.
Then: npm ci --prefix integration/peers/clerk`

// startPeer starts Node on a script of a folder, and sets it up. told has what the script says to that. The process ends with ctx, at the latest.
func startPeer(ctx context.Context, folder, script string, settings map[string]any, told *setUp) (*peer, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("no node\n%s", install)
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "@clerk", "backend", "package.json")); err != nil {
		return nil, fmt.Errorf("no @clerk/backend in %s\n%s", folder, install)
	}
	command := exec.CommandContext(ctx, node, script)
	command.Dir = folder
	started, err := child.Start(command)
	if err != nil {
		return nil, err
	}
	p := &peer{started}
	if err := p.exchange(settings, told); err != nil || told.Node == "" {
		return nil, errors.Join(fmt.Errorf("the peer does not start: %s", told.Threw), err, p.Stop())
	}
	return p, nil
}

// A setUp is what a script says when it has been set up.
type setUp struct {
	Node   string // its version
	Suffix string // of the instance's cookies
	Threw  string
}

func (p *peer) ask(q question) (answer, error) {
	var a answer
	if err := p.exchange(q, &a); err != nil {
		return answer{}, err
	}
	return a, nil
}

func (p *peer) exchange(question, answer any) error {
	if err := p.Tell(question); err != nil {
		return err
	}
	return p.Read(answer)
}
