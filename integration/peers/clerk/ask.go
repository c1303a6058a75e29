// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// An ask is one question to has(): as the peer is asked, and as we are.
type ask struct {
	peer    map[string]any
	demands []tokens.Demand
	cause   deviation
}

// show writes the question as the peer is asked.
func (a ask) show() string {
	text, err := json.Marshal(a.peer)
	if err != nil {
		return "?"
	}
	return string(text)
}

// and asks both.
func (a ask) and(b ask) ask {
	both := ask{peer: maps.Clone(a.peer), cause: max(a.cause, b.cause)}
	maps.Copy(both.peer, b.peer)
	both.demands = append(append(both.demands, a.demands...), b.demands...)
	return both
}

func named(what string, value any) ask {
	makers := map[string]func(string) tokens.Demand{
		"role": tokens.Role, "permission": tokens.Permission, "feature": tokens.Feature, "plan": tokens.Plan,
	}
	a := ask{peer: map[string]any{what: value}}
	if text, ok := value.(string); ok {
		a.demands = []tokens.Demand{makers[what](text)}
	} else {
		a.demands = []tokens.Demand{{}} // what is no text is asked and never held
	}
	return a
}

var presets = map[string]struct {
	level  tokens.Level
	within time.Duration
}{
	"strict_mfa": {tokens.MultiFactor, 10 * time.Minute}, "strict": {tokens.SecondFactor, 10 * time.Minute},
	"moderate": {tokens.SecondFactor, time.Hour}, "lax": {tokens.SecondFactor, 24 * time.Hour},
}

var levels = map[string]tokens.Level{
	"first_factor": tokens.FirstFactor, "second_factor": tokens.SecondFactor, "multi_factor": tokens.MultiFactor,
}

func preset(name string) ask {
	p := presets[name]
	return ask{peer: map[string]any{"reverification": name}, demands: []tokens.Demand{tokens.Reverified(p.level, p.within)}}
}

func reverified(level string, minutes float64) ask {
	return ask{
		peer:    map[string]any{"reverification": map[string]any{"level": level, "afterMinutes": minutes}},
		demands: []tokens.Demand{tokens.Reverified(levels[level], time.Duration(minutes*float64(time.Minute)))},
	}
}

func malformed(value any) ask {
	return ask{peer: map[string]any{"reverification": value}, demands: []tokens.Demand{{}}}
}

func roleAsks() []ask {
	var list []ask
	for _, value := range []any{
		"admin", "org:admin", "org:org:admin", "member", "Admin", "", "org:", "org:org:", "admin ", nil, 5, []string{"admin"}, map[string]any{}, true,
	} {
		list = append(list, named("role", value))
	}
	for _, value := range []any{
		"invoices:read", "org:invoices:read", "org:org:invoices:read", "org:invoices", "invoices", "api:manage", "org:api:manage", "export:read", "org:export:manage",
		"org:invoices:Read", "", "org:", ":", "org::", "org:sys_memberships:read", "dark-mode:read", nil, 5, map[string]any{}, []string{"org:invoices:read"},
	} {
		list = append(list, named("permission", value))
	}
	return list
}

func billedAsks() []ask {
	var list []ask
	for _, what := range []string{"feature", "plan"} {
		for _, value := range []any{
			"export", "o:export", "org:export", "organization:export", "u:export", "user:export", "dark-mode", "u:dark-mode", "o:dark-mode", "ou:invoices", "invoices",
			"user:invoices", "org:invoices", "lol:export", "Export", "pro", "u:pro", "user:pro", "o:pro", "business", "org:business", "u:business", "free_user",
			"", "o:", "u:", ":", ":export", "export:", " export", nil, 1, map[string]any{},
		} {
			list = append(list, named(what, value))
		}
	}
	for _, a := range []ask{named("feature", "org:export:x"), named("feature", "o:invoices:"), named("plan", "u:pro:x"), named("plan", "organization:business:y:z")} {
		a.cause = devAsk
		list = append(list, a)
	}
	return list
}

func reverificationAsks() []ask {
	list := []ask{preset("strict_mfa"), preset("strict"), preset("moderate"), preset("lax")}
	for _, level := range []string{"first_factor", "second_factor", "multi_factor"} {
		for _, minutes := range []float64{10, 1, 60, 0.5, 100000, 0, -1} {
			list = append(list, reverified(level, minutes))
		}
	}
	return append(list, malformed("invalid-value"), malformed("Strict"), malformed(""), malformed(nil), malformed(5), malformed([]int{1}), malformed(map[string]any{}),
		malformed(map[string]any{"level": "first_factor"}), malformed(map[string]any{"afterMinutes": 10}),
		malformed(map[string]any{"level": "third_factor", "afterMinutes": 10}), malformed(map[string]any{"level": "first_factor", "afterMinutes": "10"}),
		malformed(map[string]any{"level": "first_factor", "afterMinutes": nil}))
}

// emptyAsks ask nothing that has() knows.
func emptyAsks() []ask {
	return []ask{{peer: map[string]any{}}, {peer: map[string]any{"foo": "bar"}}, {peer: map[string]any{"scope": "a", "unauthorizedUrl": "/x"}}}
}

// pickAsks draws questions, some of which ask several things.
func pickAsks(rng *rand.Rand, n int, of ...[]ask) []ask {
	var list []ask
	for range n {
		a := draw(rng, draw(rng, of))
		for rng.IntN(4) == 0 {
			if b := draw(rng, draw(rng, of)); disjoint(a, b) {
				a = a.and(b)
			}
		}
		list = append(list, a)
	}
	return list
}

func disjoint(a, b ask) bool {
	for name := range a.peer {
		if _, both := b.peer[name]; both {
			return false
		}
	}
	return true
}

func draw[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }
