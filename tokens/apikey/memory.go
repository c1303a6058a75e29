// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A MemoryStore keeps records in memory, for tests, demonstrations and single processes that make their keys anew at every start. The
// zero MemoryStore is empty and ready; it must not be copied after first use. It is safe for concurrent use.
type MemoryStore struct {
	mutex   sync.RWMutex
	records map[string]Record // guarded by mutex; never handed out, only clones
}

var _ Store = (*MemoryStore)(nil)

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{} }

// Create makes a key and keeps its record. The key is returned this once and cannot be had again. See [Spec] for what is refused.
func (s *MemoryStore) Create(_ context.Context, spec Spec) (Key, Record, error) {
	key, record, err := New(spec)
	if err != nil {
		return Key{}, Record{}, err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, taken := s.records[record.ID]; taken {
		return Key{}, Record{}, errors.New("apikey: a key with this id exists")
	}
	if s.records == nil {
		s.records = map[string]Record{}
	}
	s.records[record.ID] = record.Clone()
	return key, record, nil
}

// Lookup returns a copy of the record of the key with this id, or [ErrNotFound]. A revoked key keeps its record.
func (s *MemoryStore) Lookup(_ context.Context, id string) (Record, error) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	record, ok := s.records[id]
	if !ok {
		return Record{}, ErrNotFound
	}
	return record.Clone(), nil
}

// Revoke revokes the key with this id from now on, for good; [ErrNotFound] if there is none. To revoke a key again changes nothing.
// Principals that a guard has cached stay admitted as long as its cache says, unless its revocation feed tells it.
func (s *MemoryStore) Revoke(_ context.Context, id string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	record, ok := s.records[id]
	if !ok {
		return ErrNotFound
	}
	if record.RevokedAt.IsZero() {
		record.RevokedAt = stored(time.Now())
		s.records[id] = record
	}
	return nil
}

// List returns copies of all records, revoked ones included, the oldest first.
func (s *MemoryStore) List(context.Context) ([]Record, error) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	records := make([]Record, 0, len(s.records))
	for _, record := range s.records {
		records = append(records, record.Clone())
	}
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return records, nil
}
