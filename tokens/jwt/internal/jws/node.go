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
	// slot is the first of the members of the outermost object whose hash is for this place, and chain the next one of this member's
	// hash; 0: none.
	slot, chain uint16
}

// A label is what is said of a name in one word, which stays in a register: from the highest bits, where it begins in the text (32), how
// long it is there (16), its hash, escapes undone (8), and the traits of it and of the value that it names (8). That of a value without a
// name has an empty one.
type label uint64

func newLabel(start, length int, hash uint8, of label) label {
	return label(start)<<32 | label(length)<<16 | label(hash)<<8 | of //nolint:gosec // Checked before.
}

func (l label) hash() uint8 { return uint8(l >> 8) } //nolint:gosec // What does not fit is left off.

// The traits.
const (
	// escaped is a name with escapes.
	escaped label = 1 << iota
	// capital is a name that is not lower case ASCII alone, so that it may be another name in another case.
	capital

	isString
	// isEscaped is a string with escapes.
	isEscaped
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

// enter adds the members of the outermost object to the slots.
func enter(nodes []node) {
	if len(nodes) > math.MaxUint16 {
		return
	}
	for i := 1; i < len(nodes); i += int(nodes[i].size) {
		slot := &nodes[slotOf(nodes, nodes[i].hash())].slot
		nodes[i].chain, *slot = *slot, uint16(i)
	}
}

// slotOf returns the place among as many as there are nodes that a hash is for.
func slotOf(nodes []node, hash uint8) int { return len(nodes) * int(hash) >> 8 }

// fewNames is how many names are compared one by one.
const fewNames = 32

// names are those of the members of one object so far.
type names struct {
	first  int // the node of the first member
	count  int
	filter uint64
	all    map[string]struct{} // when they are more than a few
}

// twice reports whether a name is there already, and adds it.
func (n *names) twice(l label, r *reader) bool {
	bit := uint64(1) << (l.hash() % 64)
	hit := n.filter&bit != 0
	n.filter |= bit
	n.count++
	return (hit || n.count > fewNames) && n.search(l, r)
}

// search looks at the names of before.
func (n *names) search(l label, r *reader) bool {
	name := l.in(r.text)
	if n.all != nil {
		if _, ok := n.all[name]; ok {
			return true
		}
		n.all[name] = struct{}{}
		return false
	}
	if n.count > fewNames {
		n.all = map[string]struct{}{name: {}}
	}
	for i := n.first; i < len(r.nodes); i += int(r.nodes[i].size) {
		other := r.nodes[i].label
		if other.hash() == l.hash() && other.in(r.text) == name {
			return true
		}
		if n.all != nil {
			n.all[other.in(r.text)] = struct{}{}
		}
	}
	return false
}

// hashName tells most names from most others.
func hashName(name string) uint8 {
	if name == "" {
		return 0
	}
	return uint8(len(name))*7 + name[0]*3 + name[len(name)-1]*5 //nolint:gosec // What does not fit is left off.
}
