// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// Semantics 34: a stream ends with its credential, at expiry + skew + outlive, also while its handler is blocked in Receive.
func TestStreamsEndWithTheirCredential(t *testing.T) {
	t.Parallel()
	const life, skew = time.Minute, 5 * time.Second
	for _, test := range []struct {
		name, method, token string
		after               time.Duration
	}{
		{"a session", "Session", "st_ends", life + skew},
		{"a session whose messages are decided", "Matched", "st_ends", life + skew},
		{"a session on a public procedure", "Optional", "st_ends", life + skew},
		{"a machine", "Machine", "mt_ends", life + skew},
		{"a machine that may outlive its token", "Outlive", "mt_ends", life + skew + time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, standard, map[string]answer{"st_ends": withSkew(life, skew), "mt_ends": withSkew(life, skew)},
					interceptor.WithCache(10, time.Hour))
				began := time.Now()
				call, transport := w.begun(t, t.Context(), test.method, "Bearer "+test.token), newWire("org_1")
				stream := call.Stream(transport.receive)
				first := request(t, call, "")
				if err := stream.Receive(first); err != nil || organizationOf(first) != "org_1" {
					t.Fatalf("received %v, %v", first, err)
				}
				blocked := request(t, call, "")
				err := stream.Receive(blocked)
				refusal := refusalIn(t, err)
				if at := time.Since(began); at != test.after || refusal.Reason() != tokens.ReasonTokenExpired {
					t.Errorf("ended after %s, not %s, with %v", at, test.after, refusal)
				}
				if context.Cause(stream.Context()) != err || stream.Context().Err() == nil { //nolint:errorlint // The very same.
					t.Errorf("the handler's context ended for %v", context.Cause(stream.Context()))
				}
				for name, got := range map[string]error{
					"Receive": stream.Receive(request(t, call, "")), "Send": stream.Send(),
					"Finish": stream.Finish(nil), "Finish with an error": stream.Finish(context.Canceled),
				} {
					if got != err { //nolint:errorlint // The very same.
						t.Errorf("%s is told %v", name, got)
					}
				}
				if events := w.events.all(); len(events) != 2 || events[1].Refusal != refusal || !events[1].Message || events[1].Principal == nil {
					t.Errorf("the events are %+v", events)
				}
				if _, again := w.call(t.Context(), test.method, "Bearer "+test.token); test.method != "Optional" && reasonOf(again) != tokens.ReasonTokenExpired {
					t.Errorf("a new call is told %v", again)
				}
				stream.Close()
				// The receive that was left behind gets a message now. It belongs to the transport's goroutine, and nobody waits for it.
				transport.messages <- "org_1"
				synctest.Wait()
				if transport.taken != 2 {
					t.Errorf("%d messages were taken", transport.taken)
				}
				// The bubble fails if the goroutine that received is not gone.
			})
		})
	}
}

// Nothing reaches the handler after the end, even if it was there before.
func TestNoMessageAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_ends": until(time.Minute)})
		call, transport := w.begun(t, t.Context(), "Session", "Bearer st_ends"), newWire("org_1", "org_1", "org_1")
		stream := call.Stream(transport.receive)
		defer stream.Close()
		if err := stream.Receive(request(t, call, "")); err != nil {
			t.Fatal(err)
		}
		select { // the handler is busy, and watches its context
		case <-stream.Context().Done():
		case <-time.After(time.Hour):
			t.Fatal("the handler's context does not end")
		}
		message := request(t, call, "")
		if err := stream.Receive(message); err == nil || refusalIn(t, err).Reason() != tokens.ReasonTokenExpired {
			t.Errorf("told %v", err)
		}
		if organizationOf(message) != "" || transport.taken != 1 {
			t.Errorf("received %v, %d taken", message, transport.taken)
		}
	})
}

// A message that the transport had in hand when the credential ended does not reach the handler either.
func TestAMessageThatArrivesTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_ends": until(time.Minute)})
		for _, method := range []string{"Session", "Matched"} {
			call := w.begun(t, t.Context(), method, "Bearer st_ends")
			var handed atomic.Bool
			stream := call.Stream(func(message any) error {
				time.Sleep(time.Minute + 1) // a slow message; it is not the transport's to know when the credential ends
				set(message.(proto.Message), "org_1")
				handed.Store(true)
				return nil
			})
			if err := stream.Receive(request(t, call, "")); err == nil || refusalIn(t, err).Reason() != tokens.ReasonTokenExpired || handed.Load() {
				t.Errorf("%s: told %v", method, err)
			}
			time.Sleep(1)
			synctest.Wait()
			if !handed.Load() {
				t.Errorf("%s: the transport's receive did not go on", method)
			}
			if err := stream.Receive(request(t, call, "")); err == nil {
				t.Errorf("%s: the late message was received", method)
			}
			stream.Close()
			w = newWorld(t, standard, map[string]answer{"st_ends": until(time.Minute)})
		}
	})
}

// The first refusal counts, and it alone is told.
func TestTheFirstRefusalCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_ends": until(time.Minute)})
		call, transport := w.begun(t, t.Context(), "Matched", "Bearer st_ends"), newWire("org_2")
		stream := call.Stream(transport.receive)
		err := stream.Receive(request(t, call, ""))
		time.Sleep(time.Hour)
		if got := stream.Finish(nil); got != err || refusalIn(t, got).Reason() != tokens.ReasonOrganizationMismatch { //nolint:errorlint // The very same.
			t.Errorf("answered %v", got)
		}
		stream.Close()
		if events := w.events.all(); len(events) != 2 {
			t.Errorf("the events are %+v", events)
		}
	})
}

// Closed streams do not end again.
func TestCloseEndsTheTimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_ends": until(time.Minute)})
		call := w.begun(t, t.Context(), "Session", "Bearer st_ends")
		stream := call.Stream(newWire().receive) // nothing is received, so nothing is started
		if err := stream.Finish(nil); err != nil {
			t.Error(err)
		}
		stream.Close()
		time.Sleep(time.Hour)
		if events := w.events.all(); len(events) != 1 {
			t.Errorf("the events are %+v", events)
		}
		if stream.Context().Err() == nil {
			t.Error("the handler's context goes on")
		}
	})
}

// A credential that ended between its decision and its stream ends the stream at once.
func TestStreamsThatBeginTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_ends": until(time.Minute)})
		call, transport := w.begun(t, t.Context(), "Session", "Bearer st_ends"), newWire()
		time.Sleep(time.Hour)
		stream := call.Stream(transport.receive)
		if err := stream.Receive(request(t, call, "")); err == nil || refusalIn(t, err).Reason() != tokens.ReasonTokenExpired {
			t.Errorf("told %v", err)
		}
		stream.Close()
		close(transport.broken)
	})
}

// A call that began before its credential ended, and is not a stream, goes on: it was decided.
func TestCallsThatAreNoStreamsAreDecidedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_ends": until(time.Minute)})
		call := w.begun(t, t.Context(), "Matched", "Bearer st_ends")
		time.Sleep(time.Hour)
		var refusal *interceptor.Refusal = call.Message(request(t, call, "org_1")) //nolint:revive // The type is the point: a nil pointer, no error.
		if refusal != nil || call.Finish(nil) != nil || call.Err() != nil {
			t.Errorf("refused as %v", refusal)
		}
	})
}
