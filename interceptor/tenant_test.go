// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
)

// A resolver asks a function, and counts.
type resolver struct {
	forms   []tokens.Form
	resolve func(ctx context.Context, call interceptor.TenantCall) (*interceptor.Tenant, error)
	calls   atomic.Int64
}

func (r *resolver) Forms() []tokens.Form { return r.forms }

func (r *resolver) Tenant(ctx context.Context, call interceptor.TenantCall) (*interceptor.Tenant, error) {
	r.calls.Add(1)
	return r.resolve(ctx, call)
}

// byHost finds tenants by the host that was called.
func byHost(tenants ...*interceptor.Tenant) *resolver {
	return &resolver{forms: everyForm(), resolve: func(_ context.Context, call interceptor.TenantCall) (*interceptor.Tenant, error) {
		for _, tenant := range tenants {
			if call.Authority == tenant.Name()+".example" {
				return tenant, nil
			}
		}
		return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("no tenant has the host"))
	}}
}

// newTenant makes a tenant with a fake verifier.
func newTenant(tb testing.TB, name string, verifier *fake, options ...interceptor.Option) *interceptor.Tenant {
	tb.Helper()
	if verifier.forms == nil {
		verifier.forms = everyForm()
	}
	table, err := tokens.NewVerifiers(verifier)
	if err != nil {
		tb.Fatal(err)
	}
	tenant, err := interceptor.NewTenant(name, table, options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(tenant.Close)
	return tenant
}

// forTenants makes a guard for tenants.
func forTenants(tb testing.TB, r interceptor.Resolver, options ...interceptor.Option) *world {
	tb.Helper()
	compiled, err := policy.New(policy.Serve(fileOf(tb, standard)))
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{events: &recorder{}}
	w.Guard, err = interceptor.NewForTenants(compiled, r, append([]interceptor.Option{interceptor.WithObserver(w.events)}, options...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(w.Close)
	return w
}

// at is a request at a tenant's host.
func at(tenant, token string) interceptor.Request {
	r := interceptor.Request{Authority: func(context.Context, http.Header) string { return tenant + ".example" }}
	if token != "" {
		r.Authorization = []string{"Bearer " + token}
	}
	return r
}

// whose believes every credential, and says in the subject at which tenant.
func whose(tenant string) answer {
	return func(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
		facts := factsOf(credential.Form.Kind)
		facts.Subject, facts.UserID = tenant, ""
		if credential.Form.Kind != tokens.M2MToken {
			facts.UserID = tenant
		}
		return tokens.NewPrincipal(facts)
	}
}

// SEC-71 to SEC-78 across tenants: the same text is another's caller at each, also under load, cold and remembered.
func TestTenantsNeverMeet(t *testing.T) {
	t.Parallel()
	const rounds, shared = 4000, 16
	answers := func(tenant string) map[string]answer {
		known := map[string]answer{}
		for i := range shared {
			for _, prefix := range []string{"st_", "ak_", "oat_"} {
				known[fmt.Sprint(prefix, i)] = whose(tenant)
			}
		}
		return known
	}
	names := []string{"one", "two", "three"}
	var all []*interceptor.Tenant
	for _, name := range names {
		// A memory that is too small, so that there are hits and misses all the time.
		all = append(all, newTenant(t, name, &fake{answers: answers(name)}, interceptor.WithCache(shared, time.Hour)))
	}
	w := forTenants(t, byHost(all...))
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range rounds / 8 {
				name := names[(i+worker)%len(names)]
				prefix := []string{"st_", "ak_", "oat_"}[i%3]
				call, refusal := w.from(t.Context(), "Any", at(name, fmt.Sprint(prefix, i%shared)))
				if refusal != nil {
					t.Errorf("%s: %v", name, refusal)
					return
				}
				if caller, _ := tokens.FromContext(call); caller.Subject() != name || interceptor.TenantFromContext(call) != name {
					t.Errorf("at %s: the caller of %s, of tenant %s", name, caller.Subject(), interceptor.TenantFromContext(call))
					return
				}
			}
		})
	}
	group.Wait()
}

// Callers of two tenants with one text wait for two verifications, not for one.
func TestFlightsOfTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slowly := func(tenant string) *fake {
			return &fake{answers: map[string]answer{"st_same": func(ctx context.Context, credential tokens.Credential) (*tokens.Principal, error) {
				time.Sleep(time.Second)
				return whose(tenant)(ctx, credential)
			}}}
		}
		one, two := slowly("one"), slowly("two")
		w := forTenants(t, byHost(newTenant(t, "one", one), newTenant(t, "two", two)))
		var group sync.WaitGroup
		for i := range 1000 {
			name := []string{"one", "two"}[i%2]
			group.Go(func() {
				call, refusal := w.from(t.Context(), "Session", at(name, "st_same"))
				if refusal != nil || call.Principal().Subject() != name {
					t.Errorf("%s: %v", name, refusal)
				}
			})
		}
		group.Wait()
		if one.calls.Load() != 1 || two.calls.Load() != 1 {
			t.Errorf("%d and %d verifications", one.calls.Load(), two.calls.Load())
		}
	})
}

// What one tenant's source of truth rejects, and remembers, is not rejected at another's.
func TestRejectionsOfTenants(t *testing.T) {
	t.Parallel()
	fresh := []tokens.Form{{Kind: tokens.SessionToken, Prefix: "st_", Fresh: true}}
	one := &fake{forms: fresh, answers: map[string]answer{"st_same": refuse(tokens.NewError(tokens.ReasonTokenRevoked, nil))}}
	two := &fake{forms: fresh, answers: map[string]answer{"st_same": whose("two")}}
	r := byHost(newTenant(t, "one", one), newTenant(t, "two", two))
	r.forms = fresh
	compiled, err := policy.New(policy.Serve(fileOf(t, rules{"Session": standard["Session"]})))
	if err != nil {
		t.Fatal(err)
	}
	guard, err := interceptor.NewForTenants(compiled, r)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	w := &world{Guard: guard}
	for range 3 {
		if _, refusal := w.from(t.Context(), "Session", at("one", "st_same")); reasonOf(refusal) != tokens.ReasonTokenRevoked {
			t.Errorf("one: %v", refusal)
		}
		if _, refusal := w.from(t.Context(), "Session", at("two", "st_same")); refusal != nil {
			t.Errorf("two: %v", refusal)
		}
	}
	if one.calls.Load() != 1 || two.calls.Load() != 1 {
		t.Errorf("%d and %d verifications", one.calls.Load(), two.calls.Load())
	}
}

// Junk at one tenant limits nobody at another.
func TestLimitsOfTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := &fake{answers: map[string]answer{}}
		for i := range 10 {
			stuck.answers[fmt.Sprint("st_", i)] = func(ctx context.Context, _ tokens.Credential) (*tokens.Principal, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}
		w := forTenants(t, byHost(
			newTenant(t, "one", stuck, interceptor.WithVerifyLimit(1, 0)), newTenant(t, "two", &fake{}, interceptor.WithVerifyLimit(1, 0)),
		))
		var group sync.WaitGroup
		var limited atomic.Int64
		for i := range 10 {
			group.Go(func() {
				if _, refusal := w.from(t.Context(), "Session", at("one", fmt.Sprint("st_", i))); reasonOf(refusal) == tokens.ReasonRateLimited {
					limited.Add(1)
				}
			})
		}
		synctest.Wait()
		if _, refusal := w.from(t.Context(), "Session", at("two", "st_good")); refusal != nil {
			t.Errorf("the other tenant: %v", refusal)
		}
		group.Wait()
		if got := limited.Load(); got != 9 {
			t.Errorf("%d were limited", got)
		}
	})
}

// What one tenant's feed revokes ends no call and no stream of another.
func TestRevocationsOfTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feeds := map[string]*apikey.MemoryStore{"one": apikey.NewMemoryStore(), "two": apikey.NewMemoryStore()}
		var all []*interceptor.Tenant
		for name, feed := range feeds {
			all = append(all, newTenant(t, name, &fake{}, interceptor.WithRevocations(feed)))
		}
		all = append(all, newTenant(t, "without", &fake{}))
		w := forTenants(t, byHost(all...))
		synctest.Wait()
		streams := map[string]*interceptor.Stream{}
		for _, tenant := range all {
			call, refusal := w.from(t.Context(), "Session", at(tenant.Name(), "st_good"))
			if refusal != nil {
				t.Fatal(refusal)
			}
			if bare := tenant.Name() == "without"; call.Bare() != bare {
				t.Errorf("%s: bare is %v", tenant.Name(), call.Bare())
			}
			wire := newWire()
			defer close(wire.broken)
			streams[tenant.Name()] = call.Stream(wire.receive)
			defer streams[tenant.Name()].Close()
		}
		if _, err := feeds["one"].Revoke(t.Context(), revocation.Revocation{Target: revocation.Session, Value: "sess_1"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for name, want := range map[string]tokens.Reason{"one": tokens.ReasonTokenRevoked, "two": "", "without": ""} {
			if _, refusal := w.from(t.Context(), "Session", at(name, "st_good")); reasonOf(refusal) != want {
				t.Errorf("a call at %s: %v", name, refusal)
			}
			var ended tokens.Reason
			if cause := context.Cause(streams[name].Context()); cause != nil {
				ended = refusalIn(t, cause).Reason()
			}
			if ended != want {
				t.Errorf("the stream at %s ended as %q", name, ended)
			}
		}
		for _, event := range w.events.all() {
			if event.Message && event.Tenant != "one" {
				t.Errorf("the end of a stream is told of tenant %q", event.Tenant)
			}
		}
		for _, tenant := range all { // in the bubble, since feeds wait in it
			tenant.Close()
		}
	})
}

// A tenant that cannot verify what the resolver promised is a mistake of the server, and lets nobody pass.
func TestTenantsThatLack(t *testing.T) {
	t.Parallel()
	promised := []tokens.Form{
		{Kind: tokens.SessionToken, Prefix: "st_", Fresh: true}, {Kind: tokens.OAuthToken, Prefix: "oat_", Attributes: []tokens.Attribute{tokens.OrganizationID}},
		{Kind: tokens.APIKey, Prefix: "ak_"}, {Kind: tokens.M2MToken, Prefix: "mt_"},
	}
	form := func(kind tokens.Kind) tokens.Form { return promised[kind-1] }
	session, oauth, key, machine := form(tokens.SessionToken), form(tokens.OAuthToken), form(tokens.APIKey), form(tokens.M2MToken)
	stale, bare := session, oauth
	stale.Fresh, bare.Attributes = false, nil
	more := key
	more.Fresh, more.Attributes = true, []tokens.Attribute{tokens.OrganizationSlug}
	second := stale
	second.Prefix = "st2_"
	for _, test := range []struct {
		name  string
		forms []tokens.Form
		lacks string
	}{
		{"all", promised, ""},
		{"more", []tokens.Form{session, oauth, more, machine}, ""},
		{"no session", []tokens.Form{oauth, key, machine}, "session_token"},
		{"no OAuth", []tokens.Form{session, key, machine}, "oauth_token"},
		{"no API key", []tokens.Form{session, oauth, machine}, "api_key"},
		{"no machine", []tokens.Form{session, oauth, key}, "m2m_token"},
		{"no source of truth", []tokens.Form{stale, oauth, key, machine}, "session_token"},
		{"no attribute", []tokens.Form{session, bare, key, machine}, "oauth_token"},
		{"no source of truth behind one of two", []tokens.Form{session, second, oauth, key, machine}, "session_token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			verifier := &fake{forms: test.forms}
			r := byHost(newTenant(t, "one", verifier))
			r.forms = promised
			w := forTenants(t, r)
			for _, token := range []string{"st_good", "oat_good", "ak_good", "mt_good"} {
				_, refusal := w.from(t.Context(), "Any", at("one", token))
				if test.lacks == "" {
					if refusal != nil {
						t.Errorf("%s: %v", token, refusal)
					}
					continue
				}
				if reasonOf(refusal) != tokens.ReasonInternal || !strings.Contains(refusal.Error(), test.lacks) || !strings.Contains(refusal.Error(), `"one"`) {
					t.Errorf("%s: %v", token, refusal)
				}
				if _, refusal := w.from(t.Context(), "Optional", at("one", token)); reasonOf(refusal) != tokens.ReasonInternal {
					t.Errorf("%s, public: %v", token, refusal)
				}
			}
			if test.lacks != "" && verifier.calls.Load() != 0 {
				t.Error("the verifier was asked")
			}
		})
	}
}

// A kind that a tenant has, and nobody promised, opens nothing.
func TestTenantsThatHaveMore(t *testing.T) {
	t.Parallel()
	compiled, err := policy.New(policy.Serve(fileOf(t, rules{"Any": standard["Any"], "Session": standard["Session"]})))
	if err != nil {
		t.Fatal(err)
	}
	r := byHost(newTenant(t, "one", &fake{}))
	r.forms = everyForm()[:1]
	guard, err := interceptor.NewForTenants(compiled, r)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	w := &world{Guard: guard}
	for token, want := range map[string]tokens.Reason{"st_good": "", "ak_good": another, "oat_good": another, "mt_good": another} {
		if _, refusal := w.from(t.Context(), "Any", at("one", token)); reasonOf(refusal) != want {
			t.Errorf("%s: %v", token, refusal)
		}
	}
}

// The zero and the nil of what there is.
func TestZeroTenants(t *testing.T) {
	t.Parallel()
	var none *interceptor.Tenant
	none.Close()
	new(interceptor.Tenant).Close()
	if none.Name() != "" || new(interceptor.Tenant).Name() != "" {
		t.Error("they have a name")
	}
	if got := interceptor.TenantFromContext(t.Context()); got != "" {
		t.Errorf("a context without a call is of %q", got)
	}
	w := newWorld(t, standard, nil)
	if got := interceptor.TenantFromContext(w.begun(t, t.Context(), "Session", "Bearer st_good")); got != "" {
		t.Errorf("a guard without tenants says %q", got)
	}
}

// Whose verifiers were asked is told to handlers and observers, of refusals too.
func TestTenantIsTold(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	one := newTenant(t, "one", &fake{answers: map[string]answer{"st_pending": pending(), "st_expired": until(-time.Minute)}}, withCookies())
	two := newTenant(t, "two", &fake{})
	w := forTenants(t, byHost(one, two), interceptor.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	for _, test := range []struct {
		method, tenant, token string
		want                  string // the tenant that is told
	}{
		{"Session", "one", "st_good", "one"}, {"Session", "two", "st_good", "two"}, {"Session", "one", "st_good", "one"},
		{"Session", "one", "st_bad", "one"}, {"Session", "one", "xx_bad", "one"}, {"Session", "one", "ak_good", "one"}, {"Session", "one", "st_expired", "one"},
		{"Session", "one", "st_pending", "one"}, {"Session", "two", "", ""}, {"Session", "nobody", "st_good", ""}, {"Hidden", "two", "st_good", "two"},
		{"Optional", "one", "st_good", "one"}, {"Optional", "one", "st_bad", "one"}, {"Optional", "one", "st_pending", "one"}, {"Optional", "two", "", ""},
		{"Optional", "nobody", "st_good", ""}, {"Unread", "one", "st_good", ""},
	} {
		call, refusal := w.from(t.Context(), test.method, at(test.tenant, test.token))
		if got := w.events.last(t).Tenant; got != test.want {
			t.Errorf("%s with %q at %s: observed as of %q, want %q (%v)", test.method, test.token, test.tenant, got, test.want, refusal)
		}
		if refusal == nil && interceptor.TenantFromContext(call) != test.want {
			t.Errorf("%s with %q at %s: the handler is told %q", test.method, test.token, test.tenant, interceptor.TenantFromContext(call))
		}
	}
	if !strings.Contains(log.String(), "tenant=one") || !strings.Contains(log.String(), "tenant=two") {
		t.Error("the log does not tell tenants")
	}
	// An empty cookie is no credential.
	r := fromBrowser("Cookie", "__session=", "X-Test-Host", "one.example")
	if call, refusal := w.from(t.Context(), "Optional", r); refusal != nil || interceptor.TenantFromContext(call) != "" {
		t.Errorf("an empty cookie: %v", refusal)
	}

	// A call inside a call is of its own tenant, and an anonymous one of none.
	outer, refusal := w.from(t.Context(), "Session", at("one", "st_good"))
	if refusal != nil {
		t.Fatal(refusal)
	}
	inner, refusal := w.from(outer, "Session", at("two", "st_good"))
	if refusal != nil {
		t.Fatal(refusal)
	}
	anonymous, refusal := w.from(inner, "Optional", at("two", ""))
	if refusal != nil {
		t.Fatal(refusal)
	}
	for want, call := range map[string]*interceptor.Call{"one": outer, "two": inner, "": anonymous} {
		if got := interceptor.TenantFromContext(call); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if interceptor.TenantFromContext(context.WithoutCancel(inner)) != "two" {
		t.Error("a context of the call does not know the tenant")
	}
}

// Each tenant has its own way with cookies.
func TestCookiesOfTenants(t *testing.T) {
	t.Parallel()
	w := forTenants(t, byHost(
		newTenant(t, "one", &fake{answers: map[string]answer{"st_same": whose("one")}}, withCookies("__session_1")),
		newTenant(t, "two", &fake{answers: map[string]answer{"st_same": whose("two")}}, withCookies("__session_2")),
		newTenant(t, "off", &fake{}),
	))
	for _, test := range []struct {
		tenant, cookie string
		want           tokens.Reason
		subject        string
	}{
		{"one", "__session_1=st_same", "", "one"}, {"two", "__session_2=st_same", "", "two"}, {"one", "__session_2=st_same", missing, ""},
		{"two", "__session_1=st_same; __session=st_same", missing, ""}, {"two", "__session_1=st_bad; __session_2=st_same", "", "two"},
		{"off", "__session=st_good; __session_1=st_good", missing, ""}, {"nobody", "__session=st_good", invalid, ""},
	} {
		call, refusal := w.from(t.Context(), "Session", fromBrowser("Cookie", test.cookie, "X-Test-Host", test.tenant+".example"))
		if reasonOf(refusal) != test.want {
			t.Errorf("%s with %s: %v", test.tenant, test.cookie, refusal)
		} else if refusal == nil && call.Principal().Subject() != test.subject {
			t.Errorf("%s with %s: %s", test.tenant, test.cookie, call.Principal().Subject())
		}
	}
}
