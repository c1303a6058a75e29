// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package connectauth_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func methodName(procedure string) protoreflect.Name {
	return protoreflect.Name(procedure[len("/grpc.health.v1.Health/"):])
}

// hosts finds tenants by the host that was called, and remembers what it was told of calls.
type hosts struct {
	tenants map[string]*interceptor.Tenant

	mu    sync.Mutex
	calls []interceptor.TenantCall // guarded by mu
}

func (*hosts) Forms() []tokens.Form { return believer("").Forms() }

func (h *hosts) Tenant(_ context.Context, call interceptor.TenantCall) (*interceptor.Tenant, error) {
	h.mu.Lock()
	h.calls = append(h.calls, call)
	h.mu.Unlock()
	if tenant := h.tenants[call.Authority]; tenant != nil {
		return tenant, nil
	}
	return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("no tenant has the host"))
}

func (h *hosts) last() interceptor.TenantCall {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[len(h.calls)-1]
}

// The host that was called is known behind Handler, whatever the protocol, and is not taken from headers that a caller writes.
func TestTenantsByHost(t *testing.T) {
	t.Parallel()
	resolver := &hosts{tenants: map[string]*interceptor.Tenant{}}
	for _, name := range []string{"one", "two"} {
		tenant, err := interceptor.NewTenant(name, tableOf(t, believer("user of "+name)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tenant.Close)
		resolver.tenants[name+".example"] = tenant
	}
	guard, err := interceptor.NewForTenants(healthRules(t), resolver)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	bare, handled := serveBoth(t, health{guard: guard}.mux())
	for _, by := range []way{byPOST, byGET, byWeb, byGRPC, byStream} {
		procedure := check
		if by == byStream {
			procedure = watch
		}
		for host, want := range map[string]string{
			"one.example": "user of one@one", "two.example": "user of two@two", "three.example": "unauthenticated", "": "unauthenticated",
			"one.example:443": "unauthenticated", "ONE.example": "unauthenticated",
		} {
			headers := []string{
				"Host", host, "Authorization", "Bearer st_good", "Cookie", "secret=1", "Proxy-Authorization", "Basic eDp5", "X-Tenant", "one",
				"X-Forwarded-Host", "one.example", "Forwarded", "host=one.example",
			}
			for range 2 {
				if got := outcomeOf(by.send(t, handled, procedure, headers...)); got != want {
					t.Errorf("%s at %q: %s, want %s", by.name, host, got, want)
				}
			}
			call := resolver.last()
			if host != "" && call.Authority != host {
				t.Errorf("%s: the authority of %q is told as %q", by.name, host, call.Authority)
			}
			if call.Procedure != procedure || call.Peer == "" || len(call.Header("x-tenant")) != 1 {
				t.Errorf("%s: %+v", by.name, call)
			}
			for _, name := range []string{"Authorization", "authorization", "COOKIE", "Proxy-Authorization"} {
				if values := call.Header(name); values != nil {
					t.Errorf("%s: the resolver can read %s", by.name, name)
				}
			}
			if got := outcomeOf(by.send(t, bare, procedure, headers...)); got != "unauthenticated" || resolver.last().Authority != "" {
				t.Errorf("%s without Handler, at %q: %s, of %q", by.name, host, got, resolver.last().Authority)
			}
		}
	}
}
