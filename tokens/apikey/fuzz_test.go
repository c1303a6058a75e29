// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"regexp"
	"strings"
	"testing"
)

var keyShape = regexp.MustCompile(`^([a-z][a-z0-9]*(?:_[a-z0-9]+)*)_([0-9A-Za-z]{16})_[0-9A-Za-z]{49}$`)

// FuzzParse compares the parser with a regular expression and a checksum of the standard library.
func FuzzParse(f *testing.F) {
	seeds := []string{"", "_", "ak_", "ak_.x.y", "eyJhbGciOiJub25lIn0.e30.", newKey(f, "ak").Reveal(), newKey(f, "ak_live").Reveal()}
	for _, golden := range goldenKeys {
		seeds = append(seeds, signed(golden.key), golden.key+"000000", " "+signed(golden.key))
	}
	for _, seed := range seeds {
		f.Add(seed)
		f.Add(strings.ToUpper(seed))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, text := range []string{text, signed(text)} {
			key, err := parse(text)
			parts := keyShape.FindStringSubmatch(text)
			is := parts != nil && len(parts[1]) <= 32 && !regexp.MustCompile(`^e[w-z]`).MatchString(text) &&
				text == signed(text[:len(text)-6])
			if is != (err == nil) {
				t.Fatalf("%q: error %v", text, err)
			}
			if is && (key.Reveal() != text || key.ID() != parts[2] || !strings.HasPrefix(key.Hint(), parts[1]+"_"+parts[2]+"…")) {
				t.Fatalf("%q: id %q, hint %q", text, key.ID(), key.Hint())
			}
		}
	})
}
