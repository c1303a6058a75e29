// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// notBase64 is in no group of four characters.
const notBase64 = 1 << 31

// An alphabet has the values of characters at each of the four places in a group, already at the place that they have in its three bytes,
// of which the first is the lowest.
type alphabet [4][256]uint32

var base64URL = newAlphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

func newAlphabet(characters string) *alphabet {
	a := new(alphabet)
	for place := range a {
		for c := range a[place] {
			a[place][c] = notBase64
		}
		for value := range len(characters) {
			a[place][characters[value]] = bits.ReverseBytes32(uint32(value) << (26 - 6*place))
		}
	}
	return a
}

// decodedLen returns how many bytes a segment says.
func decodedLen(segment string) int { return len(segment) * 3 / 4 }

// group returns the three bytes that four characters say.
func (a *alphabet) group(s string) uint32 {
	return a[0][s[0]] | a[1][s[1]] | a[2][s[2]] | a[3][s[3]]
}

// decode reads base64url without padding (RFC 7515 §2) into a buffer of [decodedLen] bytes. It takes what can be spelled in one way
// only: no other character, line breaks included, no bit beyond the last byte, and not nothing.
func (a *alphabet) decode(into []byte, segment string) bool {
	if segment == "" || len(into) != decodedLen(segment) {
		return false
	}
	var seen uint32
	// While there is more than what is read at once, which spares the compiler some checks.
	for len(segment) > 16 && len(into) > 12 {
		first, second, third, fourth := a.group(segment[:4]), a.group(segment[4:8]), a.group(segment[8:12]), a.group(segment[12:16])
		seen |= first | second | third | fourth
		binary.LittleEndian.PutUint64(into, uint64(first)|uint64(second)<<24|uint64(third)<<48)
		binary.LittleEndian.PutUint32(into[8:], third>>16|fourth<<8)
		segment, into = segment[16:], into[12:]
	}
	for len(segment) >= 4 && len(into) >= 3 {
		group := a.group(segment)
		seen |= group
		into[0], into[1], into[2] = byte(group), byte(group>>8), byte(group>>16) //nolint:gosec // What does not fit is left off.
		segment, into = segment[4:], into[3:]
	}
	// The last characters say one byte less than they are, and nothing beyond it.
	var group uint32
	for place := range len(segment) {
		group |= a[place&3][segment[place]]
	}
	for i := range into {
		into[i] = byte(group)
		group >>= 8
	}
	return len(segment) != 1 && group == 0 && seen&notBase64 == 0
}

// decodeText is decode into a string, which is all that it allocates.
func decodeText(segment string) (text string, ok bool) {
	buffer := make([]byte, decodedLen(segment))
	if !base64URL.decode(buffer, segment) {
		return "", false
	}
	return unsafe.String(&buffer[0], len(buffer)), true //nolint:gosec // Audited: nobody else has the buffer, and decode takes no empty one.
}
