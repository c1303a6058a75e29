// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package storetest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/store/storetest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Place {
		s := apikey.NewMemoryStore()
		return storetest.Place{
			Open: func(*testing.T) store.Store { return s },
			Forget: func(t *testing.T, s store.Store) {
				t.Helper()
				for i := range 10_001 {
					r := revocation.Revocation{Target: revocation.Token, Value: fmt.Sprint("forget", i), Until: time.Now()}
					if _, err := s.Revoke(t.Context(), r); err != nil {
						t.Fatal(err)
					}
				}
			},
		}
	})
}
