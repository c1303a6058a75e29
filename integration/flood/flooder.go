// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/admitrpc/admit/integration/child"
	"github.com/admitrpc/admit/integration/loopback"
)

// A flooding is what a flooder is told to do.
type flooding struct {
	Load load
	Keys []string // to call with, in turn; none: with a new key of its own each time
	IDs  []string // of keys, for every other of its own; the rest are unknown
}

// flood is the role of the process that floods: it does what it is told, until in ends.
func flood(in *json.Decoder, out *json.Encoder) error {
	debug.SetGCPercent(quietGC)
	var at loopback.Addresses
	if err := in.Decode(&at); err != nil {
		return err
	}
	c, err := loopback.Dial(at)
	if err := child.Answer(out, nil, err); err != nil {
		return err
	}
	defer c.Close()
	s := newStranger(uint64(time.Now().UnixNano()))
	for p := range loopback.Protocols {
		_ = c.Ask(context.Background(), p, s.sealed("")) // connections are made before anything is measured
	}
	for {
		var f flooding
		if err := in.Decode(&f); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		r := f.Load.run(c, func(n int) string {
			if len(f.Keys) > 0 {
				return f.Keys[n%len(f.Keys)]
			}
			id := ""
			if n/int(loopback.Protocols)%2 == 1 {
				id = f.IDs[s.IntN(len(f.IDs))]
			}
			return s.sealed(id)
		})
		if err := child.Answer(out, r, nil); err != nil {
			return err
		}
	}
}
