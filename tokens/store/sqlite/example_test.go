// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

// A server opens the file that the command admit writes to.
func ExampleOpen() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "keys.db")

	// Where keys are administered:
	admin, err := sqlite.Open(ctx, file)
	if err != nil {
		log.Fatal(err)
	}
	defer admin.Close()
	keys, err := apikey.NewKeys(admin)
	if err != nil {
		log.Fatal(err)
	}
	key, record, err := keys.Create(ctx, apikey.Spec{OrganizationID: "org_1", Scopes: []string{"invoices:read"}})
	if err != nil {
		log.Fatal(err)
	}

	// In a server, which gives the store to interceptor.WithRevocations too:
	store, err := sqlite.Open(ctx, file, sqlite.WithReadOnly())
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	verifier, err := apikey.NewVerifier(store)
	if err != nil {
		log.Fatal(err)
	}
	credential := tokens.Credential{Secret: tokens.NewSecret(key.Reveal())}
	caller, err := verifier.Verify(ctx, credential)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.Organization().ID)

	if _, err := keys.Revoke(ctx, record.ID, "leaked"); err != nil {
		log.Fatal(err)
	}
	_, err = verifier.Verify(ctx, credential)
	fmt.Println(err)
	// Output:
	// org_1
	// TOKEN_REVOKED: the API key was revoked
}
