// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
)

func newKeys(tb testing.TB, records apikey.Records) *apikey.Keys {
	tb.Helper()
	keys, err := apikey.NewKeys(records)
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// create makes a key, or ends the test.
func create(tb testing.TB, keys *apikey.Keys, spec apikey.Spec) (apikey.Key, apikey.Record) {
	tb.Helper()
	key, record, err := keys.Create(tb.Context(), spec)
	if err != nil {
		tb.Fatal(err)
	}
	return key, record
}

// get returns a record, or ends the test.
func get(tb testing.TB, keys *apikey.Keys, id string) apikey.Record {
	tb.Helper()
	record, err := keys.Get(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return record
}

func TestNewKeysRefuses(t *testing.T) {
	t.Parallel()
	for _, records := range []apikey.Records{nil, (*apikey.MemoryStore)(nil)} {
		if keys, err := apikey.NewKeys(records); keys != nil || err == nil {
			t.Errorf("error %v", err)
		}
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	keys := newKeys(t, apikey.NewMemoryStore())
	key, record := create(t, keys, apikey.Spec{UserID: "user_1", Scopes: []string{"a"}, Claims: json.RawMessage(`{"a":1}`)})
	if got := get(t, keys, record.ID); !reflect.DeepEqual(got, record) || key.ID() != record.ID {
		t.Errorf("got %+v, want %+v", got, record)
	}
	if _, err := keys.Get(t.Context(), "unknown"); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

// TestRotate has who can rotate what, and when the old key and the new one end.
func TestRotate(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name               string
		spec               apikey.Spec // times are set from begins and ends, since the key is made
		begins, ends       time.Duration
		waits, overlap     time.Duration
		oldEnds            time.Duration // since the rotation; 0: never
		newBegins, newEnds time.Duration // since the rotation
		revoked            bool
	}{
		{name: "no end", waits: day, overlap: day, oldEnds: day},
		{name: "no overlap", waits: day, overlap: 0, revoked: true},
		{name: "no overlap, an end", ends: 30 * day, waits: day, overlap: 0, oldEnds: 29 * day, newEnds: 30 * day, revoked: true},
		{name: "an end", ends: 30 * day, waits: 10 * day, overlap: day, oldEnds: day, newEnds: 30 * day},
		{name: "an end before the overlap's", ends: 30 * day, waits: 29*day + 12*time.Hour, overlap: day, oldEnds: day / 2, newEnds: 30 * day},
		{name: "begins later", begins: day, ends: 31 * day, waits: 2 * day, overlap: time.Hour, oldEnds: time.Hour, newEnds: 30 * day},
		{name: "has not begun", begins: 10 * day, ends: 40 * day, waits: 4 * day, overlap: time.Hour, oldEnds: time.Hour, newBegins: 6 * day, newEnds: 36 * day},
		{name: "a very long overlap", waits: day, overlap: 100 * 365 * day, oldEnds: 100 * 365 * day},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keys := newKeys(t, apikey.NewMemoryStore())
				since := func(d time.Duration) time.Time {
					if d == 0 {
						return time.Time{}
					}
					return time.Now().Add(d).UTC().Round(0)
				}
				spec := apikey.Spec{
					Prefix: "ak_live", Name: "ci", OrganizationID: "org_1", Scopes: []string{"a", "b"}, Claims: json.RawMessage(`{"tier":1}`),
					NotBefore: since(tt.begins), ExpiresAt: since(tt.ends),
				}
				_, old := create(t, keys, spec)
				time.Sleep(tt.waits)
				key, made, err := keys.Rotate(t.Context(), old.ID, tt.overlap)
				if err != nil {
					t.Fatal(err)
				}
				want := apikey.Record{
					ID: key.ID(), Digest: key.Digest(), Hint: key.Hint(), Name: "ci", OrganizationID: "org_1", Scopes: []string{"a", "b"},
					Claims: json.RawMessage(`{"tier":1}`), CreatedAt: since(1).Add(-1), NotBefore: since(tt.newBegins), ExpiresAt: since(tt.newEnds),
				}
				if !reflect.DeepEqual(made, want) || !reflect.DeepEqual(get(t, keys, made.ID), want) {
					t.Errorf("the new key\ngot  %+v\nwant %+v", made, want)
				}
				if made.ID == old.ID || !strings.HasPrefix(key.Reveal(), "ak_live_"+made.ID) {
					t.Error("the new key has the id or not the prefix of the old one")
				}
				want, want.Successor = old, made.ID
				want.ExpiresAt = since(tt.oldEnds)
				if tt.revoked {
					want.RevokedAt, want.RevokedFor = made.CreatedAt, "rotated"
				}
				if got := get(t, keys, old.ID); !reflect.DeepEqual(got, want) {
					t.Errorf("the old key\ngot  %+v\nwant %+v", got, want)
				}
			})
		})
	}
}

func TestRotateRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		do      func(t *testing.T, keys *apikey.Keys, id string)
		overlap time.Duration
		want    string
	}{
		{"negative overlap", func(*testing.T, *apikey.Keys, string) {}, -1, "negative overlap"},
		{"revoked", func(t *testing.T, keys *apikey.Keys, id string) {
			t.Helper()
			if _, err := keys.Revoke(t.Context(), id, "leaked"); err != nil {
				t.Fatal(err)
			}
		}, time.Hour, "was revoked"},
		{"expired", func(*testing.T, *apikey.Keys, string) { time.Sleep(time.Hour) }, time.Minute, "has expired"},
		{"rotated", func(t *testing.T, keys *apikey.Keys, id string) {
			t.Helper()
			if _, _, err := keys.Rotate(t.Context(), id, time.Hour); err != nil {
				t.Fatal(err)
			}
		}, time.Hour, "rotated before"},
		{"rotated at once", func(t *testing.T, keys *apikey.Keys, id string) {
			t.Helper()
			if _, _, err := keys.Rotate(t.Context(), id, 0); err != nil {
				t.Fatal(err)
			}
		}, time.Hour, "rotated before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := apikey.NewMemoryStore()
				keys := newKeys(t, store)
				_, record := create(t, keys, apikey.Spec{UserID: "user_1", ExpiresAt: time.Now().Add(time.Hour)})
				tt.do(t, keys, record.ID)
				before, _ := keys.List(t.Context(), apikey.Filter{})
				key, made, err := keys.Rotate(t.Context(), record.ID, tt.overlap)
				if err == nil || !strings.Contains(err.Error(), tt.want) || key != (apikey.Key{}) || made.ID != "" {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				if after, _ := keys.List(t.Context(), apikey.Filter{}); !reflect.DeepEqual(after, before) {
					t.Errorf("records were %+v and are %+v", before, after)
				}
			})
		})
	}
	if _, _, err := newKeys(t, apikey.NewMemoryStore()).Rotate(t.Context(), "unknown", 0); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("an unknown key: %v", err)
	}
}

// TestRotatedKeysVerify has both keys taken during the overlap, and only the new one after it.
func TestRotatedKeysVerify(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := apikey.NewMemoryStore()
		keys, v := newKeys(t, store), newVerifier(t, store, apikey.WithSkew(0))
		first, record := create(t, keys, apikey.Spec{UserID: "user_1"})
		second, record, err := keys.Rotate(t.Context(), record.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		third, _, err := keys.Rotate(t.Context(), record.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, wants := range [][3]tokens.Reason{{"", tokens.ReasonTokenRevoked, ""}, {tokens.ReasonTokenExpired, tokens.ReasonTokenRevoked, ""}} {
			for i, key := range []apikey.Key{first, second, third} {
				if _, err := v.Verify(t.Context(), credential(key.Reveal())); tokens.ReasonOf(err) != wants[i] {
					t.Errorf("key %d: %v, want %q", i+1, err, wants[i])
				}
			}
			time.Sleep(time.Hour)
		}
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := newKeys(t, apikey.NewMemoryStore())
		_, record := create(t, keys, apikey.Spec{UserID: "user_1"})
		revoked, err := keys.Revoke(t.Context(), record.ID, "leaked")
		if err != nil || !revoked.RevokedAt.Equal(time.Now()) || revoked.RevokedFor != "leaked" {
			t.Errorf("revoked: %+v, %v", revoked, err)
		}
		time.Sleep(time.Hour)
		again, err := keys.Revoke(t.Context(), record.ID, "another reason")
		if err != nil || !reflect.DeepEqual(again, revoked) || !reflect.DeepEqual(get(t, keys, record.ID), revoked) {
			t.Errorf("revoked again: %+v, %v", again, err)
		}
		if _, err := keys.Revoke(t.Context(), "unknown", ""); !errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("an unknown key: %v", err)
		}
		for _, tt := range []struct{ name, reason, want string }{
			{"long", strings.Repeat("é", apikey.MaxReason), strings.Repeat("é", apikey.MaxReason/2)},
			{"long and odd", "a" + strings.Repeat("é", apikey.MaxReason), "a" + strings.Repeat("é", apikey.MaxReason/2-1)},
			{"what no database takes", "le\x00ak\xffed", "leaked"},
		} {
			_, record := create(t, keys, apikey.Spec{UserID: "user_1"})
			if r, err := keys.Revoke(t.Context(), record.ID, tt.reason); err != nil || r.RevokedFor != tt.want {
				t.Errorf("%s: %q, %v", tt.name, r.RevokedFor, err)
			}
		}
	})
}

func TestExpire(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		ends, at time.Duration // since now; ends 0: never
		want     time.Duration
		refused  string
	}{
		{"no end", 0, time.Hour, time.Hour, ""},
		{"earlier", 2 * time.Hour, time.Hour, time.Hour, ""},
		{"the same", time.Hour, time.Hour, time.Hour, ""},
		{"later", time.Hour, 2 * time.Hour, time.Hour, "ends earlier"},
		{"the past is now", time.Hour, -time.Hour, 0, ""},
		{"the past is now, no end", 0, -time.Hour, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keys := newKeys(t, apikey.NewMemoryStore())
				spec := apikey.Spec{UserID: "user_1"}
				if tt.ends != 0 {
					spec.ExpiresAt = time.Now().Add(tt.ends)
				}
				_, record := create(t, keys, spec)
				_, err := keys.Expire(t.Context(), record.ID, time.Now().Add(tt.at))
				if (err != nil) != (tt.refused != "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("error %v, want %q", err, tt.refused)
				}
				if got := get(t, keys, record.ID); !got.ExpiresAt.Equal(time.Now().Add(tt.want)) {
					t.Errorf("it ends %v, want %v", got.ExpiresAt, time.Now().Add(tt.want))
				}
				// What has ended has.
				time.Sleep(3 * time.Hour)
				before := get(t, keys, record.ID)
				_, _ = keys.Expire(t.Context(), record.ID, time.Now().Add(-4*time.Hour))
				if after := get(t, keys, record.ID); after.ExpiresAt.After(before.ExpiresAt) {
					t.Errorf("it ended %v and ends %v", before.ExpiresAt, after.ExpiresAt)
				}
			})
		})
	}
	keys := newKeys(t, apikey.NewMemoryStore())
	if _, err := keys.Expire(t.Context(), "unknown", time.Now()); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := keys.Expire(t.Context(), "unknown", time.Time{}); err == nil || errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("the zero time: %v", err)
	}
}

// A failing is a store of which nothing can be had.
type failing struct{ apikey.Records }

var errDown = errors.New("connection refused")

func (failing) Insert(context.Context, ...apikey.Record) error { return errDown }

func (failing) Change(context.Context, string, func(*apikey.Record) (*apikey.Record, error)) (apikey.Record, error) {
	return apikey.Record{}, errDown
}

func TestNoKeyBesideAnError(t *testing.T) {
	t.Parallel()
	keys := newKeys(t, failing{})
	key, record, err := keys.Create(t.Context(), apikey.Spec{UserID: "user_1"})
	if !errors.Is(err, errDown) || key != (apikey.Key{}) || record.ID != "" {
		t.Errorf("Create: %v", err)
	}
	key, record, err = keys.Rotate(t.Context(), "id", 0)
	if !errors.Is(err, errDown) || key != (apikey.Key{}) || record.ID != "" {
		t.Errorf("Rotate: %v", err)
	}
}
