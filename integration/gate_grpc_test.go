// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"io"

	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"google.golang.org/grpc"
)

var ioEOF = io.EOF

type (
	outStream  = grpc.ServerStreamingServer[admittestv1.GateResponse]
	inStream   = grpc.ClientStreamingServer[admittestv1.GateRequest, admittestv1.GateResponse]
	bothStream = grpc.BidiStreamingServer[admittestv1.GateRequest, admittestv1.GateResponse]
)

// grpcGate is the gate behind grpc-go.
type grpcGate struct {
	admittestv1.UnsafeGateServiceServer
	*gate
}

func (g grpcGate) out(method string, r *admittestv1.GateRequest, s outStream) error {
	g.hit(method)
	g.see(method, r.GetAction())
	if err := act(s.Context(), r.GetAction()); err != nil {
		return err
	}
	return s.Send(response(s.Context(), 1))
}

func (g grpcGate) in(method string, s inStream) error {
	out, err := g.stream(s.Context(), method, s.Recv, nil)
	if err != nil {
		return err
	}
	return s.SendAndClose(out)
}

func (g grpcGate) both(method string, s bothStream) error {
	_, err := g.stream(s.Context(), method, s.Recv, s.Send)
	return err
}

func (g grpcGate) PublicUnary(ctx context.Context, r *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return g.unary(ctx, "PublicUnary", r)
}

func (g grpcGate) UnreadUnary(ctx context.Context, r *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return g.unary(ctx, "UnreadUnary", r)
}

func (g grpcGate) SessionUnary(ctx context.Context, r *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return g.unary(ctx, "SessionUnary", r)
}

func (g grpcGate) BoundUnary(ctx context.Context, r *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return g.unary(ctx, "BoundUnary", r)
}

func (g grpcGate) HiddenUnary(ctx context.Context, r *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return g.unary(ctx, "HiddenUnary", r)
}

func (g grpcGate) KeyUnary(ctx context.Context, r *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return g.unary(ctx, "KeyUnary", r)
}

func (g grpcGate) AnyUnary(ctx context.Context, r *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return g.unary(ctx, "AnyUnary", r)
}

func (g grpcGate) HandlerUnary(ctx context.Context, r *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return g.unary(ctx, "HandlerUnary", r)
}

func (g grpcGate) SessionServer(r *admittestv1.GateRequest, s outStream) error {
	return g.out("SessionServer", r, s)
}

func (g grpcGate) BoundServer(r *admittestv1.GateRequest, s outStream) error {
	return g.out("BoundServer", r, s)
}

func (g grpcGate) OAuthServer(r *admittestv1.GateRequest, s outStream) error {
	return g.out("OAuthServer", r, s)
}

func (g grpcGate) HandlerServer(r *admittestv1.GateRequest, s outStream) error {
	return g.out("HandlerServer", r, s)
}

func (g grpcGate) SessionClient(s inStream) error { return g.in("SessionClient", s) }

func (g grpcGate) BoundClient(s inStream) error { return g.in("BoundClient", s) }

func (g grpcGate) NamedClient(s inStream) error { return g.in("NamedClient", s) }

func (g grpcGate) SessionBidi(s bothStream) error { return g.both("SessionBidi", s) }

func (g grpcGate) BoundBidi(s bothStream) error { return g.both("BoundBidi", s) }

func (g grpcGate) HiddenBidi(s bothStream) error { return g.both("HiddenBidi", s) }

func (g grpcGate) MachineBidi(s bothStream) error { return g.both("MachineBidi", s) }

// grpcPast is the service that nobody serves.
type grpcPast struct {
	admittestv1.UnsafePastServiceServer
	*gate
}

func (p grpcPast) Open(ctx context.Context, r *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return p.unary(ctx, "Open", r)
}

func (p grpcPast) Stream(s bothStream) error {
	_, err := p.stream(s.Context(), "Stream", s.Recv, s.Send)
	return err
}
