// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package connectauth

import (
	"context"
	"net/http"
	"unsafe"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const authorization = "Authorization" // as net/http spells it

// Protect guards a handler: pass it to every generated New…Handler. It installs a request gate, which decides from the headers before
// anything is read, and an interceptor, which decides messages; there is no way to install one of them alone. Interceptors given after
// Protect see the caller in their context, those given before it run outside the interceptor but still behind the gate.
//
// The rule is the one of the method that the handler's schema names. Generated handlers name it; one that is made by hand, or by a package
// such as connectrpc.com/grpcreflect, needs connect.WithSchema(method) beside Protect, and is refused with RULE_MISSING without it.
//
// A nil guard refuses every call.
func Protect(guard *interceptor.Guard) connect.HandlerOption {
	// Conditional options are made for each handler, so that its rule is bound when it is built. They are passed over where the procedure is
	// empty, which that of a handler never is: it begins with a slash.
	return connect.WithConditionalHandlerOptions(func(spec connect.Spec) []connect.HandlerOption {
		p := bind(guard, spec)
		return []connect.HandlerOption{connect.WithRequestGate(p.gate), connect.WithInterceptors(p)}
	})
}

// protection is a guard in a handler.
type protection struct {
	guard  *interceptor.Guard
	schema any               // of the handler, as far as it was known when Protect was applied
	bound  *policy.Procedure // the rule that belongs to it
}

func bind(guard *interceptor.Guard, spec connect.Spec) *protection {
	return &protection{guard: guard, schema: spec.Schema, bound: procedureOf(guard, spec)}
}

// procedure returns the rule that belongs to the handler's own descriptor; nil where there is none, which refuses. An option that came
// after Protect may have set another schema than the one it saw.
func (p *protection) procedure(spec *connect.Spec) *policy.Procedure {
	if p.bound != nil && spec.Schema == p.schema {
		return p.bound
	}
	return procedureOf(p.guard, *spec)
}

func procedureOf(guard *interceptor.Guard, spec connect.Spec) *policy.Procedure {
	method, ok := spec.Schema.(protoreflect.MethodDescriptor)
	if !ok {
		return nil
	}
	return guard.Procedure(spec.Procedure, method)
}

// begin is given pointers, since the two are large and every call comes here.
func (p *protection) begin(ctx context.Context, spec *connect.Spec, peer *connect.Peer, header http.Header) (*interceptor.Call, *interceptor.Refusal) {
	return p.guard.Begin(ctx, spec.Procedure, p.procedure(spec), &interceptor.Request{
		Authorization: header[authorization], Peer: peer.Addr, Identity: identity(header),
		Header: header, Cookies: peer.Protocol != connect.ProtocolGRPC, Authority: authorityOf,
	})
}

// identity is what no other call has: the map of its request headers.
func identity(header http.Header) any {
	if header == nil {
		return nil
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(&header)) //nolint:gosec // Audited: a map is a pointer, and this one is only compared.
}

// gate decides the call phase.
func (p *protection) gate(ctx context.Context, spec connect.Spec, peer connect.Peer, header http.Header) (context.Context, error) {
	call, refusal := p.begin(ctx, &spec, &peer, header)
	if refusal != nil {
		return nil, refuseAtGate(ctx, refusal, spec, peer, header)
	}
	return call, nil
}

// decide decides a call whose context, when it reached the interceptor, is not the gate's.
func (p *protection) decide(ctx context.Context, spec connect.Spec, peer connect.Peer, header http.Header) (context.Context, *interceptor.Call, *interceptor.Refusal) {
	call, refusal := p.begin(ctx, &spec, &peer, header)
	if refusal != nil {
		return ctx, nil, refusal
	}
	_, _ = p.guard.Take(call, spec.Procedure, identity(header)) // so that nothing else does
	return call, call, nil
}

// WrapUnary decides the message of a call.
func (p *protection) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		spec := request.Spec()
		if spec.IsClient {
			return next(ctx, request)
		}
		header := request.Header()
		call, ok := p.guard.Take(ctx, spec.Procedure, identity(header))
		if !ok {
			var refusal *interceptor.Refusal
			if ctx, call, refusal = p.decide(ctx, spec, request.Peer(), header); refusal != nil {
				return nil, refuse(responseHeader(ctx), refusal, request.Peer())
			}
		}
		isGet := spec.IdempotencyLevel == connect.IdempotencyNoSideEffects && request.HTTPMethod() == http.MethodGet
		if isGet {
			keepPrivate(responseHeader(ctx), call)
		}
		if refusal := call.Message(request.Any()); refusal != nil {
			return nil, refuse(responseHeader(ctx), refusal, request.Peer())
		}
		response, err := next(ctx, request)
		if isGet { // ours stands; the handler does not know who else may ask
			keepPrivate(responseHeader(ctx), call)
			if response != nil && call.Procedure().Public() == policy.NotPublic {
				response.Header().Del(cacheControl)
			}
		}
		if err := call.Finish(err); err != nil {
			return nil, answer(responseHeader(ctx), err, request.Peer())
		}
		return response, nil
	}
}

// WrapStreamingClient leaves clients alone.
func (p *protection) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler holds a stream to its call.
func (p *protection) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		call, ok := p.guard.Take(ctx, conn.Spec().Procedure, identity(conn.RequestHeader()))
		if !ok {
			var refusal *interceptor.Refusal
			if ctx, call, refusal = p.decide(ctx, conn.Spec(), conn.Peer(), conn.RequestHeader()); refusal != nil {
				return refuse(conn.ResponseHeader(), refusal, conn.Peer())
			}
		}
		if call.Bare() {
			return answer(conn.ResponseHeader(), call.Finish(next(ctx, conn)), conn.Peer())
		}
		stream := call.Stream(conn.Receive)
		defer stream.Close()
		defer endReads(ctx, conn.RequestHeader(), stream)()
		guarded := &guardedConn{StreamingHandlerConn: conn, stream: stream}
		return answer(conn.ResponseHeader(), stream.Finish(next(stream.Context(), guarded)), conn.Peer())
	}
}

// guardedConn is a stream as its handler sees it.
type guardedConn struct {
	connect.StreamingHandlerConn

	stream *interceptor.Stream
}

// Receive receives a decided message.
func (c *guardedConn) Receive(message any) error { return c.stream.Receive(message) }

// Send sends where the call allows it.
func (c *guardedConn) Send(message any) error {
	if err := c.stream.Send(); err != nil {
		return err
	}
	return c.StreamingHandlerConn.Send(message) //nolint:wrapcheck // It is the transport's own.
}
