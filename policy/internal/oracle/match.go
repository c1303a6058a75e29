// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"slices"
	"strings"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
)

// A Message maps the path of a field to the values found there. An absent value is "", and so is an empty list at any level; a path
// that is not in the map is absent.
type Message map[string][]string

const (
	own    = "own"
	other  = "other"
	absent = "absent"
)

// compare says of each value that the message names whether it is the caller's own.
func compare(m *admitv1.Match, c *Caller, message Message) []string {
	values := message[m.GetField()]
	if len(values) == 0 {
		return []string{absent}
	}
	words := make([]string, 0, len(values))
	for _, value := range values {
		words = append(words, compareOne(m, c, value))
	}
	return words
}

func compareOne(m *admitv1.Match, c *Caller, value string) string {
	if value == "" {
		return absent
	}
	if m.Pattern != nil {
		captured, ok := Capture(m.GetPattern(), value)
		if !ok {
			return other
		}
		value = captured
	}
	if attribute := c.attribute(m.GetEquals()); attribute == "" || attribute != value {
		return other
	}
	return own
}

// Capture returns what stands at the place of {} when the value fits the pattern (semantics 22).
func Capture(pattern, value string) (captured string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(value, "/")
	if slices.Contains(have, "") {
		return "", false
	}
	if want[len(want)-1] == "**" {
		want = want[:len(want)-1]
		if len(have) < len(want) {
			return "", false
		}
		have = have[:len(want)]
	}
	if len(have) != len(want) {
		return "", false
	}
	for i := range want {
		if want[i] == "{}" {
			captured = have[i]
		} else if want[i] != have[i] {
			return "", false
		}
	}
	return captured, true
}

// holds tells whether the message numbered n, from 0, satisfies the match (semantics 20).
func holds(m *admitv1.Match, c *Caller, messages []Message, n int) bool {
	words := compare(m, c, messages[n])
	if slices.Contains(words, other) {
		return false
	}
	if !slices.Contains(words, absent) {
		return true
	}
	switch m.GetAbsent() {
	case admitv1.Match_ADMITTED:
		return true
	case admitv1.Match_ADMITTED_LATER:
		first := compare(m, c, messages[0])
		return n > 0 && !slices.Contains(first, other) && !slices.Contains(first, absent)
	case admitv1.Match_REFUSED, admitv1.Match_ABSENT_UNSPECIFIED:
	}
	return false
}
