// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/integration/child"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
	"google.golang.org/grpc"
)

// replicaSettings are those of a replica.
type replicaSettings struct {
	Place  place           `json:"place"`
	Issuer string          `json:"issuer"`
	Keys   json.RawMessage `json:"keys"` // the JWK Set of the issuer
}

// replicate is the role of a replica: it serves until in ends, and obeys meanwhile.
func replicate(in *json.Decoder, out *json.Encoder) error {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // stores say that they cannot listen, and here that is on purpose
	var s replicaSettings
	if err := in.Decode(&s); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opened, err := s.Place.open(ctx, true)
	if err != nil {
		return child.Answer(out, nil, err)
	}
	kept := newFaulty(opened)
	guard, err := s.guard(kept)
	if err != nil {
		return child.Answer(out, nil, err)
	}
	at, stop, err := loopback.Serve(ctx, guard, connectGate{}, grpcGate{})
	if err := child.Answer(out, at, err); err != nil {
		return err
	}
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			_ = kept.become(ctx, sound)
			stop()
			guard.Close()
			_ = opened.Close()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		err := within(ctx, 10*time.Second, func(ctx context.Context) error { return kept.obey(ctx, o) })
		if err := child.Answer(out, nil, err); err != nil {
			return err
		}
	}
}

// The orders besides those to become what a condition says.
const (
	holdOrder     = "hold"     // hold the next lookup of a key
	awaitOrder    = "await"    // wait until one is held
	releaseOrder  = "release"  // let it go
	rememberOrder = "remember" // make a backup, to be restored later
)

func (f *faulty) obey(ctx context.Context, o order) error {
	switch o.Do {
	case holdOrder:
		f.hold(o.ID)
	case awaitOrder:
		f.mutex.Lock()
		holding := f.holding
		f.mutex.Unlock()
		select {
		case <-holding:
		case <-ctx.Done():
			return errors.New("no lookup is held")
		}
	case releaseOrder:
		f.let()
	case rememberOrder:
		return f.remember(ctx)
	default:
		return f.become(ctx, condition(o.Do))
	}
	return nil
}

// guard guards a service that admits every known caller, of all four kinds, to a method of each shape, and API keys to one that is fresh.
func (s replicaSettings) guard(kept *faulty) (*interceptor.Guard, error) {
	service := admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")
	known := policy.Allow(policy.Any())
	fresh := policy.FromProto(&admitv1.Rule{Allow: []*admitv1.Grant{{Credential: &admitv1.Grant_ApiKey{ApiKey: &admitv1.APIKey{}}}}, Fresh: true})
	rules, err := policy.New(policy.ServeService(service), policy.Override(procedure+"KeyUnary", fresh),
		policy.Override(procedure+"SessionServer", known), policy.Override(procedure+"SessionBidi", known))
	if err != nil {
		return nil, err
	}
	keys, err := jwt.NewKeySet(s.Keys)
	if err != nil {
		return nil, err
	}
	marks, audiences := new(tokenstest.Issuer), []string{tokenstest.Audience}
	sessions, err := jwt.NewSessionVerifier(s.Issuer, []string{tokenstest.Party}, marks.SessionClass(), keys)
	if err != nil {
		return nil, err
	}
	oauth, err := jwt.NewOAuthVerifier(s.Issuer, audiences, keys)
	if err != nil {
		return nil, err
	}
	machines, err := jwt.NewM2MVerifier(s.Issuer, audiences, marks.M2MClass(), keys, jwt.WithNames(map[string]string{"mch_robot": "robot"}))
	if err != nil {
		return nil, err
	}
	ours, err := apikey.NewVerifier(kept)
	if err != nil {
		return nil, err
	}
	verifiers, err := tokens.NewVerifiers(sessions, oauth, machines, ours)
	if err != nil {
		return nil, err
	}
	return interceptor.New(rules, verifiers, interceptor.WithRevocations(kept))
}

const procedure = "/admittest.v1.GateService/"

// connectGate answers every call, and keeps streams open until they are ended.
type connectGate struct {
	admittestv1connect.UnimplementedGateServiceHandler
}

func (connectGate) AnyUnary(ctx context.Context, _ *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return connect.NewResponse(loopback.Response(ctx)), nil
}

func (connectGate) KeyUnary(ctx context.Context, _ *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return connect.NewResponse(loopback.Response(ctx)), nil
}

func (connectGate) SessionServer(
	ctx context.Context, _ *connect.Request[admittestv1.GateRequest], s *connect.ServerStream[admittestv1.GateResponse],
) error {
	return stay(ctx, s.Send)
}

func (connectGate) SessionBidi(ctx context.Context, s *connect.BidiStream[admittestv1.GateRequest, admittestv1.GateResponse]) error {
	return echo(ctx, s.Receive, s.Send)
}

// grpcGate does the same behind grpc-go.
type grpcGate struct {
	admittestv1.UnimplementedGateServiceServer
}

func (grpcGate) AnyUnary(ctx context.Context, _ *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return loopback.Response(ctx), nil
}

func (grpcGate) KeyUnary(ctx context.Context, _ *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return loopback.Response(ctx), nil
}

func (grpcGate) SessionServer(_ *admittestv1.GateRequest, s grpc.ServerStreamingServer[admittestv1.GateResponse]) error {
	return stay(s.Context(), s.Send)
}

func (grpcGate) SessionBidi(s grpc.BidiStreamingServer[admittestv1.GateRequest, admittestv1.GateResponse]) error {
	return echo(s.Context(), s.Recv, s.Send)
}

// stay sends one message and waits for the end of the stream.
func stay(ctx context.Context, send func(*admittestv1.GateResponse) error) error {
	if err := send(loopback.Response(ctx)); err != nil {
		return err
	}
	<-ctx.Done()
	return fmt.Errorf("the stream ended: %w", ctx.Err())
}

// echo answers each message, and is blocked in receive most of the time.
func echo(ctx context.Context, receive func() (*admittestv1.GateRequest, error), send func(*admittestv1.GateResponse) error) error {
	for {
		if _, err := receive(); err != nil {
			return err
		}
		if err := send(loopback.Response(ctx)); err != nil {
			return err
		}
	}
}
