// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// SEC-54 and SEC-56: a set that a server gives away with secrets in it. The shared secret is no key, and the private key no more than
// its public part.
func TestRemoteSetWithSecrets(t *testing.T) {
	t.Parallel()
	iss, key := newIssuerKeys(t)
	key["d"] = "AAAA"
	secret := []byte("0123456789abcdef0123456789abcdef")
	body := set(key, map[string]any{"kty": "oct", "kid": "secret", "alg": "HS256", "use": "sig", "k": b64(string(secret))})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	defer server.Close()
	keys := must(jwt.NewRemoteKeySet(server.URL))
	defer func() { _ = keys.Close() }()
	g := accessTarget(iss, keys)
	accepted(t, g.v, g.header(nil))
	refused(t, g.v, g.hmacToken(secret), tokens.ReasonTokenInvalid)
	for _, algorithm := range []string{"HS256", "ES256", ""} {
		if found, err := keys.Key(t.Context(), "secret", algorithm); err == nil || found.Algorithm() != "" {
			t.Errorf("a shared secret is a key for %q", algorithm)
		}
	}
}

// SEC-70: tokens of two issuers at once, whose keys neither verifier has yet.
func TestTwoIssuersAtOnce(t *testing.T) {
	t.Parallel()
	var all []target
	var forms []tokens.Verifier
	for range 2 {
		iss, _ := newIssuer(t)
		keys := must(jwt.NewRemoteKeySet(iss.JWKSURL()))
		defer func() { _ = keys.Close() }()
		all = append(all, accessTarget(iss, keys))
		v := must(jwt.NewOAuthVerifier(iss.URL(), []string{tokenstest.Audience}, keys, jwt.WithNamePrefix(iss.URL()+" ")))
		forms = append(forms, v)
	}
	table := must(tokens.NewVerifiers(forms...))
	var tasks sync.WaitGroup
	for range 16 {
		for i, g := range all {
			tasks.Go(func() {
				mine, other := g.header(nil), all[1-i].header(nil)
				if _, v, ok := table.Classify(mine); !ok || v == nil {
					t.Error("not classified")
				}
				if p, err := verify(t, g.v, mine); err != nil || p.Issuer() != g.iss.URL() {
					t.Errorf("refused: %v", err)
				}
				if _, err := verify(t, g.v, other); tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
					t.Errorf("the other issuer's token: %v", err)
				}
			})
		}
	}
	tasks.Wait()
	for _, g := range all {
		if n := g.iss.Fetches(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	}
}
