// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// A wire is the transport's side of a stream: messages by organization, then their end.
type wire struct {
	messages chan string // closed: the client has sent all
	broken   chan struct{}
	taken    int // messages
}

var errBroken = errors.New("the transport's stream ended")

func newWire(organizations ...string) *wire {
	w := &wire{messages: make(chan string, 10), broken: make(chan struct{})}
	for _, organization := range organizations {
		w.messages <- organization
	}
	return w
}

func (w *wire) receive(message any) error {
	select {
	case organization, more := <-w.messages:
		if !more {
			return io.EOF
		}
		w.taken++
		proto.Reset(message.(proto.Message))
		if organization != "" {
			set(message.(proto.Message), organization)
		}
		return nil
	case <-w.broken:
		return errBroken
	}
}

// A step is what a handler does, and what comes of it.
type step struct {
	do   string        // "send", "end" of the client's messages, or the organization of a message
	want tokens.Reason // "" passes
	eof  bool          // Receive returns io.EOF
}

// Semantics 24, 26 and 33: what a handler receives and may send.
func TestStreams(t *testing.T) {
	t.Parallel()
	const mismatch, internal = tokens.ReasonOrganizationMismatch, tokens.ReasonInternal
	of := rulesWith("Confined", `allow { session_token {} match { field: "organization_id" equals: ORGANIZATION_ID absent: ADMITTED } }`)
	for _, test := range []struct {
		name, method string
		steps        []step
		finish       tokens.Reason // of a handler that ignores what it was told; "" is success
		events       int           // beside the first
	}{
		{"nothing to decide", "Session", []step{{"send", "", false}, {"org_2", "", false}, {"", "", false}, {"end", "", true}, {"send", "", false}}, "", 0},
		{"all the caller's own", "Matched", []step{{"org_1", "", false}, {"send", "", false}, {"org_1", "", false}, {"end", "", true}, {"send", "", false}}, "", 0},
		{"the first another's", "Matched", []step{{"org_2", mismatch, false}, {"org_1", mismatch, false}, {"send", mismatch, false}}, mismatch, 1},
		{"a later one another's", "Matched", []step{{"org_1", "", false}, {"org_2", mismatch, false}, {"org_1", mismatch, false}, {"send", mismatch, false}}, mismatch, 1},
		{"a later one empty", "Matched", []step{{"org_1", "", false}, {"", mismatch, false}}, mismatch, 1},
		{"sent before a message", "Matched", []step{{"send", internal, false}, {"org_1", internal, false}, {"send", internal, false}}, internal, 1},
		{"no message at all", "Matched", []step{{"end", mismatch, false}, {"send", mismatch, false}}, mismatch, 1},
		{"no message, where none need be", "Confined", []step{{"end", "", true}, {"send", "", false}, {"end", "", true}}, "", 0},
		{"nothing done", "Matched", nil, internal, 1},
		{"nothing done, nothing to decide", "Session", nil, "", 0},

		{"absent later", "Later", []step{{"org_1", "", false}, {"", "", false}, {"org_1", "", false}, {"", "", false}, {"end", "", true}}, "", 0},
		{"absent first", "Later", []step{{"", mismatch, false}}, mismatch, 1},
		{"no message, absent later", "Later", []step{{"end", mismatch, false}}, mismatch, 1},
		{"another's later", "Later", []step{{"org_1", "", false}, {"", "", false}, {"org_2", mismatch, false}, {"", mismatch, false}}, mismatch, 1},

		{"unsettled", "Handled", []step{{"org_1", "", false}, {"send", internal, false}, {"org_1", internal, false}}, internal, 1},
		{"unsettled, nothing sent", "Handled", []step{{"org_1", "", false}}, internal, 1},
		{"settled", "Handled", []step{{"settle", "", false}, {"send", "", false}, {"end", "", true}}, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for name, pumped := range map[string]bool{"with an end": true, "without an end": false} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					token := "Bearer st_good"
					if pumped {
						token = "Bearer st_hour"
					}
					w := newWorld(t, of, map[string]answer{"st_hour": until(time.Hour)})
					call, transport := w.begun(t, t.Context(), test.method, token), newWire()
					stream := call.Stream(transport.receive)
					defer stream.Close()
					for i, step := range test.steps {
						walk(t, i, step, call, stream, transport)
					}
					for _, err := range []error{nil, io.ErrUnexpectedEOF, policy.NotFound()} {
						if err != nil && test.finish == "" {
							continue
						}
						got := stream.Finish(err)
						if test.finish == "" {
							if got != nil {
								t.Errorf("answered %v", got)
							}
						} else if refusal := refusalIn(t, got); refusal.Reason() != test.finish {
							t.Errorf("answered %v", got)
						}
						if test.finish == internal { // where the handler fails of itself, that is the answer
							break
						}
					}
					if got := len(w.events.all()) - 1; got != test.events {
						t.Errorf("%d events: %+v", got, w.events.all())
					}
				})
			}
		})
	}
}

// walk takes a step of a handler that goes on whatever it is told.
func walk(t *testing.T, i int, step step, call *interceptor.Call, stream *interceptor.Stream, transport *wire) {
	t.Helper()
	var err error
	message := request(t, call, "junk of before")
	switch step.do {
	case "send":
		err = stream.Send()
	case "settle":
		err = interceptor.Settled(stream.Context())
	case "end":
		close(transport.messages)
		err = stream.Receive(message)
		transport.messages = make(chan string, 1)
		close(transport.messages)
	default:
		transport.messages <- step.do
		err = stream.Receive(message)
		if step.want == "" && organizationOf(message) != step.do {
			t.Errorf("step %d: the handler received %v", i, message)
		}
		if organizationOf(message) == "org_2" && step.want != "" {
			t.Errorf("step %d: a refused message reached the handler", i)
		}
		if step.want != "" && len(transport.messages) > 0 {
			<-transport.messages // unread, since the stream had ended
		}
	}
	switch {
	case step.eof:
		if !errors.Is(err, io.EOF) {
			t.Errorf("step %d: %v", i, err)
		}
	case step.want == "":
		if err != nil {
			t.Errorf("step %d: %v", i, err)
		}
	default:
		if err == nil || refusalIn(t, err).Reason() != step.want {
			t.Errorf("step %d: %v", i, err)
		}
		if cause := context.Cause(stream.Context()); !errors.Is(cause, err) {
			t.Errorf("step %d: the handler's context ended for %v", i, cause)
		}
	}
	if step.do == "end" && step.want == "" {
		transport.messages = make(chan string, 1)
	}
}

// A message that could not be received was not decided, and nothing of it reaches the handler (semantics 26).
func TestMessagesThatCannotBeReceived(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"st_good", "st_hour"} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, standard, map[string]answer{"st_hour": until(time.Hour)})
			call := w.begun(t, t.Context(), "Matched", "Bearer "+token)
			malformed := errors.New("malformed message")
			stream := call.Stream(func(message any) error {
				set(message.(proto.Message), "org_2")
				return malformed
			})
			defer stream.Close()
			message := request(t, call, "")
			if err := stream.Receive(message); !errors.Is(err, malformed) {
				t.Errorf("told %v", err)
			}
			if organizationOf(message) != "" {
				t.Errorf("the handler received %v", message)
			}
			if err := stream.Finish(malformed); !errors.Is(err, malformed) {
				t.Errorf("answered %v", err)
			}
			if err := stream.Send(); err == nil {
				t.Error("the handler may send, though nothing was decided")
			}
		})
	}
}

// A stream that ends while a message is received ends for that message too.
func TestAMessageOnTheWayWhenTheStreamEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	call := w.begun(t, t.Context(), "Matched", "Bearer st_good")
	var stream *interceptor.Stream
	stream = call.Stream(func(message any) error {
		set(message.(proto.Message), "org_1")
		if stream.Send() == nil { // as another goroutine of the handler does meanwhile
			t.Error("the handler may send before a message was decided")
		}
		return nil
	})
	defer stream.Close()
	message := request(t, call, "")
	if err := stream.Receive(message); err == nil || refusalIn(t, err).Reason() != tokens.ReasonInternal || organizationOf(message) != "" {
		t.Errorf("received %v, %v", message, err)
	}
}

// A caller who leaves ends the stream as the transport says, or as a caller who left.
func TestStreamsOfCallersWhoLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			name, token string
			want        string // of the answer
		}{
			{"without an end", "st_good", errBroken.Error()},
			{"with an end", "st_hour", "canceled"},
		} {
			w := newWorld(t, standard, map[string]answer{"st_hour": until(time.Hour)})
			ctx, leave := context.WithCancel(t.Context())
			call, transport := w.begun(t, ctx, "Session", "Bearer "+test.token), newWire()
			stream := call.Stream(transport.receive)
			told := make(chan error)
			go func() { told <- stream.Receive(request(t, call, "")) }()
			synctest.Wait()
			leave()
			if test.token == "st_good" {
				close(transport.broken) // as transports do; nothing else ends their receive
			}
			err := <-told
			if refusal, ok := errors.AsType[*interceptor.Refusal](err); ok {
				if refusal.Text() != test.want || refusal.Details(true) != nil || refusal.Reason() != "" {
					t.Errorf("%s: told %v", test.name, refusal)
				}
				if again := stream.Receive(request(t, call, "")); again != err { //nolint:errorlint // The very same.
					t.Errorf("%s: and then %v", test.name, again)
				}
			} else if err.Error() != test.want {
				t.Errorf("%s: told %v", test.name, err)
			}
			if got := stream.Finish(err); got != err { //nolint:errorlint // The very same.
				t.Errorf("%s: answered %v", test.name, got)
			}
			stream.Close()
			if test.token == "st_hour" {
				close(transport.broken)
			}
			if got := len(w.events.all()); got != 1 {
				t.Errorf("%s: %d events", test.name, got)
			}
		}
	})
}

func TestStreamsPastTheirDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_hour": until(time.Hour)})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		call, transport := w.begun(t, ctx, "Session", "Bearer st_hour"), newWire()
		stream := call.Stream(transport.receive)
		err := stream.Receive(request(t, call, ""))
		if refusal := refusalIn(t, err); refusal.Text() != "deadline exceeded" {
			t.Errorf("told %v", refusal)
		}
		stream.Close()
		close(transport.broken)
	})
}

// Streams that need no holding are left to the transport.
func TestBare(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, map[string]answer{"st_hour": until(time.Hour)})
	for _, test := range []struct {
		method, token string
		bare          bool
	}{
		{"Session", "st_good", true},
		{"Session", "st_hour", false},
		{"Optional", "st_good", true},
		{"Optional", "st_hour", false},
		{"Unread", "st_hour", true},
		{"Matched", "st_good", false},
		{"Handled", "st_good", false},
		{"Public", "st_good", false},
	} {
		if call := w.begun(t, t.Context(), test.method, "Bearer "+test.token); call.Bare() != test.bare {
			t.Errorf("%s with %s: %t", test.method, test.token, call.Bare())
		}
	}
}

// One goroutine sends while another receives and the credential ends; the race detector watches.
func TestStreamsFromTwoGoroutines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_ends": until(time.Second)})
		call, transport := w.begun(t, t.Context(), "Matched", "Bearer st_ends"), newWire()
		stream := call.Stream(transport.receive)
		var group sync.WaitGroup
		transport.messages <- "org_1"
		if err := stream.Receive(request(t, call, "")); err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			for stream.Send() == nil {
				time.Sleep(10 * time.Millisecond)
			}
		})
		group.Go(func() {
			for stream.Receive(request(t, call, "")) == nil {
				continue
			}
		})
		stop := make(chan struct{})
		var client sync.WaitGroup
		client.Go(func() {
			for {
				select {
				case transport.messages <- "org_1":
					time.Sleep(7 * time.Millisecond)
				case <-stop:
					return
				}
			}
		})
		group.Wait()
		if refusal := refusalIn(t, stream.Finish(nil)); refusal.Reason() != tokens.ReasonTokenExpired {
			t.Errorf("answered %v", refusal)
		}
		stream.Close()
		close(stop)
		client.Wait()
		close(transport.broken)
	})
}
