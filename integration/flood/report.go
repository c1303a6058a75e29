// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/admitrpc/admit/integration/loopback"
)

// A report is what was measured beside what is promised.
type report struct {
	rows []row
}

type row struct {
	what, got, goal string
	missed          bool
}

// title begins a part.
func (r *report) title(what string) { r.rows = append(r.rows, row{what: what}) }

// add adds a row with a goal.
func (r *report) add(what, goal, got string, kept bool) {
	r.rows = append(r.rows, row{what, got, goal, !kept})
}

// note adds a row without one.
func (r *report) note(what, got string) { r.rows = append(r.rows, row{what: what, got: got}) }

// missed returns how many goals were.
func (r *report) missed() (n int) {
	for _, row := range r.rows {
		if row.missed {
			n++
		}
	}
	return n
}

func (r *report) print(to io.Writer) {
	out := tabwriter.NewWriter(to, 0, 8, 2, ' ', 0)
	defer func() { _ = out.Flush() }()
	for _, row := range r.rows {
		if row.got == "" && row.goal == "" {
			_ = out.Flush() // columns are those of a part
			fmt.Fprintf(to, "\n%s\n", row.what)
			continue
		}
		verdict := ""
		if row.goal != "" {
			verdict = "kept"
		}
		if row.missed {
			verdict = "MISSED"
		}
		fmt.Fprintf(out, "  %s\t%s\t%s\t%s\n", row.what, row.got, row.goal, verdict)
	}
}

// with is what came of two loads.
func (r result) with(other result) result {
	sum := result{Verdicts: map[string]int{}, Skipped: r.Skipped + other.Skipped, Latest: max(r.Latest, other.Latest)}
	for _, of := range []result{r, other} {
		for verdict, n := range of.Verdicts {
			sum.Verdicts[verdict] += n
		}
	}
	for p := range loopback.Protocols {
		sum.Took[p] = slices.Concat(r.Took[p], other.Took[p])
	}
	return sum
}

// String tells the verdicts.
func (r result) String() string {
	var said []string
	for verdict, n := range r.Verdicts {
		said = append(said, fmt.Sprintf("%d %s", n, verdict))
	}
	slices.Sort(said)
	if r.Skipped > 0 {
		said = append(said, fmt.Sprintf("%d not called", r.Skipped))
	}
	return strings.Join(said, ", ")
}
