// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// jwtOf is a JWT of an issuer that nobody declared: {"alg":"none"} and {"iss":"x"}.
const jwtOf = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.e30"

// credentials are what callers present: what becomes of each where a session is demanded, and what where a credential is optional.
var credentials = []struct {
	name    string
	values  []string
	refused tokens.Reason // by allow { session_token {} }; "" is admitted
	public  tokens.Reason // by public {}; "" is admitted
	ignored tokens.Reason // readable by the handler of a public procedure
	caller  bool          // is known to the handler of a public procedure
	calls   int64         // of the verifier, where a session is demanded
	always  bool          // the verifier is called for every kind alike, so public costs the calls too
}{
	{"none", nil, tokens.ReasonCredentialMissing, "", "", false, 0, true},
	{"a good session", []string{"Bearer st_good"}, "", "", "", true, 1, true},
	{"a scheme in capitals", []string{"BEARER st_good"}, "", "", "", true, 1, true},
	{"a pending session", []string{"Bearer st_pending"}, tokens.ReasonSessionPending, "", tokens.ReasonSessionPending, false, 1, true},
	{"an expired session", []string{"Bearer st_over"}, tokens.ReasonTokenExpired, "", tokens.ReasonTokenExpired, false, 1, true},
	{"a key", []string{"Bearer ak_good"}, tokens.ReasonTokenTypeNotAccepted, "", "", true, 0, false},
	{"a bad key", []string{"Bearer ak_bad"}, tokens.ReasonTokenTypeNotAccepted, "", tokens.ReasonTokenInvalid, false, 0, false},
	{"an OAuth token", []string{"Bearer oat_good"}, tokens.ReasonTokenTypeNotAccepted, "", "", true, 0, false},
	{"a machine", []string{"Bearer mt_good"}, tokens.ReasonTokenTypeNotAccepted, "", "", true, 0, false},

	{"two values", []string{"Bearer st_good", "Bearer st_good"}, tokens.ReasonCredentialMalformed, tokens.ReasonCredentialMalformed, "", false, 0, true},
	{"two values, one empty", []string{"Bearer st_good", ""}, tokens.ReasonCredentialMalformed, tokens.ReasonCredentialMalformed, "", false, 0, true},
	{"two in one value", []string{"Bearer st_good, Bearer st_good"}, tokens.ReasonCredentialMalformed, tokens.ReasonCredentialMalformed, "", false, 0, true},
	{"two of two schemes", []string{"Basic YTpi, Bearer st_good"}, tokens.ReasonCredentialMalformed, tokens.ReasonCredentialMalformed, "", false, 0, true},
	{"another scheme", []string{"Basic YTpi"}, tokens.ReasonCredentialMalformed, "", tokens.ReasonCredentialMalformed, false, 0, true},
	{"DPoP", []string{"DPoP st_good"}, tokens.ReasonCredentialMalformed, "", tokens.ReasonCredentialMalformed, false, 0, true},
	{"an empty value", []string{""}, tokens.ReasonCredentialMalformed, "", tokens.ReasonCredentialMalformed, false, 0, true},
	{"a scheme alone", []string{"Bearer "}, tokens.ReasonCredentialMalformed, "", tokens.ReasonCredentialMalformed, false, 0, true},
	{"two spaces", []string{"Bearer  st_good"}, tokens.ReasonCredentialMalformed, "", tokens.ReasonCredentialMalformed, false, 0, true},
	{"a space behind", []string{"Bearer st_good "}, tokens.ReasonCredentialMalformed, "", tokens.ReasonCredentialMalformed, false, 0, true},
	{"a control character", []string{"Bearer st_\x00good"}, tokens.ReasonCredentialMalformed, "", tokens.ReasonCredentialMalformed, false, 0, true},
	{"another alphabet", []string{"Bearer st_gööd"}, tokens.ReasonCredentialMalformed, "", tokens.ReasonCredentialMalformed, false, 0, true},
	{"too long", []string{"Bearer st_" + strings.Repeat("a", tokens.MaxCredential)}, tokens.ReasonCredentialMalformed, "",
		tokens.ReasonCredentialMalformed, false, 0, true},

	{"an unknown form", []string{"Bearer unknown"}, tokens.ReasonTokenInvalid, "", tokens.ReasonTokenInvalid, false, 0, true},
	{"a form in capitals", []string{"Bearer ST_good"}, tokens.ReasonTokenInvalid, "", tokens.ReasonTokenInvalid, false, 0, true},
	{"a JWT of nobody", []string{"Bearer " + jwtOf}, tokens.ReasonTokenInvalid, "", tokens.ReasonTokenInvalid, false, 0, true},

	{"invalid", []string{"Bearer st_TOKEN_INVALID"}, tokens.ReasonTokenInvalid, "", tokens.ReasonTokenInvalid, false, 1, true},
	{"expired", []string{"Bearer st_TOKEN_EXPIRED"}, tokens.ReasonTokenExpired, "", tokens.ReasonTokenExpired, false, 1, true},
	{"not yet valid", []string{"Bearer st_TOKEN_NOT_YET_VALID"}, tokens.ReasonTokenNotYetValid, "", tokens.ReasonTokenNotYetValid, false, 1, true},
	{"revoked", []string{"Bearer st_TOKEN_REVOKED"}, tokens.ReasonTokenRevoked, "", tokens.ReasonTokenRevoked, false, 1, true},
	{"malformed to the verifier", []string{"Bearer st_CREDENTIAL_MALFORMED"}, tokens.ReasonCredentialMalformed, "",
		tokens.ReasonCredentialMalformed, false, 1, true},
	{"rate limited", []string{"Bearer st_RATE_LIMITED"}, tokens.ReasonRateLimited, tokens.ReasonRateLimited, "", false, 1, true},
	{"unavailable", []string{"Bearer st_VERIFIER_UNAVAILABLE"}, tokens.ReasonVerifierUnavailable, tokens.ReasonVerifierUnavailable, "", false, 1, true},
	{"internal", []string{"Bearer st_INTERNAL"}, tokens.ReasonInternal, tokens.ReasonInternal, "", false, 1, true},
}

// everyReason are answers "st_REASON" for each reason, and those of the table above.
func everyReason() map[string]answer {
	answers := map[string]answer{"st_pending": pending(), "st_over": until(-1)}
	for _, reason := range tokens.Reasons() {
		answers["st_"+string(reason)] = refuse(tokens.NewError(reason, errors.New("the fake says so")))
	}
	return answers
}

// Semantics 2, 3 and 5.
func TestBegin(t *testing.T) {
	t.Parallel()
	for _, test := range credentials {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			t.Run("grant", func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, standard, everyReason())
				call, refusal := w.call(t.Context(), "Session", test.values...)
				check(t, w, call, refusal, want{refused: test.refused, caller: test.refused == "", calls: test.calls})
				if refusal == nil {
					return
				}
				for _, value := range test.values {
					if _, token, ok := strings.Cut(value, " "); ok && token != "" && strings.Contains(refusal.Error(), token) {
						t.Errorf("the error has the credential: %v", refusal)
					}
				}
			})
			t.Run("optional", func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, standard, everyReason())
				call, refusal := w.call(t.Context(), "Optional", test.values...)
				calls := test.calls
				if !test.always {
					calls = 1
				}
				check(t, w, call, refusal, want{refused: test.public, ignored: test.ignored, caller: test.caller, calls: calls})
			})
			t.Run("unread", func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, standard, everyReason())
				call, refusal := w.call(t.Context(), "Unread", test.values...)
				check(t, w, call, refusal, want{})
			})
			t.Run("not served", func(t *testing.T) { // semantics 1
				t.Parallel()
				w := newWorld(t, standard, everyReason())
				call, refusal := w.Begin(t.Context(), "/test.v1.Tests/Unserved", w.Procedure("/test.v1.Tests/Unserved", nil),
					&interceptor.Request{Authorization: test.values})
				check(t, w, call, refusal, want{refused: tokens.ReasonRuleMissing})
			})
		})
	}
}

type want struct {
	refused, ignored tokens.Reason
	caller           bool
	calls            int64
}

func check(t *testing.T, w *world, call *interceptor.Call, refusal *interceptor.Refusal, want want) {
	t.Helper()
	if (call == nil) == (refusal == nil) {
		t.Fatalf("not exactly one of call and refusal: %v, %v", call, refusal)
	}
	if got := reasonOf(refusal); got != want.refused {
		t.Fatalf("refused with %q, not %q: %v", got, want.refused, refusal)
	}
	if got := w.verifier.calls.Load(); got != want.calls {
		t.Errorf("%d calls of the verifier, not %d", got, want.calls)
	}
	events := w.events.all()
	if len(events) != 1 || events[0].Refusal != refusal || events[0].Ignored != want.ignored || events[0].Message {
		t.Errorf("the events are %+v", events)
	}
	if refusal != nil {
		return
	}
	principal, decided := tokens.FromContext(call)
	if !decided || (principal != nil) != want.caller {
		t.Errorf("the handler sees the caller %v, decided %t", principal, decided)
	}
	if got := tokens.ReasonFromContext(call); got != want.ignored {
		t.Errorf("the handler reads the reason %q, not %q", got, want.ignored)
	}
	if events[0].Principal != principal {
		t.Errorf("the observer sees the caller %v", events[0].Principal)
	}
}

// Semantics 3: a kind without a verifier is an unknown form, whatever its prefix.
func TestBeginWithoutAVerifierOfTheKind(t *testing.T) {
	t.Parallel()
	rules, err := policy.New(policy.Serve(fileOf(t, rules{"Session": standard["Session"], "Any": standard["Any"]})))
	if err != nil {
		t.Fatal(err)
	}
	verifier := &fake{forms: everyForm()[:1]}
	table, err := tokens.NewVerifiers(verifier)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := interceptor.New(rules, table)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	for _, method := range []string{"Session", "Any"} {
		for _, token := range []string{"mt_good", "ak_good", "oat_good"} {
			name := nameOf(method)
			_, refusal := guard.Begin(t.Context(), name, guard.Procedure(name, nil), &interceptor.Request{Authorization: []string{"Bearer " + token}})
			if reasonOf(refusal) != tokens.ReasonTokenInvalid || verifier.calls.Load() != 0 {
				t.Errorf("%s with %s: %v", method, token, refusal)
			}
		}
	}
}

// Semantics 2: which kind is accepted is asked on a cache hit as on a miss.
func TestTheKindIsAskedOnAHitToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	accepted := map[string][]string{
		"Session": {"st_good"}, "Key": {"ak_good"}, "Machine": {"mt_good"}, "Any": {"st_good", "oat_good", "ak_good", "mt_good"},
		"Optional": {"st_good", "oat_good", "ak_good", "mt_good"},
	}
	all := accepted["Any"]
	for _, token := range all {
		w.begun(t, t.Context(), "Optional", "Bearer "+token)
	}
	if got := w.verifier.calls.Load(); got != int64(len(all)) {
		t.Fatalf("%d calls of the verifier", got)
	}
	for method, tokensOf := range accepted {
		for _, token := range all {
			_, refusal := w.call(t.Context(), method, "Bearer "+token)
			want := tokens.ReasonTokenTypeNotAccepted
			if slices.Contains(tokensOf, token) {
				want = ""
			}
			if got := reasonOf(refusal); got != want {
				t.Errorf("%s with %s: %q, not %q", method, token, got, want)
			}
		}
	}
	if got := w.verifier.calls.Load(); got != int64(len(all)) {
		t.Errorf("%d calls of the verifier: the cache was not asked", got)
	}
	_, refusal := w.call(t.Context(), "Session", "Bearer ak_good")
	if got := refusal.Challenge(); got != `Bearer error="invalid_token"` {
		t.Errorf("the challenge is %q", got)
	}
}

// What a rule demands of the principal is decided anew on every call, hit or not (SEC-73).
func TestDecisionsAreNotCached(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	for range 2 {
		w.begun(t, t.Context(), "Allowed", "Bearer st_good")
		_, refusal := w.call(t.Context(), "Hidden", "Bearer st_good")
		if reasonOf(refusal) != tokens.ReasonPermissionMissing || !refusal.Hidden() || refusal.Text() != "not found" {
			t.Errorf("refused as %v", refusal)
		}
		if _, refusal = w.call(t.Context(), "Hidden"); reasonOf(refusal) != tokens.ReasonCredentialMissing || refusal.Hidden() {
			t.Errorf("an anonymous caller is told %v", refusal)
		}
	}
}

func TestTheVerifierIsToldOfTheCall(t *testing.T) {
	t.Parallel()
	var got tokens.Credential
	w := newWorld(t, standard, map[string]answer{"st_watched": func(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
		got = credential
		return tokens.NewPrincipal(factsOf(tokens.SessionToken))
	}})
	state := &tls.ConnectionState{}
	_, refusal := w.Begin(t.Context(), "as the transport knows it", w.Procedure(nameOf("Session"), nil), &interceptor.Request{
		Authorization: []string{"Bearer st_watched"}, Peer: "192.0.2.1:1", TLS: func(context.Context) *tls.ConnectionState { return state },
	})
	if refusal != nil {
		t.Fatal(refusal)
	}
	if got.Procedure != nameOf("Session") || got.Peer != "192.0.2.1:1" || got.TLS != state || got.Fresh || got.Form.Kind != tokens.SessionToken {
		t.Errorf("the verifier was given %+v", got)
	}
	if event := w.events.last(t); event.Name != "as the transport knows it" || event.Kind != tokens.SessionToken || event.Grant != 1 {
		t.Errorf("the event is %+v", event)
	}
}

// A guard that nobody made refuses (DESIGN: zero means no).
func TestZeroGuardsRefuse(t *testing.T) {
	t.Parallel()
	real := newWorld(t, standard, nil)
	for name, guard := range map[string]*interceptor.Guard{"nil": nil, "zero": {}} {
		for _, method := range []string{"Session", "Optional", "Unread", "Unserved"} {
			call, refusal := guard.Begin(t.Context(), nameOf(method), real.Procedure(nameOf(method), nil), &interceptor.Request{})
			if call != nil || reasonOf(refusal) != tokens.ReasonInternal {
				t.Errorf("%s guard, %s: %v", name, method, refusal)
			}
		}
		if guard.Procedure(nameOf("Session"), nil) != nil || guard.Rules() != nil {
			t.Errorf("the %s guard has rules", name)
		}
		if _, ok := guard.Take(t.Context(), nameOf("Session"), &real); ok {
			t.Errorf("the %s guard knows a call", name)
		}
		guard.Close()
	}
}

// No request at all is one without a credential.
func TestNilRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	for method, want := range map[string]tokens.Reason{"Session": tokens.ReasonCredentialMissing, "Optional": "", "Unread": ""} {
		call, refusal := w.Begin(t.Context(), nameOf(method), w.Procedure(nameOf(method), nil), nil)
		if reasonOf(refusal) != want || (call == nil) != (refusal != nil) {
			t.Errorf("%s: %v", method, refusal)
		}
	}
}
