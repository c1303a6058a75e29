// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package grpcauth

import (
	"context"
	"crypto/tls"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// request reads the headers of a call.
func request(ctx context.Context) interceptor.Request {
	r := interceptor.Request{Authorization: metadata.ValueFromIncomingContext(ctx, "authorization")}
	if from, ok := peer.FromContext(ctx); ok {
		r.TLS = stateOf(from)
	}
	return r
}

func stateOf(from *peer.Peer) *tls.ConnectionState {
	if info, ok := from.AuthInfo.(credentials.TLSInfo); ok {
		return &info.State
	}
	return nil
}

// guardUnary wraps the handler of a unary method: the call phase is decided before the message is received, and the message before it
// reaches an interceptor or the handler.
func (s *Server) guardUnary(name string, p *policy.Procedure, next grpc.MethodHandler) grpc.MethodHandler {
	return func(implementation any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
		call, refusal := s.guard.Begin(ctx, name, p, request(ctx))
		if refusal != nil {
			return nil, refuse(ctx, refusal)
		}
		if call.NeedsMessages() {
			decode = decided(call, decode)
		}
		response, err := next(implementation, call, decode, chain)
		if err := call.Finish(err); err != nil {
			return nil, answer(ctx, err)
		}
		return response, nil
	}
}

// decided decodes a message and decides it.
func decided(call *interceptor.Call, decode func(any) error) func(any) error {
	return func(message any) error {
		if err := decode(message); err != nil {
			return err
		}
		if refusal := call.Message(message); refusal != nil {
			return refusal
		}
		return nil
	}
}

// guardStream is the first of the stream interceptors: it decides the call phase and holds the stream to its call, for the interceptors
// behind it as for the handler. A method that no guarded service has is refused.
func (s *Server) guardStream(implementation any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	p, guarded := s.lookup(info.FullMethod)
	if !guarded {
		return s.refuseUnguarded(stream.Context(), info.FullMethod)
	}
	return s.hold(info.FullMethod, p, implementation, stream, next)
}

// hold begins the call of a stream, and runs next on the stream as the call allows.
func (s *Server) hold(name string, p *policy.Procedure, implementation any, stream grpc.ServerStream, next grpc.StreamHandler) error {
	ctx := stream.Context()
	call, refusal := s.guard.Begin(ctx, name, p, request(ctx))
	if refusal != nil {
		return refuse(ctx, refusal)
	}
	if call.Bare() {
		return answer(ctx, call.Finish(next(implementation, &boundStream{ServerStream: stream, ctx: call})))
	}
	held := call.Stream(stream.RecvMsg)
	defer held.Close()
	return answer(ctx, held.Finish(next(implementation, &heldStream{boundStream: boundStream{ServerStream: stream, ctx: held.Context()}, held: held})))
}

// onlyGuardedStream is what a guarded stream's handler becomes. It runs where guardStream has decided this call, and decides it itself
// where an interceptor before it has put another context in its place.
func (s *Server) onlyGuardedStream(name string, next grpc.StreamHandler) grpc.StreamHandler {
	return func(implementation any, stream grpc.ServerStream) error {
		if _, ok := s.guard.Take(stream.Context(), name); ok {
			return next(implementation, stream)
		}
		p, _ := s.lookup(name)
		return s.hold(name, p, implementation, stream, next)
	}
}

// boundStream is a stream with the call as its context.
type boundStream struct {
	grpc.ServerStream

	ctx context.Context //nolint:containedctx // gRPC hands a stream's context on in no other way.
}

// Context returns the call.
func (s *boundStream) Context() context.Context { return s.ctx }

// heldStream is a stream as its handler sees it.
type heldStream struct {
	boundStream

	held *interceptor.Stream
}

// RecvMsg receives a decided message.
func (s *heldStream) RecvMsg(message any) error { return s.held.Receive(message) }

// SendMsg sends where the call allows it.
func (s *heldStream) SendMsg(message any) error {
	if err := s.held.Send(); err != nil {
		return err
	}
	return s.ServerStream.SendMsg(message) //nolint:wrapcheck // It is the transport's own.
}
