// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Command bench measures what a guarded call costs, in one interleaved run: every variant gets a slice of every round, in random order,
// and is compared with its reference within the round; the medians over all rounds are printed. Hardware that is shared with others is
// too noisy for anything else.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// A variant is something to measure.
type variant struct {
	name      string
	reference string  // the variant that it is compared with; "" for a floor
	minus     string  // a variant whose time is taken off first: what the same call costs without a guard
	limit     float64 // the ratio that it is meant to keep; 0: none
	allocs    float64 // likewise; -1: none
	run       func(n int)

	perOp  float64 // nanoseconds in this round
	ratios []float64
	times  []float64
}

func main() {
	rounds := flag.Int("rounds", 60, "how many rounds")
	slice := flag.Duration("slice", 4*time.Millisecond, "how long a variant runs in each round")
	flag.Parse()
	variants, done, err := newVariants()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	defer done()
	measure(variants, *rounds, *slice)
	report(variants, *rounds)
}

func measure(variants []*variant, rounds int, slice time.Duration) {
	sizes := map[*variant]int{}
	for _, v := range variants { // warm up, and find how many runs fill a slice
		n := 1
		for {
			start := time.Now()
			v.run(n)
			if took := time.Since(start); took > slice/4 {
				sizes[v] = max(1, int(float64(n)*float64(slice)/float64(took)))
				break
			}
			n *= 2
		}
	}
	order := slices.Clone(variants)
	for range rounds {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, v := range order {
			start := time.Now()
			v.run(sizes[v])
			v.perOp = float64(time.Since(start)) / float64(sizes[v])
			v.times = append(v.times, v.perOp)
		}
		for _, v := range variants {
			if v.reference == "" {
				continue
			}
			own := v.perOp
			if v.minus != "" {
				own -= find(variants, v.minus).perOp
			}
			v.ratios = append(v.ratios, own/find(variants, v.reference).perOp)
		}
	}
}

func find(variants []*variant, name string) *variant {
	i := slices.IndexFunc(variants, func(v *variant) bool { return v.name == name })
	return variants[i]
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func report(variants []*variant, rounds int) {
	fmt.Printf("medians of %d interleaved rounds; ratios are taken within each round, and \"least\" is that of the quickest slices\n\n", rounds)
	fmt.Printf("%-50s %10s %7s %7s %7s  %-46s %s\n", "", "ns/op", "allocs", "ratio", "least", "to", "goal")
	for _, v := range variants {
		allocs := testing.AllocsPerRun(100, func() { v.run(1) })
		if v.minus != "" {
			allocs -= testing.AllocsPerRun(100, func() { find(variants, v.minus).run(1) })
		}
		line := fmt.Sprintf("%-50s %10.1f %7.0f", v.name, median(v.times), allocs)
		if v.reference != "" {
			to, least := v.reference, slices.Min(v.times)
			if v.minus != "" {
				least -= slices.Min(find(variants, v.minus).times)
				to += ", less the bare call"
			}
			line += fmt.Sprintf(" %7.2f %7.2f  %-46s", median(v.ratios), least/slices.Min(find(variants, v.reference).times), to)
		}
		if v.limit > 0 {
			verdict := "kept"
			if median(v.ratios) > v.limit || v.allocs >= 0 && allocs > v.allocs {
				verdict = "MISSED"
			}
			line += fmt.Sprintf(" ≤ %.2f", v.limit)
			if v.allocs >= 0 {
				line += fmt.Sprintf(", ≤ %.0f allocs", v.allocs)
			}
			line += ": " + verdict
		}
		fmt.Println(line)
	}
}
