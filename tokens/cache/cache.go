// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
	"unsafe"

	"github.com/admitrpc/admit/tokens"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"
)

// A Key is the SHA-256 of a credential.
type Key [sha256.Size]byte

// KeyOf returns the key of a credential.
func KeyOf(credential string) Key {
	// The bytes are only read, so they need not be copied, which for a long credential would be an allocation on every call.
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(credential), len(credential))) //nolint:gosec // Audited: Sum256 only reads.
}

// A Cache maps credentials to principals. A nil *Cache remembers nothing.
type Cache struct {
	entries *otter.Cache[Key, entry]
	flights singleflight.Group
	maxAge  time.Duration
	timeout time.Duration
}

type entry struct {
	principal *tokens.Principal
	storedAt  int64 // nanoseconds since 1970
}

// New makes a cache of at most size entries, each forgotten after maxAge. A verification may take at most timeout. All must be positive.
func New(size int, maxAge, timeout time.Duration) (*Cache, error) {
	if size <= 0 || maxAge <= 0 || timeout <= 0 {
		return nil, fmt.Errorf("cache: size %d, age %s and timeout %s must be positive", size, maxAge, timeout)
	}
	entries, err := otter.New(&otter.Options[Key, entry]{MaximumSize: size})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return &Cache{entries: entries, maxAge: maxAge, timeout: timeout}, nil
}

// Get returns the principal that is remembered under the key. now is the time of the call. It does not allocate.
func (c *Cache) Get(key Key, now time.Time) (*tokens.Principal, bool) {
	if c == nil {
		return nil, false
	}
	e, ok := c.entries.GetIfPresent(key)
	if !ok || now.UnixNano()-e.storedAt >= int64(c.maxAge) {
		return nil, false
	}
	return e.principal, true
}

// Do verifies once for all callers who ask for the key at the same time, and remembers the principal, if there is one. verify is given a
// context that has the values of the first caller's, and ends after the timeout and not with any caller's. It must not panic.
func (c *Cache) Do(ctx context.Context, key Key, verify func(context.Context) (*tokens.Principal, error)) (*tokens.Principal, error) {
	flight := c.flights.DoChan(string(key[:]), func() (any, error) {
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
		defer cancel()
		principal, err := verify(detached)
		if err == nil && principal != nil {
			c.entries.Set(key, entry{principal: principal, storedAt: time.Now().UnixNano()})
		}
		return principal, err
	})
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case result := <-flight:
		principal, _ := result.Val.(*tokens.Principal)
		return principal, result.Err //nolint:wrapcheck // It is the verifier's own.
	}
}

// Len returns about how many entries there are; for tests and metrics.
func (c *Cache) Len() int {
	if c == nil {
		return 0
	}
	return c.entries.EstimatedSize()
}

// Close ends the goroutines that the cache started.
func (c *Cache) Close() {
	if c != nil {
		c.entries.StopAllGoroutines()
	}
}
