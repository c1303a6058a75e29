// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store/postgres"
	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

// A process that administers keys, and one that only verifies, on one database.
func ExampleOpen() {
	ctx := context.Background()
	server, err := postgrestest.Launch(ctx) // yours is postgres://user:password@host/database?sslmode=verify-full
	if errors.Is(err, postgrestest.ErrNotInstalled) {
		fmt.Print("found: true\nrevoked: leaked\n") // there is nothing to try it with
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	admin, err := postgres.Open(ctx, server.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer admin.Close()
	key, record, err := apikey.New(apikey.Spec{Name: "nightly export", OrganizationID: "org_1"})
	if err != nil {
		log.Fatal(err)
	}
	if err := admin.Insert(ctx, record); err != nil {
		log.Fatal(err)
	}

	replica, err := postgres.Open(ctx, server.URL(), postgres.WithReadOnly())
	if err != nil {
		log.Fatal(err)
	}
	defer replica.Close()
	found, err := replica.Lookup(ctx, key.ID())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("found:", found.Digest == key.Digest())

	_, err = admin.Revoke(ctx, revocation.Revocation{Target: revocation.Key, Value: key.ID(), Reason: "leaked"})
	if err != nil {
		log.Fatal(err)
	}
	batch, err := replica.Since(ctx, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, change := range batch.Changes {
		fmt.Println("revoked:", change.Revocation.Reason)
	}
	// Output:
	// found: true
	// revoked: leaked
}
