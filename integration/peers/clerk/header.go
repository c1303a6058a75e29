// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/admitrpc/admit/tokens"
)

// A presentation is a way to write a token into the header.
type presentation struct {
	name   string
	values func(token string) []string
	cause  cause
}

func presentations() []presentation {
	one := func(before, after string) func(string) []string {
		return func(token string) []string { return []string{before + token + after} }
	}
	lax, strict := cause{devHeader, laxer}, cause{devHeader, stricter}
	return []presentation{
		{"Bearer T", one("Bearer ", ""), cause{}},
		{"nothing", func(string) []string { return nil }, cause{}},
		{"empty", func(string) []string { return []string{""} }, cause{}},
		{"bearer T", one("bearer ", ""), lax},
		{"BEARER T", one("BEARER ", ""), lax},
		{"bEaReR T", one("bEaReR ", ""), lax},
		{"T", one("", ""), strict},
		{"Bearer T junk", one("Bearer ", " junk"), strict},
		{"Bearer T T", func(t string) []string { return []string{"Bearer " + t + " " + t} }, strict},
		{"T junk", one("", " junk"), cause{}},
		{"space Bearer T", one(" Bearer ", ""), strict},
		{"Bearer T space", one("Bearer ", " "), strict},
		{"Bearer T tab", one("Bearer ", "\t"), strict},
		{"Bearer, two spaces", one("Bearer  ", ""), cause{}},
		{"Bearer, tab", one("Bearer\t", ""), cause{}},
		{"Bearer alone", func(string) []string { return []string{"Bearer"} }, cause{}},
		{"Bearer and a space", func(string) []string { return []string{"Bearer "} }, cause{}},
		{"Basic T", one("Basic ", ""), cause{}},
		{"Token T", one("Token ", ""), cause{}},
		{"DPoP T", one("DPoP ", ""), cause{}},
		{"Bearer:T", one("Bearer:", ""), cause{}},
		{"Bearer=T", one("Bearer=", ""), cause{}},
		{"BearerT", one("Bearer", ""), cause{}},
		{"quoted", one(`Bearer "`, `"`), cause{}},
		{"a comma behind", one("Bearer ", ","), cause{}},
		{"a semicolon behind", one("Bearer ", ";"), cause{}},
		{"a tab and junk behind", one("Bearer ", "\tjunk"), cause{}},
		{"two in one value", func(t string) []string { return []string{"Bearer " + t + ",Bearer " + t} }, cause{}},
		{"two values", func(t string) []string { return []string{"Bearer " + t, "Bearer " + t} }, cause{}},
		{"Basic, then Bearer", func(t string) []string { return []string{"Basic eA==", "Bearer " + t} }, cause{}},
		{"Bearer, then Basic", func(t string) []string { return []string{"Bearer " + t, "Basic eA=="} }, cause{}},
		{"an empty value before", func(t string) []string { return []string{"", "Bearer " + t} }, cause{}},
	}
}

// headers are the ways to present a token that is good, and one that is not.
func headers() []testCase {
	var cases []testCase
	for _, f := range families()[1:] {
		for _, p := range presentations() {
			c := f.testCase("authorization header", p.name)
			c.values = p.values
			if p.cause.class != none {
				c.causes, c.alone = []cause{p.cause}, true
			}
			cases = append(cases, c)
			bad := f.testCase("authorization header", p.name+" of another key")
			bad.values, bad.draft.key = p.values, "other"
			cases = append(cases, bad)
		}
	}
	return cases
}

// accepts are lists of kinds that a procedure accepts, and credentials of every kind.
func accepts() []testCase {
	kinds := tokens.Kinds()
	presented := []struct {
		name  string
		draft func() *draft
		text  string
	}{
		{"a session", func() *draft { return sessionDraft(2) }, ""}, {"an OAuth JWT", oauthDraft, ""}, {"an M2M JWT", machineDraft, ""},
		{"a JWT of a template", func() *draft { d := sessionDraft(1); d.header["cat"] = catTemplate; return d }, ""},
		{"a session with the category of machines", func() *draft { d := sessionDraft(2); d.header["cat"] = catMachine; return d }, ""},
		{"a key", nil, "ak_good"}, {"a bad key", nil, "ak_bad"}, {"an opaque OAuth token", nil, "oat_good"}, {"a bad OAuth token", nil, "oat_bad"},
		{"an opaque M2M token", nil, "mt_good"}, {"a bad M2M token", nil, "mt_bad"}, {"garbage", nil, "test_header_token"},
	}
	var cases []testCase
	for subset := range 1 << len(kinds) {
		var accepted []tokens.Kind
		names := []string{}
		for i, kind := range kinds {
			if subset>>i&1 == 1 {
				accepted, names = append(accepted, kind), append(names, kind.String())
			}
		}
		for _, p := range presented {
			c := testCase{
				group: "kinds accepted", name: fmt.Sprintf("%s to %v", p.name, names), kind: "any", skew: defaultSkew, accepts: accepted, peerAccepts: names,
				values: func(token string) []string { return bearer(token + p.text) },
			}
			if p.draft != nil {
				c.draft = p.draft()
			}
			cases = append(cases, c)
			if len(accepted) == len(kinds) {
				c.name, c.peerAccepts = p.name+" to any", "any"
				cases = append(cases, c)
			}
		}
	}
	return cases
}

// A label is a credential to be classified.
type label struct {
	name, text string
	causes     []cause // why the peer gives it a kind and we none
}

// labels returns the credentials of a seed to be classified.
func labels(rng *rand.Rand, k *keys, now int64) ([]label, error) {
	var list []label
	for _, text := range []string{
		"", "x", "unknown_prefix_token", "M2M_token_value", "OAUTH_token_value", "API_KEY_value", "MT_x", "OAT_x", "AK_x", "Ak_x", "api_key_x", "m2m_x",
		"ak_", "mt_", "oat_", "ak_a.b.c", "mt_a.b.c", "oat_a.b.c", "oat", "mt", "ak", "a.b.c", "not.a.jwt", "invalid", "invalid.jwt", "a.b.c.d", "..", ".", "a..c",
		"eyJhbGciOiJSUzI1NiJ9.e30.AA", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOjF9.AA", "ak_oat_mt_", "oat_ak_", "x_ak_x", "-ak_x",
	} {
		list = append(list, label{name: text, text: text})
	}
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	for range 180 {
		text := []byte(draw(rng, []string{"ak_", "mt_", "oat_", "", "ak", "mt-", "OAT_", "sk_", "eyJ"}))
		for range rng.IntN(40) {
			text = append(text, alphabet[rng.IntN(len(alphabet))])
		}
		list = append(list, label{name: string(text), text: string(text)})
	}
	for _, f := range families() {
		for _, m := range f.mutations {
			if !strings.HasPrefix(m.name, "claim sub=") && !strings.HasPrefix(m.name, "claim iss=") && !strings.HasPrefix(m.name, "header ") {
				continue
			}
			d := f.draft()
			m.apply(d)
			text, err := k.mint(d, now)
			if err != nil {
				return nil, err
			}
			list = append(list, label{name: f.name + ": " + m.name, text: text, causes: m.causes()})
		}
	}
	return list, nil
}
