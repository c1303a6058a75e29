// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Names are names of members, each with a [Number], by which they are found without a search. They are immutable and safe for concurrent
// use. Nil are none.
type Names struct {
	heads [MaxNames + 1]uint64
	texts [MaxNames + 1]string
	// slots has at the hash of a name its number. The factor of the hash is one with which no two of them are at one place.
	slots  [256]Number
	factor uint64
}

// noNames are those of nil.
var noNames = new(Names)

// A Number is that of one of the [Names]. The zero Number is that of no name.
type Number uint8

// MaxNames is how many [Names] there are at most.
const MaxNames = 63

// NewNames gives each text but the first the number that is its place; the first is not a name, since 0 is the number of none. It panics
// where one text comes twice, or where they are more than [MaxNames]: they are written in code.
func NewNames(texts ...string) *Names {
	// One factor in some hundred will do for as many names as there may be.
	const factor, tries = 0x9E3779B97F4A7C15, 1 << 16
	for try := range uint64(tries) {
		n := &Names{factor: factor + 2*try}
		if n.fill(texts) {
			return n
		}
	}
	panic(fmt.Sprintf("jws: NewNames: of %q one comes twice, or they are more than %d", texts, MaxNames)) //nolint:forbidigo // See above.
}

// fill reports whether each text has a place of its own.
func (n *Names) fill(texts []string) bool {
	if len(texts) > MaxNames+1 {
		return false
	}
	for number, text := range texts {
		if number == 0 {
			continue
		}
		n.heads[number], n.texts[number] = headOf(text), text
		slot := n.hash(n.heads[number], text)
		if n.slots[slot] != 0 {
			return false
		}
		n.slots[slot] = Number(number)
	}
	return true
}

// number returns the number of a name, of which the hash and the head are given too. The name may be left out where the head has all of it.
func (n *Names) number(hash uint8, head uint64, name string) Number {
	number := n.slots[hash]
	if n.heads[number&MaxNames] != head || len(name) >= headSize && n.texts[number&MaxNames] != name {
		return 0
	}
	return number
}

// headSize is how many bytes of a name its head has.
const headSize = 8

// headOf returns the first bytes of a name, the first one lowest. Names that are shorter have their length in the last one, so that the
// head of none of them is that of another.
func headOf(name string) uint64 {
	if len(name) >= headSize {
		return binary.LittleEndian.Uint64([]byte(name[:headSize]))
	}
	head := uint64(len(name)) << (8 * (headSize - 1))
	for i := range len(name) {
		head |= uint64(name[i]) << (8 * i)
	}
	return head
}

// hash tells most names from most others, also where many begin alike. The name may be left out where the head has all of it.
func (n *Names) hash(head uint64, name string) uint8 {
	if len(name) >= headSize {
		head ^= bits.RotateLeft64(binary.LittleEndian.Uint64([]byte(name[len(name)-headSize:])), 32) + uint64(len(name))
	}
	return uint8(head * n.factor >> 56)
}
