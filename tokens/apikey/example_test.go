// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
)

func ExampleNewVerifier() {
	ctx := context.Background()
	store := apikey.NewMemoryStore()
	key, _, err := store.Create(ctx, apikey.Spec{Prefix: "ak_live", OrganizationID: "org_1", Scopes: []string{"invoices:read"}})
	if err != nil {
		log.Fatal(err)
	}

	verifier, err := apikey.NewVerifier(store, apikey.WithPrefixes("ak_live"))
	if err != nil {
		log.Fatal(err)
	}
	caller, err := verifier.Verify(ctx, tokens.Credential{Secret: tokens.NewSecret(key.Reveal())}) // as a guard does
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.Kind(), caller.Organization().ID, caller.Scopes())
	// Output: api_key org_1 [invoices:read]
}

func ExampleMemoryStore() {
	ctx := context.Background()
	store := apikey.NewMemoryStore()
	key, record, err := store.Create(ctx, apikey.Spec{UserID: "user_1", Name: "laptop"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key) // key.Reveal() is the text to show, once

	if err := store.Revoke(ctx, record.ID); err != nil {
		log.Fatal(err)
	}
	records, err := store.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range records {
		fmt.Println(r.Name, r.UserID, !r.RevokedAt.IsZero())
	}
	// Output:
	// [redacted]
	// laptop user_1 true
}

func ExampleNew() {
	key, record, err := apikey.New(apikey.Spec{UserID: "user_1"})
	if err != nil {
		log.Fatal(err)
	}
	// Insert the record where your store keeps records, and show key.Reveal() to its owner.
	fmt.Println(record.ID == key.ID(), record.Digest.Equal(key.Digest()), len(key.Reveal()))
	// Output: true true 69
}

func ExampleParse() {
	const text = "ak_0123456789ABCDEF_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2hEw0n"
	key, err := apikey.Parse(tokens.NewSecret(text))
	fmt.Println(key.ID(), key.Hint(), err)
	_, err = apikey.Parse(tokens.NewSecret(text[:68] + "0"))
	fmt.Println(err)
	// Output:
	// 0123456789ABCDEF ak_0123456789ABCDEF…Ew0n <nil>
	// TOKEN_INVALID: the checksum of the API key is wrong
}

// A store of one's own needs one method, which must tell "there is none" from "I cannot tell".
func ExampleStore() {
	verifier, err := apikey.NewVerifier(unreachable{})
	if err != nil {
		log.Fatal(err)
	}
	key, _, err := apikey.New(apikey.Spec{UserID: "user_1"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = verifier.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(key.Reveal())})
	fmt.Println(err)
	// Output: VERIFIER_UNAVAILABLE: the store of API keys: connection refused
}

type unreachable struct{}

func (unreachable) Lookup(context.Context, string) (apikey.Record, error) {
	return apikey.Record{}, errors.New("connection refused")
}
