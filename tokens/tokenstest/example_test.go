// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokenstest_test

import (
	"context"
	"fmt"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// In a test it is tokenstest.NewIssuer(t), which needs no Close.
func ExampleStartIssuer() {
	issuer, err := tokenstest.StartIssuer()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer issuer.Close()
	token := issuer.Session(tokenstest.SessionClaims{
		UserID: "user_ada", Organization: tokens.Organization{ID: "org_acme", Role: "admin"}, Permissions: []string{"org:invoices:read"},
	})

	verifiers, err := tokens.NewVerifiers(issuer.SessionVerifier())
	if err != nil {
		fmt.Println(err)
		return
	}
	form, verifier, _ := verifiers.Classify(token)
	caller, err := verifier.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token), Form: form})
	fmt.Println(caller.UserID(), caller.Has(tokens.Role("admin"), tokens.Permission("org:invoices:read")), err)
	// Output: user_ada true <nil>
}
