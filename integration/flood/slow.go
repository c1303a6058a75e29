// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/admitrpc/admit/integration/spread"
)

const (
	slowness   = 50 * time.Millisecond // of a lookup
	mostAtOnce = 64                    // lookups, by default of a guard
	slowRounds = 3
	boundCold  = 500 * time.Millisecond // for a good key that is verified when the flood is over
	// boundPeak is what the server's memory may grow by for as many calls as run and wait, in bytes, with GOGC as it is there.
	boundPeak = 256 << 20
)

// A slowFlood is what came of floods of a server whose store is slow.
type slowFlood struct {
	rounds    []round
	strangers result
	during    result // good keys that were not remembered, while it was flooded
	after     result // the same, as soon as it was not
	highest   int64  // lookups at once
}

// floodSlow floods a server whose store is slow, and reports it.
func floodSlow(r *report, s settings) error {
	at, err := newSite()
	if err != nil {
		return err
	}
	defer func() { _ = at.close() }()
	var f slowFlood
	for i := range slowRounds {
		if err := f.round(at, i, s); err != nil {
			return err
		}
	}
	after, err := at.leave()
	if err != nil {
		return err
	}
	r.title(fmt.Sprintf("the same with a store that takes about %s for a lookup, %d rounds of %s", slowness, slowRounds, s.slice))
	var all result
	for _, this := range f.rounds {
		all = all.with(this[quiet]).with(this[flooded])
	}
	r.add("good keys that are remembered", "all admitted", all.String(), all.only(admitted))
	middle := p50Of(f.rounds, flooded)
	r.add("their middle call while flooded", "waits for no lookup, < "+spread.Brief(slowness/2), spread.Brief(middle), middle < slowness/2)
	noteP99(r, f.rounds, "p99 of their calls", flooded)
	r.add("the others", "TOKEN_INVALID or RATE_LIMITED", f.strangers.String(), f.strangers.only(refused, limited) && f.strangers.Verdicts[limited] > 0)
	r.add("lookups at once", fmt.Sprintf("≤ %d", mostAtOnce), fmt.Sprint(f.highest), f.highest <= mostAtOnce)
	r.note("good keys that are not remembered, while flooded", f.during.String())
	slowest := f.after.all().At(100)
	r.add("and as soon as it is over", fmt.Sprintf("all admitted within %s", spread.Brief(boundCold)), fmt.Sprintf("%s, the slowest in %s", f.after, spread.Brief(slowest)),
		f.after.only(admitted) && slowest <= boundCold)
	reportMemory(r, at.before, after)
	peak := after.Most - at.before.Most
	r.add("memory at most", "grows by ≤ "+mebibytes(boundPeak), mebibytes(peak), peak <= boundPeak)
	return nil
}

// round floods once, with good keys of its own: what is remembered ends after 30 s.
func (f *slowFlood) round(at *site, i int, s settings) error {
	const perRound = keysOfSite / slowRounds
	keys := at.good[i*perRound : (i+1)*perRound]
	good, before, after := keys[:50], keys[50:perRound/2], keys[perRound/2:]
	if err := at.warm(good); err != nil {
		return err
	}
	if err := at.server.Ask(order{Do: slowOrder, Delay: slowness}, new(counts)); err != nil {
		return err
	}
	var this round
	for _, w := range rand.Perm(int(busy)) {
		strangers, during := flooding{}, make(chan result, 1)
		if weather(w) == flooded {
			strangers.Load.PerSecond = s.flood
			go func() {
				rest(timeIn(headStart))
				during <- load{20, s.slice}.run(at.client, func(n int) string { return before[n] })
			}()
		}
		callers, others, err := at.under(strangers, load{s.good, s.slice}, good)
		if err != nil {
			return err
		}
		if this[w] = callers; weather(w) == flooded {
			cold := load{100, time.Second / 2}.run(at.client, func(n int) string { return after[n] })
			f.strangers, f.during, f.after = f.strangers.with(others), f.during.with(<-during), f.after.with(cold)
		}
	}
	f.rounds = append(f.rounds, this)
	var c counts
	err := at.server.Ask(order{Do: slowOrder}, &c)
	f.highest = max(f.highest, c.Highest)
	return err
}
