// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store"
)

// A condition is what is wrong with the store of a replica.
type condition string

// The conditions.
const (
	sound    condition = "sound"    // nothing
	deaf     condition = "deaf"     // nothing is pushed: Wait hears of nothing
	stuck    condition = "stuck"    // Wait does not even return when it is told to, so that nothing is asked in the background either
	restored condition = "restored" // the store is as it was when the replica was told to remember
)

// A faulty store is the store of a replica, with what can go wrong on the way to it.
type faulty struct {
	store.Store

	mutex     sync.Mutex
	condition condition
	changed   chan struct{} // closed, and replaced, when the condition changes
	reached   chan struct{} // closed when the condition has taken effect
	backup    revocation.Batch
	taken     time.Time // when backup was
	held      string    // the id of the key of which the next lookup is held; empty: none
	holding   chan struct{}
	release   chan struct{}
}

func newFaulty(s store.Store) *faulty {
	return &faulty{Store: s, condition: sound, changed: make(chan struct{}), reached: make(chan struct{})}
}

// become changes the condition, and returns when it has taken effect.
func (f *faulty) become(ctx context.Context, c condition) error {
	f.mutex.Lock()
	f.condition = c
	close(f.changed)
	f.changed, f.reached = make(chan struct{}), make(chan struct{})
	reached := f.reached
	f.mutex.Unlock()
	if c == sound {
		return nil
	}
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// is returns the condition, and what is closed when it is another one.
func (f *faulty) is() (condition, <-chan struct{}) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.condition, f.changed
}

// hit says that the condition has taken effect.
func (f *faulty) hit() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	select {
	case <-f.reached:
	default:
		close(f.reached)
	}
}

// Wait tells nothing where the store is deaf, and does not return where it is stuck.
func (f *faulty) Wait(ctx context.Context, after uint64) error {
	if c, _ := f.is(); c == sound {
		err := f.Store.Wait(ctx, after)
		if c, _ := f.is(); c == sound {
			return err
		}
	}
	for {
		c, changed := f.is()
		ended := ctx.Done()
		switch c {
		case sound, restored:
			return ctx.Err()
		case stuck:
			ended = nil
		case deaf:
		}
		f.hit()
		select {
		case <-changed:
		case <-ended:
			return ctx.Err()
		}
	}
}

// remember keeps what is in force now, as a backup does.
func (f *faulty) remember(ctx context.Context) error {
	batch, err := f.Store.Since(ctx, 0)
	if err != nil {
		return err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.backup, f.taken = batch, time.Now()
	return nil
}

// Since tells what the backup has where the store is restored.
func (f *faulty) Since(ctx context.Context, after uint64) (revocation.Batch, error) {
	if c, _ := f.is(); c != restored {
		return f.Store.Since(ctx, after)
	}
	f.mutex.Lock()
	batch := f.backup
	f.mutex.Unlock()
	if after == 0 {
		f.hit()
		return batch, nil
	}
	return revocation.Batch{Revision: batch.Revision}, nil
}

// hold makes the next lookup of a key wait when it has read the record, and returns what is closed when it does.
func (f *faulty) hold(id string) <-chan struct{} {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.held, f.holding, f.release = id, make(chan struct{}), make(chan struct{})
	return f.holding
}

// let lets the lookup go that is held.
func (f *faulty) let() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	close(f.release)
}

// Lookup reads a record, and may be slow to tell of it. Of a restored store it is as it was.
func (f *faulty) Lookup(ctx context.Context, id string) (apikey.Record, error) {
	record, err := f.Store.Lookup(ctx, id)
	f.mutex.Lock()
	if f.condition == restored && record.RevokedAt.After(f.taken) {
		record.RevokedAt = time.Time{}
	}
	if f.held != id {
		f.mutex.Unlock()
		return record, err
	}
	f.held = ""
	close(f.holding)
	release := f.release
	f.mutex.Unlock()
	select {
	case <-release:
		return record, err
	case <-ctx.Done():
		return apikey.Record{}, ctx.Err()
	}
}
