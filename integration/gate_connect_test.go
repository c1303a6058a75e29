// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
)

// connectGate is the gate behind connect.
type connectGate struct{ *gate }

func (g connectGate) one(ctx context.Context, method string, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	out, err := g.unary(ctx, method, r.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(out), nil
}

func (g connectGate) out(ctx context.Context, method string, r *connect.Request[admittestv1.GateRequest], s *connect.ServerStream[admittestv1.GateResponse]) error {
	g.hit(method)
	g.see(method, r.Msg.GetAction())
	if err := act(ctx, r.Msg.GetAction()); err != nil {
		return err
	}
	return s.Send(response(ctx, 1))
}

func (g connectGate) in(ctx context.Context, method string, s *connect.ClientStream[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	out, err := g.stream(ctx, method, func() (*admittestv1.GateRequest, error) {
		if s.Receive() {
			return s.Msg(), nil
		}
		if s.Err() != nil {
			return nil, s.Err()
		}
		return nil, ioEOF
	}, nil)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(out), nil
}

func (g connectGate) both(ctx context.Context, method string, s *connect.BidiStream[admittestv1.GateRequest, admittestv1.GateResponse]) error {
	_, err := g.stream(ctx, method, s.Receive, s.Send)
	return err
}

func (g connectGate) PublicUnary(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.one(ctx, "PublicUnary", r)
}

func (g connectGate) UnreadUnary(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.one(ctx, "UnreadUnary", r)
}

func (g connectGate) SessionUnary(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.one(ctx, "SessionUnary", r)
}

func (g connectGate) BoundUnary(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.one(ctx, "BoundUnary", r)
}

func (g connectGate) HiddenUnary(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.one(ctx, "HiddenUnary", r)
}

func (g connectGate) KeyUnary(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.one(ctx, "KeyUnary", r)
}

func (g connectGate) AnyUnary(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.one(ctx, "AnyUnary", r)
}

func (g connectGate) HandlerUnary(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.one(ctx, "HandlerUnary", r)
}

func (g connectGate) SessionServer(ctx context.Context, r *connect.Request[admittestv1.GateRequest], s *connect.ServerStream[admittestv1.GateResponse]) error {
	return g.out(ctx, "SessionServer", r, s)
}

func (g connectGate) BoundServer(ctx context.Context, r *connect.Request[admittestv1.GateRequest], s *connect.ServerStream[admittestv1.GateResponse]) error {
	return g.out(ctx, "BoundServer", r, s)
}

func (g connectGate) OAuthServer(ctx context.Context, r *connect.Request[admittestv1.GateRequest], s *connect.ServerStream[admittestv1.GateResponse]) error {
	return g.out(ctx, "OAuthServer", r, s)
}

func (g connectGate) HandlerServer(ctx context.Context, r *connect.Request[admittestv1.GateRequest], s *connect.ServerStream[admittestv1.GateResponse]) error {
	return g.out(ctx, "HandlerServer", r, s)
}

func (g connectGate) SessionClient(ctx context.Context, s *connect.ClientStream[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.in(ctx, "SessionClient", s)
}

func (g connectGate) BoundClient(ctx context.Context, s *connect.ClientStream[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.in(ctx, "BoundClient", s)
}

func (g connectGate) NamedClient(ctx context.Context, s *connect.ClientStream[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return g.in(ctx, "NamedClient", s)
}

func (g connectGate) SessionBidi(ctx context.Context, s *connect.BidiStream[admittestv1.GateRequest, admittestv1.GateResponse]) error {
	return g.both(ctx, "SessionBidi", s)
}

func (g connectGate) BoundBidi(ctx context.Context, s *connect.BidiStream[admittestv1.GateRequest, admittestv1.GateResponse]) error {
	return g.both(ctx, "BoundBidi", s)
}

func (g connectGate) HiddenBidi(ctx context.Context, s *connect.BidiStream[admittestv1.GateRequest, admittestv1.GateResponse]) error {
	return g.both(ctx, "HiddenBidi", s)
}

func (g connectGate) MachineBidi(ctx context.Context, s *connect.BidiStream[admittestv1.GateRequest, admittestv1.GateResponse]) error {
	return g.both(ctx, "MachineBidi", s)
}

// connectPast is the service that nobody serves.
type connectPast struct{ *gate }

func (p connectPast) Open(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return connectGate(p).one(ctx, "Open", r)
}

func (p connectPast) Stream(ctx context.Context, s *connect.BidiStream[admittestv1.GateRequest, admittestv1.GateResponse]) error {
	return connectGate(p).both(ctx, "Stream", s)
}
