// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk

import "time"

const (
	maxUnknown = 1024
	unknownFor = 10 * time.Second
)

// An unknown remembers for a short time which tokens do not exist, and forgets the oldest when there are too many. The zero unknown
// remembers none. Callers hold the lock of what it is in.
type unknown struct {
	until map[digest]time.Time
	ring  []digest // in the order in which they were added, from the next to be forgotten
	next  int
}

// has reports whether a token is known not to exist.
func (u *unknown) has(of digest) bool { return time.Now().Before(u.until[of]) }

func (u *unknown) add(of digest) {
	if u.until == nil {
		u.until = map[digest]time.Time{}
	}
	_, again := u.until[of]
	u.until[of] = time.Now().Add(unknownFor)
	switch {
	case again: // it keeps its place
	case len(u.ring) < maxUnknown:
		u.ring = append(u.ring, of)
	default:
		delete(u.until, u.ring[u.next])
		u.ring[u.next] = of
		u.next = (u.next + 1) % maxUnknown
	}
}
