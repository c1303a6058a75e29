// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package element reads how one feature or plan is held: as "o:slug", "u:slug", "ou:slug" or "uo:slug".
package element

// A Scope says who holds it, as a set of bits.
type Scope uint8

// The scopes.
const (
	Organization Scope = 1 << iota
	User
)

// Parse returns the scope of an element and its slug, which is never empty; ok is false for a text that is no element.
func Parse(text string) (scope Scope, slug string, ok bool) {
	switch {
	case len(text) > 2 && text[:2] == "o:":
		return Organization, text[2:], true
	case len(text) > 2 && text[:2] == "u:":
		return User, text[2:], true
	case len(text) > 3 && (text[:3] == "ou:" || text[:3] == "uo:"):
		return Organization | User, text[3:], true
	default:
		return 0, "", false
	}
}

// Are reports whether each of the texts is an element.
func Are(texts []string) bool {
	for _, text := range texts {
		if _, _, ok := Parse(text); !ok {
			return false
		}
	}
	return true
}
