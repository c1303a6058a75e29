// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// The headers of one issuer's tokens are the same until it changes its key, so those of the last good tokens are remembered. A header is
// remembered by its segment, all of it, and only when the signature over it matched: others cannot fill the table.
var (
	headers    [64]atomic.Pointer[remembered]
	headerSeed = maphash.MakeSeed()
)

type remembered struct {
	segment string
	header  Header
}

func headerSlot(segment string) *atomic.Pointer[remembered] {
	return &headers[maphash.String(headerSeed, segment)%uint64(len(headers))]
}

// rememberedHeader returns what [parseHeader] once said of a segment, or nil.
func rememberedHeader(segment string) *Header {
	if r := headerSlot(segment).Load(); r != nil && r.segment == segment {
		return &r.header
	}
	return nil
}

// rememberHeader takes the place of another header, so that there never are more than the table has.
func rememberHeader(segment string, header Header) {
	// A copy, since the segment is a part of a token, all of which it would keep in memory.
	headerSlot(segment).Store(&remembered{segment: strings.Clone(segment), header: header})
}
