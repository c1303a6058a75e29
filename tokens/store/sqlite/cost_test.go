// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
)

func BenchmarkLookup(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "keys.db"))
	records := make([]apikey.Record, 10_000)
	for i := range records {
		var err error
		if _, records[i], err = apikey.New(apikey.Spec{UserID: "user_1", Scopes: []string{"invoices:read"}}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Insert(b.Context(), records...); err != nil {
		b.Fatal(err)
	}
	ctx := b.Context() // with an end, as that of a call
	for i := 0; b.Loop(); i++ {
		if _, err := s.Lookup(ctx, records[i%len(records)].ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRevoke(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "keys.db"))
	for b.Loop() {
		if _, err := s.Revoke(b.Context(), revocation.Revocation{Target: revocation.Token, Value: "t", Until: time.Now()}); err != nil {
			b.Fatal(err)
		}
	}
}
