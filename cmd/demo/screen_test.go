// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"slices"
	"testing"
)

func TestRow(t *testing.T) {
	for colour, want := range map[bool]string{
		false: "ä     b  ok\n",
		true:  "ä     \x1b[2mb\x1b[0m  \x1b[32mok\x1b[0m\n",
	} {
		var out bytes.Buffer
		s := &screen{out: &out, colour: colour}
		s.row([]int{4, 1}, cell{"ä", plain}, cell{"b", faint}, cell{"ok", green})
		if out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string][]string{
		"":               {""},
		"aa bb cc":       {"aa bb", "cc"},
		"aaaaaaaaa b":    {"aaaaaaaaa", "b"},
		"aa  bbb cccccc": {"aa bbb", "cccccc"},
	} {
		if got := wrap(text, 6); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for path, want := range map[string]string{
		"/tmp/admit-demo.json": "/tmp/admit-demo.json", "/tmp/a b": "'/tmp/a b'", "/tmp/it's": `'/tmp/it'\''s'`,
	} {
		if got := quote(path); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
