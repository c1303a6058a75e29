// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Command bench measures what a check, a guarded call, a rule and a message cost, in one interleaved run, beside peers. What a guarded
// call of connect costs is measured by a test of package connectauth, which reaches its gate.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/admitrpc/admit/internal/interleave"
)

func main() {
	rounds := flag.Int("rounds", 120, "how many rounds")
	slice := flag.Duration("slice", 8*time.Millisecond, "how long a variant runs in each round")
	flag.Parse()
	variants, done, err := newVariants()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	defer done()
	interleave.Measure(variants, *rounds, *slice)
	interleave.Report(os.Stdout, variants)
}
