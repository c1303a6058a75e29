// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package child runs processes of our own, which are told what to do on their stdin and answer on their stdout, in JSON.
package child

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A Process ends with this one, whose end of its stdin closes. Its methods are for one goroutine, but for Kill.
type Process struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

// Self returns the command that runs this program again, in the role that an environment variable tells it.
func Self(variable, role string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), variable+"="+role)
	return command, nil
}

// Start starts a process, which shares our stderr.
func Start(command *exec.Cmd) (*Process, error) {
	p := &Process{command: command}
	command.Stderr = os.Stderr
	var err error
	if p.in, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	return p, command.Start()
}

// Tell sends what a process waits for.
func (p *Process) Tell(what any) error {
	if err := json.NewEncoder(p.in).Encode(what); err != nil {
		return fmt.Errorf("a process of ours is gone: %w", err)
	}
	return nil
}

// Read reads one value that a process writes into a pointer. The error wraps io.EOF or io.ErrUnexpectedEOF when it has ended.
func (p *Process) Read(into any) error {
	if err := p.out.Decode(into); err != nil {
		return fmt.Errorf("a process of ours is gone: %w", err)
	}
	return nil
}

// An answer is what a process says: what it was asked for, or why it cannot.
type answer struct {
	Mistake string `json:"mistake,omitempty"`
	Value   any    `json:"value,omitempty"`
}

// Answer writes what [Process.Hear] reads; the error is why it cannot.
func Answer(to *json.Encoder, value any, mistake error) error {
	if mistake != nil {
		return to.Encode(answer{Mistake: mistake.Error()})
	}
	return to.Encode(answer{Value: value})
}

// Hear reads an answer into a pointer.
func (p *Process) Hear(into any) error {
	a := answer{Value: into}
	if err := p.Read(&a); err != nil {
		return err
	}
	if a.Mistake != "" {
		return errors.New(a.Mistake)
	}
	return nil
}

// Ask tells a process something and hears the answer.
func (p *Process) Ask(what, into any) error {
	if err := p.Tell(what); err != nil {
		return err
	}
	return p.Hear(into)
}

// Stop ends a process in order, and waits for that; it is killed if it does not heed.
func (p *Process) Stop() error {
	_ = p.in.Close()
	killing := time.AfterFunc(10*time.Second, func() { _ = p.Kill() })
	defer killing.Stop()
	return p.command.Wait()
}

// Kill kills a process: SIGKILL, in which it has no say. It does not wait for the end; Stop does.
func (p *Process) Kill() error { return p.command.Process.Kill() }
