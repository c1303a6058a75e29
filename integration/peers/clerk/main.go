// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Command clerk asks Clerk's own libraries, in a Node process beside it, and this module the same questions about the same tokens at the
// same instant, and then about the same whole requests, and compares the answers. A difference that is not of a class in
// docs/clerk-deviations.md fails the run, and so does a class that no longer shows. The cases are the seed's; only the keys and the instant
// are the run's own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/admitrpc/admit/tokens"
)

const (
	// fewest is how many cases each part must have.
	fewest = 2000
	// longest is how long a run may take. One takes about a minute.
	longest = 5 * time.Minute
)

func main() {
	folder := flag.String("folder", "integration/peers/clerk", "where the scripts and node_modules are")
	seed := flag.Uint64("seed", 1, "what the cases are drawn with")
	flag.Parse()
	// What ours would tell an operator of outages is no more than the cases are about.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := compare(*folder, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "peers-clerk:", err)
		os.Exit(1)
	}
}

func compare(folder string, seed uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	k, err := newKeys()
	if err != nil {
		return err
	}
	return errors.Join(inPart("tokens", compareTokens(ctx, folder, k, seed)), inPart("whole requests", compareCalls(ctx, folder, k, seed)))
}

func inPart(part string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", part, err)
}

// compareTokens asks both about tokens and what they say.
func compareTokens(ctx context.Context, folder string, k *keys, seed uint64) (err error) {
	var told setUp
	p, err := startPeer(ctx, folder, "oracle.mjs", map[string]any{
		"pem": string(k.pem), "issuer": issuer, "parties": []string{party}, "audiences": []string{audience},
	}, &told)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	fmt.Fprintf(os.Stdout, "@clerk/backend of %s on Node %s; seed %d\n\nTokens, their claims and has()\n", folder, told.Node, seed)
	r := &run{keys: k, ours: &ours{pem: k.pem}, peer: p, tally: newTally(tokenClasses)}
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
	r.printCases(os.Stdout)
	r.printClasses(os.Stdout)
	if len(tokenClasses) > maxTokenClasses {
		return fmt.Errorf("%d deviation classes, want %d at most", len(tokenClasses), maxTokenClasses)
	}
	return r.err()
}

// compareCalls asks both about whole requests.
func compareCalls(ctx context.Context, folder string, k *keys, seed uint64) (err error) {
	w, err := newWorld(ctx, folder, k)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	fmt.Fprintf(os.Stdout, "\nWhole requests: authenticateRequest and a guarded Connect handler\n")
	for _, c := range generateCalls(rand.New(rand.NewPCG(seed, seed+1))) {
		verdicts, err := w.ask(ctx, &c)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", c.group, c.name(), err)
		}
		for i, v := range verdicts {
			w.group(c.group)
			w.judge(&c, i, v)
		}
	}
	w.printCases(os.Stdout)
	w.printReasons(os.Stdout)
	w.printClasses(os.Stdout)
	return w.err()
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
