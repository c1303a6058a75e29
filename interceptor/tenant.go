// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/cache"
)

// A Tenant is what the credentials of one tenant are verified with: a table of verifiers, and a memory of its own of what they said, so that
// no tenant ever meets another's principals, also where a credential or the id of a key is the same at both. A [Guard] of [New] has one;
// those of [NewForTenants] have as many as their [Resolver] knows. It is safe for concurrent use.
type Tenant struct {
	name        string
	verifiers   *tokens.Verifiers
	offers      [tokens.M2MToken + 1]offer
	cache       *cache.Cache
	rejected    *cache.Rejections
	limits      limits
	revocations *revocations
	cookie      *cookie
	clock       clock
}

// NewTenant makes a tenant. The name is for logs and handlers; it must not be empty. The options are those that say how credentials are
// verified: [WithCache], [WithVerifyTimeout], [WithVerifyLimit], [WithRevocations] and [WithSessionCookie]; every other is an error. Call Close when
// the tenant is no longer used.
func NewTenant(name string, verifiers *tokens.Verifiers, options ...Option) (*Tenant, error) {
	c, mistakes := configure(options)
	for _, option := range c.ofGuard {
		mistakes = append(mistakes, fmt.Errorf("interceptor: %s is an option of the guard, not of a tenant", option))
	}
	if name == "" {
		mistakes = append(mistakes, errors.New("interceptor: a tenant needs a name"))
	}
	if err := errors.Join(append(mistakes, verifiers.Err())...); err != nil {
		return nil, err
	}
	return newTenant(name, verifiers, c)
}

func newTenant(name string, verifiers *tokens.Verifiers, c config) (*Tenant, error) {
	remembered, err := cache.New(c.size, c.age, c.timeout)
	if err != nil {
		return nil, fmt.Errorf("interceptor: %w", err)
	}
	rejected, err := cache.NewRejections(rejectedSize, rejectedAge)
	if err != nil {
		return nil, fmt.Errorf("interceptor: %w", err)
	}
	forms := verifiers.Forms()
	t := &Tenant{
		name: name, verifiers: verifiers, offers: offersOf(forms), cache: remembered, rejected: rejected,
		limits: newLimits(forms, c.running, c.waiting), cookie: c.cookie,
	}
	if c.feed != nil {
		t.revocations = newRevocations(c.feed, c.age+c.timeout)
	}
	return t, nil
}

// Name returns the name of the tenant; "" for that of a guard without tenants.
func (t *Tenant) Name() string {
	if t == nil {
		return ""
	}
	return t.name
}

// Close ends what the tenant started, as [Guard.Close] does.
func (t *Tenant) Close() {
	if t != nil {
		t.revocations.close()
		t.rejected.Close()
		t.cache.Close()
	}
}

// A Resolver says whose a call is. It is asked for every call that presents a credential, and for every one from a browser with cookies,
// since only the tenant knows which of them may be one; it is safe for concurrent use.
type Resolver interface {
	// Forms says what every tenant can verify; it is called once, by [NewForTenants], which holds the rules against it. Of each form only
	// Kind, Attributes and Fresh are looked at. A tenant that lacks one of these kinds, or gives less of it, is refused with INTERNAL.
	Forms() []tokens.Form
	// Tenant returns the tenant of a call. Only an error that is a [tokens.Error] means more than INTERNAL; so does, to be clear, no tenant:
	// whoever does not know the call's tenant returns [tokens.ReasonTokenInvalid]. It should return when ctx ends. ctx is the call's own, and
	// has in it whatever the transport keeps there, on gRPC the metadata with the credential too: it is not to be looked at.
	Tenant(ctx context.Context, call TenantCall) (*Tenant, error)
}

// A TenantCall is what a [Resolver] is told of a call. It contains no credential: what a caller claims to be does not say whose verifiers
// are to be believed.
type TenantCall struct {
	// Procedure is what is called, as "/package.Service/Method".
	Procedure string
	// Authority is the host that was called, as the caller wrote it (RFC 9110 §7.2); empty where the transport does not tell.
	Authority string
	// Header returns the values of a header, by its name in any case; nil for authorization, proxy-authorization and cookie.
	Header func(name string) []string
	// Peer is the caller's network address, as the transport tells it; it may be empty.
	Peer string
	// TLS is the state of the caller's connection; nil where the transport has none or does not tell.
	TLS *tls.ConnectionState
}

// NewForTenants is [New] for a server whose callers belong to many tenants. The options are those that do not say how credentials are
// verified, which is for [NewTenant]. The tenants are the resolver's: closing the guard closes none.
//
// A rule cannot let a stream outlive a session token, since not every tenant need have a feed of revocations.
func NewForTenants(rules *policy.Rules, resolver Resolver, options ...Option) (*Guard, error) {
	c, mistakes := configure(options)
	for _, option := range c.ofTenant {
		mistakes = append(mistakes, fmt.Errorf("interceptor: %s is an option of a tenant; give it to interceptor.NewTenant", option))
	}
	if isNil(resolver) {
		return nil, errors.Join(append(mistakes, errors.New("interceptor: the resolver of tenants is nil"))...)
	}
	forms := resolver.Forms()
	g, err := newGuard(rules, forms, c, mistakes, nil)
	if err != nil {
		return nil, err
	}
	g.resolver, g.demands, g.timeout = resolver, offersOf(forms), c.timeout
	return g, nil
}

// isNil reports whether there is nothing in an interface, or a nil pointer, whose methods may panic.
func isNil(a any) bool {
	return a == nil || isNilPointer(a)
}

// An offer is what all forms of a kind have in common.
type offer struct {
	some       bool
	fresh      bool
	attributes uint8 // a bit for each
}

func offersOf(forms []tokens.Form) (offers [tokens.M2MToken + 1]offer) {
	for _, form := range forms {
		if !form.Kind.Known() {
			continue
		}
		this := offer{some: true, fresh: form.Fresh}
		for _, a := range []tokens.Attribute{tokens.OrganizationID, tokens.OrganizationSlug, tokens.UserID} {
			if form.Has(a) {
				this.attributes |= 1 << a
			}
		}
		if o := &offers[form.Kind]; o.some {
			o.fresh, o.attributes = o.fresh && this.fresh, o.attributes&this.attributes
		} else {
			*o = this
		}
	}
	return offers
}

// meets reports whether an offer has everything that another one has.
func (o offer) meets(demanded offer) bool {
	return !demanded.some || o.some && (o.fresh || !demanded.fresh) && o.attributes&demanded.attributes == demanded.attributes
}

// tenantOf returns the tenant of a call.
func (g *Guard) tenantOf(ctx context.Context, procedure string, r *Request) (t *Tenant, refusal *Refusal) {
	if g.resolver == nil {
		return g.tenant, nil
	}
	bounded, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	defer func() {
		if panicked := recover(); panicked != nil {
			t, refusal = nil, newRefusal(tokens.ReasonInternal, fmt.Errorf("the resolver of tenants panicked with a %T", panicked))
		}
	}()
	call := TenantCall{Procedure: procedure, Authority: r.authority(ctx), Peer: r.Peer, Header: r.harmless(ctx)}
	if r.TLS != nil {
		call.TLS = r.TLS(ctx)
	}
	t, err := g.resolver.Tenant(bounded, call)
	if err != nil {
		if isNilPointer(err) { // Its methods may panic, here or in a log.
			err = fmt.Errorf("the resolver of tenants returned a nil %T as an error", err)
		}
		return nil, refusalFrom(ctx, err)
	}
	if t == nil || t.verifiers == nil {
		return nil, newRefusal(tokens.ReasonInternal, errors.New("the resolver of tenants returned neither a tenant nor an error"))
	}
	for kind, demanded := range g.demands {
		if !t.offers[kind].meets(demanded) {
			return nil, newRefusal(tokens.ReasonInternal, fmt.Errorf("tenant %q cannot verify a %s as the resolver's forms promise", t.name, tokens.Kind(kind)))
		}
	}
	return t, nil
}

func (r *Request) authority(ctx context.Context) string {
	if r.Authority == nil {
		return ""
	}
	return r.Authority(ctx, r.Header)
}

// harmless reads headers, but not those that carry credentials.
func (r *Request) harmless(ctx context.Context) func(string) []string {
	header, of := r.Header, r.HeaderOf
	return func(name string) []string {
		switch name := strings.ToLower(name); {
		case name == "authorization", name == "cookie", name == "proxy-authorization":
			return nil
		case of != nil:
			return slices.Clone(of(ctx, name))
		default:
			return slices.Clone(header.Values(name))
		}
	}
}

// TenantFromContext returns the name of the tenant whose verifiers were asked about the caller; "" where no credential was presented, where
// the guard has no tenants, and where no guard ran.
func TenantFromContext(ctx context.Context) string {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c.tenant.Name()
	}
	return ""
}
