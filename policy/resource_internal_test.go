// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy/internal/oracle"
)

// FuzzResource compares the matching of resource names with the oracle's, and holds patterns to what semantics 22 says of them.
func FuzzResource(f *testing.F) {
	seeds := []struct{ pattern, value string }{
		{"organizations/{}/invoices/**", "organizations/org_1/invoices/7"}, {"organizations/{}/invoices/**", "organizations/org_1/invoices"},
		{"{}", "org_1"}, {"{}", ""}, {"{}", "/"}, {"{}/**", "a/b/c"}, {"{}/**", "a//c"}, {"{}/**", "a/"}, {"a/{}", "a/b/c"}, {"a/{}", "b/b"},
		{"/{}", "/a"}, {"{}/{}", "a/b"}, {"**/{}", "a/b"}, {"a{}", "ab"}, {"{}/***", "a"}, {"", ""}, {"a//{}", "a//b"}, {"ü/{}", "ü/é"},
	}
	for _, seed := range seeds {
		f.Add(seed.pattern, seed.value)
	}
	f.Fuzz(func(t *testing.T, pattern, value string) {
		r, err := parseResource(pattern)
		if err != nil {
			return
		}
		captures := 0
		segments := strings.Split(pattern, "/")
		for i, segment := range segments {
			switch {
			case segment == "{}":
				captures++
			case segment == "**" && i == len(segments)-1:
			case segment == "", strings.ContainsAny(segment, "{}*"):
				t.Fatalf("%q has the segment %q and is taken", pattern, segment)
			}
		}
		if captures != 1 {
			t.Fatalf("%q has %d captures and is taken", pattern, captures)
		}
		captured, ok := r.capture(value)
		want, wantOK := oracle.Capture(pattern, value)
		if ok != wantOK || ok && captured != want {
			t.Fatalf("%q in %q: %q, %v; want %q, %v", value, pattern, captured, ok, want, wantOK)
		}
		if ok && (captured == "" || strings.Contains(captured, "/")) {
			t.Fatalf("%q in %q captures %q", value, pattern, captured)
		}
	})
}
