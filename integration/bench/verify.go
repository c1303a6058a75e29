// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/admitrpc/admit/internal/interleave"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
	"github.com/clerk/clerk-sdk-go/v2"
	clerkjwt "github.com/clerk/clerk-sdk-go/v2/jwt"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
)

// A rival is an algorithm with its limits: of the ratio to the hash and the signature alone, and of allocations in all.
type rival struct {
	algorithm string
	limit     float64
	allocs    float64
}

// verifies are tokens that were not verified before, from the text to the claims, against the hash and the signature alone.
func (*bench) verifies() ([]*interleave.Variant, error) {
	var variants []*interleave.Variant
	for _, r := range []rival{{"RS256", 1.10, 16}, {"ES256", 1.05, -1}, {"EdDSA", 1.10, -1}} {
		more, err := r.variants()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.algorithm, err)
		}
		variants = append(variants, more...)
	}
	return variants, nil
}

func (r rival) variants() ([]*interleave.Variant, error) {
	issuer, err := tokenstest.StartIssuer(tokenstest.WithAlgorithm(r.algorithm))
	if err != nil {
		return nil, err
	}
	defer issuer.Close()
	token, err := heavySession(issuer, r.algorithm == "RS256")
	if err != nil {
		return nil, err
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(issuer.Keys(), &keys); err != nil {
		return nil, err
	}
	key := keys.Keys[0]
	raw, err := rawVerify(key.Key, token)
	if err != nil {
		return nil, err
	}
	verify, verifier, err := ours(issuer, token)
	if err != nil {
		return nil, err
	}
	peers, err := r.peers(issuer, token, key)
	if err != nil {
		return nil, err
	}
	floor := r.algorithm + ": hash and signature alone"
	variants := []*interleave.Variant{
		{Name: floor, Allocs: -1, Run: interleave.Times(raw)},
		{Name: r.algorithm + ": token to principal", Reference: floor, Limit: r.limit, Allocs: r.allocs, Run: interleave.Times(func() { must(verify()) })},
	}
	for _, p := range peers {
		must(p.verify()) // that it does what it is measured for
		variants = append(variants, &interleave.Variant{
			Name: "peer: " + p.name + ", " + r.algorithm, Reference: floor, Allocs: -1, Run: interleave.Times(func() { must(p.verify()) }),
		})
	}
	if r.algorithm == "RS256" {
		variants = append(variants, junk(token, verifier)...)
	}
	return variants, nil
}

// must ends the Run: a variant that fails measures something else.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// heavySession is a session with claims of version 2 and masks, of exactly size bytes where that is asked.
func heavySession(issuer *tokenstest.Issuer, exact bool) (string, error) {
	now := time.Now().Unix()
	for pad := range 3 * size {
		token := issuer.Sign(map[string]any{"typ": "JWT", "cat": "session", "pad": strings.Repeat("p", pad%3)}, map[string]any{
			"iss": issuer.URL(), "sub": tokenstest.UserID, "sid": tokenstest.SessionID, "azp": tokenstest.Party, "sts": "active", "v": 2,
			"iat": now, "nbf": now, "exp": now + 24*60*60, "fva": []int{0, -1}, "jti": "4f2a", "fea": "o:invoices,o:gates,u:dark-mode", "pla": "o:pro",
			"o":   map[string]any{"id": "org_1", "slg": "acme", "rol": "admin", "per": "read,manage,open", "fpm": "3,5"},
			"pad": strings.Repeat("p", pad/3),
		})
		if len(token) == size || !exact {
			return token, nil
		}
	}
	return "", fmt.Errorf("no token of %d bytes", size)
}

// rawVerify is what no verifier can do without, on bytes that are already there.
func rawVerify(key any, token string) (func(), error) {
	at := strings.LastIndexByte(token, '.')
	input := []byte(token[:at])
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil {
		return nil, err
	}
	var good func() bool
	switch key := key.(type) {
	case *rsa.PublicKey:
		good = func() bool {
			digest := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
		}
	case *ecdsa.PublicKey:
		half := len(signature) / 2
		encoded, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
		if err != nil {
			return nil, err
		}
		good = func() bool {
			digest := sha256.Sum256(input)
			return ecdsa.VerifyASN1(key, digest[:], encoded)
		}
	case ed25519.PublicKey:
		good = func() bool { return ed25519.Verify(key, input, signature) }
	default:
		return nil, fmt.Errorf("a key of type %T", key)
	}
	return func() {
		if !good() {
			panic("the signature does not match")
		}
	}, nil
}

func ours(issuer *tokenstest.Issuer, token string) (verify func() error, verifier *jwt.Verifier, err error) {
	keys, err := jwt.NewKeySet(issuer.Keys())
	if err != nil {
		return nil, nil, err
	}
	verifier, err = jwt.NewSessionVerifier(issuer.URL(), []string{tokenstest.Party}, issuer.SessionClass(), keys)
	if err != nil {
		return nil, nil, err
	}
	credential := tokens.Credential{Secret: tokens.NewSecret(token), Form: verifier.Forms()[0]}
	demand := tokens.Permission("gates:open")
	return func() error {
		p, err := verifier.Verify(context.Background(), credential)
		if err == nil && !p.Has(demand) {
			err = errors.New("the masks were not read")
		}
		return err
	}, verifier, nil
}

// junk is a token of 8 KiB whose last byte is not base64url.
func junk(token string, verifier *jwt.Verifier) []*interleave.Variant {
	const length = 8 << 10
	at := strings.LastIndexByte(token, '.')
	bad := token[:at] + strings.Repeat("A", length-len(token)) + token[at:len(token)-1] + "="
	raw := []byte(bad)
	credential := tokens.Credential{Secret: tokens.NewSecret(bad), Form: verifier.Forms()[0]}
	const floor = "SHA-256 of 8 KiB"
	return []*interleave.Variant{
		{Name: floor, Allocs: -1, Run: interleave.Times(func() { sha256.Sum256(raw) })},
		{Name: "refusing 8 KiB for the last byte", Reference: floor, Limit: 1.5, Allocs: 2, Run: interleave.Times(func() {
			if _, err := verifier.Verify(context.Background(), credential); err == nil {
				panic("junk was taken")
			}
		})},
	}
}

type peer struct {
	name   string
	verify func() error
}

// claims are those that a peer is asked for, beside the registered ones.
type claims struct {
	SessionID    string  `json:"sid"`
	Party        string  `json:"azp"`
	Status       string  `json:"sts"`
	Version      int     `json:"v"`
	Features     string  `json:"fea"`
	Plans        string  `json:"pla"`
	Ages         []int64 `json:"fva"`
	Organization struct {
		ID          string `json:"id"`
		Slug        string `json:"slg"`
		Role        string `json:"rol"`
		Permissions string `json:"per"`
		Masks       string `json:"fpm"`
	} `json:"o"`
}

type golangClaims struct {
	gojwt.RegisteredClaims
	claims
}

// peers verify with a key that they are given, and decode the claims; none of them crosses the masks, but for Clerk's.
func (r rival) peers(issuer *tokenstest.Issuer, token string, key jose.JSONWebKey) ([]peer, error) {
	set, err := jwk.Parse(issuer.Keys())
	if err != nil {
		return nil, err
	}
	public, ok := key.Key.(crypto.PublicKey)
	if !ok {
		return nil, errors.New("the key is not public")
	}
	static := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{public}}
	connect := oidc.NewVerifier(issuer.URL(), static, &oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: []string{r.algorithm}})
	algorithm := jose.SignatureAlgorithm(r.algorithm)
	peers := []peer{{"golang-jwt", func() error {
		var c golangClaims
		_, err := gojwt.ParseWithClaims(token, &c, func(*gojwt.Token) (any, error) { return public, nil },
			gojwt.WithValidMethods([]string{r.algorithm}), gojwt.WithIssuer(issuer.URL()), gojwt.WithExpirationRequired())
		return err
	}}, {"go-jose", func() error {
		parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{algorithm})
		if err != nil {
			return err
		}
		var registered josejwt.Claims
		var c claims
		if err := parsed.Claims(public, &registered, &c); err != nil {
			return err
		}
		return registered.Validate(josejwt.Expected{Issuer: issuer.URL(), Time: time.Now()})
	}}, {"jwx", func() error {
		_, err := jwxjwt.ParseString(token, jwxjwt.WithKeySet(set), jwxjwt.WithIssuer(issuer.URL()))
		return err
	}}, {"go-oidc", func() error {
		parsed, err := connect.Verify(context.Background(), token)
		if err != nil {
			return err
		}
		var c claims
		return parsed.Claims(&c)
	}}}
	var clerkKey clerk.JSONWebKey
	text, err := key.MarshalJSON()
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &clerkKey); err != nil {
		return nil, err
	}
	return append(peers, peer{"clerk-sdk-go", func() error {
		proxy := issuer.URL() // so that it takes the issuer
		_, err := clerkjwt.Verify(context.Background(), &clerkjwt.VerifyParams{Token: token, JWK: &clerkKey, ProxyURL: &proxy})
		return err
	}}), nil
}
