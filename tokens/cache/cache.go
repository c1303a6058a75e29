// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"crypto/sha256"
	"errors"
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
// context that has the values of the first caller's, and ends after the timeout and not with any caller's. A verify that goes on for longer
// is left behind, and all who wait for it get context.DeadlineExceeded. It must not panic. A nil *Cache verifies for each caller, on the
// caller's context.
func (c *Cache) Do(ctx context.Context, key Key, verify func(context.Context) (*tokens.Principal, error)) (*tokens.Principal, error) {
	if c == nil {
		return verify(ctx)
	}
	flight := c.flights.DoChan(string(key[:]), func() (any, error) {
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
		defer cancel()
		principal, err := within(detached, verify)
		if err == nil && principal != nil {
			c.entries.Set(key, entry{principal: principal, storedAt: time.Now().UnixNano()})
		}
		return principal, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err() // and not the cause, which is the caller's own business and could pass for an error of verify
	case result := <-flight:
		principal, _ := result.Val.(*tokens.Principal)
		return principal, result.Err //nolint:wrapcheck // It is the verifier's own.
	}
}

// within verifies on a goroutine of its own, so that a verify that does not heed its context holds nobody for longer than that lasts.
func within(ctx context.Context, verify func(context.Context) (*tokens.Principal, error)) (*tokens.Principal, error) {
	type result struct {
		principal *tokens.Principal
		err       error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: errors.New("cache: the verification ended its goroutine")}
		defer func() { done <- r }()
		r.principal, r.err = verify(ctx)
	}()
	select {
	case r := <-done:
		return r.principal, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
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
