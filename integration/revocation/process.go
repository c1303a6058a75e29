// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/admitrpc/admit/integration/child"
)

// roleVariable is the environment variable that tells a process of this program what it is; without it it is the one that measures.
const roleVariable = "ADMIT_REVOCATION_ROLE"

// The roles.
const (
	replicaRole = "replica"
	writerRole  = "writer"
)

// play plays the role that the environment names, if it names one: that of a replica or a writer. It ends when stdin does.
func play() (played bool, err error) {
	role := os.Getenv(roleVariable)
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	switch role {
	case replicaRole:
		return true, replicate(in, out)
	case writerRole:
		return true, writeOn(in, out)
	case "":
		return false, nil
	}
	return true, fmt.Errorf("the role %q", role)
}

// A process is this program again, in another role.
type process struct {
	*child.Process

	mutex sync.Mutex // one order at a time
}

// start starts a process and tells it its settings.
func start(role string, settings any) (*process, error) {
	command, err := child.Self(roleVariable, role)
	if err != nil {
		return nil, err
	}
	p, err := child.Start(command)
	if err != nil {
		return nil, err
	}
	if err := p.Tell(settings); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return &process{Process: p}, nil
}

// An order is what a replica is told to do.
type order struct {
	Do string `json:"do"`
	ID string `json:"id,omitempty"` // of a key, where that matters
}

// tell tells a replica to do something, and waits until it has.
func (p *process) tell(do, id string) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.Ask(order{do, id}, new(any))
}

// within runs what may take long, but not for longer than that.
func within(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return f(ctx)
}
