// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func ExampleNewDiscoveredKeySet() {
	issuer, err := tokenstest.StartIssuer(tokenstest.WithAlgorithm("ES256"))
	if err != nil {
		log.Fatal(err)
	}
	defer issuer.Close()
	mux := http.NewServeMux() // In production, your identity provider.
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc("/tenant/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer": "%[1]s/tenant", "jwks_uri": "%[1]s/tenant/keys"}`, server.URL)
	})
	mux.HandleFunc("/tenant/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(issuer.Keys()) })

	keys, err := jwt.NewDiscoveredKeySet(server.URL + "/tenant")
	if err != nil {
		log.Fatal(err)
	}
	defer keys.Close()
	key, err := keys.Key(context.Background(), "key-1", "ES256")
	fmt.Println(key.KID(), key.Algorithm(), err)
	_, err = keys.Key(context.Background(), "key-2", "ES256")
	fmt.Println(err)
	// Output:
	// key-1 ES256 <nil>
	// TOKEN_INVALID: no key with the token's kid and alg
}

func ExampleNewRemoteKeySet() {
	_, err := jwt.NewRemoteKeySet("http://issuer.example/jwks.json")
	fmt.Println(err)
	// Output:
	// jwt: NewRemoteKeySet: the URL is http on a host that is not loopback; give it https, or add jwt.WithInsecureHTTP()
}

func ExampleNewKeySet() {
	_, err := jwt.NewKeySet([]byte(`{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}`))
	fmt.Println(err)
	// Output: jwt: JWK Set: no key can be used; the last: key 1: kty is not RSA, EC or OKP
}
