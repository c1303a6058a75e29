// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"context"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
)

func TestFromContext(t *testing.T) {
	t.Parallel()
	alice, bob := user(t, "alice"), user(t, "bob")
	type otherKey struct{}
	background := context.Background()
	anonymous := func(parent context.Context, reason tokens.Reason) context.Context {
		c := tokens.MakeContext(parent, nil, reason)
		return &c
	}
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		want   *tokens.Principal
		ok     bool
		reason tokens.Reason
	}{
		{"no guard", background, nil, false, ""},
		{"no guard, other values", context.WithValue(background, otherKey{}, alice), nil, false, ""},
		{"principal", tokens.NewContext(background, alice), alice, true, ""},
		{"anonymous", tokens.NewContext(background, nil), nil, true, ""},
		{"anonymous with a reason", anonymous(background, tokens.ReasonTokenExpired), nil, true, tokens.ReasonTokenExpired},
		{"below other values", context.WithValue(tokens.NewContext(background, alice), otherKey{}, 1), alice, true, ""},
		{"another principal masks", tokens.NewContext(tokens.NewContext(background, alice), bob), bob, true, ""},
		{"an anonymous caller masks", tokens.NewContext(tokens.NewContext(background, alice), nil), nil, true, ""},
		{"a reason masks", anonymous(tokens.NewContext(background, alice), tokens.ReasonTokenInvalid), nil, true, tokens.ReasonTokenInvalid},
		{"no reason masks a reason", tokens.NewContext(anonymous(background, tokens.ReasonTokenInvalid), nil), nil, true, ""},
		{"a principal masks a reason", tokens.NewContext(anonymous(background, tokens.ReasonTokenInvalid), alice), alice, true, ""},
		{"without cancellation", context.WithoutCancel(tokens.NewContext(background, alice)), alice, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := tokens.FromContext(tt.ctx)
			if got != tt.want || ok != tt.ok {
				t.Errorf("%v, %t", got, ok)
			}
			if reason := tokens.ReasonFromContext(tt.ctx); reason != tt.reason {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

func TestReasonFromContextIsForAnonymousCallersOnly(t *testing.T) {
	t.Parallel()
	c := tokens.MakeContext(t.Context(), user(t, "alice"), tokens.ReasonTokenExpired)
	if reason := tokens.ReasonFromContext(&c); reason != "" {
		t.Errorf("reason %q beside a principal", reason)
	}
}

// A call is what a guard keeps of a call, with the context inside it.
type call struct {
	tokens.Context

	procedure string
}

func TestContextEmbedded(t *testing.T) {
	t.Parallel()
	type otherKey struct{}
	alice := user(t, "alice")
	deadline := time.Now().Add(time.Hour)
	parent, cancelParent := context.WithDeadline(context.WithValue(t.Context(), otherKey{}, "value"), deadline)
	defer cancelParent()
	c := &call{Context: tokens.MakeContext(parent, alice, ""), procedure: "/p.S/M"}
	child, cancel := context.WithCancel(c)
	defer cancel()

	if got, ok := tokens.FromContext(child); got != alice || !ok {
		t.Errorf("principal %v, %t", got, ok)
	}
	if child.Value(otherKey{}) != "value" {
		t.Error("the parent's value is lost")
	}
	if got, ok := child.Deadline(); !ok || !got.Equal(deadline) {
		t.Errorf("deadline %v", got)
	}
	cancel()
	if child.Err() == nil || c.Err() != nil {
		t.Errorf("the child ended with %v, its parent with %v", child.Err(), c.Err())
	}
	cancelParent()
	<-c.Done()
	if c.Err() == nil {
		t.Error("the call outlives its parent")
	}
}

// TestContextCannotBeForged shows that no key but the package's own finds or plants a principal.
func TestContextCannotBeForged(t *testing.T) {
	t.Parallel()
	type contextKey struct{}
	alice := user(t, "alice")
	ctx := context.WithValue(t.Context(), contextKey{}, alice)
	if _, ok := tokens.FromContext(ctx); ok {
		t.Error("a key of the same name plants a principal")
	}
	if v := tokens.NewContext(t.Context(), alice).Value(contextKey{}); v != nil {
		t.Errorf("a key of the same name finds %v", v)
	}
}

// It is not parallel: AllocsPerRun counts the allocations of the whole process.
func TestFromContextDoesNotAllocate(t *testing.T) {
	ctx := tokens.NewContext(t.Context(), user(t, "alice"))
	if allocs := testing.AllocsPerRun(100, func() { tokens.FromContext(ctx) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
