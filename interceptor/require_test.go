// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"testing"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
)

// Semantics 33.
func TestRequire(t *testing.T) {
	t.Parallel()
	read, write := policy.Session(policy.Permission("org:invoices:read")), policy.Session(policy.Permission("org:invoices:write"))
	matched := policy.GrantFromProto(&admitv1.Grant{
		Credential: &admitv1.Grant_SessionToken{SessionToken: &admitv1.SessionToken{}},
		Match:      []*admitv1.Match{{Field: "organization_id", Equals: admitv1.Match_ORGANIZATION_ID}},
	})
	conditional := policy.GrantFromProto(&admitv1.Grant{Credential: &admitv1.Grant_Any{Any: &admitv1.AnyToken{}}, When: new("true")})
	for _, test := range []struct {
		name, method  string
		authorization string
		grants        []policy.Grant
		want          tokens.Reason // "" is admitted
		hidden        bool
	}{
		{"held", "Handled", "st_good", []policy.Grant{read}, "", false},
		{"one of two", "Handled", "st_good", []policy.Grant{write, read}, "", false},
		{"any", "Handled", "st_good", []policy.Grant{policy.Any()}, "", false},
		{"not held", "Handled", "st_good", []policy.Grant{write}, tokens.ReasonPermissionMissing, false},
		{"not held, hidden as the rule hides", "Discreet", "st_good", []policy.Grant{write}, tokens.ReasonPermissionMissing, true},
		{"another kind", "Handled", "st_good", []policy.Grant{policy.Keys()}, tokens.ReasonTokenTypeNotAccepted, false},
		{"another kind is not hidden", "Discreet", "st_good", []policy.Grant{policy.Keys()}, tokens.ReasonTokenTypeNotAccepted, false},
		{"reverification alone is not hidden", "Discreet", "st_good", []policy.Grant{policy.Session(policy.Reverified(admitv1.Reverification_STRICT))},
			tokens.ReasonReverificationRequired, false},
		{"held in a public procedure", "Public", "st_good", []policy.Grant{read}, "", false},
		{"anonymous", "Public", "", []policy.Grant{policy.Any()}, tokens.ReasonCredentialMissing, false},
		{"anonymous for a reason", "Public", "st_revoked", []policy.Grant{policy.Any()}, tokens.ReasonTokenRevoked, false},
		{"anonymous for want of tasks", "Public", "st_pending", []policy.Grant{policy.Session(policy.AllowPending())}, tokens.ReasonSessionPending, false},
		{"unread", "Unread", "st_good", []policy.Grant{policy.Any()}, tokens.ReasonCredentialMissing, false},

		{"nothing", "Handled", "st_good", nil, tokens.ReasonInternal, false},
		{"the zero grant", "Handled", "st_good", []policy.Grant{{}}, tokens.ReasonInternal, false},
		{"a machine that asks nothing", "Handled", "st_good", []policy.Grant{read, policy.Machines()}, tokens.ReasonInternal, false},
		{"a match", "Handled", "st_good", []policy.Grant{matched}, tokens.ReasonInternal, false},
		{"a match beside what is held", "Discreet", "st_good", []policy.Grant{read, matched}, tokens.ReasonInternal, false},
		{"a condition", "Handled", "st_good", []policy.Grant{conditional}, tokens.ReasonInternal, false},
		{"a mistake of an anonymous caller's handler", "Public", "st_revoked", nil, tokens.ReasonInternal, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, standard, map[string]answer{
				"st_pending": pending(), "st_revoked": refuse(tokens.NewError(tokens.ReasonTokenRevoked, nil)),
			}, interceptor.WithResourceMetadata("https://api.example/meta"))
			var authorization []string
			if test.authorization != "" {
				authorization = []string{"Bearer " + test.authorization}
			}
			call := w.begun(t, t.Context(), test.method, authorization...)
			handler, cancel := context.WithCancel(call) // as interceptors between wrap it
			defer cancel()
			err := interceptor.Require(handler, test.grants...)
			if test.want == "" {
				if err != nil || call.Finish(nil) != nil {
					t.Errorf("refused as %v, finished as %v", err, call.Finish(nil))
				}
				return
			}
			refusal := refusalIn(t, err)
			if refusal.Reason() != test.want || refusal.Hidden() != test.hidden || !test.hidden && refusal.Code() != interceptor.CodeOf(test.want) {
				t.Errorf("refused as %v, hidden %t", refusal, refusal.Hidden())
			}
			if test.want == tokens.ReasonCredentialMissing && refusal.Challenge() != `Bearer resource_metadata="https://api.example/meta"` {
				t.Errorf("the challenge is %q", refusal.Challenge())
			}
			events := w.events.all()
			if len(events) != 2 || events[1].Refusal != refusal || !events[1].Message || events[1].Ignored != events[0].Ignored {
				t.Errorf("the events are %+v", events)
			}
			if got := call.Finish(err); got != error(refusal) { //nolint:errorlint // The very same.
				t.Errorf("answered %v", got)
			}
		})
	}
}

// Semantics 33: a handler that must settle the rest and answers without is INTERNAL, and reported.
func TestUnsettled(t *testing.T) {
	t.Parallel()
	write := policy.Session(policy.Permission("org:invoices:write"))
	for _, test := range []struct {
		name, method string
		handle       func(ctx context.Context) error
		want         tokens.Reason
	}{
		{"nothing to settle", "Session", func(context.Context) error { return nil }, ""},
		{"settled", "Handled", interceptor.Settled, ""},
		{"settled, public", "Public", interceptor.Settled, ""},
		{"required", "Handled", func(ctx context.Context) error { return interceptor.Require(ctx, policy.Any()) }, ""},
		{"forgotten", "Handled", func(context.Context) error { return nil }, tokens.ReasonInternal},
		{"forgotten, public", "Public", func(context.Context) error { return nil }, tokens.ReasonInternal},
		{"a refused Require is ignored", "Handled", func(ctx context.Context) error { _ = interceptor.Require(ctx, write); return nil }, tokens.ReasonInternal},
		{"a mistaken Require is ignored", "Handled", func(ctx context.Context) error { _ = interceptor.Require(ctx); return nil }, tokens.ReasonInternal},
		{"of another call", "Handled", func(context.Context) error { _ = interceptor.Settled(forged(t)); return nil }, tokens.ReasonInternal},
		{"not found", "Handled", func(context.Context) error { return policy.NotFound() }, "NOT_FOUND"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, standard, nil)
			call := w.begun(t, t.Context(), test.method, "Bearer st_good")
			err := call.Finish(test.handle(call))
			if test.want == "" {
				if err != nil || len(w.events.all()) != 1 {
					t.Errorf("answered %v; events %+v", err, w.events.all())
				}
				return
			}
			refusal := refusalIn(t, err)
			if test.want == "NOT_FOUND" {
				if refusal.Text() != "not found" {
					t.Errorf("answered %v", refusal)
				}
				return
			}
			if refusal.Reason() != test.want {
				t.Errorf("answered %v", refusal)
			}
			if event := w.events.last(t); event.Refusal.Reason() != tokens.ReasonInternal || !event.Message {
				t.Errorf("reported as %+v", event)
			}
		})
	}
}

// Without a guard nothing can be required, and nothing settled.
func TestRequireWithoutAGuard(t *testing.T) {
	t.Parallel()
	caller, err := tokens.NewPrincipal(factsOf(tokens.SessionToken))
	if err != nil {
		t.Fatal(err)
	}
	for name, ctx := range map[string]context.Context{
		"none": t.Context(), "a caller of a test": tokens.NewContext(t.Context(), caller), "a forged call": forged(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, err := range map[string]error{"Require": interceptor.Require(ctx, policy.Any()), "Settled": interceptor.Settled(ctx)} {
				if refusal := refusalIn(t, err); refusal.Reason() != tokens.ReasonInternal || refusal.Text() != "internal error" {
					t.Errorf("%s: %v", what, refusal)
				}
			}
		})
	}
}

// Settling a call inside does not settle the one around it.
func TestSettledIsOfTheInnermostCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	outer := w.begun(t, t.Context(), "Handled", "Bearer st_good")
	inner := w.begun(t, outer, "Handled", "Bearer st_good")
	if err := interceptor.Settled(inner); err != nil {
		t.Fatal(err)
	}
	if inner.Finish(nil) != nil || outer.Finish(nil) == nil {
		t.Error("the inner call settled the outer one")
	}
}
