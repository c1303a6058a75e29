// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
)

const (
	unauthenticated = code.Code_UNAUTHENTICATED
	denied          = code.Code_PERMISSION_DENIED
)

// table is what callers are told of each reason; it is written here a second time.
var table = []struct {
	reason    tokens.Reason
	code      code.Code
	text      string
	challenge string // without resource metadata; "-" where none belongs
	retry     bool
}{
	{tokens.ReasonCredentialMissing, unauthenticated, "credential required", "", false},
	{tokens.ReasonCredentialMalformed, unauthenticated, "malformed credential", `error="invalid_request"`, false},
	{tokens.ReasonTokenTypeNotAccepted, unauthenticated, "this kind of credential is not accepted here", `error="invalid_token"`, false},
	{tokens.ReasonTokenInvalid, unauthenticated, "invalid credential", `error="invalid_token"`, false},
	{tokens.ReasonTokenExpired, unauthenticated, "credential expired", `error="invalid_token"`, false},
	{tokens.ReasonTokenNotYetValid, unauthenticated, "credential not valid yet", `error="invalid_token"`, false},
	{tokens.ReasonTokenRevoked, unauthenticated, "credential revoked", `error="invalid_token"`, false},
	{tokens.ReasonSessionPending, unauthenticated, "session has open tasks", `error="invalid_token"`, false},
	{tokens.ReasonPermissionMissing, denied, "permission missing", "-", false},
	{tokens.ReasonScopeMissing, denied, "scope missing", `error="insufficient_scope"`, false},
	{tokens.ReasonReverificationRequired, denied, "verification required again", `error="insufficient_user_authentication"`, false},
	{tokens.ReasonCallerNotAllowed, denied, "caller not allowed", "-", false},
	{tokens.ReasonImpersonationForbidden, denied, "impersonation not allowed", "-", false},
	{tokens.ReasonOrganizationMismatch, denied, "not in the caller's organization", "-", false},
	{tokens.ReasonResourceMismatch, denied, "not the caller's own", "-", false},
	{tokens.ReasonConditionFailed, denied, "condition not met", "-", false},
	{tokens.ReasonRuleMissing, denied, "no rule admits this call", "-", false},
	{tokens.ReasonRateLimited, code.Code_RESOURCE_EXHAUSTED, "too many attempts", "-", true},
	{tokens.ReasonVerifierUnavailable, code.Code_UNAVAILABLE, "verification temporarily unavailable", "-", true},
	{tokens.ReasonInternal, code.Code_INTERNAL, "internal error", "-", false},
}

const metadataURL = "https://api.example/.well-known/oauth-protected-resource"

func TestTableOfRefusals(t *testing.T) {
	t.Parallel()
	var told []tokens.Reason
	for _, row := range table {
		told = append(told, row.reason)
		t.Run(string(row.reason), func(t *testing.T) {
			t.Parallel()
			r := newRefusal(row.reason, errors.New("the cause, for operators"))
			if r.Reason() != row.reason || r.Code() != row.code || CodeOf(row.reason) != row.code || r.Text() != row.text || r.Hidden() {
				t.Errorf("got %s %s %q", r.Reason(), r.Code(), r.Text())
			}
			if !strings.Contains(r.Error(), "the cause, for operators") {
				t.Errorf("operators are told %q", r.Error())
			}
			plain, named := "Bearer", "Bearer resource_metadata=\""+metadataURL+"\""
			switch row.challenge {
			case "-":
				plain, named = "", ""
			case "":
			default:
				plain += " " + row.challenge
				named = plain + `, resource_metadata="` + metadataURL + `"`
			}
			if got := r.Challenge(); got != plain {
				t.Errorf("the challenge is %q, not %q", got, plain)
			}
			checkDetails(t, r, nil, plain, row.retry)
			r.metadata = metadataURL
			if got := r.Challenge(); got != named {
				t.Errorf("with resource metadata the challenge is %q, not %q", got, named)
			}
			checkDetails(t, r, nil, named, row.retry)
		})
	}
	if !slices.Equal(told, tokens.Reasons()) || len(codes) != len(told) {
		t.Errorf("the table has %d reasons, not those of tokens.Reasons", len(codes))
	}
}

// checkDetails holds the details to a reason, metadata, challenge, and whether to try again.
func checkDetails(t *testing.T, r *Refusal, metadata map[string]string, challenge string, retry bool) {
	t.Helper()
	for _, withChallenge := range []bool{false, true} {
		want := maps.Clone(metadata)
		if withChallenge && challenge != "" {
			if want == nil {
				want = map[string]string{}
			}
			want["www-authenticate"] = challenge
		}
		details := r.Details(withChallenge)
		info, ok := details[0].(*errdetails.ErrorInfo)
		if !ok || info.GetReason() != string(r.Reason()) || info.GetDomain() != "github.com/admitrpc/admit" || !maps.Equal(info.GetMetadata(), want) {
			t.Errorf("the info is %v, the metadata should be %v", details[0], want)
		}
		if ReasonOf(details) != r.Reason() {
			t.Errorf("clients read the reason %q", ReasonOf(details))
		}
		if len(details) != 1+map[bool]int{true: 1}[retry] {
			t.Fatalf("%d details", len(details))
		}
		if retry {
			if again, ok := details[1].(*errdetails.RetryInfo); !ok || again.GetRetryDelay().AsDuration() != time.Second {
				t.Errorf("the caller is told to come again %v", details[1])
			}
		}
	}
}

func TestWhatARuleDemandsIsTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		denial    policy.Denial
		challenge string
	}{
		{"scopes", policy.Denial{Reason: tokens.ReasonScopeMissing, Scopes: []string{"a:read", "b:read"}}, `Bearer error="insufficient_scope", scope="a:read b:read"`},
		{"quoted", policy.Denial{Reason: tokens.ReasonScopeMissing, Scopes: []string{`a"b`, `c\d`}}, `Bearer error="insufficient_scope", scope="a\"b c\\d"`},
		{
			"reverification", policy.Denial{Reason: tokens.ReasonReverificationRequired, Metadata: map[string]string{"level": "SECOND_FACTOR", "minutes": "10"}},
			`Bearer error="insufficient_user_authentication", max_age="600"`,
		},
		{"the most minutes", policy.Denial{Reason: tokens.ReasonReverificationRequired, Metadata: map[string]string{"minutes": "4294967295"}},
			`Bearer error="insufficient_user_authentication", max_age="257698037700"`},
		{"kinds", policy.Denial{Reason: tokens.ReasonTokenTypeNotAccepted, Metadata: map[string]string{"accepted": "api_key"}}, `Bearer error="invalid_token"`},
		{"permission", policy.Denial{Reason: tokens.ReasonPermissionMissing, Metadata: map[string]string{"missing": "permission"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := maps.Clone(test.denial.Metadata)
			r := refusalOf(policy.Decision{Denial: &test.denial})
			if got := r.Challenge(); got != test.challenge {
				t.Errorf("the challenge is %q, not %q", got, test.challenge)
			}
			checkDetails(t, r, test.denial.Metadata, test.challenge, false)
			if !maps.Equal(before, test.denial.Metadata) {
				t.Error("the rule's own metadata was changed")
			}
		})
	}
}

// Semantics 31: a hidden refusal and a handler's policy.NotFound are the same in everything that is sent.
func TestHiddenRefusalsAreAHandlersNotFound(t *testing.T) {
	t.Parallel()
	handler, ok := errors.AsType[*Refusal]((&Call{}).Finish(policy.NotFound()))
	if !ok {
		t.Fatal("policy.NotFound is no refusal")
	}
	for _, row := range table {
		if !policy.Hideable(row.reason) {
			continue
		}
		t.Run(string(row.reason), func(t *testing.T) {
			t.Parallel()
			r := refusalOf(policy.Decision{Ruling: policy.Ruling{Hidden: true}, Denial: &policy.Denial{
				Reason: row.reason, Scopes: []string{"a"}, Metadata: map[string]string{"minutes": "10"}, Demand: "a demand",
			}})
			r.metadata = metadataURL
			for _, each := range []*Refusal{r, handler} {
				if each.Code() != code.Code_NOT_FOUND || each.Text() != "not found" || !each.Hidden() || each.Challenge() != "" ||
					each.Details(false) != nil || each.Details(true) != nil {
					t.Errorf("%s %q %q %v", each.Code(), each.Text(), each.Challenge(), each.Details(true))
				}
			}
			if r.Reason() != row.reason || !strings.Contains(r.Error(), "a demand") {
				t.Errorf("operators are told %q", r.Error())
			}
		})
	}
}

func TestRefusalsThatNothingExplains(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*Refusal{
		"a decision without a denial": refusalOf(policy.Decision{}),
		"a reason of nobody":          newRefusal("SOMETHING", nil),
		"no reason":                   newRefusal("", nil),
	} {
		if r.Reason() != tokens.ReasonInternal || r.Code() != code.Code_INTERNAL || r.Text() != "internal error" || CodeOf("SOMETHING") != code.Code_INTERNAL {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func TestReasonOfReadsOurDomainAlone(t *testing.T) {
	t.Parallel()
	foreign := &errdetails.ErrorInfo{Reason: "TOKEN_EXPIRED", Domain: "example.com"}
	ours := &errdetails.ErrorInfo{Reason: "TOKEN_INVALID", Domain: Domain}
	for _, test := range []struct {
		name    string
		details []proto.Message
		want    tokens.Reason
	}{
		{"none", nil, ""},
		{"of another domain", []proto.Message{foreign}, ""},
		{"another detail", []proto.Message{&errdetails.RetryInfo{}}, ""},
		{"ours behind others", []proto.Message{&errdetails.RetryInfo{}, foreign, ours}, tokens.ReasonTokenInvalid},
	} {
		if got := ReasonOf(test.details); got != test.want {
			t.Errorf("%s: %q, not %q", test.name, got, test.want)
		}
	}
}

// A handler that returns a nil *Refusal as its error has failed, and does not panic.
func TestNilRefusal(t *testing.T) {
	t.Parallel()
	var none *Refusal
	if r := RefusalOf(none); r == nil || r.Reason() != tokens.ReasonInternal {
		t.Errorf("got %v", r)
	}
}
