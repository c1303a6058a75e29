// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package grpcauth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/prototext"
)

// What the guard allocates is a promise, and held here: two allocations for a call with a remembered credential, of which one is the
// copy of the header that package metadata makes, one more where the message is decided, and none for a message of a stream.

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

// newGuard guards the health service with one rule for Check and Watch.
func newGuard(tb testing.TB, text string) *interceptor.Guard {
	tb.Helper()
	rule := &admitv1.Rule{}
	if err := prototext.Unmarshal([]byte(text), rule); err != nil {
		tb.Fatal(err)
	}
	rules, err := policy.New(policy.For("/grpc.health.v1.Health/Check", policy.FromProto(rule)),
		policy.For("/grpc.health.v1.Health/Watch", policy.FromProto(rule)), policy.For("/grpc.health.v1.Health/List", policy.Public()))
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
	return guard
}

const (
	plain   = `allow { session_token { permissions: "org:gates:open" } }`
	matched = `allow { session_token {} match { field: "service" equals: ORGANIZATION_ID } }`
)

func contextWith(tb testing.TB, prefix string) context.Context {
	tb.Helper()
	if prefix == "" {
		return metadata.NewIncomingContext(tb.Context(), metadata.MD{})
	}
	return metadata.NewIncomingContext(tb.Context(), metadata.Pairs("authorization", "Bearer "+prefix+strings.Repeat("a", 957)))
}

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
	for _, test := range []struct {
		name, rule, token string
		most              float64
	}{
		{"a grant", plain, "tok_", 2},
		{"a grant, and an end", plain, "tok_hour", 2},
		{"a match", matched, "tok_", 3},
		{"public", `public {}`, "tok_", 2},
		{"public, anonymous", `public {}`, "", 2},
		{"public, unread", `public { credential: UNREAD }`, "tok_", 2},
	} {
		message, reached := &healthv1.HealthCheckRequest{}, 0
		handler := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			if err := decode(message); err != nil {
				return nil, err
			}
			if _, decided := tokens.FromContext(ctx); decided {
				reached++
			}
			return nil, nil
		}
		guarded := grpcauth.GuardService(newGuard(t, test.rule), &grpc.ServiceDesc{
			ServiceName: "grpc.health.v1.Health", Methods: []grpc.MethodDesc{{MethodName: "Check", Handler: handler}},
		}).Methods[0].Handler
		ctx, decode := contextWith(t, test.token), func(into any) error {
			into.(*healthv1.HealthCheckRequest).Service = "org_1"
			return nil
		}
		within(t, test.name, test.most, func() {
			if _, err := guarded(nil, ctx, decode, nil); err != nil {
				t.Fatal(err)
			}
		})
		if reached != 501 {
			t.Errorf("%s: the handler was reached %d times", test.name, reached)
		}
	}
}

// aStream is a stream that has messages without end.
type aStream struct {
	grpc.ServerStream

	ctx context.Context
}

func (s *aStream) Context() context.Context { return s.ctx }
func (s *aStream) SendMsg(any) error        { return nil }
func (s *aStream) RecvMsg(message any) error {
	message.(*healthv1.HealthCheckRequest).Service = "org_1"
	return nil
}

func TestAllocationsOfMessages(t *testing.T) { //nolint:paralleltest // Allocations are counted of the whole process.
	if raceEnabled {
		t.Skip("the race detector allocates; run without -race to check the budgets")
	}
	for _, token := range []string{"tok_", "tok_hour"} { // the second has an end, and receives on another goroutine
		reached := false
		handler := func(_ any, stream grpc.ServerStream) error {
			message := &healthv1.HealthCheckRequest{}
			within(t, token+" RecvMsg", 0, func() {
				message.Reset()
				if err := stream.RecvMsg(message); err != nil {
					t.Fatal(err)
				}
			})
			within(t, token+" SendMsg", 0, func() {
				if err := stream.SendMsg(message); err != nil {
					t.Fatal(err)
				}
			})
			reached = true
			return nil
		}
		guarded := grpcauth.GuardService(newGuard(t, matched), &grpc.ServiceDesc{
			ServiceName: "grpc.health.v1.Health", Streams: []grpc.StreamDesc{{StreamName: "Watch", ServerStreams: true, Handler: handler}},
		}).Streams[0].Handler
		if err := guarded(nil, &aStream{ctx: contextWith(t, token)}); err != nil || !reached {
			t.Errorf("%s: reached %t, %v", token, reached, err)
		}
	}
}
