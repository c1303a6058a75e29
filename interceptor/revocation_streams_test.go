// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/revocation"
)

// Semantics 34, SEC-79: the open streams of a revoked credential end at once, also while their handlers are blocked in Receive, and those of
// others go on.
func TestStreamsEndWithRevocation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method, token string
		target              revocation.Target
		value               string
	}{
		{"a session", "Session", "st_1", revocation.Session, "id_1"},
		{"a session whose messages are decided", "Matched", "st_1", revocation.Subject, "subject_1"},
		{"a session on a public procedure", "Optional", "st_1", revocation.Session, "id_1"},
		{"a key", "Key", "ak_1", revocation.Key, "id_1"},
		{"a machine that may outlive its token", "Any", "mt_1", revocation.Token, "id_1"},
		{"a client", "Any", "oat_1", revocation.Client, "client_1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed := newFeed()
				w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed))
				call, transport := w.begun(t, t.Context(), test.method, "Bearer "+test.token), newWire("org_1")
				if call.Bare() {
					t.Error("the call needs no holding")
				}
				stream := call.Stream(transport.receive)
				other := w.begun(t, t.Context(), test.method, "Bearer "+strings.Replace(test.token, "1", "2", 1)).Stream(newWire().receive)
				anonymous := w.begun(t, t.Context(), "Optional").Stream(newWire().receive)
				if err := stream.Receive(request(t, call, "")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				revoked := time.Now()
				time.AfterFunc(time.Second, func() {
					revoked = time.Now()
					feed.revoke(test.target, test.value)
				})
				err := stream.Receive(request(t, call, ""))
				refusal := refusalIn(t, err)
				if took := time.Since(revoked); took > soon || refusal.Reason() != tokens.ReasonTokenRevoked || refusal.Text() != "credential revoked" {
					t.Errorf("ended after %s with %v", took, refusal)
				}
				if context.Cause(stream.Context()) != err { //nolint:errorlint // The very same.
					t.Errorf("the handler's context ended for %v", context.Cause(stream.Context()))
				}
				for name, got := range map[string]error{"Receive": stream.Receive(request(t, call, "")), "Send": stream.Send(), "Finish": stream.Finish(nil)} {
					if got != err { //nolint:errorlint // The very same.
						t.Errorf("%s is told %v", name, got)
					}
				}
				if event := w.events.last(t); event.Refusal != refusal || !event.Message || event.Principal != call.Principal() {
					t.Errorf("the event is %+v", event)
				}
				if other.Context().Err() != nil || anonymous.Context().Err() != nil {
					t.Error("another's stream has ended")
				}
				for _, s := range []*interceptor.Stream{stream, other, anonymous} {
					s.Close()
				}
				events := len(w.events.all())
				feed.revoke(revocation.Subject, "subject_2") // whose stream is closed
				time.Sleep(time.Minute)
				if got := len(w.events.all()); got != events {
					t.Error("a closed stream was told to end")
				}
				close(transport.broken)
			})
		})
	}
}

// A stream that begins after its call was decided is judged by what was told between.
func TestStreamsThatBeginAfterTheNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed()
		w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed))
		call := w.begun(t, t.Context(), "Session", "Bearer st_1")
		feed.revoke(revocation.Session, "id_1")
		time.Sleep(time.Second)
		stream := call.Stream(newWire("org_1").receive)
		defer stream.Close()
		if err := stream.Receive(request(t, call, "")); err == nil || refusalIn(t, err).Reason() != tokens.ReasonTokenRevoked {
			t.Errorf("told %v", err)
		}
	})
}

// Streams that begin, end and are revoked at once. It is the race detector that is asked here, and that no stream of a revoked credential
// is left open.
func TestStreamsWhileNewsArrives(t *testing.T) {
	t.Parallel()
	feed := newFeed()
	w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed))
	var group sync.WaitGroup
	var left sync.Map
	for range 4 {
		group.Go(func() {
			for n := range 100 {
				call, refusal := w.call(t.Context(), "Session", "Bearer st_1")
				if refusal != nil {
					if reasonOf(refusal) != tokens.ReasonTokenRevoked {
						t.Error(refusal)
					}
					return
				}
				if stream := call.Stream(newWire().receive); n%2 == 0 {
					stream.Close()
				} else {
					left.Store(stream, true)
				}
			}
		})
	}
	group.Go(func() { feed.revoke(revocation.Session, "id_1") })
	group.Wait()
	left.Range(func(stream, _ any) bool {
		s, _ := stream.(*interceptor.Stream)
		select {
		case <-s.Context().Done():
		case <-time.After(10 * time.Second):
			t.Error("a stream of a revoked credential is open")
		}
		s.Close()
		return true
	})
}

// When the feed has not been heard for the grace, all streams end at that moment, however many, and whether the feed fails or hangs.
func TestStreamsEndWithTheGrace(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]func(f *fakeFeed){
		"it fails": func(f *fakeFeed) { f.down = true },
		"it hangs": func(f *fakeFeed) { f.hangs, f.mute = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed := newFeed()
				w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed))
				synctest.Wait()
				heard := time.Now()
				feed.with(state)
				var open []*interceptor.Stream
				var late atomic.Int64
				for range 500 {
					stream := w.begun(t, t.Context(), "Session", "Bearer st_1").Stream(newWire().receive)
					context.AfterFunc(stream.Context(), func() {
						if time.Since(heard) != revocation.Grace {
							late.Add(1)
						}
					})
					open = append(open, stream)
				}
				time.Sleep(revocation.Grace + time.Minute)
				if late.Load() > 0 {
					t.Errorf("%d streams ended at another time", late.Load())
				}
				for _, stream := range open {
					if err := stream.Finish(nil); err == nil || refusalIn(t, err).Reason() != tokens.ReasonVerifierUnavailable {
						t.Fatalf("a stream ended with %v", err)
					}
					stream.Close()
				}
			})
		})
	}
}
