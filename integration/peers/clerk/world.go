// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
)

// A world is both sides, set up alike for whole requests, and the Backend API that both ask.
type world struct {
	keys    *keys
	backend *backend
	peer    *peer
	suffix  string // of the instance's cookies
	sites   []*site
	byRow   []int
	learned map[string]outcome // of ours, by credential and shape: what the credential is worth in a header
	tally
}

func newWorld(ctx context.Context, folder string, k *keys) (*world, error) {
	b, err := startBackend(k)
	if err != nil {
		return nil, err
	}
	w := &world{keys: k, backend: b, byRow: make([]int, len(rows)), learned: map[string]outcome{}, tally: newTally(callClasses)}
	if err := w.start(ctx, folder); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *world) start(ctx context.Context, folder string) error {
	list := settings()
	var sites []map[string]any
	for _, s := range list {
		w.backend.admit(s.secret, s.keys, false)
		told := map[string]any{"secret": s.secret, "machineSecret": s.machineSecret}
		if s.machineSecret != "" {
			w.backend.admit(s.machineSecret, s.keys, true)
		}
		if s.hasPEM {
			told["pem"] = string(w.keys.pem)
		}
		sites = append(sites, told)
	}
	var told setUp
	var err error
	w.peer, err = startPeer(ctx, folder, "states.mjs", map[string]any{
		"sites": sites, "api": w.backend.URL, "host": host, "parties": []string{party}, "audiences": []string{audience, ourMachine},
		"organizations": map[string]any{
			"organizationPatterns": []string{"/organizations/:id", "/orgs/:slug"}, "personalAccountPatterns": []string{"/me", "/me/(.*)"},
		},
	}, &told)
	if err != nil {
		return err
	}
	w.suffix = told.Suffix
	rules, err := rules()
	if err != nil {
		return err
	}
	file, err := declare(slices.Sorted(maps.Keys(rules)))
	if err != nil {
		return err
	}
	if startsForNobody(file) {
		w.mistake("a rule that admits nobody starts, and is listed as one that does not")
	}
	for _, s := range list {
		// The suffixed cookie is the instance's own, so it is looked for first.
		site, err := startSite(s, rules, file, w.backend, w.keys, []string{sessionCookie + "_" + w.suffix, sessionCookie})
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		w.sites = append(w.sites, site)
	}
	return nil
}

func (w *world) close() error {
	var failed []error
	if w.peer != nil {
		failed = append(failed, w.peer.Stop())
	}
	for _, site := range w.sites {
		failed = append(failed, site.close())
	}
	w.backend.Close()
	return errors.Join(failed...)
}

// judge finds out why the two outcomes go together, and counts it. What no row explains is a mistake.
func (w *world) judge(c *call, i int, v verdict) {
	mistake := func(text string) { w.mistake("%s: %s: %s", c.group, c.name(), text) }
	if v.asked[oursSide].tokens > 0 && v.asked[peerSide].tokens == 0 && !c.otherCase() && !c.header.is(twoForms) {
		mistake("ours asks the Backend API about a token, and the peer does not")
	}
	if v.ours == signedIn && c.mustRefuse(i) {
		mistake("ours signs in what is listed as refused")
	}
	if worth, ok := w.worth(c, v.ours); ok && worth != v.ours {
		mistake(fmt.Sprintf("ours %q, and %q of the same credential in a plain header", v.ours, worth))
	}
	found := slices.IndexFunc(rows, func(r row) bool {
		return v.theirs.isOneOf(r.theirs) && v.ours.isOneOf(r.ours) && (r.when == nil || r.when(c, i))
	})
	if found < 0 {
		mistake(fmt.Sprintf("ours %q, theirs %q", v.ours, v.theirs))
		return
	}
	w.byRow[found]++
	class := rows[found].class
	if v.principal != nil && v.theirs == signedIn {
		for _, d := range append(differences(v.principal, v.answer), machineDifferences(v.principal, v.answer)...) {
			switch {
			case d.field == "user" && d.ours == "" && c.shown().is(clientSubject):
				class = devAccessToken
			case c.byCookie() && c.different():
				class = devWhichCookie
			case c.otherCase() && len(c.cookies) > 0:
				class = devHeader
			default:
				mistake(fmt.Sprintf("%s: ours %q, theirs %q", d.field, d.ours, d.theirs))
			}
		}
	}
	if class == none && v.asked[peerSide].keys > v.asked[oursSide].keys {
		class = devKeySets
	}
	if class == none {
		w.agreed++
	} else {
		w.byClass[class]++
	}
}

// worth learns what ours says of a credential in a plain header, and returns it where the same credential comes in a cookie or behind a
// scheme in another case, since the peer may then look at another one, or at none. ok: it is known.
func (w *world) worth(c *call, now outcome) (worth outcome, ok bool) {
	shown := c.shown()
	if shown == nil || c.shape.nobody() || c.target.path != "" || c.site == siteOfKeys && shown.is(unknownKey) {
		return "", false
	}
	name := shown.name
	if name == secondSession.name {
		name = "a session"
	}
	switch key := name + " to " + c.shape.method; {
	case c.group == shapesGroup:
		w.learned[key] = now
		return "", false
	case c.byCookie() && (c.from.foreign || c.twice()):
		return "", false
	case c.byCookie() && shown.machine():
		return isNotAccepted, true
	case c.byCookie() || c.otherCase():
		worth, ok = w.learned[key]
		return worth, ok
	default:
		return "", false
	}
}

// machineDifferences compares what only whole requests tell of machines.
func machineDifferences(p *tokens.Principal, told answer) []difference {
	var o object
	if p.Kind() == tokens.SessionToken || json.Unmarshal(told.Object, &o) != nil {
		return nil
	}
	var list []difference
	if p.ID() != o.ID {
		list = append(list, difference{"id", p.ID(), o.ID})
	}
	if p.Kind() == tokens.APIKey && p.Organization().ID != o.OrgID {
		list = append(list, difference{"organization", p.Organization().ID, o.OrgID})
	}
	return list
}

// printReasons prints how often the reasons of both sides went together, and tells of rows that never fit.
func (w *world) printReasons(out io.Writer) {
	fmt.Fprintln(out, "reasons that say the same (theirs: ours):")
	for i, r := range rows {
		if r.class == none {
			fmt.Fprintf(out, "  %5d  %s: %s\n", w.byRow[i], list(r.theirs), list(r.ours))
		}
		if w.byRow[i] == 0 {
			w.mistake("no call has %s with %s any more (§%s)", list(r.theirs), list(r.ours), numberOf(r.class))
		}
	}
}

func list(outcomes []outcome) string {
	var texts []string
	for _, o := range outcomes {
		texts = append(texts, string(o))
	}
	return strings.Join(texts, ", ")
}
