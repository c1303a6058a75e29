// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package differential_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/go-json-experiment/json/jsontext"
	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

// What every library is told to expect.
const (
	issuer   = "https://issuer.example"
	audience = "https://api.example"
	skew     = 5 * time.Second
)

// A signer signs with a key that is always the same, so that tokens among the seeds stay good.
type signer struct {
	algorithm string
	public    any
	sign      func(input string) []byte
	ours      *jwt.Verifier
	set       jwk.Set
}

var signers = []signer{newEd25519(), newECDSA()}

func newEd25519() signer {
	private := ed25519.NewKeyFromSeed([]byte("a seed of as many as 32 bytes, ."))
	return newSigner("EdDSA", private.Public(), func(input string) []byte { return ed25519.Sign(private, []byte(input)) })
}

func newECDSA() signer {
	secret := sha256.Sum256([]byte("a secret"))
	private := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), secret[:]))
	return newSigner("ES256", &private.PublicKey, func(input string) []byte {
		digest := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			panic(err)
		}
		return slices.Concat(fill(r), fill(s))
	})
}

func fill(number *big.Int) []byte { return number.FillBytes(make([]byte, 32)) }

func newSigner(algorithm string, public any, sign func(string) []byte) signer {
	raw := must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "k", Algorithm: algorithm, Use: "sig"}}}))
	keys := must(jwt.NewKeySet(raw))
	return signer{
		algorithm: algorithm, public: public, sign: sign, set: must(jwk.Parse(raw)),
		ours: must(jwt.NewM2MVerifier(issuer, []string{audience}, jwt.ClassType("m2m+jwt"), keys, jwt.WithSkew(skew))),
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// token signs a header and a payload as they are.
func (s signer) token(header, payload string) string {
	input := encode(header) + "." + encode(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(s.sign(input))
}

// accepts is the answer of this library.
func (s signer) accepts(token string) (*tokens.Principal, error) {
	return s.ours.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token)})
}

// A peer is another library, told to expect the same as ours, as its documentation says to do that strictly. It returns the subject.
type peer struct {
	name   string
	verify func(s signer, token string) (subject string, err error)
}

var peers = []peer{
	{"go-jose", goJOSE},
	{"golang-jwt", golangJWT},
	{"jwx", jwx},
	{"jsontext", readStrictly},
}

func goJOSE(s signer, token string) (string, error) {
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.algorithm)})
	if err != nil {
		return "", err
	}
	var claims josejwt.Claims
	if err := parsed.Claims(s.public, &claims); err != nil {
		return "", err
	}
	if claims.Expiry == nil {
		return "", errors.New("no exp")
	}
	expected := josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: time.Now()}
	return claims.Subject, claims.ValidateWithLeeway(expected, skew)
}

func golangJWT(s signer, token string) (string, error) {
	var claims golangjwt.RegisteredClaims
	_, err := golangjwt.ParseWithClaims(token, &claims, func(*golangjwt.Token) (any, error) { return s.public, nil },
		golangjwt.WithValidMethods([]string{s.algorithm}), golangjwt.WithIssuer(issuer), golangjwt.WithAudience(audience),
		golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt(), golangjwt.WithLeeway(skew), golangjwt.WithStrictDecoding())
	return claims.Subject, err
}

func jwx(s signer, token string) (string, error) {
	parsed, err := jwxjwt.Parse([]byte(token), jwxjwt.WithKey(algorithmOf(s), must(keyOf(s))), jwxjwt.WithIssuer(issuer),
		jwxjwt.WithAudience(audience), jwxjwt.WithRequiredClaim("exp"), jwxjwt.WithAcceptableSkew(skew))
	if err != nil {
		return "", err
	}
	subject, _ := parsed.Subject()
	return subject, nil
}

func algorithmOf(s signer) jwa.SignatureAlgorithm {
	algorithm, ok := jwa.LookupSignatureAlgorithm(s.algorithm)
	if !ok {
		panic(s.algorithm)
	}
	return algorithm
}

func keyOf(s signer) (jwk.Key, error) {
	key, ok := s.set.Key(0)
	if !ok {
		return nil, errors.New("no key")
	}
	return key, nil
}

// readStrictly does not look at signatures: only at whether header and payload are JSON that everyone reads alike, names that come twice
// and text that is not UTF-8 refused.
func readStrictly(_ signer, token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("not three segments")
	}
	for _, part := range parts[:2] {
		text, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return "", err
		}
		if err := strictObject(string(text)); err != nil {
			return "", err
		}
	}
	text, _ := base64.RawURLEncoding.DecodeString(parts[1])
	// Into a map, since encoding/json finds members of a struct in any case.
	var members map[string]json.RawMessage
	var subject string
	err := json.Unmarshal(text, &members)
	err = errors.Join(err, json.Unmarshal(members["sub"], &subject))
	return subject, err
}

func strictObject(text string) error {
	decoder := jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false))
	value, err := decoder.ReadValue()
	if err != nil {
		return err
	}
	if value.Kind() != '{' {
		return errors.New("not an object")
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("more than an object")
	}
	return nil
}

// A disagreement is a token that we accept and a peer does not, or reads another subject from.
type disagreement struct {
	peer, token string
	err         error
}

func (d disagreement) String() string {
	parts := strings.Split(d.token, ".")
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	payload, _ := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	return fmt.Sprintf("%s says %q of header %q, payload %q, token %q", d.peer, d.err, header, payload, d.token)
}

// ask offers a token to all, and returns whether we accept it and with whom we then disagree.
func (s signer) ask(token string) (accepted bool, all []disagreement) {
	principal, err := s.accepts(token)
	if err != nil {
		return false, nil
	}
	for _, p := range peers {
		subject, err := p.verify(s, token)
		if err == nil && subject != principal.Subject() {
			err = fmt.Errorf("another subject: %q, not %q", subject, principal.Subject())
		}
		if err != nil {
			all = append(all, disagreement{peer: p.name, token: token, err: err})
		}
	}
	return true, all
}
