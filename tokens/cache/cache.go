// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/admitrpc/admit/internal/digest"
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
	entries *otter.Cache[half, *Entry]
	recent  []place // a power of two
	flights singleflight.Group
	began   time.Time // from which ages are counted, by the clock that nobody can set back
	maxAge  time.Duration
	timeout time.Duration
}

// A half is the half of a key by which its entry is found; all of it is then compared.
type half [sha256.Size / 2]byte

// A place has one of the entries that are used much, of all that have this place. The tag tells most of the others from it without a look at it.
type place struct {
	tag   atomic.Uint64
	entry atomic.Pointer[Entry]
}

func tagOf(key *Key) uint64 { return binary.LittleEndian.Uint64(key[8:]) }

func (p *place) put(e *Entry) {
	p.entry.Store(e)
	p.tag.Store(tagOf(&e.key))
}

// get returns the entry of a key, or nil.
func (p *place) get(key *Key) *Entry {
	if p.tag.Load() != tagOf(key) {
		return nil
	}
	if e := p.entry.Load(); e != nil && e.is(key) {
		return e
	}
	return nil
}

// maxRecent is how many entries are found without looking through all of them.
const maxRecent = 1024

// An Entry is what is remembered of a verified credential.
type Entry struct {
	// Principal is the caller; never nil.
	Principal *tokens.Principal
	// Epoch is the one that was given to [Cache.Do]: the state of the world that the verification cannot have been older than.
	Epoch uint64
	// Seen is for whoever asks on every call what a cache cannot know: the last state of the world that was found to say nothing against the
	// entry. It begins as zero.
	Seen atomic.Uint64

	storedAt time.Duration // since the cache began
	key      Key
}

// is compares keys in constant time.
func (e *Entry) is(key *Key) bool {
	return digest.Equal((*[sha256.Size]byte)(&e.key), (*[sha256.Size]byte)(key))
}

// New makes a cache of at most size entries, beside at most as many again, and 1,024, that are used much. Each is forgotten after maxAge. A
// verification may take at most timeout. All must be positive.
func New(size int, maxAge, timeout time.Duration) (*Cache, error) {
	if size <= 0 || maxAge <= 0 || timeout <= 0 {
		return nil, fmt.Errorf("cache: size %d, age %s and timeout %s must be positive", size, maxAge, timeout)
	}
	entries, err := otter.New(&otter.Options[half, *Entry]{MaximumSize: size})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	recent := 1
	for recent < maxRecent && 2*recent <= size {
		recent *= 2
	}
	return &Cache{
		entries: entries, recent: make([]place, recent), began: time.Now(), maxAge: maxAge, timeout: timeout,
	}, nil
}

// Get returns what is remembered under the key. now is the time of the call, as time.Now told it. It does not allocate.
//
// A half of the key finds the entry, in time that may tell something of it; all of it is then compared in constant time.
func (c *Cache) Get(key Key, now time.Time) (*Entry, bool) {
	if c == nil {
		return nil, false
	}
	place := c.place(&key)
	e := place.get(&key)
	// Which entries are used must be known where it is decided which are forgotten, but not of every single use; and one that is used once
	// need not take the place of one that is used much.
	const sample = 16
	if sampled := now.Nanosecond()%sample == 0; e == nil || sampled {
		found, ok := c.entries.GetIfPresent(half(key[:len(half{})]))
		switch {
		case ok && found.is(&key):
			if e = found; sampled {
				place.put(e)
			}
		case e == nil:
			return nil, false
		}
	}
	if now.Sub(c.began)-e.storedAt >= c.maxAge {
		return nil, false
	}
	return e, true
}

func (c *Cache) place(key *Key) *place {
	return &c.recent[int(binary.LittleEndian.Uint16(key[:]))&(len(c.recent)-1)]
}

// Do verifies once for all callers who ask for the key at the same time, and remembers the principal, if there is one. verify is given a
// context that has the values of the first caller's, and ends after the timeout and not with any caller's. A verify that goes on for longer
// is left behind, and all who wait for it get context.DeadlineExceeded. It must not panic. A nil *Cache verifies for each caller, on the
// caller's context.
//
// epoch becomes [Entry.Epoch]; who joins a verification that is under way gets the epoch of the one who began it. What is remembered of the
// epoch, or of a later one, is not verified again.
func (c *Cache) Do(ctx context.Context, key Key, epoch uint64, verify func(context.Context) (*tokens.Principal, error)) (*Entry, error) {
	if c == nil {
		principal, err := verify(ctx)
		return newEntry(key, epoch, principal, 0), err
	}
	return wait(ctx, c.flights.DoChan(string(key[:]), func() (any, error) {
		// Another verification may have ended since the caller looked.
		if e, ok := c.Get(key, time.Now()); ok && e.Epoch >= epoch {
			return e, nil
		}
		return c.verify(ctx, key, epoch, verify)
	}))
}

// Fresh verifies for this caller alone: it joins no verification that is under way, and lets nobody join. What it learns is remembered.
// Otherwise it is as [Cache.Do].
func (c *Cache) Fresh(ctx context.Context, key Key, epoch uint64, verify func(context.Context) (*tokens.Principal, error)) (*Entry, error) {
	if c == nil {
		return c.Do(ctx, key, epoch, verify)
	}
	var alone singleflight.Group
	return wait(ctx, alone.DoChan("", func() (any, error) { return c.verify(ctx, key, epoch, verify) }))
}

// wait waits for a verification, until the caller's context ends.
func wait(ctx context.Context, flight <-chan singleflight.Result) (*Entry, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // And not the cause, which is the caller's own business and could pass for an error of verify.
	case result := <-flight:
		entry, _ := result.Val.(*Entry)
		return entry, result.Err //nolint:wrapcheck // It is the verifier's own.
	}
}

// verify verifies on a context of its own, and remembers the principal.
func (c *Cache) verify(ctx context.Context, key Key, epoch uint64, verify func(context.Context) (*tokens.Principal, error)) (*Entry, error) {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
	defer cancel()
	principal, err := within(detached, verify)
	entry := newEntry(key, epoch, principal, time.Since(c.began))
	if err == nil && entry != nil {
		c.entries.Set(half(key[:len(half{})]), entry)
		if place := c.place(&key); place.get(&key) != nil {
			place.put(entry)
		}
	}
	return entry, err
}

func newEntry(key Key, epoch uint64, principal *tokens.Principal, at time.Duration) *Entry {
	if principal == nil {
		return nil
	}
	return &Entry{Principal: principal, Epoch: epoch, storedAt: at, key: key}
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

// Forget forgets what is remembered under the key.
func (c *Cache) Forget(key Key) {
	if c == nil {
		return
	}
	c.entries.Invalidate(half(key[:len(half{})]))
	if place := c.place(&key); place.get(&key) != nil {
		place.entry.Store(nil)
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
