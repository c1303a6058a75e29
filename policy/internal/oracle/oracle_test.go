// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package oracle_test

import (
	"slices"
	"testing"

	"github.com/admitrpc/admit/policy/internal/oracle"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"google.golang.org/protobuf/encoding/prototext"
)

// TestWorkedByHand holds the oracle to answers that were worked out on paper.
func TestWorkedByHand(t *testing.T) {
	t.Parallel()
	const invoices = `allow { session_token { permissions: "invoices:read" } match { field: "org" equals: ORGANIZATION_ID } }
		allow { api_key { scopes: "invoices:read" owner: ORGANIZATION } } refusal: NOT_FOUND`
	reader := &oracle.Caller{Kind: "session_token", Subject: "u", OrgID: "o", Permissions: []string{"org:invoices:read"}}
	for _, test := range []struct {
		name     string
		rule     string
		caller   *oracle.Caller
		messages []oracle.Message
		want     []oracle.Answer
	}{
		{
			name: "anonymous", rule: invoices,
			want: []oracle.Answer{{Outcome: oracle.Refused, Reason: "CREDENTIAL_MISSING"}},
		},
		{
			name: "own, then another's", rule: invoices, caller: reader, messages: []oracle.Message{{"org": {"o"}}, {"org": {"p"}}, {"org": {"o"}}},
			want: []oracle.Answer{
				{Outcome: oracle.NeedsMessage},
				{Outcome: oracle.Admitted, Grant: 1},
				{Outcome: oracle.Refused, Reason: "ORGANIZATION_MISMATCH", Grant: 1, Hidden: true},
			},
		},
		{
			name: "no permission", rule: invoices, caller: &oracle.Caller{Kind: "session_token", Subject: "u", OrgID: "o"},
			want: []oracle.Answer{{Outcome: oracle.Refused, Reason: "PERMISSION_MISSING", Missing: "permission", Grant: 1, Hidden: true}},
		},
		{
			name: "a key of the organization", rule: invoices,
			caller: &oracle.Caller{Kind: "api_key", Subject: "o", OrgID: "o", Scopes: []string{"invoices:read"}},
			want:   []oracle.Answer{{Outcome: oracle.Admitted, Grant: 2}},
		},
		{
			name: "a machine", rule: invoices, caller: &oracle.Caller{Kind: "m2m_token", Subject: "m"},
			want: []oracle.Answer{{Outcome: oracle.Refused, Reason: "TOKEN_TYPE_NOT_ACCEPTED"}},
		},
		{
			name: "stale alone is not hidden", rule: `allow { session_token { reverification { preset: STRICT } } } refusal: NOT_FOUND`,
			caller: &oracle.Caller{Kind: "session_token", Subject: "u", Ages: &oracle.Ages{First: 0, Second: 10}},
			want:   []oracle.Answer{{Outcome: oracle.Refused, Reason: "REVERIFICATION_REQUIRED", Grant: 1}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rule := &admitv1.Rule{}
			if err := prototext.Unmarshal([]byte(test.rule), rule); err != nil {
				t.Fatal(err)
			}
			if got := oracle.Decide(oracle.Case{Rule: rule}, test.caller, test.messages); !slices.Equal(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
