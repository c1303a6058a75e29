// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// The resolver is asked where there is a credential, and sees none.
func TestWhatResolversSee(t *testing.T) {
	t.Parallel()
	const canary = "Canary0fTheCaller"
	tenant := newTenant(t, "one", &fake{}, withCookies())
	state := &tls.ConnectionState{ServerName: "one.example"}
	var seen []interceptor.TenantCall
	r := &resolver{forms: everyForm(), resolve: func(_ context.Context, call interceptor.TenantCall) (*interceptor.Tenant, error) {
		seen = append(seen, call)
		return tenant, nil
	}}
	w := forTenants(t, r)
	header := http.Header{}
	for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
		header.Set(name, "Bearer st_"+canary)
	}
	header["X-Tenant"] = []string{"a", "b"}
	inContext := func(_ context.Context, name string) []string {
		if name != strings.ToLower(name) {
			t.Errorf("asked for %q", name)
		}
		return slices.Clone(header[http.CanonicalHeaderKey(name)])
	}
	for _, request := range []interceptor.Request{{Header: header}, {HeaderOf: inContext}, {}} {
		request.Authorization, request.Peer = []string{"Bearer st_good"}, "192.0.2.1:1"
		request.Authority = func(context.Context, http.Header) string { return "one.example" }
		request.TLS = func(context.Context) *tls.ConnectionState { return state }
		if _, refusal := w.from(t.Context(), "Session", request); refusal != nil {
			t.Fatal(refusal)
		}
		call := seen[len(seen)-1]
		if call.Procedure != nameOf("Session") || call.Authority != "one.example" || call.Peer != "192.0.2.1:1" || call.TLS != state {
			t.Errorf("%+v", call)
		}
		for _, name := range []string{
			"authorization", "Authorization", "AUTHORIZATION", "aUtHoRiZaTiOn", "cookie", "Cookie", "COOKIE", "coo\u212Aie", "proxy-authorization",
			"Proxy-Authorization", "PROXY-AUTHORIZATION", " authorization", "authorization ", "authorization\x00", "", ":authorization",
		} {
			if got := call.Header(name); len(got) > 0 {
				t.Errorf("%q is %q", name, got)
			}
		}
		for _, name := range []string{"x-tenant", "X-Tenant", "X-TENANT"} {
			got := call.Header(name)
			if request.Header == nil && request.HeaderOf == nil {
				if got != nil {
					t.Errorf("%q", got)
				}
				continue
			}
			if !slices.Equal(got, []string{"a", "b"}) {
				t.Errorf("%s is %q", name, got)
				continue
			}
			got[0] = "changed"
		}
		if header.Get("X-Tenant") != "a" {
			t.Error("the resolver can change headers")
		}
		if strings.Contains(fmt.Sprintf("%v %+v", call, call), canary) {
			t.Error("a credential is printed")
		}
	}

	// Where there is no credential, or none is looked at, nobody is asked; a browser's cookies may be one.
	before := r.calls.Load()
	for method, want := range map[string]tokens.Reason{"Session": missing, "Optional": ""} {
		if _, refusal := w.from(t.Context(), method, interceptor.Request{Header: http.Header{"X-Tenant": {"a"}}, Cookies: true}); reasonOf(refusal) != want {
			t.Errorf("%s: %v", method, refusal)
		}
		if _, refusal := w.from(t.Context(), method, interceptor.Request{Header: http.Header{"Cookie": {"__session=st_good"}}}); reasonOf(refusal) != want {
			t.Errorf("%s, no browser: %v", method, refusal)
		}
	}
	for _, values := range [][]string{{"Basic x"}, {""}, {"Bearer a", "Bearer b"}} {
		if _, refusal := w.from(t.Context(), "Session", interceptor.Request{Authorization: values}); reasonOf(refusal) != malformed {
			t.Errorf("%q: %v", values, refusal)
		}
	}
	if _, refusal := w.from(t.Context(), "Unread", at("one", "st_good")); refusal != nil {
		t.Error(refusal)
	}
	if _, refusal := w.from(t.Context(), "Nothing", at("one", "st_good")); reasonOf(refusal) != tokens.ReasonRuleMissing {
		t.Error(refusal)
	}
	if got := r.calls.Load(); got != before {
		t.Errorf("the resolver was asked %d times more", got-before)
	}
	call, refusal := w.from(t.Context(), "Session", fromBrowser("Cookie", "__session=st_good"))
	if refusal != nil || interceptor.TenantFromContext(call) != "one" || r.calls.Load() != before+1 {
		t.Errorf("by cookie: %v", refusal)
	}
}

// A nilError is an error whose methods panic when it is nil.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// Each way in which a resolver can fail.
func TestResolversThatFail(t *testing.T) {
	t.Parallel()
	typed := func(reason tokens.Reason) func(context.Context) (*interceptor.Tenant, error) {
		return func(context.Context) (*interceptor.Tenant, error) {
			return nil, fmt.Errorf("looking for it: %w", tokens.NewError(reason, errors.New("the resolver's")))
		}
	}
	good := newTenant(t, "good", &fake{})
	for _, test := range []struct {
		name    string
		resolve func(ctx context.Context) (*interceptor.Tenant, error)
		want    tokens.Reason
		ignored bool // by a public procedure
	}{
		{"no such tenant", typed(invalid), invalid, true},
		{"expired", typed(tokens.ReasonTokenExpired), tokens.ReasonTokenExpired, true},
		{"revoked", typed(tokens.ReasonTokenRevoked), tokens.ReasonTokenRevoked, true},
		{"down", typed(tokens.ReasonVerifierUnavailable), tokens.ReasonVerifierUnavailable, false},
		{"limited", typed(tokens.ReasonRateLimited), tokens.ReasonRateLimited, false},
		{"what only rules may say", typed(tokens.ReasonPermissionMissing), tokens.ReasonInternal, false},
		{"that there was no credential", typed(missing), tokens.ReasonInternal, false},
		{"a reason nobody knows", typed("SOMETHING"), tokens.ReasonInternal, false},
		{"untyped", func(context.Context) (*interceptor.Tenant, error) { return nil, errOwn }, tokens.ReasonInternal, false},
		{"untyped beside a tenant", func(context.Context) (*interceptor.Tenant, error) { return good, errOwn }, tokens.ReasonInternal, false},
		{"neither", func(context.Context) (*interceptor.Tenant, error) { return nil, nil }, tokens.ReasonInternal, false},
		{"the zero tenant", func(context.Context) (*interceptor.Tenant, error) { return new(interceptor.Tenant), nil }, tokens.ReasonInternal, false},
		{"a panic", func(context.Context) (*interceptor.Tenant, error) { panic("st_good") }, tokens.ReasonInternal, false},
		{"a panic with an error", func(context.Context) (*interceptor.Tenant, error) { panic(tokens.NewError(invalid, nil)) }, tokens.ReasonInternal, false},
		{"a panic with nil", func(context.Context) (*interceptor.Tenant, error) { panic(nil) }, tokens.ReasonInternal, false}, //nolint:revive // It is what is tried.
		{"a nil *Error", func(context.Context) (*interceptor.Tenant, error) { return good, (*tokens.Error)(nil) }, tokens.ReasonInternal, false},
		{"a nil error of another type", func(context.Context) (*interceptor.Tenant, error) { return nil, (*nilError)(nil) }, tokens.ReasonInternal, false},
		{"it is gone, says the resolver", func(context.Context) (*interceptor.Tenant, error) { return nil, context.Canceled }, tokens.ReasonInternal, false},
		{"its own time-out", func(context.Context) (*interceptor.Tenant, error) { return nil, context.DeadlineExceeded }, tokens.ReasonVerifierUnavailable, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			r := &resolver{forms: everyForm(), resolve: func(ctx context.Context, _ interceptor.TenantCall) (*interceptor.Tenant, error) {
				return test.resolve(ctx)
			}}
			w := forTenants(t, r, interceptor.WithLogger(slog.New(slog.NewTextHandler(&log, nil))), interceptor.WithDebug())
			for range 2 {
				_, refusal := w.from(t.Context(), "Session", at("x", "st_good"))
				if reasonOf(refusal) != test.want || refusal.Hidden() {
					t.Errorf("%v, want %s", refusal, test.want)
				}
				if event := w.events.last(t); event.Tenant != "" || event.Refusal != refusal {
					t.Errorf("observed as %+v", event)
				}
				call, refusal := w.from(t.Context(), "Optional", at("x", "st_good"))
				if test.ignored {
					if refusal != nil || call.Principal() != nil || tokens.ReasonFromContext(call) != test.want || interceptor.TenantFromContext(call) != "" {
						t.Errorf("public: %v", refusal)
					}
				} else if reasonOf(refusal) != test.want {
					t.Errorf("public: %v, want %s", refusal, test.want)
				}
			}
			if strings.Contains(log.String(), "st_good") {
				t.Error("the log has the credential")
			}
		})
	}
}

// A resolver that heeds its context holds no caller for longer than the time-out; and callers may leave before.
func TestSlowResolvers(t *testing.T) {
	t.Parallel()
	slow := func() *resolver {
		return &resolver{forms: everyForm(), resolve: func(ctx context.Context, _ interceptor.TenantCall) (*interceptor.Tenant, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("asking the directory: %w", ctx.Err())
		}}
	}
	t.Run("time-out", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, began := forTenants(t, slow()), time.Now()
			_, refusal := w.from(t.Context(), "Session", at("x", "st_good"))
			if reasonOf(refusal) != tokens.ReasonVerifierUnavailable || time.Since(began) != interceptor.DefaultVerifyTimeout {
				t.Errorf("%v after %s", refusal, time.Since(began))
			}
			if len(refusal.Details(false)) != 2 {
				t.Error("the caller is not told to come again")
			}
		})
	})
	t.Run("the caller leaves", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, began := forTenants(t, slow()), time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, refusal := w.from(ctx, "Session", at("x", "st_good"))
			if refusal == nil || refusal.Code() != code.Code_CANCELLED || refusal.Reason() != "" || time.Since(began) != time.Second {
				t.Errorf("%v after %s", refusal, time.Since(began))
			}
		})
	})
	t.Run("the caller's own deadline", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := forTenants(t, slow())
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, refusal := w.from(ctx, "Optional", at("x", "st_good"))
			if refusal == nil || refusal.Code() != code.Code_DEADLINE_EXCEEDED || refusal.Reason() != "" {
				t.Errorf("%v", refusal)
			}
		})
	})
}

// What is wrong with tenants, resolvers and options is told when they are made.
func TestMistakesOfTenants(t *testing.T) {
	t.Parallel()
	compiled, err := policy.New(policy.Serve(fileOf(t, standard)))
	if err != nil {
		t.Fatal(err)
	}
	table, err := tokens.NewVerifiers(&fake{forms: everyForm()})
	if err != nil {
		t.Fatal(err)
	}
	wrong, _ := tokens.NewVerifiers(nil)
	feed := apikey.NewMemoryStore()
	tenant := func(name string, verifiers *tokens.Verifiers, options ...interceptor.Option) error {
		made, err := interceptor.NewTenant(name, verifiers, options...)
		if (made == nil) != (err != nil) {
			t.Errorf("%v and %v", made, err)
		}
		made.Close()
		return err
	}
	guard := func(r interceptor.Resolver, options ...interceptor.Option) error {
		made, err := interceptor.NewForTenants(compiled, r, options...)
		if (made == nil) != (err != nil) {
			t.Errorf("%v and %v", made, err)
		}
		made.Close()
		return err
	}
	forms := func(forms ...tokens.Form) *resolver { return &resolver{forms: forms} }
	ofTenant := map[string]interceptor.Option{
		"WithCache": interceptor.WithCache(1, time.Second), "WithVerifyTimeout": interceptor.WithVerifyTimeout(time.Second),
		"WithVerifyLimit": interceptor.WithVerifyLimit(1, 1), "WithRevocations": interceptor.WithRevocations(feed), "WithSessionCookie": withCookies(),
	}
	ofGuard := map[string]interceptor.Option{
		"WithLogger": interceptor.WithLogger(slog.Default()), "WithDebug": interceptor.WithDebug(), "WithObserver": interceptor.WithObserver(&recorder{}),
		"WithResourceMetadata": interceptor.WithResourceMetadata("https://api.example/meta"),
	}
	says := func(name string, err error, want ...string) {
		t.Helper()
		for _, text := range want {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, which does not say %q", name, err, text)
			}
		}
	}
	for name, option := range ofTenant {
		says(name, guard(forms(everyForm()...), option), name, "NewTenant")
		if err := tenant("one", table, option); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, option := range ofGuard {
		says(name, tenant("one", table, option), name, "not of a tenant")
		if err := guard(forms(everyForm()...), option); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	says("no name", tenant("", table), "name")
	says("no verifiers", tenant("one", nil), "nil")
	says("bad verifiers", tenant("one", wrong), "verifier 1 is nil")
	says("a nil option", tenant("one", table, nil), "nil")
	says("a bad option", tenant("one", table, interceptor.WithCache(0, 0)), "positive")
	says("everything at once", tenant("", wrong, ofGuard["WithLogger"], nil), "name", "verifier 1", "WithLogger", "an option is nil")

	says("no resolver", guard(nil), "resolver")
	says("a nil resolver", guard((*resolver)(nil), ofTenant["WithCache"]), "resolver", "WithCache")
	says("a kind that nobody offers", guard(forms(everyForm()[:1]...)), "Key", "Machine")
	says("no forms", guard(forms()), "Session", "Key")
	says("kinds that there are not", guard(forms(tokens.Form{Kind: 0, Prefix: "x_"}, tokens.Form{Kind: 200, Prefix: "y_"})), "Session", "Any")
	if err := guard(forms(append(everyForm(), tokens.Form{}, tokens.Form{Kind: 99})...)); err != nil {
		t.Errorf("kinds that there are not, beside all that there are: %v", err)
	}
	outlive, err := policy.New(policy.Serve(fileOf(t, rules{"Long": `allow { session_token {} } stream { outlive { seconds: 60 } }`})))
	if err != nil {
		t.Fatal(err)
	}
	_, err = interceptor.NewForTenants(outlive, forms(everyForm()...))
	says("a stream that outlives a session", err, "outlive")
	broken, _ := policy.New()
	_, err = interceptor.NewForTenants(broken, forms(everyForm()...), ofTenant["WithCache"])
	if broken != nil {
		says("bad rules", err, "WithCache")
	}
}
