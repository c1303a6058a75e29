// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/admitrpc/admit/tokens/revocation"
)

// A MemoryStore keeps records and revocations in memory, for tests, demonstrations and single processes that make their keys anew at every
// start. The zero MemoryStore is empty and ready; it must not be copied after first use. It is safe for concurrent use. [Keys] administers it.
type MemoryStore struct {
	writing sync.Mutex // held by whoever changes something, so that no two changes interleave; before mutex

	mutex   sync.RWMutex
	records map[string]Record // guarded by mutex; never handed out, only clones
	handles map[string]string // guarded by mutex: the id of the record that has the handle
	ledger  ledger            // guarded by mutex
}

var (
	_ Records           = (*MemoryStore)(nil)
	_ HandleStore       = (*MemoryStore)(nil)
	_ revocation.Ledger = (*MemoryStore)(nil)
)

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{} }

// Lookup returns a copy of the record of the key with this id, or [ErrNotFound]. A revoked key keeps its record.
func (s *MemoryStore) Lookup(ctx context.Context, id string) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	record, ok := s.records[id]
	if !ok {
		return Record{}, ErrNotFound
	}
	return record.Clone(), nil
}

// LookupHandle returns a copy of the record that has one of the handles, or [ErrNotFound].
func (s *MemoryStore) LookupHandle(ctx context.Context, handles ...string) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	for _, handle := range handles {
		if id, ok := s.handles[handle]; ok {
			return s.records[id].Clone(), nil
		}
	}
	return Record{}, ErrNotFound
}

// Insert keeps new records, all of them or none. [ErrExists]: one of the ids or handles is taken.
func (s *MemoryStore) Insert(ctx context.Context, records ...Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	ids, handles := map[string]bool{}, map[string]bool{}
	for _, r := range records {
		if r.ID == "" {
			return errNoID
		}
		if s.taken(r, "") || ids[r.ID] || handles[r.Handle] {
			return ErrExists
		}
		ids[r.ID], handles[r.Handle] = true, r.Handle != ""
	}
	for _, r := range records {
		s.put(r)
	}
	return nil
}

var (
	errNoID    = errors.New("apikey: a record without an id")
	errOtherID = errors.New("apikey: the id of a key cannot be changed")
)

// taken reports whether another record than that with the id has the id or the handle of a record.
func (s *MemoryStore) taken(r Record, id string) bool {
	if _, taken := s.records[r.ID]; taken && r.ID != id {
		return true
	}
	holder, taken := s.handles[r.Handle]
	return taken && holder != id
}

// put keeps a copy of a record.
func (s *MemoryStore) put(r Record) Record {
	if s.records == nil {
		s.records, s.handles = map[string]Record{}, map[string]string{}
	}
	r = r.Clone()
	for _, t := range []*time.Time{&r.CreatedAt, &r.NotBefore, &r.ExpiresAt, &r.RevokedAt, &r.LastUsedAt} {
		*t = stored(*t)
	}
	if before := s.records[r.ID]; before.Handle != "" {
		delete(s.handles, before.Handle)
	}
	if r.Handle != "" {
		s.handles[r.Handle] = r.ID
	}
	s.records[r.ID] = r
	return r
}

// Change changes the record with this id, and nothing of it when change fails. change may read the store, and must not change it.
func (s *MemoryStore) Change(ctx context.Context, id string, change func(*Record) (successor *Record, err error)) (Record, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	before, err := s.Lookup(ctx, id)
	if err != nil {
		return Record{}, err
	}
	after := before.Clone()
	successor, err := change(&after)
	if err != nil {
		return Record{}, err
	}
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case after.ID != id:
		return Record{}, errOtherID
	case successor != nil && successor.ID == "":
		return Record{}, errNoID
	case s.taken(after, id), successor != nil && (s.taken(*successor, "") || successor.Handle != "" && successor.Handle == after.Handle):
		return Record{}, ErrExists
	}
	kept := s.put(after) // and not after, which change has a pointer to
	if successor != nil {
		s.put(*successor)
	}
	if told, changed := ChangeOf(before, kept); changed {
		s.ledger.tell(told)
	}
	return kept.Clone(), nil
}

// List returns copies of the records that the filter names, in the order of their ids. It looks at all.
func (s *MemoryStore) List(ctx context.Context, filter Filter) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	var found []Record
	for id, r := range s.records {
		if id > filter.After && (filter.UserID == "" || filter.UserID == r.UserID) &&
			(filter.OrganizationID == "" || filter.OrganizationID == r.OrganizationID) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b Record) int { return strings.Compare(a.ID, b.ID) })
	limit := filter.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	found = slices.Clip(found[:min(len(found), limit, MaxLimit)])
	for i, r := range found {
		found[i] = r.Clone()
	}
	return found, nil
}

// Touch notes when keys were used.
func (s *MemoryStore) Touch(ctx context.Context, uses map[string]time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for id, at := range uses {
		if r, ok := s.records[id]; ok && at.After(r.LastUsedAt) {
			r.LastUsedAt = stored(at)
			s.records[id] = r
		}
	}
	return nil
}

// Revoke keeps a revocation, and revokes the key in its record too if it names one that the store has.
func (s *MemoryStore) Revoke(ctx context.Context, r revocation.Revocation) (revision uint64, err error) {
	if err := errors.Join(ctx.Err(), r.Check()); err != nil {
		return 0, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if record, ok := s.records[r.Value]; ok && r.Target == revocation.Key && record.RevokedAt.IsZero() {
		record.RevokedAt, record.RevokedFor = stored(time.Now()), r.Reason
		s.records[r.Value] = record
	}
	return s.ledger.tell(revocation.Change{Revocation: r}), nil
}

// Since returns what was told after a revision.
func (s *MemoryStore) Since(ctx context.Context, after uint64) (revocation.Batch, error) {
	if err := ctx.Err(); err != nil {
		return revocation.Batch{}, err
	}
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return s.ledger.since(after, time.Now()), nil
}

// Wait waits until there are changes after the revision, until ctx ends, or until Close.
func (s *MemoryStore) Wait(ctx context.Context, after uint64) error {
	s.mutex.Lock()
	news, err := s.ledger.wait(after)
	s.mutex.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-news:
		s.mutex.RLock()
		defer s.mutex.RUnlock()
		return s.ledger.ended()
	}
}

// Close ends every Wait with an error. What is kept can still be read and changed.
func (s *MemoryStore) Close() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.ledger.close()
	return nil
}
