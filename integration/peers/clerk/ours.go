// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

// ours answers as a guard does: one credential, classified once, verified by the verifier of its form.
type ours struct {
	pem    []byte
	tables map[time.Duration]*tokens.Verifiers // by skew
}

// An opaque verifier knows one credential of a prefix, as the peer's side does.
type opaque struct {
	prefix, good string
	facts        tokens.Facts
}

func (o opaque) Forms() []tokens.Form {
	return []tokens.Form{{Kind: o.facts.Kind, Prefix: o.prefix, Names: tokens.Names{Prefix: "opaque/"}}}
}

func (o opaque) Verify(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	if credential.Secret.Reveal() != o.good {
		return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("another"))
	}
	return tokens.NewPrincipal(o.facts)
}

// table returns the verifiers for a skew.
func (o *ours) table(skew time.Duration) (*tokens.Verifiers, error) {
	if table := o.tables[skew]; table != nil {
		return table, nil
	}
	key, err := jwt.NewPEMKey("RS256", o.pem)
	if err != nil {
		return nil, err
	}
	instance, err := jwt.NewIssuerVerifier(issuer, []string{audience}, jwt.Clerk([]string{party}), key, jwt.WithSkew(skew), jwt.WithNamePrefix("jwt/"))
	if err != nil {
		return nil, err
	}
	table, err := tokens.NewVerifiers(
		instance,
		opaque{"ak_", "ak_good", tokens.Facts{Kind: tokens.APIKey, Subject: "user_1", UserID: "user_1", ID: "key_1", Scopes: []string{"a"}}},
		opaque{"oat_", "oat_good", tokens.Facts{Kind: tokens.OAuthToken, Subject: "user_1", UserID: "user_1", ClientID: "client_1", Scopes: []string{"a"}}},
		opaque{"mt_", "mt_good", tokens.Facts{Kind: tokens.M2MToken, Subject: "mch_1", Scopes: []string{"a"}}},
	)
	if err != nil {
		return nil, err
	}
	if o.tables == nil {
		o.tables = map[time.Duration]*tokens.Verifiers{}
	}
	o.tables[skew] = table
	return table, nil
}

// authenticate returns the caller, or why there is none.
func (o *ours) authenticate(authorization []string, skew time.Duration, accepts []tokens.Kind) (*tokens.Principal, error) {
	table, err := o.table(skew)
	if err != nil {
		return nil, err
	}
	token, err := tokens.ParseBearer(authorization)
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, tokens.NewError(tokens.ReasonCredentialMissing, nil)
	}
	if err := tokens.CheckBearer(token); err != nil {
		return nil, err
	}
	form, verifier, ok := table.Classify(token)
	if !ok {
		return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("no form"))
	}
	if !slices.Contains(accepts, form.Kind) {
		return nil, tokens.NewError(tokens.ReasonTokenTypeNotAccepted, nil)
	}
	return verifier.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token), Form: form})
}

// classify returns the kind of a credential, and the zero Kind for none.
func (o *ours) classify(token string) (tokens.Kind, error) {
	table, err := o.table(5 * time.Second)
	if err != nil {
		return 0, err
	}
	form, _, _ := table.Classify(token)
	return form.Kind, nil
}
