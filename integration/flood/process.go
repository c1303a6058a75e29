// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/admitrpc/admit/integration/child"
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

// start starts this program again, in a role.
func start(role string) (*child.Process, error) {
	command, err := child.Self(roleVariable, role)
	if err != nil {
		return nil, err
	}
	return child.Start(command)
}

// alone runs a role that is asked once, in a process of its own.
func alone(role string, what, into any) error {
	p, err := start(role)
	if err != nil {
		return err
	}
	err = p.Ask(what, into)
	return errors.Join(err, p.Stop())
}
