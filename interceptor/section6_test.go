// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// What Clerk's auth.protect() decides, by the rows of docs/clerk-rows.md, as rules. The numbers in the names are of that table.
var protected = rules{
	"Session": `allow { session_token {} }`,
	"Has":     `allow { session_token { permissions: "org:invoices:read" } }`,
	"Lacks":   `allow { session_token { roles: "org:admin" } }`,
	"Hides":   `allow { session_token { roles: "org:admin" } } refusal: NOT_FOUND`,
	"Either":  `allow { session_token { roles: "org:admin" } } allow { session_token { permissions: "org:invoices:read" } }`,
	"Key":     `allow { api_key {} }`,
	"OAuth":   `allow { oauth_token { scopes: "invoices:read" } }`,
	"Two":     `allow { session_token {} } allow { m2m_token { callers: "*" } }`,
	"TwoKeys": `allow { api_key {} } allow { oauth_token { scopes: "invoices:read" } }`,
	"Any":     `allow { any {} }`,
}

func TestSection6_1Protect(t *testing.T) {
	t.Parallel()
	const ok, unauthenticated, denied = code.Code_OK, code.Code_UNAUTHENTICATED, code.Code_PERMISSION_DENIED
	down := tokens.ReasonVerifierUnavailable
	w := newWorld(t, protected, map[string]answer{
		"st_pending": pending(), "st_down": refuse(tokens.NewError(down, errors.New("no answer"))), "ak_broken": refuse(errOwn),
	}, interceptor.WithResourceMetadata("https://accounts.example/.well-known/oauth-protected-resource"))
	for _, test := range []struct {
		row, method, token string
		code               code.Code
		reason             tokens.Reason
		asked              bool // the verifier, the first time
	}{
		{"6.1.1", "Session", "ak_good", unauthenticated, another, false},
		{"6.1.1", "Session", "oat_good", unauthenticated, another, false},
		{"6.1.1", "Session", "mt_good", unauthenticated, another, false},
		{"6.1.1", "Key", "st_good", unauthenticated, another, false},
		{"6.1.1, a form that nobody has", "Session", "xx_good", unauthenticated, invalid, false},
		{"6.1.2", "Key", "ak_bad", unauthenticated, invalid, true},
		{"6.1.2", "OAuth", "oat_bad", unauthenticated, invalid, true},
		{"6.1.2", "OAuth", "", unauthenticated, missing, false},
		{"6.1.3", "Key", "ak_good", ok, "", true},
		{"6.1.4", "Session", "st_pending", unauthenticated, tokens.ReasonSessionPending, true},
		{"6.1.5", "Session", "", unauthenticated, missing, false},
		{"6.1.5, a page or not", "Hides", "", unauthenticated, missing, false},
		{"6.1.6", "Session", "st_a_good", ok, "", true},
		{"6.1.7", "Has", "st_b_good", ok, "", true},
		{"6.1.7, one of two", "Either", "st_c_good", ok, "", true},
		{"6.1.8", "Lacks", "st_d_good", denied, tokens.ReasonPermissionMissing, true},
		{"6.1.8, hidden", "Hides", "st_e_good", code.Code_NOT_FOUND, tokens.ReasonPermissionMissing, true},
		{"6.1.9", "Session", "st_down", code.Code_UNAVAILABLE, down, true},
		{"6.1.9, a mistake of ours", "Key", "ak_broken", code.Code_INTERNAL, tokens.ReasonInternal, true},

		{"13.24", "OAuth", "ak_24_good", unauthenticated, another, false},
		{"13.24", "Key", "oat_24_good", unauthenticated, another, false},
		{"13.25", "Session", "oat_25_good", unauthenticated, another, false},
		{"13.26", "TwoKeys", "ak_26_good", ok, "", true},
		{"13.26", "Two", "st_26_good", ok, "", true},
		{"13.26", "Two", "mt_26_good", ok, "", true},
		{"13.27", "TwoKeys", "mt_27_good", unauthenticated, another, false},
		{"13.27", "TwoKeys", "st_27_good", unauthenticated, another, false},
		{"13.27", "TwoKeys", "", unauthenticated, missing, false},
		{"13.23", "Any", "st_23_good", ok, "", true},
		{"13.23", "Any", "oat_23_good", ok, "", true},
		{"13.23", "Any", "ak_23_good", ok, "", true},
		{"13.23", "Any", "mt_23_good", ok, "", true},
	} {
		t.Run(fmt.Sprintf("%s %s %s", test.row, test.method, test.token), func(t *testing.T) {
			before := w.verifier.calls.Load()
			var authorization []string
			if test.token != "" {
				authorization = []string{"Bearer " + test.token}
			}
			_, refusal := w.call(t.Context(), test.method, authorization...)
			if asked := w.verifier.calls.Load() != before; asked != test.asked {
				t.Errorf("the verifier was asked: %v", asked)
			}
			if refusal == nil {
				if test.code != ok {
					t.Errorf("admitted, want %s", test.code)
				}
				return
			}
			if refusal.Code() != test.code || refusal.Reason() != test.reason {
				t.Errorf("%s %v, want %s %s", refusal.Code(), refusal, test.code, test.reason)
			}
			// 6.1.10: whom to ask for a token is told with every 401.
			const metadata = `resource_metadata="https://accounts.example/.well-known/oauth-protected-resource"`
			if told := contains(refusal.Challenge(), metadata); told != (test.code == unauthenticated) {
				t.Errorf("the challenge is %q", refusal.Challenge())
			}
		})
	}
}
