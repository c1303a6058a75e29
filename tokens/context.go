// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import "context"

type contextKey struct{}

// A Context is a context that carries the outcome of verification. Guards embed it in what they keep of a call, so that one allocation
// serves both; everyone else uses [NewContext] and [FromContext]. It must not be copied after first use.
type Context struct {
	context.Context //nolint:containedctx // It is a context.

	principal *Principal
	reason    *Reason // nil: none. A pointer, so that a Context is four words, which are returned in registers
}

// MakeContext returns a Context. A nil principal is an anonymous caller; reason is then why a credential was not believed, or "" when
// there was none. Either way an outcome that ctx already carries is masked.
func MakeContext(ctx context.Context, principal *Principal, reason Reason) Context {
	c := Context{Context: ctx, principal: principal}
	if reason != "" {
		why := reason // which is allocated, and reason is not
		c.reason = &why
	}
	return c
}

// Principal returns the caller; nil when it is anonymous.
func (c *Context) Principal() *Principal { return c.principal }

// Value returns the value of key, the outcome itself for this package's own key.
func (c *Context) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// NewContext returns a child of ctx that carries the caller. It is for tests of handlers and for guards; a nil principal is an anonymous
// caller, and masks any principal already in ctx.
func NewContext(ctx context.Context, principal *Principal) context.Context {
	c := MakeContext(ctx, principal, "")
	return &c
}

// FromContext returns the caller. ok tells whether a guard decided this call at all: a nil principal with ok is an anonymous caller, a
// nil principal without ok means that no guard ran. On a public procedure ask caller == nil; elsewhere a guarded handler always has one.
// The methods of a nil principal are those of a caller who holds nothing.
func FromContext(ctx context.Context) (principal *Principal, ok bool) {
	c, ok := ctx.Value(contextKey{}).(*Context)
	if !ok {
		return nil, false
	}
	return c.principal, true
}

// ReasonFromContext returns why the credential of an anonymous caller on a public procedure was not believed; "" when there was none,
// when the caller is not anonymous, or when no guard ran.
func ReasonFromContext(ctx context.Context) Reason {
	if c, ok := ctx.Value(contextKey{}).(*Context); ok && c.principal == nil && c.reason != nil {
		return *c.reason
	}
	return ""
}
