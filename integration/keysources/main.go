// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Command keysources measures how key sets fetched over HTTP behave when they are attacked, when their endpoint is down and when keys are
// rotated: ours, and those of other libraries with their defaults. The endpoint is on loopback and takes 20 ms to answer. Every cell of the
// table it prints starts with a new endpoint and a new key set. It takes about a minute, and fails when ours does not keep what it says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// settings bound a run.
type settings struct {
	attack   time.Duration // how long random kids are sent
	outage   time.Duration // how long the endpoint is down
	patience time.Duration // how long a rotated key is waited for
}

func main() {
	var s settings
	flag.DurationVar(&s.attack, "attack", 5*time.Second, "how long random kids are sent")
	flag.DurationVar(&s.outage, "outage", 2*time.Second, "how long the endpoint is down")
	flag.DurationVar(&s.patience, "patience", 8*time.Second, "how long a rotated key is waited for")
	flag.Parse()
	// Libraries log what they cannot fetch, and here that is on purpose.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "keysources:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	rows := make([]*row, len(libraries))
	for i, l := range libraries {
		rows[i] = &row{library: l}
	}
	// What loads the machine is measured one after another.
	for _, r := range rows {
		if err := r.load(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", r.library.name, err)
		}
	}
	// The rest is mostly waiting.
	failed := make([]error, len(rows))
	var group sync.WaitGroup
	for i, r := range rows {
		group.Go(func() {
			if err := r.wait(ctx, s); err != nil {
				failed[i] = fmt.Errorf("%s: %w", r.library.name, err)
			}
		})
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	report(rows, s)
	return rows[0].check(s)
}
