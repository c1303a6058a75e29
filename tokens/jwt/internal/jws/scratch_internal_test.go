// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"fmt"
	"strings"
	"testing"
)

// What was read into a scratch before changes nothing of what is read next, and a large text leaves no memory behind.
func TestScratchIsUsedAgain(t *testing.T) {
	t.Parallel()
	members := make([]string, 500)
	for i := range members {
		members[i] = fmt.Sprintf(`"m%d":[%d]`, i, i)
	}
	large := "{" + strings.Join(members, ",") + "}"
	texts := []string{`{"a":"1","b":{"c":[2,3]}}`, `{}`, `{"b":"4"}`, large, `{"c":5,"a":{"b":6}}`, `{"a":`, `{"x":7}`, large, `{"a":"8"}`}
	scratch := new(Scratch)
	for i, text := range texts {
		got, err := parseObject(text, &scratch.document, nil)
		want, wrong := parseObject(text, new(document), nil)
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%d: %v, on its own %v", i, err, wrong)
		}
		if err == nil {
			for _, name := range []string{"a", "b", "c", "x", "m0", "m499", "none"} {
				if got.Raw(name) != want.Raw(name) || got.Has(name) != want.Has(name) {
					t.Errorf("%d: %s is %q, on its own %q", i, name, got.Raw(name), want.Raw(name))
				}
			}
		}
		scratch.Reset()
		if cap(scratch.nodes) > 2*fewNodes || len(scratch.nodes) != 0 || scratch.text != "" {
			t.Errorf("%d: %d nodes are kept", i, cap(scratch.nodes))
		}
	}
}
