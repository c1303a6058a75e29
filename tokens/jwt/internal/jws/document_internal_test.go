// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"fmt"
	"strings"
	"testing"
)

// What was read into a document before changes nothing of what is read next, and a large text leaves no memory behind.
func TestDocumentIsUsedAgain(t *testing.T) {
	t.Parallel()
	members := make([]string, 500)
	for i := range members {
		members[i] = fmt.Sprintf(`"m%d":[%d]`, i, i)
	}
	large := "{" + strings.Join(members, ",") + "}"
	texts := []string{`{"a":"1","b":{"c":[2,3]}}`, `{}`, `{"b":"4"}`, large, `{"c":5,"a":{"b":6}}`, `{"a":`, `{"x":7}`, large, `{"a":"8"}`}
	into, names := new(document), NewNames("", "a", "x", "m499")
	for i, text := range texts {
		got, err := parseObject(text, into, names, nil)
		want, wrong := parseObject(text, new(document), names, nil)
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%d: %v, on its own %v", i, err, wrong)
		}
		if err == nil {
			for _, name := range []string{"a", "b", "c", "x", "m0", "m499", "none"} {
				if got, want := got.Member(name), want.Member(name); got.Raw() != want.Raw() || got.Exists() != want.Exists() {
					t.Errorf("%d: %s is %q, on its own %q", i, name, got.Raw(), want.Raw())
				}
			}
		}
		into.reset()
		if cap(into.nodes) > 2*fewNodes || len(into.nodes) != 0 || into.text != "" {
			t.Errorf("%d: %d nodes are kept", i, cap(into.nodes))
		}
	}
}
