// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/integration/child"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens/apikey"
)

// A weight is what remembered keys take.
type weight struct {
	Keys          int64
	Before, After memory
	Asked, Known  int // of a sample, how many were asked for again, and how many of them were still remembered
}

// boundWeight is what a remembered key may take, in bytes.
const boundWeight = 400

// sampled is how many keys one of the sample stands for.
const sampled = 100

// rememberMany is the role of a process whose guard remembers many keys.
func rememberMany(in *json.Decoder, out *json.Encoder) error {
	var keys int64
	if err := in.Decode(&keys); err != nil {
		return err
	}
	debug.SetGCPercent(quietGC)
	w, err := weightOf(keys)
	return child.Answer(out, w, err)
}

// passing is a store of one key at a time, so that what weighs is what a guard remembers and not what the store holds. It returns records
// as a database does, all their strings new.
type passing struct {
	mutex   sync.Mutex
	records map[string]apikey.Record // guarded by mutex
}

func (p *passing) Lookup(_ context.Context, id string) (apikey.Record, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	r, ok := p.records[id]
	if !ok {
		return apikey.Record{}, apikey.ErrNotFound
	}
	r.ID, r.Hint, r.OrganizationID, r.Scopes = strings.Clone(r.ID), strings.Clone(r.Hint), strings.Clone(r.OrganizationID), slices.Clone(r.Scopes)
	for i, scope := range r.Scopes {
		r.Scopes[i] = strings.Clone(scope)
	}
	return r, nil
}

func (p *passing) set(r apikey.Record) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.records[r.ID] = r
}

func (p *passing) remove(id string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.records, id)
}

func weightOf(keys int64) (w weight, err error) {
	store, feed := &passing{records: map[string]apikey.Record{}}, apikey.NewMemoryStore()
	defer feed.Close()
	guard, err := newGuarded(store, feed, interceptor.WithCache(int(keys), time.Hour))
	if err != nil {
		return w, err
	}
	defer guard.close()
	w = weight{Keys: keys, Before: held()}
	var done, refused atomic.Int64
	var workers sync.WaitGroup
	sample := make([]string, keys/sampled+1)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := done.Add(1); n <= keys; n = done.Add(1) {
				key, record, err := apikey.New(apikey.Spec{
					OrganizationID: fmt.Sprintf("org_%027d", n), Scopes: []string{"invoices:read", "invoices:write"},
				})
				if err != nil {
					refused.Add(1)
					continue
				}
				store.set(record)
				authorization := "Bearer " + key.Reveal()
				if guard.refused(authorization) != nil {
					refused.Add(1)
				}
				store.remove(record.ID)
				if n%sampled == 0 {
					sample[n/sampled] = authorization
				}
			}
		})
	}
	workers.Wait()
	if refused.Load() > 0 {
		return w, errors.New("a key that was just made is refused")
	}
	w.After = held()
	for _, authorization := range sample[1:] {
		w.Asked++
		if guard.refused(authorization) == nil { // the store has none of them any more
			w.Known++
		}
	}
	return w, nil
}

// reportRemembered reports what remembered keys take.
func reportRemembered(r *report, s settings) error {
	var w weight
	if err := alone("remembered", s.keys, &w); err != nil {
		return err
	}
	if w.Keys == 0 || w.Asked == 0 {
		return errors.New("too few keys to measure")
	}
	r.title(fmt.Sprintf("%d API keys that a guard remembers, each of an organization of its own and with two scopes", w.Keys))
	r.add("still remembered, of a sample", "all", fmt.Sprintf("%d of %d", w.Known, w.Asked), w.Known == w.Asked)
	each := float64(w.After.Heap-w.Before.Heap) / float64(w.Keys)
	r.add("heap for each, all in", fmt.Sprintf("≤ %d bytes", boundWeight), fmt.Sprintf("%.0f bytes", each), each <= boundWeight)
	r.note("heap", mebibytes(w.Before.Heap)+", then "+mebibytes(w.After.Heap))
	return nil
}
