// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// prompt is how soon after expiry a stream must have ended for its client.
const prompt = 100 * time.Millisecond

// shortLived is a verifier whose principals expire at the time that the token names, to the nanosecond.
type shortLived struct{}

func (shortLived) Forms() []tokens.Form {
	return []tokens.Form{
		{Kind: tokens.SessionToken, Prefix: "tok_"}, {Kind: tokens.APIKey, Prefix: "ak_"}, {Kind: tokens.OAuthToken, Prefix: "oat_"}, {Kind: tokens.M2MToken, Prefix: "mt_"},
	}
}

func (shortLived) Verify(_ context.Context, c tokens.Credential) (*tokens.Principal, error) {
	nanoseconds, err := strconv.ParseInt(strings.Split(c.Secret.Reveal(), "_")[1], 10, 64)
	if err != nil {
		return nil, tokens.NewError(tokens.ReasonTokenInvalid, nil)
	}
	return tokens.NewPrincipal(tokens.Facts{
		Kind: tokens.SessionToken, Subject: "user_1", ExpiresAt: time.Unix(0, nanoseconds), Organization: tokens.Organization{ID: "org_1"}, Permissions: []string{"org:gates:open"},
	})
}

// openAndWait opens a stream, sends what it is told, keeps it open, and waits for its end.
type openAndWait func(ctx context.Context, w *world, method, token string) error

func waitOverConnect(options ...connect.ClientOption) openAndWait {
	return func(ctx context.Context, w *world, method, token string) error {
		client := w.connectClient(method, options...)
		if !shape(method).IsStreamingServer() {
			stream := client.CallClientStream(ctx)
			stream.RequestHeader().Set("Authorization", "Bearer "+token)
			if err := stream.Send(msg("org_1", "")); err != nil {
				return err
			}
			_, err := stream.Conn()
			if err != nil {
				return err
			}
			conn, _ := stream.Conn()
			return conn.Receive(new(admittestv1.GateResponse))
		}
		stream := client.CallBidiStream(ctx)
		stream.RequestHeader().Set("Authorization", "Bearer "+token)
		if err := stream.Send(msg("org_1", "")); err != nil {
			return err
		}
		for {
			if _, err := stream.Receive(); err != nil {
				_ = stream.CloseResponse()
				return err
			}
		}
	}
}

func waitOverGRPC(ctx context.Context, w *world, method, token string) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	d := shape(method)
	stream, err := w.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: d.IsStreamingClient(), ServerStreams: d.IsStreamingServer()}, procedure(method))
	if err != nil {
		return err
	}
	if err := stream.SendMsg(msg("org_1", "")); err != nil {
		return err
	}
	for {
		if err := stream.RecvMsg(new(admittestv1.GateResponse)); err != nil {
			return err
		}
	}
}

// TestStreamsEndAtExpiry has handlers that are blocked in Receive when the credential of their stream expires.
func TestStreamsEndAtExpiry(t *testing.T) {
	w := &world{gate: newGate()}
	rules, err := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")))
	must(t, err)
	verifiers, err := tokens.NewVerifiers(shortLived{})
	must(t, err)
	w.guard, err = interceptor.New(rules, verifiers)
	must(t, err)
	t.Cleanup(w.guard.Close)
	w.serve(t)
	overHTTP1 := *w
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(connectGate{w.gate}, connectauth.Protect(w.guard)))
	overHTTP1.url = serveHTTP(t, connectauth.Handler(mux))
	overHTTP1.h2 = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, tt := range []struct {
		name    string
		w       *world
		wait    openAndWait
		methods []string
		reason  func(error) tokens.Reason
	}{
		{"connect", w, waitOverConnect(), []string{"SessionClient", "SessionBidi", "BoundClient", "BoundBidi"}, connectauth.ReasonOf},
		{"connect over HTTP/1.1", &overHTTP1, waitOverConnect(), []string{"SessionClient"}, connectauth.ReasonOf},
		{"connect as grpc", w, waitOverConnect(connect.WithGRPC()), []string{"SessionClient", "SessionBidi"}, connectauth.ReasonOf},
		{"grpc-web", w, waitOverConnect(connect.WithGRPCWeb()), []string{"SessionBidi"}, connectauth.ReasonOf},
		{"grpc-go", w, waitOverGRPC, []string{"SessionClient", "SessionBidi", "BoundClient", "BoundBidi"}, grpcauth.ReasonOf},
	} {
		for _, method := range tt.methods {
			t.Run(tt.name+"/"+method, func(t *testing.T) {
				late := make([]time.Duration, 4)
				for round := range late {
					end := time.Now().Add(300 * time.Millisecond)
					err := tt.wait(within(t, 20*time.Second), tt.w, method, fmt.Sprintf("tok_%d_%s", end.UnixNano(), method))
					late[round] = time.Since(end)
					if tt.reason(err) != tokens.ReasonTokenExpired {
						t.Fatalf("the stream ended with %v", err)
					}
					if late[round] < 0 {
						t.Errorf("the stream ended %s before expiry", -late[round])
					}
				}
				slices.Sort(late)
				// The quickest, since a machine that is busy may be late with any of them, but never early by chance.
				if late[0] > prompt {
					t.Errorf("streams ended %v after expiry", late)
				}
				t.Logf("ended %v after expiry", late)
				if _, _, ended := settledState(w, row{method: method}); ended == nil {
					t.Error("the handler's context did not end")
				} else if refusal, ok := errors.AsType[*interceptor.Refusal](ended); !ok || refusal.Reason() != tokens.ReasonTokenExpired {
					t.Errorf("the handler's context ended with %v", ended)
				}
			})
		}
	}
	noGoroutineIn(t, "interceptor.(*pump).run")
}

// noGoroutineIn waits until no goroutine is in the function.
func noGoroutineIn(t *testing.T, function string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); someGoroutineIn(function); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a goroutine is left in %s", function)
		}
	}
}

// someGoroutineIn reports whether a goroutine is in the function.
func someGoroutineIn(function string) bool {
	buffer := make([]byte, 4<<20)
	return strings.Contains(string(buffer[:runtime.Stack(buffer, true)]), function)
}

// A refusal over HTTP/1.1 does not wait for a client that goes on sending. The server closes the connection behind its answer, so a client
// that is just then writing may see that before it reads the answer; it is asked again.
func TestRefusedOverHTTP1(t *testing.T) {
	w := newWorld(t)
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(connectGate{w.gate}, connectauth.Protect(w.guard)))
	w.url = serveHTTP(t, connectauth.Handler(mux))
	w.h2 = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for name, want := range map[string]tokens.Reason{tampered: tokens.ReasonTokenInvalid, keyGood: tokens.ReasonTokenTypeNotAccepted} {
		told := false
		for attempt := 0; attempt < 20 && !told; attempt++ {
			err := waitOverConnect()(within(t, 20*time.Second), w, "SessionClient", w.credent[name])
			switch got := connectauth.ReasonOf(err); {
			case got == want:
				told = true
			case got != "" || err == nil || connect.CodeOf(err) == connect.CodeDeadlineExceeded:
				t.Fatalf("%s: %v", name, err)
			}
		}
		if !told {
			t.Errorf("%s: the refusal never reached the client", name)
		}
	}
	if hits, _, _ := w.gate.state("SessionClient"); hits != 0 {
		t.Errorf("the handler ran %d times", hits)
	}
}
