// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// roleVariable is the environment variable that tells a process of this program what it is; without it it is the one that measures.
const roleVariable = "ADMIT_FLOOD_ROLE"

// roles are what a process can be, each a function that obeys what it reads until that ends.
var roles = map[string]func(in *json.Decoder, out *json.Encoder) error{
	"random": floodAtRandom, "remembered": rememberMany, "server": serve, "flooder": flood,
}

// play plays the role that the environment names, if it names one.
func play() (played bool, err error) {
	name := os.Getenv(roleVariable)
	if name == "" {
		return false, nil
	}
	role := roles[name]
	if role == nil {
		return true, fmt.Errorf("the role %q", name)
	}
	return true, role(json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout))
}

// An answered is what a process says: what it was asked for, or why it cannot.
type answered struct {
	Mistake string `json:"mistake,omitempty"`
	Value   any    `json:"value,omitempty"`
}

// say writes an answer.
func say(out *json.Encoder, value any, err error) error {
	if err != nil {
		return out.Encode(answered{Mistake: err.Error()})
	}
	return out.Encode(answered{Value: value})
}

// A process is this program again, in another role. It ends with this one, whose end of its stdin closes.
type process struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

func start(role string) (*process, error) {
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
	p.out = json.NewDecoder(out)
	return p, p.command.Start()
}

// tell sends what a process waits for.
func (p *process) tell(what any) error { return json.NewEncoder(p.in).Encode(what) }

// hear reads what a process says into a pointer.
func (p *process) hear(into any) error {
	a := answered{Value: into}
	if err := p.out.Decode(&a); err != nil {
		return fmt.Errorf("a process of ours is gone: %w", err)
	}
	if a.Mistake != "" {
		return errors.New(a.Mistake)
	}
	return nil
}

// ask tells a process something and hears the answer.
func (p *process) ask(what, into any) error {
	if err := p.tell(what); err != nil {
		return err
	}
	return p.hear(into)
}

// stop ends a process in order, and waits for that.
func (p *process) stop() error {
	_ = p.in.Close()
	killing := time.AfterFunc(10*time.Second, func() { _ = p.command.Process.Kill() })
	defer killing.Stop()
	return p.command.Wait()
}

// alone runs a role that is asked once, in a process of its own.
func alone(role string, what, into any) error {
	p, err := start(role)
	if err != nil {
		return err
	}
	err = p.ask(what, into)
	return errors.Join(err, p.stop())
}
