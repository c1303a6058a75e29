// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package grpcauth

import (
	"context"
	"crypto/tls"
	"net/http"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// begin decides the call phase from the headers of a call.
func begin(ctx context.Context, guard *interceptor.Guard, name string, p *policy.Procedure) (*interceptor.Call, *interceptor.Refusal) {
	return guard.Begin(ctx, name, p, &interceptor.Request{
		Authorization: metadata.ValueFromIncomingContext(ctx, "authorization"), Identity: identity(ctx), TLS: stateOf,
		HeaderOf: metadata.ValueFromIncomingContext, Authority: authorityOf,
	})
}

// identity is what no other call has: its stream in the transport.
func identity(ctx context.Context) any {
	if stream := grpc.ServerTransportStreamFromContext(ctx); stream != nil {
		return stream
	}
	return nil
}

func authorityOf(ctx context.Context, _ http.Header) string {
	values := metadata.ValueFromIncomingContext(ctx, ":authority")
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

func stateOf(ctx context.Context) *tls.ConnectionState {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	if info, ok := from.AuthInfo.(credentials.TLSInfo); ok {
		return &info.State
	}
	return nil
}

// guardUnary wraps the handler of a unary method: the call phase is decided before the message is received, and the message before it
// reaches an interceptor or the handler.
func guardUnary(guard *interceptor.Guard, name string, p *policy.Procedure, next grpc.MethodHandler) grpc.MethodHandler {
	return func(implementation any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
		call, refusal := begin(ctx, guard, name, p)
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

// guardStream wraps the handler of a stream. It runs on where this very call has been decided before the interceptors, and decides it
// itself otherwise: where there is no [Server], or an interceptor has put another context in the place of the call's.
func guardStream(guard *interceptor.Guard, name string, p *policy.Procedure, next grpc.StreamHandler) grpc.StreamHandler {
	return func(implementation any, stream grpc.ServerStream) error {
		if _, ok := guard.Take(stream.Context(), name, identity(stream.Context())); ok {
			return next(implementation, stream)
		}
		return hold(guard, name, p, implementation, stream, func(implementation any, stream grpc.ServerStream) error {
			_, _ = guard.Take(stream.Context(), name, identity(stream.Context())) // so that nothing else does
			return next(implementation, stream)
		})
	}
}

// hold begins the call of a stream, and runs next on the stream as the call allows.
func hold(guard *interceptor.Guard, name string, p *policy.Procedure, implementation any, stream grpc.ServerStream, next grpc.StreamHandler) error {
	ctx := stream.Context()
	call, refusal := begin(ctx, guard, name, p)
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
