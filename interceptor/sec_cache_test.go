// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"testing"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
)

// SEC-72, SEC-74: each guard remembers what its own verifiers said, and nothing of another's, though the credential is the same.
func TestGuardsShareNoMemory(t *testing.T) {
	t.Parallel()
	subjects := []string{"user_of_one", "user_of_two", ""}
	var worlds []*world
	for _, subject := range subjects {
		facts := factsOf(tokens.SessionToken)
		facts.Subject = subject
		of := believe(facts)
		if subject == "" {
			of = refuse(tokens.NewError(tokens.ReasonTokenInvalid, nil))
		}
		worlds = append(worlds, newWorld(t, standard, map[string]answer{"st_same": of}))
	}
	for range 3 {
		for i, w := range worlds {
			call, refusal := w.call(t.Context(), "Session", "Bearer st_same")
			switch {
			case subjects[i] == "":
				if reasonOf(refusal) != tokens.ReasonTokenInvalid {
					t.Errorf("the third guard: %v", refusal)
				}
			case refusal != nil || call.Principal().Subject() != subjects[i]:
				t.Errorf("guard %d: %v, %v", i, call.Principal().Subject(), refusal)
			}
		}
	}
}

// SEC-75: the kind of what is remembered is asked on every hit, and no rule takes it for another kind, or for a demand of another rule met.
func TestARememberedKindIsNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rules{
		"Key":   `allow { api_key { scopes: "invoices:read" } }`,
		"OAuth": `allow { oauth_token { scopes: "invoices:read" } }`,
		"Both":  `allow { oauth_token { scopes: "invoices:write" } } allow { api_key { scopes: "invoices:read" } }`,
		"Write": `allow { api_key { scopes: "invoices:write" } }`,
	}, nil)
	for range 3 {
		for _, test := range []struct {
			method, token string
			want          tokens.Reason
		}{
			{"Key", "ak_good", ""}, {"OAuth", "ak_good", tokens.ReasonTokenTypeNotAccepted}, {"Both", "ak_good", ""}, {"Write", "ak_good", tokens.ReasonScopeMissing},
			{"Key", "oat_good", tokens.ReasonTokenTypeNotAccepted}, {"OAuth", "oat_good", ""}, {"Both", "oat_good", tokens.ReasonScopeMissing},
		} {
			if _, refusal := w.call(t.Context(), test.method, "Bearer "+test.token); reasonOf(refusal) != test.want {
				t.Errorf("%s with %s: %v", test.method, test.token, refusal)
			}
		}
	}
	if got := w.verifier.calls.Load(); got != 2 {
		t.Errorf("%d verifications", got)
	}
}

// SEC-80: other keys, audiences or rules are those of another guard, which begins with an empty memory; the old one is as it was until it is
// closed.
func TestAnotherGuardRemembersNothing(t *testing.T) {
	t.Parallel()
	before := newWorld(t, standard, nil, interceptor.WithCache(10, time.Hour))
	before.begun(t, t.Context(), "Session", "Bearer st_good")
	after := newWorld(t, standard, map[string]answer{"st_good": refuse(tokens.NewError(tokens.ReasonTokenInvalid, nil))}, interceptor.WithCache(10, time.Hour))
	if _, refusal := after.call(t.Context(), "Session", "Bearer st_good"); reasonOf(refusal) != tokens.ReasonTokenInvalid || after.verifier.calls.Load() != 1 {
		t.Errorf("after %d verifications: %v", after.verifier.calls.Load(), refusal)
	}
}
