// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"
)

// report prints what was measured.
func report(rows []*row, s settings) {
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	defer func() { _ = out.Flush() }()
	fmt.Fprintf(out, "key sets over HTTP: an endpoint of %s on loopback, each library with its defaults\n\n", latency)
	fmt.Fprintf(out, "fetches\tcold herd,\t1000 x one\t1000 distinct\t100 bad signatures,\trandom kids, %s, 64 workers:\tgood tokens\n", s.attack)
	fmt.Fprintln(out, "\t1000 good\tunknown kid\tunknown kids\tknown kid\tfetches/s (attempts/s)\trefused then")
	for _, r := range rows {
		seconds := r.attacked.Seconds()
		herd := fmt.Sprint(r.herd)
		if r.herdRefused > 0 {
			herd = fmt.Sprintf("%d, %d refused", r.herd, r.herdRefused)
		}
		fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%d\t%.1f (%.0f)\t%d of %d\n", r.library.name, herd, r.same, r.distinct, r.signatures,
			float64(r.fetches)/seconds, float64(r.attempts)/seconds, r.goodRefused, r.good)
	}
	fmt.Fprintf(out, "\nwhat is believed\tknown kid,\tsame, after 20\tnew kid after\tsame, right after\tremoved key\n")
	fmt.Fprintf(out, "\tdown for %s\tunknown kids\ta rotation\t100 unknown kids\tafter that\n", s.outage)
	for _, r := range rows {
		removed := "no"
		if r.removed {
			removed = "still"
		}
		fmt.Fprintf(out, "%s\t%d of %d\t%d of %d\t%s\t%s\t%s\n", r.library.name, r.downBelieved, r.downAsked, r.afterBelieved, r.afterAsked,
			until(r.quiet, s.patience), until(r.bogus, s.patience), removed)
	}
	fmt.Fprintln(out, "\nfetches are those after the first one, but for the cold herd; those of admit are limited to 3 at once and then 1 per 5s")
}

// until prints how long something took that was waited for.
func until(took, patience time.Duration) string {
	if took < 0 {
		return fmt.Sprintf("> %s", patience)
	}
	return took.Round(time.Millisecond).String()
}
