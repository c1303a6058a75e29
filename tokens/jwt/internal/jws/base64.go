// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"encoding/binary"
	"unsafe"
)

const (
	base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	// notBase64 is in no sum of sextets.
	notBase64 = 1 << 31
)

// sextets are the values of characters at each of the four places in a group, already in the place that they have in its three bytes.
var sextets = func() (tables [4][256]uint32) {
	for place := range tables {
		for c := range tables[place] {
			tables[place][c] = notBase64
		}
		for value := range len(base64URL) {
			tables[place][base64URL[value]] = uint32(value) << (18 - 6*place)
		}
	}
	return tables
}()

// decodedLen returns how many bytes a segment says.
func decodedLen(segment string) int { return len(segment) * 3 / 4 }

// decode reads base64url without padding (RFC 7515 §2) into a buffer of [decodedLen] bytes. It takes what can be spelled in one way
// only: no other character, line breaks included, no bit beyond the last byte, and not nothing.
func decode(into []byte, segment string) bool {
	var seen uint32
	whole := len(segment) > 0
	for len(segment) >= 16 && len(into) >= 16 {
		first := sextets[0][segment[0]] | sextets[1][segment[1]] | sextets[2][segment[2]] | sextets[3][segment[3]]
		second := sextets[0][segment[4]] | sextets[1][segment[5]] | sextets[2][segment[6]] | sextets[3][segment[7]]
		third := sextets[0][segment[8]] | sextets[1][segment[9]] | sextets[2][segment[10]] | sextets[3][segment[11]]
		fourth := sextets[0][segment[12]] | sextets[1][segment[13]] | sextets[2][segment[14]] | sextets[3][segment[15]]
		seen |= first | second | third | fourth
		// Two bytes too many each, which the next ones replace.
		binary.BigEndian.PutUint64(into, uint64(first)<<40|uint64(second)<<16)
		binary.BigEndian.PutUint64(into[6:], uint64(third)<<40|uint64(fourth)<<16)
		segment, into = segment[16:], into[12:]
	}
	for len(segment) >= 8 && len(into) >= 8 {
		first := sextets[0][segment[0]] | sextets[1][segment[1]] | sextets[2][segment[2]] | sextets[3][segment[3]]
		second := sextets[0][segment[4]] | sextets[1][segment[5]] | sextets[2][segment[6]] | sextets[3][segment[7]]
		seen |= first | second
		// Two bytes too many, which the next ones replace.
		binary.BigEndian.PutUint64(into, uint64(first)<<40|uint64(second)<<16)
		segment, into = segment[8:], into[6:]
	}
	for len(segment) >= 4 && len(into) >= 3 {
		group := sextets[0][segment[0]] | sextets[1][segment[1]] | sextets[2][segment[2]] | sextets[3][segment[3]]
		seen |= group
		into[0], into[1], into[2] = byte(group>>16), byte(group>>8), byte(group) //nolint:gosec // What does not fit is left off.
		segment, into = segment[4:], into[3:]
	}
	switch {
	case len(segment) == 2 && len(into) == 1:
		group := sextets[0][segment[0]] | sextets[1][segment[1]]
		seen |= group
		into[0] = byte(group >> 16) //nolint:gosec // What does not fit is left off.
		whole = group&0xFFFF == 0
	case len(segment) == 3 && len(into) == 2:
		group := sextets[0][segment[0]] | sextets[1][segment[1]] | sextets[2][segment[2]]
		seen |= group
		into[0], into[1] = byte(group>>16), byte(group>>8) //nolint:gosec // What does not fit is left off.
		whole = group&0xFF == 0
	case len(segment) > 0 || len(into) > 0:
		whole = false
	}
	return whole && seen&notBase64 == 0
}

// decodeText is decode into a string, which is all that it allocates.
func decodeText(segment string) (text string, ok bool) {
	buffer := make([]byte, decodedLen(segment))
	if !decode(buffer, segment) {
		return "", false
	}
	return unsafe.String(&buffer[0], len(buffer)), true //nolint:gosec // Audited: nobody else has the buffer, and decode takes no empty one.
}
