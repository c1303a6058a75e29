// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// A tenantResolver finds tenants by the host that was called; the table is fixed. One that looks tenants up somewhere should remember them,
// and close what it forgets.
type tenantResolver map[string]*interceptor.Tenant

// Forms says what every tenant can verify: here all have the same verifiers.
func (tenantResolver) Forms() []tokens.Form { return sessions{}.Forms() }

// Tenant never asks whom the caller claims to be: the host decides whose verifiers are to be believed.
func (r tenantResolver) Tenant(_ context.Context, call interceptor.TenantCall) (*interceptor.Tenant, error) {
	if tenant := r[call.Authority]; tenant != nil {
		return tenant, nil
	}
	return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("no tenant has this host"))
}

// One guard for two tenants. A credential is verified by the tenant whose host was called, and remembered for it alone.
func ExampleNewForTenants() {
	rules, err := policy.New(policy.Serve(served()))
	if err != nil {
		fmt.Println(err)
		return
	}
	resolver := tenantResolver{}
	for _, name := range []string{"acme", "globex"} {
		verifiers, _ := tokens.NewVerifiers(sessions{}) // each tenant's own: keys, stores, secrets
		tenant, err := interceptor.NewTenant(name, verifiers)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer tenant.Close()
		resolver[name+".example"] = tenant
	}
	guard, err := interceptor.NewForTenants(rules, resolver)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer guard.Close()

	// Transports do what follows: connectauth.Protect(guard) with connectauth.Handler around the mux, or grpcauth.NewServer(guard).
	const name = "/test.v1.Tests/Session"
	for _, host := range []string{"acme.example", "globex.example", "initech.example"} {
		call, refusal := guard.Begin(context.Background(), name, guard.Procedure(name, nil), &interceptor.Request{
			Authorization: []string{"Bearer st_alice"},
			Authority:     func(context.Context, http.Header) string { return host },
		})
		if refusal != nil {
			fmt.Printf("%s: %s\n", host, refusal.Reason())
			continue
		}
		fmt.Printf("%s: %s of %s\n", host, call.Principal().Subject(), interceptor.TenantFromContext(call))
	}
	// Output:
	// acme.example: alice of acme
	// globex.example: alice of globex
	// initech.example: TOKEN_INVALID
}
