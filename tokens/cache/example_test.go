// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/cache"
)

func Example() {
	remembered, err := cache.New(1000, 30*time.Second, 5*time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remembered.Close()

	verify := func(context.Context) (*tokens.Principal, error) {
		fmt.Println("verifying")
		return tokens.NewPrincipal(tokens.Facts{Kind: tokens.APIKey, Subject: "org_1"})
	}
	for range 2 {
		key := cache.KeyOf("ak_of_org_1")
		entry, ok := remembered.Get(key, time.Now())
		if !ok {
			entry, err = remembered.Do(context.Background(), key, 0, verify)
		}
		// Whoever reads the cache asks for expiry himself, on every call.
		fmt.Println(entry.Principal.Subject(), entry.Principal.Expired(time.Now()), err)
	}
	// Output:
	// verifying
	// org_1 false <nil>
	// org_1 false <nil>
}
