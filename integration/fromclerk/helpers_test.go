// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package fromclerk_test

import (
	"context"
	"fmt"
	"net/http"

	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// What getAuth and auth() tell, the principal in the handler's context tells. On a public method it is nil for who is not signed in.
func Example_getAuth() {
	s := serve([]method{{name: "Greet", rule: `public: {}`, handle: func(ctx context.Context) (string, error) {
		caller, _ := tokens.FromContext(ctx)
		if caller == nil {
			return "hello, whoever you are", nil
		}
		return fmt.Sprintf("hello, %s of %q", caller.UserID(), caller.Organization().Slug), nil
	}}})
	defer s.close()
	s.call("Greet", nobody, nil)
	s.call("Greet", alice, nil)
	// Output:
	// Greet by nobody: hello, whoever you are
	// Greet by alice: hello, user_alice of "acme"
}

// requireAuth is a rule. It also refuses what is no session; requireAuth lets everything pass that has a user.
func Example_requireAuth() {
	s := serve([]method{{name: "WhoAmI", rule: `allow: { session_token: {} }`, handle: func(ctx context.Context) (string, error) {
		caller, _ := tokens.FromContext(ctx) // never nil here
		return caller.UserID(), nil
	}}})
	defer s.close()
	s.call("WhoAmI", nobody, nil)
	s.call("WhoAmI", application, nil)
	s.call("WhoAmI", alice, nil)
	// Output:
	// WhoAmI by nobody: unauthenticated CREDENTIAL_MISSING
	// WhoAmI by an application: unauthenticated TOKEN_TYPE_NOT_ACCEPTED
	// WhoAmI by alice: user_alice
}

// auth.protect in a handler is Require. A handler that its rule leaves something to must ask it, or say Settled.
func Example_protect() {
	s := serve([]method{
		{
			name: "CloseInvoice", rule: `allow: { session_token: {} } handler: "large invoices are for those who may write"`,
			handle: func(ctx context.Context) (string, error) {
				if err := interceptor.Require(ctx, policy.Session(policy.Permission("org:invoices:write"))); err != nil {
					return "", err
				}
				return "closed", nil
			},
		},
		{name: "Forgotten", rule: `allow: { session_token: {} } handler: "it never asks"`},
	})
	defer s.close()
	s.call("CloseInvoice", alice, nil)
	s.call("CloseInvoice", bob, nil)
	s.call("Forgotten", bob, nil)
	// Output:
	// CloseInvoice by alice: permission_denied PERMISSION_MISSING
	// CloseInvoice by bob: closed
	// Forgotten by bob: internal INTERNAL
}

// The 404 of auth.protect is refusal: NOT_FOUND. Who is not signed in is told so all the same.
func Example_protectNotFound() {
	s := serve([]method{{name: "GetInvoice", rule: `allow: { session_token: { permissions: "org:invoices:write" } } refusal: NOT_FOUND`}})
	defer s.close()
	s.call("GetInvoice", nobody, nil)
	s.call("GetInvoice", alice, nil)
	s.call("GetInvoice", bob, nil)
	// Output:
	// GetInvoice by nobody: unauthenticated CREDENTIAL_MISSING
	// GetInvoice by alice: not_found
	// GetInvoice by bob: ok
}

// has() decides what a handler shows, not whether it is reached.
func Example_has() {
	s := serve([]method{{name: "GetInvoice", rule: `allow: { session_token: {} } allow: { api_key: {} }`, handle: func(ctx context.Context) (string, error) {
		caller, _ := tokens.FromContext(ctx)
		mayWrite := caller.Has(tokens.Role("org:admin"), tokens.Permission("org:invoices:write"))         // all of it
		mayRead := mayWrite || caller.Has(tokens.Feature("invoices")) || caller.Has(tokens.Plan("o:pro")) // any of it
		return fmt.Sprintf("may write: %v, may read: %v", mayWrite, mayRead), nil
	}}})
	defer s.close()
	for _, c := range []caller{alice, bob, dave, key} {
		s.call("GetInvoice", c, nil)
	}
	// Output:
	// GetInvoice by alice: may write: false, may read: true
	// GetInvoice by bob: may write: true, may read: true
	// GetInvoice by dave: may write: false, may read: false
	// GetInvoice by an API key: may write: false, may read: false
}

// createRouteMatcher for rules is a pattern of For; a method's own rule wins over every pattern.
func Example_createRouteMatcher() {
	s := serve([]method{
		{name: "ListPrices", rule: `public: {}`},
		{name: "GetInvoice"},
		{name: "DeleteInvoice"},
	},
		policy.For("/invoices.v1.InvoiceService/*", policy.Allow(policy.Session())),
		policy.For("/invoices.v1.InvoiceService/DeleteInvoice", policy.Allow(policy.Session(policy.Role("org:admin")))),
	)
	defer s.close()
	for _, method := range []string{"ListPrices", "GetInvoice", "DeleteInvoice"} {
		s.call(method, alice, nil)
	}
	s.call("GetInvoice", nobody, nil)

	// In code of your own, such as another interceptor:
	isInternal := must(policy.NewMatcher("/admin.v1.*", "/invoices.v1.InvoiceService/DeleteInvoice"))
	fmt.Println(isInternal.Match("/admin.v1.UserService/List"), isInternal.Match("/admin.v1beta.UserService/List"))
	// Output:
	// ListPrices by alice: ok
	// GetInvoice by alice: ok
	// DeleteInvoice by alice: permission_denied PERMISSION_MISSING
	// GetInvoice by nobody: unauthenticated CREDENTIAL_MISSING
	// true false
}

// organizationSyncOptions is a match: what the request names must be the caller's own. personal is for who has no active organization.
func Example_organizationSync() {
	s := serve([]method{
		{name: "GetInvoice", rule: `allow: { session_token: {} } match: { field: "organization_id" equals: ORGANIZATION_ID }`},
		{name: "GetSavings", rule: `allow: { session_token: { personal: true } }`},
	})
	defer s.close()
	for _, of := range []string{"org_1", "org_2", ""} {
		s.call("GetInvoice", alice, &admittestv1.GateRequest{OrganizationId: of})
	}
	s.call("GetInvoice", dave, &admittestv1.GateRequest{OrganizationId: "org_1"})
	s.call("GetSavings", alice, nil)
	s.call("GetSavings", dave, nil)
	// Output:
	// GetInvoice by alice: ok
	// GetInvoice by alice: permission_denied ORGANIZATION_MISMATCH
	// GetInvoice by alice: permission_denied ORGANIZATION_MISMATCH
	// GetInvoice by dave: permission_denied ORGANIZATION_MISMATCH
	// GetSavings by alice: permission_denied ORGANIZATION_MISMATCH
	// GetSavings by dave: ok
}

// Reverification: how long ago the user verified a factor.
func Example_reverification() {
	s := serve([]method{{name: "DeleteAccount", rule: `allow: { session_token: { reverification: { preset: STRICT } } }`}})
	defer s.close()
	s.call("DeleteAccount", bob, nil)
	s.call("DeleteAccount", dave, nil)
	// Output:
	// DeleteAccount by bob: ok
	// DeleteAccount by dave: permission_denied REVERIFICATION_REQUIRED
}

// tenants is a resolver: options per call. The header only says whose verifiers are asked; a token of another tenant fails there.
type tenants map[string]*interceptor.Tenant

func (t tenants) Forms() []tokens.Form {
	return must(tokens.NewVerifiers(instance.Verifiers()...)).Forms() // those that every tenant has
}

func (t tenants) Tenant(_ context.Context, call interceptor.TenantCall) (*interceptor.Tenant, error) {
	for _, name := range call.Header("tenant") {
		if tenant := t[name]; tenant != nil {
			return tenant, nil
		}
	}
	return nil, tokens.NewError(tokens.ReasonTokenInvalid, fmt.Errorf("no such tenant"))
}

// The callback of options: many tenants, each with an instance of Clerk, and memories of its own.
func Example_optionsCallback() {
	other := newInstance("clerk.other.example")
	defer other.Close()
	acme := must(interceptor.NewTenant("acme", must(tokens.NewVerifiers(instance.Verifiers()...))))
	defer acme.Close()
	elsewhere := must(interceptor.NewTenant("other", must(tokens.NewVerifiers(other.Verifiers()...))))
	defer elsewhere.Close()
	s := start([]method{{name: "GetInvoice", rule: `allow: { session_token: {} }`}}, func(rules *policy.Rules) (*interceptor.Guard, error) {
		return interceptor.NewForTenants(rules, tenants{"acme": acme, "other": elsewhere})
	})
	defer s.close()
	for _, name := range []string{"acme", "other", "stranger"} {
		s.call("GetInvoice", alice, nil, header{"Tenant", name})
	}
	// Output:
	// GetInvoice by alice: ok
	// GetInvoice by alice: unauthenticated TOKEN_INVALID
	// GetInvoice by alice: unauthenticated TOKEN_INVALID
}

// The session cookie of a browser, for pages of our own origins alone.
func Example_cookie() {
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(origin); err != nil {
		fmt.Println(err)
		return
	}
	s := start([]method{{name: "GetInvoice", rule: `allow: { session_token: {} }`}}, func(rules *policy.Rules) (*interceptor.Guard, error) {
		return interceptor.New(rules, must(tokens.NewVerifiers(instance.Verifiers()...)), interceptor.WithSessionCookie(protection))
	})
	defer s.close()
	cookie := header{"Cookie", "__session=" + alice.bearer()}
	s.call("GetInvoice", nobody, nil, cookie, header{"Origin", origin})
	s.call("GetInvoice", nobody, nil, cookie, header{"Origin", "https://evil.example"})
	// Output:
	// GetInvoice by nobody: ok
	// GetInvoice by nobody: unauthenticated CREDENTIAL_MISSING
}
