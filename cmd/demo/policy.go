// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log/slog"

	invoicesv1 "github.com/admitrpc/admit/cmd/demo/gen/invoices/v1"
	ledgerv1 "github.com/admitrpc/admit/cmd/demo/gen/ledger/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// The machines, by the subjects of their tokens. Rules know them by names; see newVerifiers.
const (
	machineInvoices = "mch_invoices"
	machineBank     = "mch_bank"
	machineStray    = "mch_stray" // has no name
)

// scopePost is the scope to post to the ledger with.
const scopePost = "ledger:post"

// newGuard makes the one guard of all servers. The rules of our own services are in their .proto files; those of the services that come
// with gRPC are given here. A session token may also come in a cookie, from browsers that are on the demo's page or on an allowed origin.
func newGuard(issuer *tokenstest.Issuer, keys store.Store, allowed origins, debug io.Writer) (*interceptor.Guard, error) {
	known := policy.Allow(policy.Session(), policy.Machines(policy.Callers("*")))
	rules, err := policy.New(
		policy.Serve(invoicesv1.File_invoices_v1_invoices_proto, ledgerv1.File_ledger_v1_ledger_proto),
		policy.For("/grpc.health.v1.Health/*", policy.PublicUnread()),
		policy.For("/grpc.reflection.v1.ServerReflection/*", known),
		policy.For("/grpc.reflection.v1alpha.ServerReflection/*", known),
	)
	if err != nil {
		return nil, err
	}
	verifiers, err := newVerifiers(issuer, keys)
	if err != nil {
		return nil, err
	}
	protection, err := allowed.protection()
	if err != nil {
		return nil, err
	}
	options := []interceptor.Option{interceptor.WithRevocations(keys), interceptor.WithSessionCookie(protection)}
	if debug != nil {
		options = append(options, interceptor.WithLogger(slog.New(slog.NewTextHandler(debug, nil))), interceptor.WithDebug())
	}
	return interceptor.New(rules, verifiers, options...)
}

// newVerifiers makes a verifier for each kind of credential. Tokens are verified with keys that are fetched from the issuer over HTTP.
func newVerifiers(issuer *tokenstest.Issuer, keys apikey.Store) (*tokens.Verifiers, error) {
	remote := issuer.RemoteKeys()
	audiences := []string{tokenstest.Audience}
	sessions, err := jwt.NewSessionVerifier(issuer.URL(), []string{tokenstest.Party}, issuer.SessionClass(), remote)
	if err != nil {
		return nil, err
	}
	applications, err := jwt.NewOAuthVerifier(issuer.URL(), audiences, remote)
	if err != nil {
		return nil, err
	}
	machines, err := jwt.NewM2MVerifier(issuer.URL(), audiences, issuer.M2MClass(), remote,
		jwt.WithNames(map[string]string{machineInvoices: "invoices", machineBank: "bank"}))
	if err != nil {
		return nil, err
	}
	ours, err := apikey.NewVerifier(keys)
	if err != nil {
		return nil, err
	}
	return tokens.NewVerifiers(sessions, applications, machines, ours)
}
