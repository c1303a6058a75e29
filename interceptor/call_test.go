// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// A call inside a call is decided afresh, and masks the caller of the other.
func TestCallsInsideCalls(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t, standard, map[string]answer{"st_pending": pending()}), newWorld(t, standard, nil)
	outer := w.begun(t, t.Context(), "Session", "Bearer st_good")
	for _, test := range []struct {
		name          string
		world         *world
		method        string
		authorization []string
		refused       tokens.Reason
		subject       string
		ignored       tokens.Reason
	}{
		{"public without a credential", w, "Optional", nil, "", "", ""},
		{"public without a credential, another guard", other, "Optional", nil, "", "", ""},
		{"public, unread", w, "Unread", []string{"Bearer mt_good"}, "", "", ""},
		{"public with a pending session", w, "Optional", []string{"Bearer st_pending"}, "", "", tokens.ReasonSessionPending},
		{"public with a machine", w, "Optional", []string{"Bearer mt_good"}, "", "mch_1", ""},
		{"a session without a credential", w, "Session", nil, tokens.ReasonCredentialMissing, "", ""},
		{"a machine", w, "Machine", []string{"Bearer mt_good"}, "", "mch_1", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inner, refusal := test.world.call(outer, test.method, test.authorization...)
			if reasonOf(refusal) != test.refused {
				t.Fatalf("refused as %v", refusal)
			}
			if refusal != nil {
				return
			}
			caller, decided := tokens.FromContext(context.WithValue(inner, "key", "value")) //nolint:revive,staticcheck // Any will do.
			if caller.Subject() != test.subject || !decided || tokens.ReasonFromContext(inner) != test.ignored {
				t.Errorf("the caller is %q, decided %t, ignored %q", caller.Subject(), decided, tokens.ReasonFromContext(inner))
			}
			// What the handler demands, it demands of the inner caller.
			err := interceptor.Require(inner, policy.Session(policy.Permission("org:invoices:read")))
			if err == nil {
				t.Error("the inner caller is taken for the outer")
			}
		})
	}
	if caller, _ := tokens.FromContext(outer); caller.Subject() != "user_1" {
		t.Errorf("the outer caller is %q", caller.Subject())
	}
}

// The mark that a call was decided belongs to this guard, this procedure and this very call, and is given once.
func TestTake(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t, standard, nil), newWorld(t, standard, nil)
	type connection struct{ _ int }
	mine, another := &connection{}, &connection{}
	name := nameOf("Session")
	begin := func(t *testing.T, ctx context.Context, guard *world, identity any) *interceptor.Call { //nolint:revive // As testing does.
		t.Helper()
		call, refusal := guard.Begin(ctx, name, guard.Procedure(name, nil), &interceptor.Request{Authorization: []string{"Bearer st_good"}, Identity: identity})
		if refusal != nil {
			t.Fatal(refusal)
		}
		return call
	}
	for _, test := range []struct {
		name string
		take func(t *testing.T) (*interceptor.Call, bool)
		ok   bool
	}{
		{"its own", func(t *testing.T) (*interceptor.Call, bool) {
			return w.Take(begin(t, t.Context(), w, mine), name, mine)
		}, true},
		{"in a child context", func(t *testing.T) (*interceptor.Call, bool) {
			child, cancel := context.WithCancel(begin(t, t.Context(), w, mine))
			cancel()
			return w.Take(child, name, mine)
		}, true},
		{"a second time", func(t *testing.T) (*interceptor.Call, bool) {
			call := begin(t, t.Context(), w, mine)
			_, _ = w.Take(call, name, mine)
			return w.Take(call, name, mine)
		}, false},
		{"another procedure", func(t *testing.T) (*interceptor.Call, bool) {
			return w.Take(begin(t, t.Context(), w, mine), nameOf("Allowed"), mine)
		}, false},
		{"another call", func(t *testing.T) (*interceptor.Call, bool) {
			return w.Take(begin(t, t.Context(), w, mine), name, another)
		}, false},
		{"a call without identity", func(t *testing.T) (*interceptor.Call, bool) { return w.Take(begin(t, t.Context(), w, nil), name, mine) }, false},
		{"no identity", func(t *testing.T) (*interceptor.Call, bool) { return w.Take(begin(t, t.Context(), w, nil), name, nil) }, false},
		{"no identity, of one that has", func(t *testing.T) (*interceptor.Call, bool) { return w.Take(begin(t, t.Context(), w, mine), name, nil) }, false},
		{"another guard", func(t *testing.T) (*interceptor.Call, bool) {
			return other.Take(begin(t, t.Context(), w, mine), name, mine)
		}, false},
		{"through another guard's call", func(t *testing.T) (*interceptor.Call, bool) {
			return w.Take(begin(t, begin(t, t.Context(), w, mine), other, another), name, mine)
		}, true},
		{"no call", func(t *testing.T) (*interceptor.Call, bool) { return w.Take(t.Context(), name, mine) }, false},
		{"a forged caller", func(t *testing.T) (*interceptor.Call, bool) {
			caller, err := tokens.NewPrincipal(factsOf(tokens.SessionToken))
			if err != nil {
				t.Fatal(err)
			}
			return w.Take(tokens.NewContext(t.Context(), caller), name, mine)
		}, false},
		{"a forged call", func(t *testing.T) (*interceptor.Call, bool) { return w.Take(forged(t), name, mine) }, false},
		{"a forged key", func(t *testing.T) (*interceptor.Call, bool) {
			type callKey struct{ guard *interceptor.Guard }
			return w.Take(context.WithValue(t.Context(), callKey{w.Guard}, begin(t, t.Context(), w, mine)), name, mine)
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			call, ok := test.take(t)
			if ok != test.ok || (call != nil) != ok {
				t.Errorf("taken: %t, %v", ok, call)
			}
		})
	}
}

// forged is a call that no guard let begin.
func forged(t *testing.T) *interceptor.Call {
	t.Helper()
	caller, err := tokens.NewPrincipal(factsOf(tokens.SessionToken))
	if err != nil {
		t.Fatal(err)
	}
	return &interceptor.Call{Context: tokens.MakeContext(t.Context(), caller, "")}
}

// The nested call of an outer one that nobody took is not the outer one's to take.
func TestTakeFindsTheInnermostCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	name, one, two := nameOf("Optional"), new(int), new(int)
	outer, refusal := w.Begin(t.Context(), name, w.Procedure(name, nil), &interceptor.Request{Authorization: []string{"Bearer st_good"}, Identity: one})
	if refusal != nil {
		t.Fatal(refusal)
	}
	inner, refusal := w.Begin(outer, name, w.Procedure(name, nil), &interceptor.Request{Identity: two})
	if refusal != nil {
		t.Fatal(refusal)
	}
	if _, ok := w.Take(inner, name, one); ok {
		t.Error("the outer call is taken from the inner one's context")
	}
	if call, ok := w.Take(inner, name, two); !ok || call != inner {
		t.Error("the inner call is not taken")
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method, organization string
		refused                    tokens.Reason
		hidden                     bool
	}{
		{"no match to decide", "Session", "org_2", "", false},
		{"the caller's own", "Matched", "org_1", "", false},
		{"another's", "Matched", "org_2", tokens.ReasonOrganizationMismatch, false},
		{"absent", "Matched", "", tokens.ReasonOrganizationMismatch, false},
		{"another's, hidden", "Matching", "org_2", tokens.ReasonOrganizationMismatch, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, standard, nil)
			call := w.begun(t, t.Context(), test.method, "Bearer st_good")
			if call.NeedsMessages() != (test.method != "Session") {
				t.Errorf("needs messages: %t", call.NeedsMessages())
			}
			message := request(t, call, test.organization)
			refusal := call.Message(message)
			if reasonOf(refusal) != test.refused || refusal != nil && refusal.Hidden() != test.hidden {
				t.Fatalf("refused as %v", refusal)
			}
			own := errors.New("the handler's own")
			if refusal == nil {
				if organizationOf(message) != test.organization || call.Finish(nil) != nil || call.Finish(own) != own { //nolint:errorlint // The very same.
					t.Errorf("the message is %v, the answers %v and %v", message, call.Finish(nil), call.Finish(own))
				}
				return
			}
			if organizationOf(message) != "" {
				t.Errorf("a refused message reaches the handler: %v", message)
			}
			for _, err := range []error{nil, own, policy.NotFound()} { // whatever the handler makes of it
				if got := call.Finish(err); got != error(refusal) { //nolint:errorlint // The very same.
					t.Errorf("after %v the answer is %v", err, got)
				}
			}
			events := w.events.all()
			if len(events) != 2 || events[1].Refusal != refusal || !events[1].Message || events[1].Principal == nil || events[1].Grant != 1 {
				t.Errorf("the events are %+v", events)
			}
		})
	}
}

func TestMessagesThatTheRuleWasNotMadeFor(t *testing.T) {
	t.Parallel()
	foreign := fileOf(t, standard).Messages().Get(0) // the same name, from another file
	for name, message := range map[string]any{
		"nil": nil, "no message": "text", "of another type": &emptypb.Empty{}, "of another descriptor": newMessage(foreign),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, standard, nil)
			call := w.begun(t, t.Context(), "Matched", "Bearer st_good")
			if m, ok := message.(proto.Message); ok && name == "of another descriptor" {
				set(m, "org_1")
			}
			if refusal := call.Message(message); reasonOf(refusal) != tokens.ReasonInternal {
				t.Errorf("refused as %v", refusal)
			}
			if refusal := refusalIn(t, call.Finish(nil)); refusal.Reason() != tokens.ReasonInternal {
				t.Errorf("the answer is %v", refusal)
			}
		})
	}
}

// A call that had to decide its message and did not is a bug, and is told.
func TestFinishWithoutTheMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	call := w.begun(t, t.Context(), "Matched", "Bearer st_good")
	refusal := refusalIn(t, call.Finish(nil))
	if refusal.Reason() != tokens.ReasonInternal || refusal.Text() != "internal error" {
		t.Errorf("the answer is %v", refusal)
	}
	if events := w.events.all(); len(events) != 2 || events[1].Refusal != refusal {
		t.Errorf("nobody is told: %+v", events)
	}
	own := errors.New("could not read")
	if got := call.Finish(own); got != own { //nolint:errorlint // The very same.
		t.Errorf("the handler's error became %v", got)
	}
}

func TestFinish(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil, interceptor.WithResourceMetadata("https://api.example/meta"))
	call := w.begun(t, t.Context(), "Session", "Bearer st_good")
	_, other := w.call(t.Context(), "Session")
	required := interceptor.Require(call, policy.Session(policy.Permission("org:all:read")))
	own := errors.New("the handler's own")
	for _, test := range []struct {
		name string
		err  error
		code code.Code // of a refusal; OK where the error comes back as it is
	}{
		{"success", nil, code.Code_OK},
		{"the handler's own", own, code.Code_OK},
		{"its own, wrapped", fmt.Errorf("get: %w", own), code.Code_OK},
		{"its own context", context.Canceled, code.Code_OK},
		{"its verifier's", tokens.NewError(tokens.ReasonTokenExpired, nil), code.Code_OK},
		{"not found", policy.NotFound(), code.Code_NOT_FOUND},
		{"not found, wrapped", fmt.Errorf("get: %w", policy.NotFound()), code.Code_NOT_FOUND},
		{"not found, joined", errors.Join(own, policy.NotFound()), code.Code_NOT_FOUND},
		{"required", required, code.Code_PERMISSION_DENIED},
		{"required, wrapped", fmt.Errorf("get: %w", required), code.Code_PERMISSION_DENIED},
		{"required, joined", errors.Join(own, required), code.Code_PERMISSION_DENIED},
		{"a refusal of a call inside", fmt.Errorf("get: %w", other), code.Code_UNAUTHENTICATED},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := call.Finish(test.err)
			if test.code == code.Code_OK {
				if got != test.err { //nolint:errorlint // The very same.
					t.Errorf("%v became %v", test.err, got)
				}
				return
			}
			if refusal := refusalIn(t, got); refusal.Code() != test.code {
				t.Errorf("%v became %v", test.err, refusal)
			}
		})
	}
}
