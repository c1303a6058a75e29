// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
)

func ExampleNewVerifier() {
	ctx := context.Background()
	store := apikey.NewMemoryStore() // or that of package sqlite or postgres
	keys, err := apikey.NewKeys(store)
	if err != nil {
		log.Fatal(err)
	}
	key, _, err := keys.Create(ctx, apikey.Spec{Prefix: "ak_live", OrganizationID: "org_1", Scopes: []string{"invoices:read"}})
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

func ExampleKeys() {
	ctx := context.Background()
	keys, err := apikey.NewKeys(apikey.NewMemoryStore())
	if err != nil {
		log.Fatal(err)
	}
	key, old, err := keys.Create(ctx, apikey.Spec{UserID: "user_1", Name: "laptop"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key) // key.Reveal() is the text to show, once

	// The old key still works for a day.
	_, next, err := keys.Rotate(ctx, old.ID, apikey.DefaultOverlap)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := keys.Revoke(ctx, next.ID, "laptop lost"); err != nil {
		log.Fatal(err)
	}
	records, err := keys.List(ctx, apikey.Filter{UserID: "user_1"})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range records {
		if r.ID == next.ID {
			fmt.Println(r.Name, !r.RevokedAt.IsZero(), r.RevokedFor)
		} else {
			fmt.Println(r.Name, r.ExpiresAt.Sub(r.CreatedAt).Round(time.Hour), r.Successor == next.ID)
		}
	}
	// Unordered output:
	// [redacted]
	// laptop 24h0m0s true
	// laptop true laptop lost
}

func ExampleKeys_Import() {
	ctx := context.Background()
	store := apikey.NewMemoryStore()
	keys, err := apikey.NewKeys(store)
	if err != nil {
		log.Fatal(err)
	}
	// What the other system keeps of the key, not the key.
	const hash = "0a4cbf2b2c0f2a1ff4d9a8c6d4e1c3f7a0a6e4c4e2a9b1d3f5a7c9e1b3d5f708"
	imported, err := keys.Import(ctx, apikey.Foreign{Spec: apikey.Spec{UserID: "user_1"}, Handle: "sha256:" + hash})
	if err != nil {
		log.Fatal(err)
	}
	recorder, err := apikey.NewRecorder(store, apikey.DefaultInterval)
	if err != nil {
		log.Fatal(err)
	}
	defer recorder.Close()
	verifier, err := apikey.NewVerifier(store, apikey.WithImported("sk_live_"), apikey.WithRecorder(recorder))
	if err != nil {
		log.Fatal(err)
	}
	_, err = verifier.Verify(ctx, tokens.Credential{Secret: tokens.NewSecret("sk_live_of_somebody_else")})
	fmt.Println(len(imported), imported[0].UserID, err)
	// Output: 1 user_1 TOKEN_INVALID: no API key with this id and secret
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
