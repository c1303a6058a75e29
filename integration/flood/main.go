// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Command flood measures what strangers can do to a server with credentials that nobody gave out: ten million of all sorts, whole API keys
// that are not known, and the same where the store of keys is slow; and what a million good keys take that are remembered. It is all of
// the processes that this takes: the servers, the ones that flood them, and the callers with good keys. It prints what was measured beside
// what is promised, and fails when a promise is not kept. It takes about three minutes.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// quietGC is GOGC in every process but that of a server, which has that of the benchmarks. Their heaps are so small that with the default they
// would collect all the time.
const quietGC = 800

// settings bound a run.
type settings struct {
	credentials int64
	keys        int64
	rounds      int
	slice       time.Duration
	flood       int // calls/s
	good        int // calls/s
}

// A part is what can be measured by itself.
type part struct {
	name    string
	measure func(*report, settings) error
}

var parts = []part{{"random", reportRandom}, {"unknown", floodUnknown}, {"slow", floodSlow}, {"remembered", reportRemembered}}

func main() {
	if played, err := play(); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, "flood:", err)
			os.Exit(1)
		}
		return
	}
	var s settings
	var names []string
	for _, part := range parts {
		names = append(names, part.name)
	}
	only := flag.String("part", "", "measure only one of "+strings.Join(names, ", "))
	flag.Int64Var(&s.credentials, "n", 10_000_000, "how many random credentials")
	flag.Int64Var(&s.keys, "keys", 1_000_000, "how many keys are remembered")
	flag.IntVar(&s.rounds, "rounds", 7, "how many rounds of calls with and without a flood")
	flag.DurationVar(&s.slice, "slice", 2*time.Second, "how long good keys call in each round, with and without")
	flag.IntVar(&s.flood, "rate", 2000, "how many calls per second a flood makes")
	flag.IntVar(&s.good, "good", 400, "how many calls per second are made with good keys")
	flag.Parse()
	debug.SetGCPercent(quietGC)
	if err := run(*only, s); err != nil {
		fmt.Fprintln(os.Stderr, "flood:", err)
		os.Exit(1)
	}
}

func run(only string, s settings) error {
	if only != "" && !slices.ContainsFunc(parts, func(p part) bool { return p.name == only }) {
		return fmt.Errorf("there is no part %q", only)
	}
	missed := 0
	for _, part := range parts {
		if only != "" && part.name != only {
			continue
		}
		r := &report{}
		err := part.measure(r, s)
		r.print(os.Stdout)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		missed += r.missed()
	}
	if missed > 0 {
		return fmt.Errorf("%d of the promises were not kept", missed)
	}
	return nil
}
