// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/coreos/go-oidc/v3/oidc"
	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// A verify is what a library does with a token: nil means that it believes it.
type verify func(ctx context.Context, token string) error

// A library opens a key set at a URL, whose use ends with ctx or with done, whichever it needs.
type library struct {
	name string
	open func(ctx context.Context, issuer, url string) (v verify, done func(), err error)
}

// libraries are measured with their defaults. Ours is the first.
var libraries = []library{
	{"admit", openAdmit},
	{"keyfunc 3.9.0, jwkset 0.11.3", openKeyfunc},
	{"jwx 3.3.0 Cache, httprc 3.0.6", openJWX},
	{"go-oidc 3.21.0 RemoteKeySet", openOIDC},
}

func openAdmit(_ context.Context, issuer, url string) (verify, func(), error) {
	keys, err := jwt.NewRemoteKeySet(url)
	if err != nil {
		return nil, nil, err
	}
	done := func() { _ = keys.Close() }
	v, err := jwt.NewOAuthVerifier(issuer, []string{tokenstest.Audience}, keys)
	if err != nil {
		done()
		return nil, nil, err
	}
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, tokens.Credential{Secret: tokens.NewSecret(token)})
		return err
	}, done, nil
}

func openKeyfunc(ctx context.Context, issuer, url string) (verify, func(), error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{url})
	if err != nil {
		return nil, nil, err
	}
	parser := golangjwt.NewParser(golangjwt.WithValidMethods([]string{"ES256"}), golangjwt.WithIssuer(issuer),
		golangjwt.WithAudience(tokenstest.Audience), golangjwt.WithExpirationRequired())
	return func(ctx context.Context, token string) error {
		_, err := parser.Parse(token, keys.KeyfuncCtx(ctx))
		return err
	}, func() {}, nil
}

func openJWX(ctx context.Context, issuer, url string) (verify, func(), error) {
	cache, err := jwk.NewCache(ctx, httprc.NewClient())
	if err != nil {
		return nil, nil, err
	}
	done := func() { _ = cache.Shutdown(ctx) }
	if err := cache.Register(ctx, url); err != nil {
		done()
		return nil, nil, fmt.Errorf("register: %w", err)
	}
	keys, err := cache.CachedSet(url)
	if err != nil {
		done()
		return nil, nil, err
	}
	return func(ctx context.Context, token string) error {
		_, err := jwxjwt.ParseString(token, jwxjwt.WithKeySet(keys), jwxjwt.WithContext(ctx),
			jwxjwt.WithIssuer(issuer), jwxjwt.WithAudience(tokenstest.Audience))
		return err
	}, done, nil
}

func openOIDC(ctx context.Context, issuer, url string) (verify, func(), error) {
	keys := oidc.NewRemoteKeySet(ctx, url)
	v := oidc.NewVerifier(issuer, keys, &oidc.Config{ClientID: tokenstest.Audience, SupportedSigningAlgs: []string{oidc.ES256}})
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, token)
		return err
	}, func() {}, nil
}
