// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"fmt"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/clerk"
)

// Keys are those of the instance's page of API keys; a program reads them from its environment.
func ExampleNew() {
	instance, err := clerk.New("pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA", "sk_test_0123456789",
		clerk.WithAuthorizedParties("https://app.example.com"),
		clerk.WithAudience("https://api.example.com"), // of OAuth tokens that are JWTs
		clerk.WithMachineID("mch_invoices"),           // of M2M tokens: which machine we are
		clerk.WithMachineNames(map[string]string{"mch_2xKa9Bgv7N": "ledger"}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer instance.Close()
	verifiers, err := tokens.NewVerifiers(instance.Verifiers()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, form := range verifiers.Forms() {
		fmt.Println(form)
	}
	// Output:
	// session_token from issuer "https://clerk.inspired.puma-74.lcl.dev"
	// api_key with prefix "ak_"
	// oauth_token with prefix "oat_"
	// oauth_token from issuer "https://clerk.inspired.puma-74.lcl.dev" with typ at+jwt
	// m2m_token with prefix "mt_"
	// m2m_token from issuer "https://clerk.inspired.puma-74.lcl.dev" with a subject "mch_…"
}

// All mistakes are told at once.
func ExampleNew_mistakes() {
	_, err := clerk.New("pk_test_Y2xlcmsuaW5z", "", clerk.WithDomain("https://satellite.com"))
	fmt.Println(err)
	// Output:
	// clerk: WithDomain("https://satellite.com"): give it a domain in lower case, without a scheme, port or path, such as satellite.com
	// clerk: the publishable key is cut off or changed: it does not have a host and a dollar sign; copy it whole
	// clerk: no secret key; copy it from the API keys of the instance
	// clerk: sessions of any application would be taken; name yours with WithAuthorizedParties, such as https://app.example.com, or demand an audience with WithAudience
}

// With the instance's public key, sessions need no network and no secret key.
func ExampleWithJWTKey() {
	const jwtKey = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAx0ys4pwBrF5qzjZ8kkKv
-----END PUBLIC KEY-----`
	_, err := clerk.New("pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA", "",
		clerk.WithKinds(tokens.SessionToken), clerk.WithAuthorizedParties("https://app.example.com"), clerk.WithJWTKey([]byte(jwtKey)))
	fmt.Println(err != nil) // This key was cut off, which shows at once and not at the first call.
	// Output: true
}
