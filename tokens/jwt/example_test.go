// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"fmt"
	"log"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func ExampleNewSessionVerifier() {
	issuer, err := tokenstest.StartIssuer() // In production, your identity provider.
	if err != nil {
		log.Fatal(err)
	}
	defer issuer.Close()

	keys, err := jwt.NewRemoteKeySet(issuer.JWKSURL())
	if err != nil {
		log.Fatal(err)
	}
	defer keys.Close()
	sessions, err := jwt.NewSessionVerifier(issuer.URL(), []string{"https://app.example.com"}, jwt.ClassHeader("cat", "session"), keys)
	if err != nil {
		log.Fatal(err)
	}

	token := issuer.Session(tokenstest.SessionClaims{UserID: "user_1", Organization: tokens.Organization{ID: "org_1", Role: "admin"}})
	caller, err := sessions.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.UserID(), caller.Has(tokens.Role("org:admin")))

	_, err = sessions.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(issuer.Tamper(token))})
	fmt.Println(err)
	// Output:
	// user_1 true
	// TOKEN_INVALID: jwt: the signature does not match
}

func ExampleNewOAuthVerifier() {
	issuer, err := tokenstest.StartIssuer(tokenstest.WithAlgorithm("ES256"))
	if err != nil {
		log.Fatal(err)
	}
	defer issuer.Close()
	keys, err := jwt.NewKeySet(issuer.Keys())
	if err != nil {
		log.Fatal(err)
	}
	clients := jwt.WithNames(map[string]string{"client_1": "reports"})
	verifier, err := jwt.NewOAuthVerifier(issuer.URL(), []string{"https://api.example.com"}, keys, clients)
	if err != nil {
		log.Fatal(err)
	}
	token := issuer.OAuth(tokenstest.OAuthClaims{ClientID: "client_1", Scopes: []string{"invoices:read"}})
	caller, err := verifier.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.Kind(), caller.ClientName(), caller.Scopes())
	// Output: oauth_token reports [invoices:read]
}

func ExampleNewM2MVerifier() {
	issuer, err := tokenstest.StartIssuer(tokenstest.WithAlgorithm("EdDSA"))
	if err != nil {
		log.Fatal(err)
	}
	defer issuer.Close()
	keys, err := jwt.NewKeySet(issuer.Keys())
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := jwt.NewM2MVerifier(issuer.URL(), []string{"https://api.example.com"}, jwt.ClassSubjectPrefix("mch_"), keys)
	if err != nil {
		log.Fatal(err)
	}
	token := issuer.M2M(tokenstest.M2MClaims{Machine: "mch_billing"})
	caller, err := verifier.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.Kind(), caller.CallerName())
	// Output: m2m_token mch_billing
}

func ExampleNewPEMKey() {
	_, err := jwt.NewPEMKey("RS256", []byte("not a key"))
	fmt.Println(err)
	// Output: jwt: no PEM block; give NewPEMKey the text from -----BEGIN PUBLIC KEY----- to its end
}
