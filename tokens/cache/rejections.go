// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
)

// Rejections remembers which credentials a source of truth has rejected, for a moment. It is apart from a [Cache], so that strangers who
// try credentials displace no caller who has a good one. A nil *Rejections remembers nothing.
type Rejections struct {
	entries *otter.Cache[Key, rejection]
	began   time.Time // as in a Cache
	maxAge  time.Duration
}

type rejection struct {
	err      error
	storedAt time.Duration // since the rejections began
}

// NewRejections remembers at most size credentials, each for maxAge. Both must be positive.
func NewRejections(size int, maxAge time.Duration) (*Rejections, error) {
	if size <= 0 || maxAge <= 0 {
		return nil, fmt.Errorf("cache: size %d and age %s must be positive", size, maxAge)
	}
	entries, err := otter.New(&otter.Options[Key, rejection]{MaximumSize: size})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return &Rejections{entries: entries, began: time.Now(), maxAge: maxAge}, nil
}

// Get returns why a credential was rejected. now is the time of the call.
func (r *Rejections) Get(key Key, now time.Time) (err error, ok bool) {
	if r == nil {
		return nil, false
	}
	e, ok := r.entries.GetIfPresent(key)
	if !ok || now.Sub(r.began)-e.storedAt >= r.maxAge {
		return nil, false
	}
	return e.err, true
}

// Add remembers a rejection. Only what the source of truth said of the credential itself may be added, and not that it could not be asked.
func (r *Rejections) Add(key Key, err error) {
	if r != nil {
		r.entries.Set(key, rejection{err: err, storedAt: time.Since(r.began)})
	}
}

// Close ends the goroutines that it started.
func (r *Rejections) Close() {
	if r != nil {
		r.entries.StopAllGoroutines()
	}
}
