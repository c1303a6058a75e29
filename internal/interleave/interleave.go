// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package interleave measures variants of code against each other, for the project's own figures.
//
// Every variant gets a slice of every round, in random order but near its reference and at a random depth of the stack, and is compared
// with its reference within the round; the medians over all rounds are what is reported. Hardware that is shared with others is too noisy
// for anything else. A Run is for one goroutine.
package interleave

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

// A Variant is something to measure.
type Variant struct {
	// Name says what it is.
	Name string
	// Reference is the name of the variant that it is compared with; "" for a floor.
	Reference string
	// Limit is the ratio that it is meant to keep; 0: none.
	Limit float64
	// Allocs is the number of allocations that it is meant to keep, where there is a Limit; negative: none.
	Allocs float64
	// Run does it n times.
	Run func(n int)

	perOp  float64 // nanoseconds in this round
	ratios []float64
	times  []float64
}

// Times is a Run that calls f n times.
func Times(f func()) func(n int) {
	return func(n int) {
		for range n {
			f()
		}
	}
}

// GCPercent is GOGC while Measure runs. The heap of a measurement is so small that with the default the collector would run all the time,
// as it does in no server.
const GCPercent = 400

// Measure gives each variant a slice of each round.
func Measure(variants []*Variant, rounds int, slice time.Duration) {
	defer debug.SetGCPercent(debug.SetGCPercent(GCPercent))
	sizes := map[*Variant]int{}
	for _, v := range variants { // warm up, and find how many runs fill a slice
		for n := 1; ; n *= 2 {
			start := time.Now()
			v.Run(n)
			if took := time.Since(start); took > slice/4 {
				sizes[v] = max(1, int(float64(n)*float64(slice)/float64(took)))
				break
			}
		}
	}
	together := families(variants)
	for range rounds {
		shuffle(together)
		for _, family := range together {
			shuffle(family)
			for _, v := range family {
				below(rand.IntN(page/frame), func() { //nolint:gosec // A place, no secret.
					start := time.Now()
					v.Run(sizes[v])
					v.perOp = float64(time.Since(start)) / float64(sizes[v])
				})
				v.times = append(v.times, v.perOp)
			}
		}
		for _, v := range variants {
			if v.Reference != "" {
				v.ratios = append(v.ratios, v.perOp/find(variants, v.Reference).perOp)
			}
		}
	}
}

// The same code is slower at some depths of the stack: a signature of P-256 was verified 5 % slower at one or two of 64 depths in a page, and
// again at those of the next page. Where a variant stands is chance and no merit, so each slice stands elsewhere in a page, and the median is
// that of most places.
const (
	page  = 4 << 10
	frame = 32 // of below on the stack, on amd64; elsewhere it may be more
)

// below runs f below a number of frames.
//
//go:noinline
func below(frames int, f func()) {
	if frames == 0 {
		f()
		return
	}
	below(frames-1, f)
}

// families are each reference and those that are compared with it. A machine that is quick at one moment can be slow in the next tenth of a
// second, so they follow each other.
func families(variants []*Variant) (families [][]*Variant) {
	for _, v := range variants {
		if v.Reference != "" {
			continue
		}
		family := []*Variant{v}
		for _, other := range variants {
			if other.Reference == v.Name {
				family = append(family, other)
			}
		}
		families = append(families, family)
	}
	return families
}

func shuffle[T any](s []T) {
	rand.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] }) //nolint:gosec // An order, no secret.
}

func find(variants []*Variant, name string) *Variant {
	return variants[slices.IndexFunc(variants, func(v *Variant) bool { return v.Name == name })]
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Report writes a line for each variant: the median time, the allocations, the median ratio, the ratio of the quickest slices, and whether
// the goal was kept.
func Report(w io.Writer, variants []*Variant) {
	fmt.Fprintf(w, "medians of %d interleaved rounds, GOGC=%d; ratios are taken within each round, and \"least\" is that of the quickest slices\n",
		len(variants[0].times), GCPercent)
	fmt.Fprintf(w, "%-50s %10s %7s %7s %7s  %-34s %s\n", "", "ns/op", "allocs", "ratio", "least", "to", "goal")
	for _, v := range variants {
		allocs := testing.AllocsPerRun(100, func() { v.Run(1) })
		line := fmt.Sprintf("%-50s %10.1f %7.0f", v.Name, median(v.times), allocs)
		if v.Reference != "" {
			least := slices.Min(v.times) / slices.Min(find(variants, v.Reference).times)
			line += fmt.Sprintf(" %7.2f %7.2f  %-34s", median(v.ratios), least, v.Reference)
		}
		if v.Limit > 0 {
			verdict := "kept"
			if median(v.ratios) > v.Limit || v.Allocs >= 0 && allocs > v.Allocs {
				verdict = "MISSED"
			}
			line += fmt.Sprintf(" ≤ %.2f", v.Limit)
			if v.Allocs >= 0 {
				line += fmt.Sprintf(", ≤ %.0f allocs", v.Allocs)
			}
			line += ": " + verdict
		}
		fmt.Fprintln(w, line)
	}
}
