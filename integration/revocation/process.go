// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
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
	in := bufio.NewReader(os.Stdin)
	switch role {
	case replicaRole:
		return true, replicate(in, os.Stdout)
	case writerRole:
		return true, writeOn(in, os.Stdout)
	case "":
		return false, nil
	}
	return true, fmt.Errorf("the role %q", role)
}

// A process is this program again, in another role. It ends with this one, whose end of its stdin closes.
type process struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	mutex   sync.Mutex // one command at a time
}

// start starts a process and tells it its settings.
func start(role string, settings any) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(self)}
	p.command.Env = append(os.Environ(), roleVariable+"="+role)
	p.command.Stderr = os.Stderr
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(p.in).Encode(settings); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

// An order is what a replica is told to do.
type order struct {
	Do string `json:"do"`
	ID string `json:"id,omitempty"` // of a key, where that matters
}

// A reply is what it says when it has done it.
type reply struct {
	Mistake string `json:"mistake,omitempty"`
	Connect string `json:"connect,omitempty"` // the first reply: the URL of what is served over HTTP
	GRPC    string `json:"grpc,omitempty"`    // the first reply: the address of what is served by grpc-go
}

// tell tells a replica to do something, and waits until it has.
func (p *process) tell(do, id string) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err := json.NewEncoder(p.in).Encode(order{do, id}); err != nil {
		return err
	}
	_, err := p.reply()
	return err
}

func (p *process) reply() (reply, error) {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return reply{}, fmt.Errorf("a process of ours is gone: %w", err)
	}
	var r reply
	if err := json.Unmarshal(line, &r); err != nil {
		return reply{}, err
	}
	if r.Mistake != "" {
		return reply{}, errors.New(r.Mistake)
	}
	return r, nil
}

// stop ends a process in order, and waits for that.
func (p *process) stop() error {
	_ = p.in.Close()
	killing := time.AfterFunc(10*time.Second, func() { _ = p.command.Process.Kill() })
	defer killing.Stop()
	return p.command.Wait()
}

// kill kills a process, and waits for its end.
func (p *process) kill() error {
	err := p.command.Process.Kill()
	_ = p.command.Wait() // which says that it was killed
	return err
}

// within runs what may take long, but not for longer than that.
func within(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return f(ctx)
}
