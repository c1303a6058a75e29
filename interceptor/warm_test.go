// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"testing"

	"github.com/admitrpc/admit/tokens"
)

// A warm cache says who somebody is, and decides nothing: of one credential, another rule is decided afresh, another kind is refused as if it
// had never been seen, and another guard asks its own verifier.
func Test1WarmCachesDecideNothing(t *testing.T) {
	t.Parallel()
	of := rules{
		"Read":  `allow { api_key { scopes: "invoices:read" } }`,
		"Write": `allow { api_key { scopes: "invoices:write" } }`,
		"User":  `allow { session_token {} }`,
	}
	reads, writes := factsOf(tokens.APIKey), factsOf(tokens.APIKey)
	writes.Subject, writes.UserID, writes.Scopes = "user_2", "user_2", []string{"invoices:write"}
	first := newWorld(t, of, map[string]answer{"ak_same": believe(reads)})
	second := newWorld(t, of, map[string]answer{"ak_same": believe(writes)})
	for _, step := range []struct {
		name   string
		at     *world
		method string
		want   tokens.Reason
		asked  int64 // the verifier, in all
	}{
		{"warm it", first, "Read", "", 1},
		{"it is warm", first, "Read", "", 1},
		{"another rule", first, "Write", tokens.ReasonScopeMissing, 1},
		{"another kind", first, "User", tokens.ReasonTokenTypeNotAccepted, 1},
		{"the first rule again", first, "Read", "", 1},
		{"another verifier", second, "Read", tokens.ReasonScopeMissing, 1},
		{"another verifier, another rule", second, "Write", "", 1},
		{"the first verifier still", first, "Write", tokens.ReasonScopeMissing, 1},
	} {
		call, refusal := step.at.call(t.Context(), step.method, "Bearer ak_same")
		if reasonOf(refusal) != step.want || step.at.verifier.calls.Load() != step.asked {
			t.Errorf("%s: %v after %d verifications", step.name, refusal, step.at.verifier.calls.Load())
		}
		if user := map[*world]string{first: "user_1", second: "user_2"}[step.at]; call != nil && call.Principal().UserID() != user {
			t.Errorf("%s: the caller is %s", step.name, call.Principal().UserID())
		}
	}
}
