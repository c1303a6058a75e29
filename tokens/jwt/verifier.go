// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// A Verifier verifies one class of one issuer's JWTs. It is a [tokens.Verifier], immutable and safe for concurrent use. Only the
// constructors of this package make one; a nil or zero Verifier declares no form and refuses every token.
type Verifier struct {
	config

	kind     tokens.Kind
	issuer   string
	accepted []string // audiences, or a session's parties
	class    Class
	keys     KeySource
}

type config struct {
	skew   time.Duration
	names  map[string]string
	prefix string
}

// NewSessionVerifier returns a verifier of users' session tokens.
//
// The issuer is compared with iss byte by byte. The parties are those for whom sessions are made, such as the origins of a web
// application: a token's azp must be one of them, byte by byte, or, when it has no azp, its aud. The class tells session tokens from the
// issuer's other JWTs. None of them has a default, and an empty one is an error.
//
// iss, sub and exp are required. Of Clerk's claims version 1 (org_id, org_role, org_slug, org_permissions) and 2 (v, o) are read; fea,
// pla, sts, fva, sid and act with either. Ages in fva are unknown without iat, since they count from there.
func NewSessionVerifier(issuer string, parties []string, class Class, keys KeySource, opts ...Option) (*Verifier, error) {
	v := &Verifier{kind: tokens.SessionToken, issuer: issuer, accepted: parties, class: class, keys: keys}
	return v.init("NewSessionVerifier", "authorized parties", opts)
}

// NewOAuthVerifier returns a verifier of OAuth 2.0 access tokens that are JWTs (RFC 9068).
//
// The issuer is compared with iss byte by byte, and one of the audiences with those of aud. Neither has a default, and an empty one is an
// error. The class is that of RFC 9068 §2.1: the header typ must be at+jwt.
//
// iss, sub, exp, iat, jti, aud and client_id are required. Scopes are those of scope or scp. A token whose sub is its client_id was
// issued to a client that acts for no user, and has no user id (RFC 9068 §2.2, §5).
func NewOAuthVerifier(issuer string, audiences []string, keys KeySource, opts ...Option) (*Verifier, error) {
	v := &Verifier{kind: tokens.OAuthToken, issuer: issuer, accepted: audiences, class: ClassType("at+jwt"), keys: keys}
	return v.init("NewOAuthVerifier", "audiences", opts)
}

// NewM2MVerifier returns a verifier of tokens of machines.
//
// The issuer is compared with iss byte by byte, and one of the audiences with those of aud. The class tells machines' tokens from the
// issuer's other JWTs. None of them has a default, and an empty one is an error.
//
// iss, sub, exp and aud are required. Scopes are those of scope or scp. The subject is the machine, and there is no user.
func NewM2MVerifier(issuer string, audiences []string, class Class, keys KeySource, opts ...Option) (*Verifier, error) {
	v := &Verifier{kind: tokens.M2MToken, issuer: issuer, accepted: audiences, class: class, keys: keys}
	return v.init("NewM2MVerifier", "audiences", opts)
}

// init checks what the constructor was given, all at once, and takes copies.
func (v *Verifier) init(constructor, accepted string, opts []Option) (*Verifier, error) {
	var mistakes []error
	mistake := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("jwt: "+constructor+": "+format, args...))
	}
	if wellFormed(v.issuer) != nil {
		mistake("the issuer is empty or has control characters; give it what tokens have in iss")
	}
	if len(v.accepted) == 0 {
		mistake("no %s; give it those whose tokens are meant for you", accepted)
	}
	for _, a := range v.accepted {
		if wellFormed(a) != nil {
			mistake("one of the %s is empty or has control characters", accepted)
		}
	}
	if err := v.class.check(); err != nil {
		mistake("%w", err)
	}
	if isNil(v.keys) {
		mistake("no keys; give it jwt.NewRemoteKeySet, jwt.NewKeySet or jwt.NewPEMKey")
	}
	v.skew = defaultSkew
	for _, o := range opts {
		if o == nil {
			mistake("a nil option; leave it out")
		} else if err := o.apply(&v.config); err != nil {
			mistake("%w", err)
		}
	}
	if v.names != nil && v.prefix != "" {
		mistake("both WithNames and WithNamePrefix; a mapped name is whole, so leave one out")
	}
	if v.kind == tokens.SessionToken && (v.names != nil || v.prefix != "") {
		mistake("sessions have no names; leave out WithNames and WithNamePrefix")
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	v.accepted = slices.Clone(v.accepted)
	return v, nil
}

// Forms returns the one form that this verifier takes.
func (v *Verifier) Forms() []tokens.Form {
	if v == nil || v.keys == nil {
		return nil
	}
	names := tokens.Names{Prefix: v.prefix}
	if v.names != nil {
		names.Known = slices.Compact(slices.Sorted(maps.Values(v.names)))
	}
	return []tokens.Form{{Kind: v.kind, Issuer: v.issuer, Marker: v.class.marker(), Names: names}}
}

// Verify checks a token: its form, its class, its signature, and then its claims. How the credential was classified is not believed.
func (v *Verifier) Verify(ctx context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	if v == nil || v.keys == nil {
		return nil, invalid(errors.New("jwt: this verifier was not made by a constructor"))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("jwt: %w", err)
	}
	token, err := jws.Parse(credential.Secret.Reveal())
	if err != nil {
		return nil, invalid(fmt.Errorf("jwt: %w", err))
	}
	header := token.Header()
	// Before any key is asked for, so that tokens of another class cost no network.
	if err := v.class.ofHeader(header); err != nil {
		return nil, invalid(fmt.Errorf("jwt: %w", err))
	}
	key, err := v.keys.Key(ctx, header.KID, header.Algorithm)
	if err != nil {
		return nil, sourceError(ctx, err)
	}
	object, err := token.Verify(key.key, claimNames...)
	if err != nil {
		return nil, invalid(fmt.Errorf("jwt: %w", err))
	}
	return v.principal(claims{object})
}

func sourceError(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*tokens.Error](err); ok {
		return err
	}
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("jwt: keys: %w", ended)
	}
	// Not wrapped: a source's own deadline must not look like the caller's.
	return unavailable(fmt.Errorf("jwt: keys: %v", err)) //nolint:errorlint // See above.
}

// retryAfter is what callers are told when keys cannot be had.
const retryAfter = 5 * time.Second

func unavailable(cause error) *tokens.Error {
	e := tokens.NewError(tokens.ReasonVerifierUnavailable, cause)
	e.RetryAfter = retryAfter
	return e
}

// principal judges the claims of a token whose signature matched. Times come last: a token that is told to be expired is good otherwise.
func (v *Verifier) principal(c claims) (*tokens.Principal, error) {
	facts := tokens.Facts{Kind: v.kind, Skew: v.skew, Claims: c.Text()}
	steps := []func(claims, *tokens.Facts) error{v.identify, readActor}
	switch v.kind {
	case tokens.SessionToken:
		steps = append(steps, v.checkParty, readSession)
	case tokens.OAuthToken:
		steps = append(steps, v.checkAudience, readOAuth, readScopes, v.nameClient)
	case tokens.M2MToken:
		steps = append(steps, v.checkAudience, readScopes, v.nameCaller)
	default:
		return nil, invalid(errors.New("jwt: a verifier without a kind"))
	}
	for _, step := range append(steps, readTimes) {
		if err := step(c, &facts); err != nil {
			return nil, invalid(fmt.Errorf("jwt: %w", err))
		}
	}
	if err := v.checkTimes(facts); err != nil {
		return nil, err
	}
	principal, err := tokens.NewPrincipal(facts)
	if err != nil {
		return nil, invalid(fmt.Errorf("jwt: %w", err))
	}
	return principal, nil
}

func (v *Verifier) checkTimes(facts tokens.Facts) error {
	now := time.Now()
	switch {
	case !now.Before(facts.ExpiresAt.Add(v.skew)):
		return tokens.NewError(tokens.ReasonTokenExpired, errors.New("jwt: exp has passed"))
	case facts.NotBefore.After(now.Add(v.skew)):
		return tokens.NewError(tokens.ReasonTokenNotYetValid, errors.New("jwt: nbf has not come"))
	case facts.IssuedAt.After(now.Add(v.skew)):
		return tokens.NewError(tokens.ReasonTokenNotYetValid, errors.New("jwt: iat has not come"))
	default:
		return nil
	}
}

// isNil reports whether a key source is nil, or an interface around a nil pointer.
func isNil(keys KeySource) bool {
	if keys == nil {
		return true
	}
	r := reflect.ValueOf(keys)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
