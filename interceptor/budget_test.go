// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// What the guard allocates is a promise, and held here: one allocation for a call with a remembered credential, the call itself, and
// none for a message.
func TestAllocations(t *testing.T) { //nolint:paralleltest // Allocations are counted of the whole process.
	if raceEnabled {
		t.Skip("the race detector allocates; run without -race to check the budgets")
	}
	rules, err := policy.New(policy.Serve(fileOf(t, standard)))
	if err != nil {
		t.Fatal(err)
	}
	table, err := tokens.NewVerifiers(&fake{forms: everyForm(), answers: map[string]answer{"st_hour": until(time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := interceptor.New(rules, table) // an observer's allocations are its own
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	for _, test := range []struct {
		method, token string
	}{
		{"Session", "st_good"}, {"Session", "st_hour"}, {"Allowed", "st_good"}, {"Matched", "st_good"}, {"Any", "mt_good"}, {"Key", "ak_good"},
		{"Optional", "st_good"}, {"Optional", ""}, {"Unread", "st_good"},
	} {
		name := nameOf(test.method)
		p, values := guard.Procedure(name, nil), []string{"Bearer " + test.token}
		if test.token == "" {
			values = nil
		}
		run := func() {
			call, refusal := guard.Begin(t.Context(), name, p, &interceptor.Request{Authorization: values, Identity: guard})
			if refusal != nil || call.Finish(errOwn) != errOwn { //nolint:errorlint // The very same.
				t.Fatal(refusal)
			}
			if _, ok := guard.Take(call, name, guard); !ok {
				t.Fatal("not taken")
			}
		}
		if got := testing.AllocsPerRun(500, run); got > 1 {
			t.Errorf("%s with %q: %v allocations, and 1 at most is promised", test.method, test.token, got)
		}
	}
	for _, token := range []string{"st_good", "st_hour"} {
		name := nameOf("Session")
		call, refusal := guard.Begin(t.Context(), name, guard.Procedure(name, nil), &interceptor.Request{Authorization: []string{"Bearer " + token}})
		if refusal != nil {
			t.Fatal(refusal)
		}
		stream := call.Stream(func(any) error { return nil })
		var message proto.Message = request(t, call, "org_1")
		got := testing.AllocsPerRun(500, func() {
			if stream.Receive(message) != nil || stream.Send() != nil {
				t.Fatal("refused")
			}
		})
		if got > 0 {
			t.Errorf("a message and an answer with %s: %v allocations", token, got)
		}
		stream.Close()
	}
}

var errOwn = errors.New("the handler's own")
