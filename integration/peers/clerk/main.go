// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Command clerk asks Clerk's own libraries, in a Node process beside it, and this module the same questions about the same tokens at the
// same instant, and compares the answers. A difference that is not of a class in docs/clerk-deviations.md fails the run, and so does a
// class that no longer shows. The cases are the seed's; only the key and the instant are the run's own.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// fewest is how many cases a run must have.
const fewest = 2000

func main() {
	folder := flag.String("folder", "integration/peers/clerk", "where oracle.mjs and node_modules are")
	seed := flag.Uint64("seed", 1, "what the cases are drawn with")
	flag.Parse()
	if err := compareAll(*folder, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "peers-clerk:", err)
		os.Exit(1)
	}
}

func compareAll(folder string, seed uint64) (err error) {
	k, err := newKeys()
	if err != nil {
		return err
	}
	p, err := startPeer(folder, k.pem)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	fmt.Fprintf(os.Stdout, "@clerk/backend of %s on Node %s; seed %d\n", folder, p.version, seed)
	r := &run{keys: k, ours: &ours{pem: k.pem}, peer: p}
	rng := rand.New(rand.NewPCG(seed, seed))
	for _, c := range generate(rng) {
		if err := r.compare(c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	list, err := labels(rng, k, time.Now().Unix())
	if err != nil {
		return err
	}
	for _, l := range list {
		if err := r.classify(l); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	r.print(os.Stdout)
	switch {
	case len(r.mistakes) > 0:
		return fmt.Errorf("%d differences that are not listed, or listed and not there", len(r.mistakes))
	case r.cases < fewest:
		return fmt.Errorf("%d cases, want %d at least", r.cases, fewest)
	case int(deviations)-1 > maxDeviations:
		return fmt.Errorf("%d deviation classes, want %d at most", deviations-1, maxDeviations)
	default:
		return nil
	}
}

// classify compares the kind that both give a credential. The peer calls a session whatever is not a machine's.
func (r *run) classify(l label) error {
	kind, err := r.ours.classify(l.text)
	if err != nil {
		return err
	}
	told, err := r.peer.ask(question{
		Kind: "classify", Now: time.Now().UnixMilli(), Authorization: bearer(l.text), Token: &l.text, Skew: defaultSkew.Milliseconds(), Asks: []map[string]any{},
	})
	if err != nil {
		return err
	}
	r.group("classification")
	theirs := tokens.SessionToken.String()
	if told.Machine {
		if len(told.Types) != 1 {
			r.mistake("classification: %s: the peer gives it the types %q", l.name, told.Types)
			return nil
		}
		theirs = told.Types[0]
	}
	if told.Prefixed && !told.Machine {
		r.mistake("classification: %s: the peer contradicts itself", l.name)
	}
	byIssuer := slices.IndexFunc(l.causes, func(c cause) bool { return c.class == devIssuer || c.class == devMark && c.effect == laxer })
	switch {
	case kind.String() == theirs:
		r.agreed++
	case l.text == "" && !kind.Known(): // nothing is no session with either
		r.agreed++
	case !kind.Known() && theirs == tokens.SessionToken.String():
		r.byClass[devMark]++
	case byIssuer >= 0:
		r.byClass[l.causes[byIssuer].class]++
	default:
		r.mistake("classification: %s: ours %s, theirs %s", l.name, kind, theirs)
	}
	return nil
}
