// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// DefaultOverlap is how long a key that was rotated usually still works, so that its users have the time to take up the new one.
const DefaultOverlap = 24 * time.Hour

// MaxReason is the longest reason in bytes; what is longer is cut.
const MaxReason = 512

// Keys administers the keys of a store: it makes, rotates, ends and imports them. Make it with [NewKeys]. It is safe for concurrent use, and
// several may administer one store. It does not ask who may do so.
//
// What a method did is durable when it returns without error. After an error of the store that is neither [ErrNotFound] nor [ErrExists], as
// when ctx ended, it may have been done or not.
type Keys struct {
	records Records
}

// NewKeys returns what administers the records.
func NewKeys(records Records) (*Keys, error) {
	if isNil(records) {
		return nil, errors.New("apikey: to administer keys needs records")
	}
	return &Keys{records: records}, nil
}

// Create makes a key and keeps its record. The key is returned this once and cannot be had again. See [Spec] for what is refused.
func (k *Keys) Create(ctx context.Context, spec Spec) (Key, Record, error) {
	key, record, err := New(spec)
	if err != nil {
		return Key{}, Record{}, err
	}
	if err := k.records.Insert(ctx, record); err != nil {
		return Key{}, Record{}, err
	}
	return key, record, nil
}

// Get returns the record of the key with this id; [ErrNotFound]: there is none. Revoked and expired keys keep theirs.
func (k *Keys) Get(ctx context.Context, id string) (Record, error) { return k.records.Lookup(ctx, id) }

// List returns records in the order of their ids, those of revoked and expired keys too. To go on, set filter.After to the last id.
func (k *Keys) List(ctx context.Context, filter Filter) ([]Record, error) {
	return k.records.List(ctx, filter)
}

// Rotate makes a key that replaces the one with this id, and returns it and its record. It has the prefix, owner, name, scopes and claims of
// the old one; if that had an end, the new one lasts as long from now on as the old one would have lasted from its beginning. The old
// key becomes the new one's predecessor, with the new id as its Successor, and ends when overlap has passed, or earlier if it would
// have anyway. An overlap of 0 is for keys that leaked: the old key is revoked at once, with the reason "rotated". See [DefaultOverlap].
//
// A key that was revoked, has expired, or was rotated before is refused, and so is a negative overlap.
func (k *Keys) Rotate(ctx context.Context, id string, overlap time.Duration) (Key, Record, error) {
	if overlap < 0 {
		return Key{}, Record{}, errors.New("apikey: a negative overlap; 0 ends the old key at once")
	}
	var key Key
	var made Record
	_, err := k.records.Change(ctx, id, func(old *Record) (*Record, error) {
		now := stored(time.Now())
		if err := old.rotatable(now); err != nil {
			return nil, err
		}
		var err error
		if key, made, err = New(old.next(now)); err != nil {
			return nil, err
		}
		old.Successor = made.ID
		if end := stored(now.Add(overlap)); overlap == 0 {
			old.RevokedAt, old.RevokedFor = now, "rotated"
		} else if old.ExpiresAt.IsZero() || end.Before(old.ExpiresAt) {
			old.ExpiresAt = end
		}
		successor := made.Clone()
		return &successor, nil
	})
	if err != nil {
		return Key{}, Record{}, err
	}
	return key, made, nil
}

// rotatable returns why a key cannot be rotated.
func (r Record) rotatable(now time.Time) error {
	switch {
	case r.Successor != "":
		return errors.New("apikey: the key was rotated before; rotate its successor")
	case !r.RevokedAt.IsZero():
		return errors.New("apikey: the key was revoked and cannot be rotated; create another")
	case !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt):
		return errors.New("apikey: the key has expired and cannot be rotated; create another")
	}
	return nil
}

// next returns what a successor is made of.
func (r Record) next(now time.Time) Spec {
	spec := Spec{
		Prefix: r.prefix(), Name: r.Name, UserID: r.UserID, OrganizationID: r.OrganizationID, Scopes: r.Scopes, Claims: r.Claims,
	}
	begins, began := now, r.CreatedAt
	if r.NotBefore.After(now) {
		spec.NotBefore, begins = r.NotBefore, r.NotBefore
	}
	if r.NotBefore.After(began) {
		began = r.NotBefore
	}
	if !r.ExpiresAt.IsZero() {
		spec.ExpiresAt = begins.Add(max(r.ExpiresAt.Sub(began), time.Microsecond))
	}
	return spec
}

// prefix returns what keys that replace this one begin with.
func (r Record) prefix() string {
	if prefix, _, ok := strings.Cut(r.Hint, "_"+r.ID); ok && validPrefix(prefix) {
		return prefix
	}
	return DefaultPrefix
}

// Revoke revokes the key with this id from now on, for good, and returns its record; [ErrNotFound] if there is none. To revoke a key again
// changes nothing, its reason included, and is no error. The reason is for people, and is cut to [MaxReason].
func (k *Keys) Revoke(ctx context.Context, id, reason string) (Record, error) {
	reason = cut(reason)
	return k.records.Change(ctx, id, func(r *Record) (*Record, error) {
		if r.RevokedAt.IsZero() {
			r.RevokedAt, r.RevokedFor = stored(time.Now()), reason
		}
		return nil, nil
	})
}

// cut returns a reason as it is kept.
func cut(reason string) string {
	reason = strings.ToValidUTF8(strings.ReplaceAll(reason, "\x00", ""), "")
	if len(reason) <= MaxReason {
		return reason
	}
	end := MaxReason
	for !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}

// Expire lets the key with this id end at a time, and returns its record; [ErrNotFound] if there is none. A key can only be made to end earlier:
// a time after its end is refused, and to make it last longer is to make another. A time that has passed counts as now; because clocks
// differ, a verifier may take the key some seconds longer, so revoke a key that must not be used any more.
func (k *Keys) Expire(ctx context.Context, id string, at time.Time) (Record, error) {
	if at.IsZero() {
		return Record{}, errors.New("apikey: when is the key to end? the time is zero")
	}
	at = stored(at)
	return k.records.Change(ctx, id, func(r *Record) (*Record, error) {
		now := stored(time.Now())
		switch end := r.ExpiresAt; {
		case end.IsZero() || at.Before(end):
			if at.Before(now) {
				at = now
			}
			if end.IsZero() || at.Before(end) {
				r.ExpiresAt = at
			}
		case at.After(end):
			return nil, errors.New("apikey: the key ends earlier than that, and cannot be made to last longer; create another")
		}
		return nil, nil
	})
}

// A Foreign is a key that another system made, as it is imported.
type Foreign struct {
	// Spec says what the key is. Its Prefix is that of keys that will replace it; what the key itself begins with is said to the verifier,
	// with [WithImported].
	Spec Spec
	// Handle is the hash by which the key is found, as [Handles] computes it. Required.
	Handle string
	// CreatedAt is when the other system made the key; zero: now.
	CreatedAt time.Time
}

// Import keeps records of keys that another system made and of which it kept hashes, all of them or none, and returns them.
// [ErrExists]: one of them was imported before.
//
// A hash says nothing about what was hashed. Import only keys that were made of at least 128 random bits: whoever reads the store can find
// any other by trying, and so can those who only guess. Hashes that are slow or salted, as of bcrypt, scrypt or Argon2, cannot be
// imported. They exist for secrets that can be guessed, a key is not found by them, and to compute one for every text that a stranger
// presents is a way to be overwhelmed. Replace such keys by new ones.
func (k *Keys) Import(ctx context.Context, keys ...Foreign) ([]Record, error) {
	records := make([]Record, 0, len(keys))
	first := make(map[string]int, len(keys))
	for i, key := range keys {
		record, err := key.record()
		if err != nil {
			return nil, fmt.Errorf("key %d of the import: %w", i+1, err)
		}
		if other, twice := first[record.Handle]; twice {
			return nil, fmt.Errorf("key %d of the import is key %d: %w", i+1, other, ErrExists)
		}
		first[record.Handle] = i + 1
		records = append(records, record)
	}
	if len(records) == 0 {
		return nil, nil
	}
	if err := k.records.Insert(ctx, records...); err != nil {
		return nil, err
	}
	return records, nil
}

func (f Foreign) record() (Record, error) {
	handle, err := ParseHandle(f.Handle)
	if err != nil {
		return Record{}, err
	}
	if err := f.Spec.check(); err != nil {
		return Record{}, fmt.Errorf("apikey: %w", err)
	}
	now := stored(time.Now())
	record, err := f.Spec.record(now)
	if err != nil {
		return Record{}, fmt.Errorf("apikey: %w", err)
	}
	if f.CreatedAt.After(now) {
		return Record{}, errors.New("apikey: the key was made in the future")
	}
	if !f.CreatedAt.IsZero() {
		record.CreatedAt = stored(f.CreatedAt)
	}
	var id [idLength]byte
	random(id[:])
	record.ID, record.Digest, record.Handle = string(id[:]), digestOf(handle), handle
	record.Hint = f.Spec.prefix() + "_" + record.ID
	return record, nil
}

// isNil reports whether a value is nil, or an interface around a nil pointer, which would panic on the first call.
func isNil(value any) bool {
	if value == nil {
		return true
	}
	r := reflect.ValueOf(value)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
