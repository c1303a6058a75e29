// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package digest compares SHA-256 digests.
package digest

import (
	"crypto/sha256"
	"encoding/binary"
)

// Equal compares two digests in a time that tells nothing of them. It is what subtle.ConstantTimeCompare is for texts of any length, eight
// bytes at a time: it is on the way of every call, where byte by byte can be measured.
func Equal(a, b *[sha256.Size]byte) bool {
	word := func(of *[sha256.Size]byte, at int) uint64 { return binary.LittleEndian.Uint64(of[at : at+8]) }
	differ := word(a, 0) ^ word(b, 0)
	differ |= word(a, 8) ^ word(b, 8)
	differ |= word(a, 16) ^ word(b, 16)
	differ |= word(a, 24) ^ word(b, 24)
	return differ == 0
}
