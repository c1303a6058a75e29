// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package connectauth

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/apipb" // for a generated message with a text
)

// What the guard allocates is a promise, and held here: one allocation for a call with a remembered credential, none for a message.

// declaration declares a method for each rule of [budgeted]; none of them runs.
const declaration = `
name: "test/gate.proto" package: "test" syntax: "proto3" dependency: "google/protobuf/api.proto"
service {
  name: "Gate"
  method { name: "Open" input_type: ".google.protobuf.Api" output_type: ".google.protobuf.Api" }
  method { name: "Match" input_type: ".google.protobuf.Api" output_type: ".google.protobuf.Api" }
  method { name: "Public" input_type: ".google.protobuf.Api" output_type: ".google.protobuf.Api" }
  method { name: "Watch" input_type: ".google.protobuf.Api" output_type: ".google.protobuf.Api" client_streaming: true server_streaming: true }
}`

var budgeted = map[string]string{
	"Open":   `allow { session_token { permissions: "org:gates:open" } }`,
	"Match":  `allow { session_token { permissions: "org:gates:open" } match { field: "name" equals: ORGANIZATION_ID } }`,
	"Public": `public {}`,
	"Watch":  `allow { session_token {} match { field: "name" equals: ORGANIZATION_ID } }`,
}

// anyone is a verifier that believes every credential; those that begin with "tok_hour" end.
type anyone struct{}

func (anyone) Forms() []tokens.Form {
	return []tokens.Form{{Kind: tokens.SessionToken, Prefix: "tok_"}}
}

func (anyone) Verify(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	facts := tokens.Facts{
		Kind: tokens.SessionToken, Subject: "user_1", Organization: tokens.Organization{ID: "org_1"}, Permissions: []string{"org:a:b", "org:gates:open"},
	}
	if strings.HasPrefix(credential.Secret.Reveal(), "tok_hour") {
		facts.ExpiresAt = time.Now().Add(time.Hour)
	}
	return tokens.NewPrincipal(facts)
}

// newGuard guards the service, and returns the specs of its methods.
func newGuard(tb testing.TB) (*interceptor.Guard, func(method string) connect.Spec) {
	tb.Helper()
	declared := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(declaration), declared); err != nil {
		tb.Fatal(err)
	}
	file, err := protodesc.NewFile(declared, protoregistry.GlobalFiles)
	if err != nil {
		tb.Fatal(err)
	}
	options := []policy.Option{policy.Serve(file)}
	for method, text := range budgeted {
		rule := &admitv1.Rule{}
		if err := prototext.Unmarshal([]byte(text), rule); err != nil {
			tb.Fatal(err)
		}
		options = append(options, policy.For("/test.Gate/"+method, policy.FromProto(rule)))
	}
	rules, err := policy.New(options...)
	if err != nil {
		tb.Fatal(err)
	}
	verifiers, err := tokens.NewVerifiers(anyone{})
	if err != nil {
		tb.Fatal(err)
	}
	guard, err := interceptor.New(rules, verifiers)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(guard.Close)
	return guard, func(method string) connect.Spec {
		return connect.Spec{Procedure: "/test.Gate/" + method, Schema: file.Services().Get(0).Methods().ByName(protoreflect.Name(method))}
	}
}

// headersWith are those of a call with a credential of a usual length.
func headersWith(prefix string) http.Header {
	return http.Header{"Authorization": {"Bearer " + prefix + strings.Repeat("a", 957)}}
}

var peer = connect.Peer{Addr: "127.0.0.1:1", Protocol: connect.ProtocolConnect}

// aRequest is a request as connect hands it to interceptors.
type aRequest struct {
	connect.Request[apipb.Api]

	spec   connect.Spec
	header http.Header
}

func (r *aRequest) Spec() connect.Spec  { return r.spec }
func (r *aRequest) Header() http.Header { return r.header }
func (r *aRequest) Peer() connect.Peer  { return peer }

// within fails where run allocates more than most.
func within(t *testing.T, name string, most float64, run func()) {
	t.Helper()
	if got := testing.AllocsPerRun(500, run); got > most {
		t.Errorf("%s: %v allocations, and %v at most are promised", name, got, most)
	}
}

func TestAllocationsOfACall(t *testing.T) { //nolint:paralleltest // Allocations are counted of the whole process.
	if raceEnabled {
		t.Skip("the race detector allocates; run without -race to check the budgets")
	}
	guard, spec := newGuard(t)
	reached := 0
	handler := connect.UnaryFunc(func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		if _, decided := tokens.FromContext(ctx); decided {
			reached++
		}
		return nil, nil
	})
	for _, test := range []struct {
		method, token string
		most          float64
	}{
		{"Open", "tok_", 1},
		{"Open", "tok_hour", 1},
		{"Match", "tok_", 1},
		{"Public", "tok_", 1},
		{"Public", "", 1},
	} {
		request := &aRequest{Request: *connect.NewRequest(&apipb.Api{Name: "org_1"}), spec: spec(test.method), header: headersWith(test.token)}
		if test.token == "" {
			request.header = http.Header{}
		}
		reached = 0
		p := bind(guard, request.spec)
		next := p.WrapUnary(handler)
		within(t, test.method+" "+test.token, test.most, func() {
			ctx, err := p.gate(t.Context(), request.spec, peer, request.header)
			if err == nil {
				_, err = next(ctx, request)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		if reached != 501 {
			t.Errorf("%s: the handler was reached %d times", test.method, reached)
		}
	}
}

// aConn is a stream that has messages without end.
type aConn struct {
	connect.StreamingHandlerConn

	spec   connect.Spec
	header http.Header
}

func (c *aConn) Spec() connect.Spec           { return c.spec }
func (c *aConn) Peer() connect.Peer           { return peer }
func (c *aConn) RequestHeader() http.Header   { return c.header }
func (c *aConn) ResponseHeader() http.Header  { return nil }
func (c *aConn) Receive(message any) error    { message.(*apipb.Api).Name = "org_1"; return nil }
func (c *aConn) Send(any) error               { return nil }
func (c *aConn) ResponseTrailer() http.Header { return nil }

func TestAllocationsOfMessages(t *testing.T) { //nolint:paralleltest // Allocations are counted of the whole process.
	if raceEnabled {
		t.Skip("the race detector allocates; run without -race to check the budgets")
	}
	guard, spec := newGuard(t)
	for _, token := range []string{"tok_", "tok_hour"} { // the second has an end, and receives on another goroutine
		conn := &aConn{spec: spec("Watch"), header: headersWith(token)}
		p := bind(guard, conn.spec)
		ctx, err := p.gate(t.Context(), conn.spec, peer, conn.header)
		if err != nil {
			t.Fatal(err)
		}
		err = p.WrapStreamingHandler(func(_ context.Context, guarded connect.StreamingHandlerConn) error {
			message := &apipb.Api{}
			within(t, token+" Receive", 0, func() {
				proto.Reset(message)
				if err := guarded.Receive(message); err != nil {
					t.Fatal(err)
				}
			})
			within(t, token+" Send", 0, func() {
				if err := guarded.Send(message); err != nil {
					t.Fatal(err)
				}
			})
			return nil
		})(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
	}
}
