// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens"
)

const defaultSkew = 5 * time.Second

// A family is tokens of one kind.
type family struct {
	name      string
	kind      string // of question
	token     tokens.Kind
	draft     func() *draft
	mutations []mutation
}

func families() []family {
	common := commonMutations()
	of := func(own []mutation) []mutation { return slices.Concat(common, own) }
	return []family{
		{"session v1", "session", tokens.SessionToken, func() *draft { return sessionDraft(1) }, of(sessionMutations(1))},
		{"session v2", "session", tokens.SessionToken, func() *draft { return sessionDraft(2) }, of(sessionMutations(2))},
		{"oauth", "machine", tokens.OAuthToken, oauthDraft, of(oauthMutations())},
		{"m2m", "machine", tokens.M2MToken, machineDraft, of(machineMutations())},
	}
}

func (f family) testCase(group, name string) testCase {
	return testCase{
		group: group, name: f.name + ": " + name, kind: f.kind, draft: f.draft(), values: bearer, skew: defaultSkew,
		accepts: []tokens.Kind{f.token}, peerAccepts: f.token.String(),
	}
}

// pool are the questions of has().
type pool struct{ roles, billed, reverification, empty []ask }

func newPool() pool { return pool{roleAsks(), billedAsks(), reverificationAsks(), emptyAsks()} }

func (p pool) draw(rng *rand.Rand, n int) []ask {
	return pickAsks(rng, n, p.roles, p.roles, p.billed, p.billed, p.reverification, p.empty)
}

// generate returns the cases of a seed, but for those of classification.
func generate(rng *rand.Rand) []testCase {
	asks := newPool()
	var cases []testCase
	for _, f := range families() {
		cases = append(cases, single(rng, f, asks)...)
	}
	for _, f := range families() {
		cases = append(cases, several(rng, f, asks)...)
	}
	cases = append(cases, everyAsk(asks)...)
	cases = append(cases, masks(rng, asks)...)
	cases = append(cases, ages(rng, asks)...)
	cases = append(cases, boundaries()...)
	cases = append(cases, headers()...)
	return append(cases, accepts()...)
}

// single is one mutation a case: a deviation that is listed for it must show.
func single(rng *rand.Rand, f family, asks pool) []testCase {
	var cases []testCase
	for _, m := range f.mutations {
		c := f.testCase("one thing changed", m.name)
		m.apply(c.draft)
		c.causes, c.alone = m.causes(), m.cause.class != none && !m.mixed
		c.asks = asks.draw(rng, 8)
		cases = append(cases, c)
	}
	return cases
}

// several is two to four mutations a case.
func several(rng *rand.Rand, f family, asks pool) []testCase {
	quiet := slices.DeleteFunc(slices.Clone(f.mutations), func(m mutation) bool { return m.cause.class != none })
	var cases []testCase
	for range 180 {
		var names []string
		c := f.testCase("several things changed", "")
		for range 2 + rng.IntN(3) {
			m := draw(rng, quiet)
			if rng.IntN(4) == 0 {
				m = draw(rng, f.mutations)
			}
			m.apply(c.draft)
			names, c.causes = append(names, m.name), append(c.causes, m.causes()...)
		}
		c.name += strings.Join(names, "; ")
		c.asks = asks.draw(rng, 8)
		cases = append(cases, c)
	}
	return cases
}

// everyAsk asks every question once of one session of each version, and of machines, which hold nothing.
func everyAsk(asks pool) []testCase {
	var cases []testCase
	for _, f := range families() {
		for _, a := range slices.Concat(asks.roles, asks.billed, asks.reverification, asks.empty) {
			if f.kind == "machine" && a.cause != none {
				continue
			}
			c := f.testCase("each question", a.show())
			c.asks, c.alone = []ask{a}, false
			cases = append(cases, c)
		}
	}
	return cases
}

// masks are permissions of features.
func masks(rng *rand.Rand, asks pool) []testCase {
	words := []string{"read", "manage", "create", "update", "delete", "revoke"}
	slugs := []string{"invoices", "export", "api", "dark-mode", "reports", "x", "a:b"}
	var cases []testCase
	for range 350 {
		f := families()[1]
		var fea, fpm []string
		for range rng.IntN(6) {
			fea = append(fea, draw(rng, []string{"o", "o", "u", "ou", "uo"})+":"+draw(rng, slugs))
		}
		per := slices.Clone(words[:rng.IntN(len(words)+1)])
		if rng.IntN(12) == 0 {
			for i := range 64 {
				per = append(per, "p"+strconv.Itoa(i))
			}
		}
		for range rng.IntN(7) {
			fpm = append(fpm, drawMask(rng, len(per)))
		}
		comma := draw(rng, []string{",", ",", " , ", ", "})
		c := f.testCase("permission masks", fmt.Sprintf("fea=%q per=%q fpm=%q", fea, per, fpm))
		c.draft.claims["fea"] = strings.Join(fea, comma)
		o, _ := c.draft.claims["o"].(map[string]any)
		o["per"], o["fpm"] = strings.Join(per, comma), strings.Join(fpm, comma)
		c.asks = pickAsks(rng, 6, asks.roles, asks.billed)
		for range 6 {
			c.asks = append(c.asks, named("permission", draw(rng, slugs)+":"+draw(rng, words)), named("feature", draw(rng, []string{"", "o:", "u:"})+draw(rng, slugs[:6])))
		}
		cases = append(cases, c)
	}
	return cases
}

func drawMask(rng *rand.Rand, bits int) string {
	switch rng.IntN(10) {
	case 0:
		return draw(rng, []string{"", "-1", "1.5", "x", "1e3", "0x1", "+1", "١", "1 1"})
	case 1:
		return "000" + strconv.Itoa(rng.IntN(8))
	case 2:
		return draw(rng, []string{
			"9007199254740993", "9007199254740995", "18014398509481984", "18446744073709551615", "18446744073709551616",
			"340282366920938463463374607431768211457",
		})
	default:
		return strconv.Itoa(rng.IntN(1 << min(bits+1, 20)))
	}
}

// ages are verification ages and the time since iat, each asked every reverification.
func ages(rng *rand.Rand, asks pool) []testCase {
	minutes := []int{-1, -1, 0, 1, 5, 9, 10, 11, 30, 58, 59, 60, 1439, 1440, 100000}
	var cases []testCase
	for i := range 200 {
		f := families()[i%2]
		pair := []int{draw(rng, minutes), draw(rng, minutes)}
		issued := second(draw(rng, []int{0, -1, -5, -59, -60, -61, -119, -120, -600, -3600, 4}))
		c := f.testCase("verification ages", fmt.Sprintf("fva=%v iat=%d", pair, issued))
		c.draft.claims["fva"], c.draft.claims["iat"] = pair, issued
		c.asks = slices.Concat(asks.reverification, pickAsks(rng, 4, asks.reverification, asks.roles))
		cases = append(cases, c)
	}
	return cases
}

// boundaries are dates around the edge of what a skew allows.
func boundaries() []testCase {
	var cases []testCase
	for _, f := range families()[1:] {
		for _, skew := range []time.Duration{0, time.Second, defaultSkew, time.Minute, 5 * time.Minute} {
			for _, name := range []string{"exp", "nbf", "iat"} {
				for off := -2; off <= 2; off++ {
					at := int(skew.Seconds())
					if name == "exp" {
						at = -at
					}
					c := f.testCase("time boundaries", fmt.Sprintf("skew %v, %s at %+d", skew, name, at+off))
					c.skew = skew
					c.draft.claims[name] = second(at + off)
					cases = append(cases, c)
				}
			}
		}
	}
	return cases
}
