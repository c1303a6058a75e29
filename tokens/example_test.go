// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// A sessionVerifier is a verifier of one's own. A real one checks a signature.
type sessionVerifier struct{}

func (sessionVerifier) Forms() []tokens.Form {
	return []tokens.Form{{Kind: tokens.SessionToken, Prefix: "sess_"}}
}

func (sessionVerifier) Verify(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	if credential.Secret.Reveal() != "sess_alice" {
		return nil, tokens.NewError(tokens.ReasonTokenInvalid, nil)
	}
	return tokens.NewPrincipal(tokens.Facts{Kind: tokens.SessionToken, Subject: "user_alice", UserID: "user_alice"})
}

func ExampleNewVerifiers() {
	verifiers, err := tokens.NewVerifiers(sessionVerifier{})
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"sess_alice", "ak_alice"} {
		form, verifier, ok := verifiers.Classify(text)
		if !ok {
			fmt.Println("no verifier takes it")
			continue
		}
		caller, err := verifier.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(text), Form: form})
		fmt.Println(form, "is", caller.Subject(), err)
	}
	// Output:
	// session_token with prefix "sess_" is user_alice <nil>
	// no verifier takes it
}

func ExampleNewVerifiers_mistakes() {
	_, err := tokens.NewVerifiers(sessionVerifier{}, nil, sessionVerifier{})
	fmt.Println(err)
	// Output:
	// tokens: verifier 2 is nil
	// tokens: forms overlap (the same prefix): session_token with prefix "sess_", and session_token with prefix "sess_"; give one verifier both, or change one
}

func ExampleFromContext() {
	greet := func(ctx context.Context) string {
		caller, ok := tokens.FromContext(ctx)
		switch {
		case !ok:
			return "no guard ran"
		case caller == nil:
			return "hello, whoever you are"
		default:
			return "hello, " + caller.Subject()
		}
	}
	ctx := context.Background()
	alice, err := tokens.NewPrincipal(tokens.Facts{Kind: tokens.SessionToken, Subject: "alice"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(greet(ctx))
	fmt.Println(greet(tokens.NewContext(ctx, nil)))
	fmt.Println(greet(tokens.NewContext(ctx, alice)))
	// Output:
	// no guard ran
	// hello, whoever you are
	// hello, alice
}

func ExamplePrincipal_Has() {
	caller, err := tokens.NewPrincipal(tokens.Facts{
		Kind:         tokens.SessionToken,
		Subject:      "alice",
		Organization: tokens.Organization{ID: "org_1", Role: "admin"},
		Permissions:  []string{"org:invoices:read"},
		Features:     []string{"o:reports"},
		Verification: &tokens.Verification{First: 5 * time.Minute, Second: -1},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.Has(tokens.Role("admin"), tokens.Permission("invoices:read")))
	fmt.Println(caller.Has(tokens.Permission("invoices:write")))
	fmt.Println(caller.Has(tokens.Feature("reports")), caller.Has(tokens.Feature("user:reports")))
	fmt.Println(caller.Has(tokens.Reverified(tokens.FirstFactor, 10*time.Minute)))
	fmt.Println(caller.Has())
	// Output:
	// true
	// false
	// true false
	// true
	// false
}

func ExampleParseBearer() {
	for _, values := range [][]string{{"Bearer abc"}, nil, {"Basic abc"}} {
		token, err := tokens.ParseBearer(values)
		fmt.Printf("%q %v\n", token, err)
	}
	// Output:
	// "abc" <nil>
	// "" <nil>
	// "" CREDENTIAL_MALFORMED: the authorization value is not 'Bearer', one space and a token
}
