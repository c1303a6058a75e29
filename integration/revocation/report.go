// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// The bounds that are kept or missed.
const (
	boundP99   = 250 * time.Millisecond // from a revocation to its refusal everywhere, in 99 of 100 cases
	boundMost  = 5 * time.Second        // in every case in which the store can be asked
	boundGrace = 30 * time.Second       // for what was verified before, when it cannot
	// slack is what is allowed on top where a process of ours has to notice a time, which is a call's time and a poll's.
	slack = 500 * time.Millisecond
)

// A report is what was measured of one store.
type report struct {
	store string
	rows  []row
}

type row struct {
	what, got, goal string
	missed          bool
	mistake         error // why it was, where that is not a time
}

// add adds a row. An err says why there is nothing else to say, and is printed below the table.
func (r *report) add(what, goal, got string, kept bool, err error) {
	if err != nil {
		got, kept = "see below", false
	}
	r.rows = append(r.rows, row{what, got, goal, !kept, err})
}

// held adds a row about what is either so or not.
func (r *report) held(what, goal, got string, err error) { r.add(what, goal, got, true, err) }

// note adds a row without a goal.
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
	fmt.Fprintf(to, "\n%s, %d replicas\n", r.store, replicas)
	out := tabwriter.NewWriter(to, 0, 8, 2, ' ', 0)
	fmt.Fprintf(out, "  \tmeasured\tpromised\t\n")
	for _, row := range r.rows {
		verdict := "kept"
		switch {
		case row.missed:
			verdict = "MISSED"
		case row.goal == "":
			verdict = ""
		}
		fmt.Fprintf(out, "  %s\t%s\t%s\t%s\n", row.what, row.got, row.goal, verdict)
	}
	_ = out.Flush()
	for _, row := range r.rows {
		if row.mistake != nil {
			fmt.Fprintf(to, "%s: %v\n", row.what, row.mistake)
		}
	}
}
