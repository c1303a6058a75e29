// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import "math"

// A node is one value. The nodes of a text stand in its order, a container before what it contains; the first is the object that the text
// is. They are small and have no pointers, which makes them cheap.
type node struct {
	label
	// start and end bound the value in the text.
	start, end uint32
	// size is how many nodes the value is: itself and everything inside.
	size uint32
}

// A label is what is said of a name in one word, which stays in a register: from the highest bits, where it begins in the text (32), how
// long it is there (16), its tag (8), and the traits of it and of the value that it names (8). That of a value without a name has an empty
// one.
type label uint64

// newLabel makes the label of a name of a length in the text. The tag is its number, or else its hash.
func newLabel(start, length int, tag uint8, of label) label {
	return label(start)<<32 | label(length)<<16 | label(tag)<<8 | of //nolint:gosec // Checked before.
}

func (l label) tag() uint8 { return uint8(l >> 8) } //nolint:gosec // What does not fit is left off.

// sameTag reports whether two names may be the same: they are if they have numbers.
func (l label) sameTag(other label) bool { return (l^other)&(math.MaxUint8<<8|numbered) == 0 }

// The traits.
const (
	// escaped is a name with escapes.
	escaped label = 1 << iota
	// capital is a name that is not lower case ASCII alone, so that it may be another name in another case.
	capital
	// numbered is a name whose tag is its number.
	numbered

	isString
	// isEscaped is a string with escapes.
	isEscaped
	// isPlain is a string of printable ASCII without escapes, or a number that is digits alone.
	isPlain
	isArray
	isObject
)

// in returns the name, escapes undone.
func (l label) in(text string) string {
	start := l >> 32
	if l&escaped != 0 {
		return unescape(text[start : start+l>>16&math.MaxUint16])
	}
	return text[start : start+l>>16&math.MaxUint16]
}

// fewNames is how many names without numbers are compared one by one.
const fewNames = 32

// A seen is the names of the members of one object so far.
type seen struct {
	first           int // the node of the first member
	count           int // of those without numbers
	numbers, filter uint64
	all             map[string]struct{} // when they are more than a few
}

// numberTwice reports whether a name with a number is there already, and adds it.
func (s *seen) numberTwice(l label) bool {
	bit := uint64(1) << (l.tag() % 64)
	before := s.numbers
	s.numbers |= bit
	return before&bit != 0
}

// twice reports whether a name without a number is there already, and adds it.
func (s *seen) twice(l label, r *reader) bool {
	bit := uint64(1) << (l.tag() % 64)
	hit := s.filter&bit != 0
	s.filter |= bit
	s.count++
	return (hit || s.count > fewNames) && s.search(l, r)
}

// search looks at the names of before.
func (s *seen) search(l label, r *reader) bool {
	name := l.in(r.text)
	if s.all != nil {
		if _, ok := s.all[name]; ok {
			return true
		}
		s.all[name] = struct{}{}
		return false
	}
	if s.count > fewNames {
		s.all = map[string]struct{}{name: {}}
	}
	for i := s.first; i < len(r.nodes); i += int(r.nodes[i].size) {
		other := r.nodes[i].label
		if other.sameTag(l) && other.in(r.text) == name {
			return true
		}
		if s.all != nil {
			s.all[other.in(r.text)] = struct{}{}
		}
	}
	return false
}
