// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
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
		{"long name", apikey.Spec{UserID: "u", Name: strings.Repeat("n", apikey.MaxText+1)}, "the name is longer than 512 bytes"},
		{"long user", apikey.Spec{UserID: strings.Repeat("n", apikey.MaxText+1)}, "the user id is longer"},
		{"long organization", apikey.Spec{OrganizationID: strings.Repeat("n", apikey.MaxText+1)}, "the organization id is longer"},
		{"long scope", apikey.Spec{UserID: "u", Scopes: []string{strings.Repeat("n", apikey.MaxText+1)}}, "the scope is longer"},
		{"too many scopes", apikey.Spec{UserID: "u", Scopes: slices.Repeat([]string{"a"}, apikey.MaxScopes+1)}, "257 scopes; a key has at most 256"},
		{"too many claims", apikey.Spec{UserID: "u", Claims: json.RawMessage(`{"a":"` + strings.Repeat("n", apikey.MaxClaims) + `"}`)}, "claims of 8200 bytes"},
		{"claims are not UTF-8", apikey.Spec{UserID: "u", Claims: json.RawMessage("{\"a\":\"\xff\"}")}, "the claims are not UTF-8"},
		{"name is not UTF-8", apikey.Spec{UserID: "u", Name: "\xff"}, "the name has control characters or is not UTF-8"},
		{"zero byte in the user", apikey.Spec{UserID: "u\x00"}, "the user id has control"},
		{"line break in a scope", apikey.Spec{UserID: "u", Scopes: []string{"a\nb"}}, "the scope has control"},
		{"too far in the future", apikey.Spec{UserID: "u", ExpiresAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "after 9999"},
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
			keys := newKeys(t, apikey.NewMemoryStore())
			if _, _, err := keys.Create(t.Context(), tt.spec); err == nil {
				t.Error("it is created")
			}
			if _, err := keys.Import(t.Context(), apikey.Foreign{Spec: tt.spec, Handle: apikey.Handles("sk_1")[0]}); err == nil {
				t.Error("it is imported")
			}
		})
	}
}
