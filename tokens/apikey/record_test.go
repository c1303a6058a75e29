// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
)

func TestNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		zone := time.FixedZone("", 3600)
		begins, ends := time.Now().Add(time.Hour).In(zone), time.Now().Add(2*time.Hour+time.Nanosecond).In(zone)
		spec := apikey.Spec{
			Prefix: "ak_live", Name: "ci", OrganizationID: "org_1", Scopes: []string{"a", "b"}, Claims: json.RawMessage(`{"tier":1}`),
			NotBefore: begins, ExpiresAt: ends,
		}
		key, record, err := apikey.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		spec.Scopes[0], spec.Claims[2] = "changed", 'X'
		want := apikey.Record{
			ID: key.ID(), Digest: key.Digest(), Hint: key.Hint(), Name: "ci", OrganizationID: "org_1", Scopes: []string{"a", "b"},
			Claims: json.RawMessage(`{"tier":1}`), CreatedAt: time.Now().UTC(), NotBefore: begins.UTC(),
			ExpiresAt: ends.UTC().Truncate(time.Microsecond),
		}
		if want.CreatedAt = want.CreatedAt.Round(0); !reflect.DeepEqual(record, want) {
			t.Errorf("got  %+v\nwant %+v", record, want)
		}
		if !strings.HasPrefix(key.Reveal(), "ak_live_"+record.ID+"_") {
			t.Error("the key has another prefix or id")
		}
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name string
		spec apikey.Spec
		want string
	}{
		{"no owner", apikey.Spec{}, "exactly one of a user and an organization"},
		{"two owners", apikey.Spec{UserID: "u", OrganizationID: "o"}, "exactly one of a user and an organization"},
		{"upper-case prefix", apikey.Spec{UserID: "u", Prefix: "AK"}, `prefix "AK"`},
		{"prefix with the underscore", apikey.Spec{UserID: "u", Prefix: "ak_"}, `prefix "ak_"`},
		{"prefix of a JWT", apikey.Spec{UserID: "u", Prefix: "ey"}, "like a JWT"},
		{"prefix too long", apikey.Spec{UserID: "u", Prefix: strings.Repeat("a", 33)}, "at most 32 bytes"},
		{"empty scope", apikey.Spec{UserID: "u", Scopes: []string{"a", ""}}, "empty permission or scope"},
		{"claims are a list", apikey.Spec{UserID: "u", Claims: json.RawMessage(`[]`)}, "not a JSON object"},
		{"claims are cut", apikey.Spec{UserID: "u", Claims: json.RawMessage(`{"a":`)}, "not a JSON object"},
		{"expired", apikey.Spec{UserID: "u", ExpiresAt: now.Add(-time.Second)}, "expire before"},
		{"expires at once", apikey.Spec{UserID: "u", NotBefore: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour)}, "expire before"},
		{"expires first", apikey.Spec{UserID: "u", NotBefore: now.Add(2 * time.Hour), ExpiresAt: now.Add(time.Hour)}, "expire before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, record, err := apikey.New(tt.spec)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "apikey: ") {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if key != (apikey.Key{}) || !reflect.DeepEqual(record, apikey.Record{}) {
				t.Error("a key or record beside an error")
			}
			if _, _, err := apikey.NewMemoryStore().Create(t.Context(), tt.spec); err == nil {
				t.Error("a store creates it")
			}
		})
	}
}

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := apikey.NewMemoryStore()
		var ids []string
		for range 3 {
			key, record, err := store.Create(t.Context(), apikey.Spec{UserID: "user_1", Scopes: []string{"a"}, Claims: json.RawMessage(`{}`)})
			if err != nil || key.ID() != record.ID {
				t.Fatal(err)
			}
			ids = append(ids, record.ID)
			time.Sleep(time.Second)
		}
		if err := store.Revoke(t.Context(), ids[1]); err != nil {
			t.Fatal(err)
		}
		revoked := time.Now()
		time.Sleep(time.Hour)
		if err := store.Revoke(t.Context(), ids[1]); err != nil {
			t.Fatal(err)
		}
		records, err := store.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, record := range records {
			looked, err := store.Lookup(t.Context(), ids[i])
			if err != nil || record.ID != ids[i] || !reflect.DeepEqual(looked, record) {
				t.Errorf("record %d: %+v, %v", i, record, err)
			}
			if want := i == 1; want != !record.RevokedAt.IsZero() || want && !record.RevokedAt.Equal(revoked) {
				t.Errorf("record %d: revoked at %v", i, record.RevokedAt)
			}
		}
		if len(records) != 3 {
			t.Errorf("%d records", len(records))
		}
	})
}

func TestMemoryStoreNotFound(t *testing.T) {
	t.Parallel()
	var store apikey.MemoryStore
	if _, err := store.Lookup(t.Context(), "x"); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("Lookup: %v", err)
	}
	if err := store.Revoke(t.Context(), "x"); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("Revoke: %v", err)
	}
	if records, err := store.List(t.Context()); err != nil || len(records) != 0 {
		t.Errorf("List: %v, %v", records, err)
	}
	if _, _, err := store.Create(t.Context(), apikey.Spec{UserID: "user_1"}); err != nil {
		t.Errorf("Create: %v", err)
	}
}

func TestMemoryStoreReturnsCopies(t *testing.T) {
	t.Parallel()
	store := apikey.NewMemoryStore()
	_, created, err := store.Create(t.Context(), apikey.Spec{UserID: "user_1", Scopes: []string{"a"}, Claims: json.RawMessage(`{"a":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	want := created.Clone()
	spoil := func(r apikey.Record) { r.Scopes[0], r.Claims[1] = "admin", 'X' }
	spoil(created)
	looked, _ := store.Lookup(t.Context(), want.ID)
	spoil(looked)
	listed, _ := store.List(t.Context())
	spoil(listed[0])
	if got, _ := store.Lookup(t.Context(), want.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("the store was changed from outside: %+v", got)
	}
}

func TestMemoryStoreIsConcurrent(t *testing.T) {
	t.Parallel()
	store := apikey.NewMemoryStore()
	verifier, err := apikey.NewVerifier(store)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				key, record, err := store.Create(t.Context(), apikey.Spec{UserID: "user_1", Scopes: []string{"a"}})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := verifier.Verify(t.Context(), credential(key.Reveal())); err != nil {
					t.Error(err)
				}
				if err := store.Revoke(t.Context(), record.ID); err != nil {
					t.Error(err)
				}
				if _, err := store.List(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	records, _ := store.List(t.Context())
	if open := slices.ContainsFunc(records, func(r apikey.Record) bool { return r.RevokedAt.IsZero() }); len(records) != 160 || open {
		t.Errorf("%d records; some not revoked: %t", len(records), open)
	}
}
