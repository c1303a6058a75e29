// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/integration/spread"
)

const (
	headStart = 300 * time.Millisecond // of a flood

	boundRatio = 2.0 // of the p99 of good calls with a flood, to that without
)

func timeIn(d time.Duration) time.Time { return time.Now().Add(d) }

// A weather is under what the good keys call.
type weather int

const (
	quiet   weather = iota
	flooded         // by keys that are not known
	busy            // by good keys that are remembered: the same work but for that of refusing
	weathers
)

func (w weather) String() string {
	return [...]string{"quiet", "flooded", "busy with as many good calls"}[w]
}

// A round is what the good calls took in each weather.
type round [weathers]result

// floodUnknown floods a server with keys whose checksum is right and that it does not know, and reports it.
func floodUnknown(r *report, s settings) error {
	at, err := newSite()
	if err != nil {
		return err
	}
	defer func() { _ = at.close() }()
	good := at.good[:50]
	if err := at.warm(good); err != nil {
		return err
	}
	r.title(fmt.Sprintf("well-formed unknown keys against a server on SQLite: %d good calls/s with and without %d others/s, %d rounds of %s",
		s.good, s.flood, s.rounds, s.slice))
	var rounds []round
	var strangers result
	var lookups, stood int64
	for range s.rounds {
		var this round
		for _, w := range rand.Perm(int(weathers)) {
			f := flooding{Load: load{PerSecond: s.flood}}
			switch weather(w) {
			case quiet:
				f.Load.PerSecond = 0
			case busy:
				f.Keys = good
			case flooded:
			}
			counted, err := at.counts(countOrder)
			if err != nil {
				return err
			}
			callers, others, err := at.under(f, load{s.good, s.slice}, good)
			if err != nil {
				return err
			}
			this[w] = callers
			if weather(w) == flooded {
				now, err := at.counts(countOrder)
				if err != nil {
					return err
				}
				strangers = strangers.with(others)
				lookups += now.Lookups - counted.Lookups
				stood += int64(others.calls())
			}
		}
		rounds = append(rounds, this)
	}
	reportRounds(r, rounds)
	seconds := time.Duration(s.rounds) * (s.slice + 2*headStart)
	r.add("the others", "TOKEN_INVALID or RATE_LIMITED", strangers.String(), strangers.only(refused, limited))
	r.note("lookups of the store while flooded", fmt.Sprintf("%.0f/s of %.0f calls/s", float64(lookups)/seconds.Seconds(), float64(stood)/seconds.Seconds()))
	if err := repeat(r, at); err != nil {
		return err
	}
	after, err := at.leave()
	reportMemory(r, at.before, after)
	return err
}

// reportRounds reports the ratios within the rounds.
func reportRounds(r *report, rounds []round) {
	var all result
	for _, this := range rounds {
		for _, weather := range this {
			all = all.with(weather)
		}
	}
	r.add("good keys, all the time", "all admitted", all.String(), all.only(admitted))
	r.note("how late a good call began, p99", spread.Brief(all.Latest))
	const what = "p99 of good calls"
	noteP99(r, rounds, what, flooded, busy)
	ratios := p99sOf(rounds, result.all).ratios[flooded]
	r.add(what+", flooded to quiet", fmt.Sprintf("< %.1f", boundRatio), fmt.Sprintf("%.2f (%.2f to %.2f)",
		median(ratios), slices.Min(ratios), slices.Max(ratios)), median(ratios) < boundRatio)
}

// noteP99 reports the medians over the rounds of a p99, and of its ratio to that of the quiet slice of the same round.
func noteP99(r *report, rounds []round, what string, weathers ...weather) {
	overall := p99sOf(rounds, result.all)
	for _, w := range append([]weather{quiet}, weathers...) {
		said := []string{spread.Brief(time.Duration(median(overall.nanoseconds[w])))}
		if w != quiet {
			said = append(said, fmt.Sprintf("%.2f times quiet", median(overall.ratios[w])))
			for p := range loopback.Protocols {
				of := p99sOf(rounds, func(r result) spread.Spread { return r.Took[p] })
				said = append(said, fmt.Sprintf("%.2f over %s", median(of.ratios[w]), p))
			}
		}
		r.note(what+", "+w.String(), strings.Join(said, ", "))
	}
}

// p50Of is the median over the rounds of the median call.
func p50Of(rounds []round, w weather) time.Duration {
	var middles []float64
	for _, this := range rounds {
		middles = append(middles, float64(this[w].all().At(50)))
	}
	return time.Duration(median(middles))
}

// p99s are those of every round, by weather.
type p99s struct {
	nanoseconds, ratios [weathers][]float64
}

func p99sOf(rounds []round, of func(result) spread.Spread) (p p99s) {
	for _, this := range rounds {
		still := float64(of(this[quiet]).At(99))
		for w := range weathers {
			p99 := float64(of(this[w]).At(99))
			p.nanoseconds[w], p.ratios[w] = append(p.nanoseconds[w], p99), append(p.ratios[w], p99/still)
		}
	}
	return p
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// repeat calls again and again with the same unknown keys, for less than their refusal is remembered, and once more when it is not any more.
func repeat(r *report, at *site) error {
	const keys, lasts, forgotten = 50, 3 * time.Second, 5 * time.Second
	s := newStranger(uint64(time.Now().UnixNano()))
	f := flooding{Load: load{PerSecond: 1000, Lasts: lasts}}
	for i := range keys {
		id := ""
		if i%2 == 1 {
			id = at.ids[len(at.ids)-1-i]
		}
		f.Keys = append(f.Keys, s.sealed(id))
	}
	var lookups [2]int64
	var calls int
	for i := range lookups {
		before, err := at.counts(countOrder)
		if err != nil {
			return err
		}
		var answers result
		if err := at.flooder.Ask(f, &answers); err != nil {
			return err
		}
		after, err := at.counts(countOrder)
		if err != nil {
			return err
		}
		lookups[i] = after.Lookups - before.Lookups
		calls += answers.calls()
		if !answers.only(refused) {
			return fmt.Errorf("unknown keys, repeated: %s", answers)
		}
		time.Sleep(forgotten - lasts + time.Second)
	}
	r.add(fmt.Sprintf("%d unknown keys repeated for %s, twice", keys, lasts), "1 lookup each in 5 s", fmt.Sprintf("%d calls: %d and %d lookups", calls, lookups[0], lookups[1]),
		lookups[0] == keys && lookups[1] == keys)
	return nil
}
