// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
)

// TestRequirement is semantics 33: what a handler demands is decided and hidden as a rule is.
func TestRequirement(t *testing.T) {
	t.Parallel()
	require := func(hides bool, grants ...policy.Grant) *policy.Requirement {
		r, err := policy.NewRequirement(hides, grants...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	admin := policy.Session(policy.Role("admin"))
	stale := policy.Session(policy.Reverified(admitv1.Reverification_STRICT))
	var none *policy.Requirement
	for _, test := range []struct {
		name  string
		r     *policy.Requirement
		facts *tokens.Facts
		want  string
	}{
		{"semantics 33 met", require(false, admin), session(inOrg("admin")), "admitted by 1"},
		{"semantics 33 met by the second", require(false, admin, policy.Any()), factsOf(tokens.M2MToken), "admitted by 2"},
		{"semantics 33 unmet", require(false, admin), session(inOrg("member")), "PERMISSION_MISSING by 1 role"},
		{"semantics 33 hidden", require(true, admin), session(inOrg("member")), "PERMISSION_MISSING by 1 hidden role"},
		{"semantics 31 stale alone is not hidden", require(true, stale), session(), "REVERIFICATION_REQUIRED by 1"},
		{"semantics 33 anonymous", require(true, admin), nil, "CREDENTIAL_MISSING by 0"},
		{"semantics 33 another kind", require(true, admin), factsOf(tokens.APIKey), "TOKEN_TYPE_NOT_ACCEPTED by 0"},
		{"semantics 8 any never admits pending", require(true, policy.Any()), session(pending), "SESSION_PENDING by 1"},
		{"the nil requirement", none, session(inOrg("admin")), "RULE_MISSING by 0"},
	} {
		var p *tokens.Principal
		if test.facts != nil {
			p = principal(t, *test.facts)
		}
		if got := say(test.r.DecideCall(p)); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	if d := (&policy.Requirement{}).DecideCall(principal(t, *session())); d.Outcome != policy.Refused {
		t.Error("the zero requirement admits")
	}
	matched := policy.GrantFromProto(parse(t, `session_token {} match { field: "user_id" equals: USER_ID }`, &admitv1.Grant{}))
	for name, grants := range map[string][]policy.Grant{
		"no grant": nil, "the zero grant": {{}}, "a match": {matched}, "one of two is wrong": {admin, policy.OAuth()}, "an empty name": {policy.Session(policy.Role(""))},
	} {
		if r, err := policy.NewRequirement(false, grants...); err == nil || r != nil || !strings.HasPrefix(err.Error(), "policy: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
