// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc/codes"
)

// A row is one call and what must become of it, over every transport.
type row struct {
	name      string
	method    string
	who       string   // a credential of the world
	values    []string // of the header authorization, where it is not one bearer token
	messages  []*admittestv1.GateRequest
	code      codes.Code
	reason    tokens.Reason // "" where the refusal is hidden, too
	text      string
	challenge string // a part of the header www-authenticate; "-" for none
	hits      int    // of the handler
	seen      []string
	kind      string // that the handler saw
	ignored   tokens.Reason
	phase     string // "message" where a message is refused and the handler's context must have ended
}

func msg(organization, action string) *admittestv1.GateRequest {
	return &admittestv1.GateRequest{OrganizationId: organization, Action: action}
}

func msgs(m ...*admittestv1.GateRequest) []*admittestv1.GateRequest { return m }

// refusals are the credentials that no method believes, with what is told.
var refusals = []struct {
	who       string
	values    []string
	reason    tokens.Reason
	challenge string
}{
	{who: none, reason: tokens.ReasonCredentialMissing, challenge: "Bearer"},
	{who: expired, reason: tokens.ReasonTokenExpired, challenge: `error="invalid_token"`},
	{who: early, reason: tokens.ReasonTokenNotYetValid, challenge: `error="invalid_token"`},
	{who: tampered, reason: tokens.ReasonTokenInvalid, challenge: `error="invalid_token"`},
	{who: foreign, reason: tokens.ReasonTokenInvalid, challenge: `error="invalid_token"`},
	{who: unknown, reason: tokens.ReasonTokenInvalid, challenge: `error="invalid_token"`},
	{who: junk, reason: tokens.ReasonCredentialMalformed, challenge: `error="invalid_request"`},
	{who: long, reason: tokens.ReasonCredentialMalformed, challenge: `error="invalid_request"`},
	{who: "two values", values: []string{"Bearer one-secret-value", "Bearer two-secret-value"}, reason: tokens.ReasonCredentialMalformed, challenge: `error="invalid_request"`},
	{who: "two values in one", values: []string{"Bearer one-secret-value, Bearer two-secret-value"}, reason: tokens.ReasonCredentialMalformed, challenge: `error="invalid_request"`},
	{who: "another scheme", values: []string{"Basic dXNlcjpzZWNyZXQ="}, reason: tokens.ReasonCredentialMalformed, challenge: `error="invalid_request"`},
	{who: "two spaces", values: []string{"Bearer  one-secret-value"}, reason: tokens.ReasonCredentialMalformed, challenge: `error="invalid_request"`},
	{who: "the scheme alone", values: []string{"Bearer"}, reason: tokens.ReasonCredentialMalformed, challenge: `error="invalid_request"`},
}

// rows is the one table that drives every transport.
func rows() []row {
	var all []row
	// Each bad credential, on each shape.
	for _, method := range []string{"SessionUnary", "SessionServer", "SessionClient", "SessionBidi"} {
		for _, r := range refusals {
			all = append(all, row{
				name: "not believed", method: method, who: r.who, values: r.values, messages: msgs(msg("", "must not arrive")),
				code: codes.Unauthenticated, reason: r.reason, challenge: r.challenge,
			})
		}
		all = append(all,
			row{name: "admitted", method: method, who: admin, messages: msgs(msg("", "hello")), hits: 1, seen: []string{"hello"}, kind: "session_token"},
			row{name: "kind", method: method, who: keyGood, code: codes.Unauthenticated, reason: tokens.ReasonTokenTypeNotAccepted, challenge: `error="invalid_token"`},
			row{name: "kind", method: method, who: robot, code: codes.Unauthenticated, reason: tokens.ReasonTokenTypeNotAccepted, challenge: `error="invalid_token"`},
			row{name: "pending", method: method, who: pending, code: codes.Unauthenticated, reason: tokens.ReasonSessionPending, challenge: `error="invalid_token"`},
			row{name: "permission", method: method, who: member, code: codes.PermissionDenied, reason: tokens.ReasonPermissionMissing, challenge: "-"},
		)
	}
	// What the request names, on each shape.
	for _, method := range []string{"BoundUnary", "BoundServer", "BoundClient", "BoundBidi"} {
		mismatch := row{
			method: method, who: member, code: codes.PermissionDenied, reason: tokens.ReasonOrganizationMismatch, challenge: "-", phase: "message",
		}
		with := func(name string, hits int, seen []string, messages ...*admittestv1.GateRequest) row {
			r := mismatch
			r.name, r.hits, r.seen, r.messages = name, hits, seen, messages
			return r
		}
		streams := method == "BoundClient" || method == "BoundBidi"
		started := 0
		if streams {
			started = 1 // the handler runs, but the message does not reach it
		}
		all = append(all,
			row{name: "own", method: method, who: member, messages: msgs(msg("org_1", "mine")), hits: 1, seen: []string{"mine"}, kind: "session_token"},
			with("another's", started, nil, msg("org_2", "must not arrive")),
			with("absent", started, nil, msg("", "must not arrive")),
			row{name: "no organization", method: method, who: personal, messages: msgs(msg("org_1", "must not arrive")), code: codes.PermissionDenied, reason: tokens.ReasonOrganizationMismatch, challenge: "-"},
		)
		if streams {
			all = append(all,
				with("second is another's", 1, []string{"mine"}, msg("org_1", "mine"), msg("org_2", "must not arrive")),
				with("no message", 1, nil),
			)
		}
	}
	return append(all, singles()...)
}

// singles are the rows of rules that one method shows.
func singles() []row {
	denied := func(name, method, who string, reason tokens.Reason, challenge string) row {
		return row{name: name, method: method, who: who, messages: msgs(msg("org_1", "must not arrive")), code: codes.PermissionDenied, reason: reason, challenge: challenge}
	}
	hidden := func(name, method, who string, messages ...*admittestv1.GateRequest) row {
		return row{name: name, method: method, who: who, messages: messages, code: codes.NotFound, text: "not found", challenge: "-"}
	}
	admitted := func(method, who, kind string, action string) row {
		return row{name: "admitted", method: method, who: who, messages: msgs(msg("org_1", action)), hits: 1, seen: []string{action}, kind: kind}
	}
	anonymous := func(who string, ignored tokens.Reason) row {
		return row{name: "public", method: "PublicUnary", who: who, messages: msgs(msg("", "hello")), hits: 1, seen: []string{"hello"}, ignored: ignored}
	}
	all := []row{
		admitted("PublicUnary", admin, "session_token", "hello"), admitted("PublicUnary", keyGood, "api_key", "hello"),
		anonymous(none, ""), anonymous(expired, tokens.ReasonTokenExpired), anonymous(tampered, tokens.ReasonTokenInvalid),
		anonymous(unknown, tokens.ReasonTokenInvalid), anonymous(junk, tokens.ReasonCredentialMalformed), anonymous(pending, tokens.ReasonSessionPending),
		anonymous(keyGone, tokens.ReasonTokenRevoked),
		{name: "public, two credentials", method: "PublicUnary", values: []string{"Bearer one-secret-value", "Bearer two-secret-value"}, code: codes.Unauthenticated, reason: tokens.ReasonCredentialMalformed, challenge: `error="invalid_request"`},
		{name: "unread", method: "UnreadUnary", who: admin, messages: msgs(msg("", "hello")), hits: 1, seen: []string{"hello"}},
		{name: "unread, two credentials", method: "UnreadUnary", values: []string{"Bearer one-secret-value", "Bearer two-secret-value"}, messages: msgs(msg("", "hello")), hits: 1, seen: []string{"hello"}},

		admitted("KeyUnary", keyGood, "api_key", "hello"),
		denied("scope", "KeyUnary", keyPoor, tokens.ReasonScopeMissing, `error="insufficient_scope", scope="gates:open"`),
		admitted("OAuthServer", oauth, "oauth_token", "hello"),
		denied("scope", "OAuthServer", oauthIll, tokens.ReasonScopeMissing, `scope="gates.open"`),
		admitted("MachineBidi", robot, "m2m_token", "hello"),
		denied("caller", "MachineBidi", machine, tokens.ReasonCallerNotAllowed, "-"),
		admitted("AnyUnary", admin, "session_token", "hello"), admitted("AnyUnary", oauthIll, "oauth_token", "hello"),
		admitted("AnyUnary", keyPoor, "api_key", "hello"), admitted("AnyUnary", machine, "m2m_token", "hello"),

		admitted("HiddenUnary", admin, "session_token", "hello"),
		hidden("permission, hidden", "HiddenUnary", member, msg("org_1", "must not arrive")),
		hidden("organization, hidden", "HiddenUnary", admin, msg("org_2", "must not arrive")),
		{name: "reverification alone is told", method: "HiddenUnary", who: stale, messages: msgs(msg("org_1", "must not arrive")), code: codes.PermissionDenied, reason: tokens.ReasonReverificationRequired, challenge: `error="insufficient_user_authentication", max_age="600"`},
		{name: "no credential is told", method: "HiddenUnary", messages: msgs(msg("org_1", "must not arrive")), code: codes.Unauthenticated, reason: tokens.ReasonCredentialMissing, challenge: "Bearer"},
		{name: "handler says not found", method: "HiddenUnary", who: admin, messages: msgs(msg("org_1", actNotFound)), code: codes.NotFound, text: "not found", challenge: "-", hits: 1, seen: []string{actNotFound}},
		{name: "own error", method: "AnyUnary", who: admin, messages: msgs(msg("", actOwnError)), code: codes.Unknown, text: errOwn.Error(), challenge: "-", hits: 1, seen: []string{actOwnError}},

		{name: "left to the handler", method: "HandlerUnary", who: admin, messages: msgs(msg("", actRequire)), hits: 1, seen: []string{actRequire}, kind: "session_token"},
		{name: "left to the handler", method: "HandlerUnary", who: member, messages: msgs(msg("", actSettle)), hits: 1, seen: []string{actSettle}, kind: "session_token"},
		{name: "required by the handler", method: "HandlerUnary", who: member, messages: msgs(msg("", actRequire)), code: codes.PermissionDenied, reason: tokens.ReasonPermissionMissing, challenge: "-", hits: 1, seen: []string{actRequire}},
		{name: "forgotten by the handler", method: "HandlerUnary", who: admin, messages: msgs(msg("", "forget")), code: codes.Internal, reason: tokens.ReasonInternal, challenge: "-", hits: 1, seen: []string{"forget"}},
		{name: "left to the handler", method: "HandlerServer", who: admin, messages: msgs(msg("", actRequire)), hits: 1, seen: []string{actRequire}, kind: "session_token"},
		{name: "forgotten by the handler", method: "HandlerServer", who: admin, messages: msgs(msg("", "forget")), code: codes.Internal, reason: tokens.ReasonInternal, challenge: "-", hits: 1, seen: []string{"forget"}},

		{name: "named once", method: "NamedClient", who: member, messages: msgs(msg("org_1", "a"), msg("", "b"), msg("org_1", "c")), hits: 1, seen: []string{"a", "b", "c"}, kind: "session_token"},
		{name: "never named", method: "NamedClient", who: member, messages: msgs(msg("", "must not arrive")), code: codes.PermissionDenied, reason: tokens.ReasonOrganizationMismatch, challenge: "-", hits: 1, phase: "message"},
		{name: "another named later", method: "NamedClient", who: member, messages: msgs(msg("org_1", "a"), msg("org_2", "must not arrive")), code: codes.PermissionDenied, reason: tokens.ReasonOrganizationMismatch, challenge: "-", hits: 1, seen: []string{"a"}, phase: "message"},

		denied("not served", "Open", admin, tokens.ReasonRuleMissing, "-"), denied("not served", "Open", none, tokens.ReasonRuleMissing, "-"),
		denied("not served", "Stream", admin, tokens.ReasonRuleMissing, "-"),
	}
	bidi := hidden("organization, hidden", "HiddenBidi", member, msg("org_2", "must not arrive"))
	bidi.hits, bidi.phase = 1, "message"
	all = append(all, bidi)
	for _, who := range []string{keyGone, keyWrong, keyTypo} {
		reason := tokens.ReasonTokenInvalid
		if who == keyGone {
			reason = tokens.ReasonTokenRevoked
		}
		all = append(all, row{name: "key", method: "KeyUnary", who: who, code: codes.Unauthenticated, reason: reason, challenge: `error="invalid_token"`})
	}
	return all
}

func TestTable(t *testing.T) {
	w := newWorld(t)
	secrets.add("the value of a refused header", "one-secret-value")
	secrets.add("the value of a refused header", "two-secret-value")
	cases := 0
	for _, transport := range transports {
		for _, r := range rows() {
			name := fmt.Sprintf("%s/%s/%s/%s", transport.name, r.method, r.name, r.who)
			for _, cached := range []string{"first", "again"} { // the second call finds the credential in the cache
				cases++
				t.Run(name+"/"+cached, func(t *testing.T) { checkRow(t, w, transport, r) })
			}
		}
	}
	t.Logf("%d cases", cases)
	if cases < 600 {
		t.Errorf("the table has shrunk to %d cases", cases)
	}
}

func checkRow(t *testing.T, w *world, transport transport, r row) {
	t.Helper()
	w.gate.state(r.method)
	authorization := r.values
	if authorization == nil {
		authorization = bearer(w.credent[r.who])
	}
	got := transport.call(within(t, 20*time.Second), w, r.method, authorization, r.messages)
	if got.code != r.code || got.reason != r.reason {
		t.Fatalf("got %s %s (%v), want %s %s", got.code, got.reason, got.err, r.code, r.reason)
	}
	hits, seen, ended := settledState(w, r)
	if hits != r.hits || !slices.Equal(seen, r.seen) {
		t.Errorf("the handler ran %d times and saw %q; want %d and %q", hits, seen, r.hits, r.seen)
	}
	if got.err != nil {
		checkRefusal(t, got, r)
	}
	if r.phase == "message" && r.hits > 0 && ended == nil {
		t.Error("the handler's context did not end with the refused message")
	}
	if r.code == codes.OK {
		checkAdmitted(t, got, r)
	}
}

// settledState waits for the handler to have returned: a client may see the answer first.
func settledState(w *world, r row) (int, []string, error) {
	deadline := time.Now().Add(5 * time.Second)
	for {
		w.gate.mu.Lock()
		_, returned := w.gate.ended[r.method]
		streaming := shape(r.method).IsStreamingClient() && w.gate.hits[r.method] > 0
		w.gate.mu.Unlock()
		if !streaming || returned || time.Now().After(deadline) {
			return w.gate.state(r.method)
		}
		time.Sleep(time.Millisecond)
	}
}

func checkRefusal(t *testing.T, got outcome, r row) {
	t.Helper()
	want := r.text
	if want == "" {
		want = r.reason.Text()
	}
	if got.text != want {
		t.Errorf("the text is %q, want %q", got.text, want)
	}
	if r.reason == "" && got.details != 0 {
		t.Errorf("a hidden refusal has %d details", got.details)
	}
	challenge := got.challenge
	if challenge == "" && r.challenge != "-" {
		challenge = challengeInDetails(got.err)
	}
	switch r.challenge {
	case "-":
		if challenge != "" {
			t.Errorf("the challenge is %q, want none", challenge)
		}
	default:
		if !strings.HasPrefix(challenge, "Bearer") || !strings.Contains(challenge, r.challenge) {
			t.Errorf("the challenge is %q, want %q", challenge, r.challenge)
		}
	}
	_, _ = fmt.Fprintf(&output, "%v %v %v\n", got.err, got.header, got.challenge)
}

func checkAdmitted(t *testing.T, got outcome, r row) {
	t.Helper()
	if len(got.responses) == 0 {
		t.Fatal("no response")
	}
	last := got.responses[len(got.responses)-1]
	if last.GetKind() != r.kind || last.GetIgnored() != string(r.ignored) {
		t.Errorf("the handler saw kind %q and ignored %q; want %q and %q", last.GetKind(), last.GetIgnored(), r.kind, r.ignored)
	}
}
