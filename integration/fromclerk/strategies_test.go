// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package fromclerk_test

import (
	"context"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// Public-first: what has no rule is public, and rules protect the rest.
func Example_publicFirst() {
	s := serve([]method{
		{name: "ListPrices"},
		{name: "GetInvoice", rule: `allow: { session_token: {} }`},
	}, policy.Unannotated(policy.Public()))
	defer s.close()
	s.call("ListPrices", nobody, nil)
	s.call("GetInvoice", nobody, nil)
	s.call("GetInvoice", alice, nil)
	// Output:
	// ListPrices by nobody: ok
	// GetInvoice by nobody: unauthenticated CREDENTIAL_MISSING
	// GetInvoice by alice: ok
}

// Protected-first: what has no rule needs a session, and rules say what is public.
func Example_protectedFirst() {
	s := serve([]method{
		{name: "ListPrices", rule: `public: {}`},
		{name: "GetInvoice"},
	}, policy.Unannotated(policy.Allow(policy.Session())))
	defer s.close()
	s.call("ListPrices", nobody, nil)
	s.call("GetInvoice", nobody, nil)
	s.call("GetInvoice", alice, nil)
	// Output:
	// ListPrices by nobody: ok
	// GetInvoice by nobody: unauthenticated CREDENTIAL_MISSING
	// GetInvoice by alice: ok
}

// Permission-gated: everything in a grant must hold, and any one grant will do.
func Example_permissionGated() {
	s := serve([]method{{name: "WriteInvoice", rule: `
		allow: { session_token: { permissions: "org:invoices:write" } }
		allow: { session_token: { roles: "org:accountant" } }`}})
	defer s.close()
	s.call("WriteInvoice", nobody, nil)
	s.call("WriteInvoice", alice, nil)
	s.call("WriteInvoice", bob, nil)
	// Output:
	// WriteInvoice by nobody: unauthenticated CREDENTIAL_MISSING
	// WriteInvoice by alice: permission_denied PERMISSION_MISSING
	// WriteInvoice by bob: ok
}

// Token-based: each grant is for one kind, with demands of that kind. What no grant accepts is refused before Clerk is asked about it.
func Example_tokenBased() {
	s := serve([]method{
		{name: "ListInvoices", rule: `
			allow: { api_key: { scopes: "invoices:read" } }
			allow: { m2m_token: { callers: "ledger" } }`},
		{name: "Ping", rule: `allow: { any: {} }`, handle: func(ctx context.Context) (string, error) {
			caller, _ := tokens.FromContext(ctx)
			return caller.Kind().String(), nil
		}},
	})
	defer s.close()
	for _, c := range []caller{key, machine, application, alice} {
		s.call("ListInvoices", c, nil)
	}
	for _, c := range []caller{key, machine, application, alice, nobody} {
		s.call("Ping", c, nil)
	}
	// Output:
	// ListInvoices by an API key: ok
	// ListInvoices by the ledger: ok
	// ListInvoices by an application: unauthenticated TOKEN_TYPE_NOT_ACCEPTED
	// ListInvoices by alice: unauthenticated TOKEN_TYPE_NOT_ACCEPTED
	// Ping by an API key: api_key
	// Ping by the ledger: m2m_token
	// Ping by an application: oauth_token
	// Ping by alice: session_token
	// Ping by nobody: unauthenticated CREDENTIAL_MISSING
}

// Session tasks: a pending session counts as signed out, unless a grant says allow_pending.
func Example_sessionTasks() {
	s := serve([]method{
		{name: "GetInvoice", rule: `allow: { session_token: {} }`},
		{name: "ChooseOrganization", rule: `allow: { session_token: { allow_pending: true } }`},
		{name: "ListPrices", rule: `public: {}`, handle: func(ctx context.Context) (string, error) {
			caller, _ := tokens.FromContext(ctx)
			if caller == nil {
				return "anonymous, because of " + string(tokens.ReasonFromContext(ctx)), nil
			}
			return caller.UserID(), nil
		}},
	})
	defer s.close()
	for _, method := range []string{"GetInvoice", "ChooseOrganization", "ListPrices"} {
		s.call(method, carol, nil)
	}
	// Output:
	// GetInvoice by carol: unauthenticated SESSION_PENDING
	// ChooseOrganization by carol: ok
	// ListPrices by carol: anonymous, because of SESSION_PENDING
}
