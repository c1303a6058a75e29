// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// One verifier takes the users' and the machines' tokens of an Auth0 tenant.
func ExampleNewIssuerVerifier() {
	issuer, err := tokenstest.StartIssuer(tokenstest.WithAlgorithm("ES256"))
	if err != nil {
		log.Fatal(err)
	}
	defer issuer.Close()
	keys, err := jwt.NewKeySet(issuer.Keys()) // In production, jwt.NewRemoteKeySet with the tenant's jwks.json.
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := jwt.NewIssuerVerifier("https://tenant.auth0.com/", []string{"https://api.example.com"}, jwt.Auth0(), keys)
	if err != nil {
		log.Fatal(err)
	}
	verifiers, err := tokens.NewVerifiers(verifier)
	if err != nil {
		log.Fatal(err)
	}

	header := map[string]any{"typ": "JWT"}
	for _, claims := range []map[string]any{
		{"sub": "auth0|1", "azp": "web", "aud": "https://api.example.com", "scope": "read:invoices"},
		{"sub": "ledger@clients", "azp": "ledger", "aud": "https://api.example.com", "gty": "client-credentials"},
		{"sub": "auth0|1", "aud": "web", "nonce": "n-0S6_WzA2Mj"}, // An id_token.
	} {
		claims["iss"], claims["exp"] = "https://tenant.auth0.com/", time.Now().Add(time.Minute).Unix()
		token := issuer.Sign(header, claims)
		form, verifier, _ := verifiers.Classify(token)
		caller, err := verifier.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token), Form: form})
		if err != nil {
			fmt.Println(form.Kind, err)
			continue
		}
		fmt.Println(caller.Kind(), caller.UserID(), caller.ClientName(), caller.CallerName())
	}
	// Output:
	// oauth_token auth0|1 web auth0|1
	// m2m_token  ledger ledger
	// oauth_token TOKEN_INVALID: jwt: nonce: not an access token
}

// Machines of two issuers stand beside each other: the names of a cluster's service accounts all begin alike, and Google's get a prefix.
func ExampleNewIssuerVerifier_machines() {
	issuer, err := tokenstest.StartIssuer(tokenstest.WithAlgorithm("ES256"))
	if err != nil {
		log.Fatal(err)
	}
	defer issuer.Close()
	keys, err := jwt.NewKeySet(issuer.Keys())
	if err != nil {
		log.Fatal(err)
	}
	audiences := []string{"https://api.example.com"}
	cluster, err := jwt.NewIssuerVerifier("https://oidc.cluster.example.com", audiences, jwt.Kubernetes(), keys)
	if err != nil {
		log.Fatal(err)
	}
	google, err := jwt.NewIssuerVerifier("https://accounts.google.com", audiences, jwt.Google(), keys, jwt.WithNamePrefix("google:"))
	if err != nil {
		log.Fatal(err)
	}
	verifiers, err := tokens.NewVerifiers(cluster, google)
	if err != nil {
		log.Fatal(err)
	}
	for _, form := range verifiers.Forms() {
		fmt.Println(form, "named", form.Names.Prefix+"…")
	}
	// Output:
	// m2m_token from issuer "https://oidc.cluster.example.com" with a subject "system:serviceaccount:…" named system:serviceaccount:…
	// m2m_token from issuer "https://accounts.google.com" with email "….gserviceaccount.com" named google:…
}
