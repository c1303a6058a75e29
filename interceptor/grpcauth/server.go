// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package grpcauth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// A Server is a gRPC server whose services are guarded. Make it with [NewServer]. Register services on the Server itself, never on the
// embedded *grpc.Server: calls to a service that was registered past the guard are refused, and [Server.Serve] does not start.
type Server struct {
	*grpc.Server

	guard *interceptor.Guard

	mu      sync.RWMutex
	guarded map[string]*policy.Procedure // guarded by mu; by full method, nil where no rule is
}

// NewServer makes a server with the given options. Interceptors that are given with grpc.ChainUnaryInterceptor and
// grpc.ChainStreamInterceptor run behind the guard and see the caller in their context; a single grpc.StreamInterceptor runs before it.
//
// A nil guard refuses every call.
func NewServer(guard *interceptor.Guard, options ...grpc.ServerOption) *Server {
	s := &Server{guard: guard, guarded: map[string]*policy.Procedure{}}
	first := []grpc.ServerOption{grpc.ChainUnaryInterceptor(s.onlyGuarded), grpc.ChainStreamInterceptor(s.guardFirst)}
	s.Server = grpc.NewServer(append(first, options...)...)
	return s
}

// RegisterService registers a service behind the guard. Each method is bound to its rule here. A service that the rules do not serve is
// registered all the same, and every call to it is refused with RULE_MISSING.
func (s *Server) RegisterService(description *grpc.ServiceDesc, implementation any) {
	guarded, bound := guardService(s.guard, description)
	s.mu.Lock()
	maps.Copy(s.guarded, bound)
	s.mu.Unlock()
	s.Server.RegisterService(guarded, implementation)
}

// GuardService returns a copy of a service's description with every handler behind the guard, for registrars other than [Server], such
// as channels in process. A nil guard, and a service that the rules do not serve, refuse every call.
func GuardService(guard *interceptor.Guard, description *grpc.ServiceDesc) *grpc.ServiceDesc {
	guarded, _ := guardService(guard, description)
	return guarded
}

func guardService(guard *interceptor.Guard, description *grpc.ServiceDesc) (*grpc.ServiceDesc, map[string]*policy.Procedure) {
	guarded, bound := *description, map[string]*policy.Procedure{}
	guarded.Methods = slices.Clone(description.Methods)
	guarded.Streams = slices.Clone(description.Streams)
	service := linked(description.ServiceName)
	for i := range guarded.Methods {
		method := &guarded.Methods[i]
		name := "/" + description.ServiceName + "/" + method.MethodName
		bound[name] = bind(guard, name, service, method.MethodName, false, false)
		method.Handler = guardUnary(guard, name, bound[name], method.Handler)
	}
	for i := range guarded.Streams {
		stream := &guarded.Streams[i]
		name := "/" + description.ServiceName + "/" + stream.StreamName
		bound[name] = bind(guard, name, service, stream.StreamName, stream.ClientStreams, stream.ServerStreams)
		stream.Handler = guardStream(guard, name, bound[name], stream.Handler)
	}
	return &guarded, bound
}

// bind finds the rule of a method. The handlers' messages are those of the linked descriptor, so a rule that was read from another, or
// for another shape of stream, is not theirs.
func bind(guard *interceptor.Guard, name string, service protoreflect.ServiceDescriptor, method string, clientStreams, serverStreams bool) *policy.Procedure {
	if service == nil {
		return nil
	}
	m := service.Methods().ByName(protoreflect.Name(method))
	if m == nil || m.IsStreamingClient() != clientStreams || m.IsStreamingServer() != serverStreams {
		return nil
	}
	return guard.Procedure(name, m)
}

func linked(service string) protoreflect.ServiceDescriptor {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil
	}
	d, _ := found.(protoreflect.ServiceDescriptor)
	return d
}

func (s *Server) lookup(name string) (p *policy.Procedure, guarded bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, guarded = s.guarded[name]
	return p, guarded
}

// Serve serves on the listener, unless [Check] finds a service that was registered past the guard.
func (s *Server) Serve(listener net.Listener) error {
	if err := Check(s); err != nil {
		_ = listener.Close()
		return err
	}
	return s.Server.Serve(listener) //nolint:wrapcheck // It is the server's own.
}

// ServeHTTP serves a request over net/http, unless [Check] finds a service that was registered past the guard.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := Check(s); err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	s.Server.ServeHTTP(w, r)
}

// Check returns an error that names every service which was registered past the guard, on the embedded *grpc.Server, or nil.
func Check(s *Server) error {
	if s == nil || s.Server == nil {
		return errors.New("grpcauth: the server is nil; make it with grpcauth.NewServer")
	}
	var past []string
	for service, info := range s.GetServiceInfo() {
		for _, method := range info.Methods {
			if _, guarded := s.lookup("/" + service + "/" + method.Name); !guarded {
				past = append(past, service)
				break
			}
		}
	}
	if len(past) == 0 {
		return nil
	}
	slices.Sort(past)
	return fmt.Errorf("grpcauth: registered past the guard: %s; register on the *grpcauth.Server, not on the *grpc.Server inside", strings.Join(past, ", "))
}

// onlyGuarded refuses unary calls to services that were registered past the guard.
func (s *Server) onlyGuarded(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if _, ok := s.guard.Take(ctx, info.FullMethod, identity(ctx)); !ok {
		return nil, s.refuseUnguarded(ctx, info.FullMethod)
	}
	return next(ctx, request)
}

// guardFirst is the first of the stream interceptors: it decides the call phase and holds the stream to its call, for the interceptors
// behind it as for the handler. A method that no guarded service has is refused.
func (s *Server) guardFirst(implementation any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	p, guarded := s.lookup(info.FullMethod)
	if !guarded {
		return s.refuseUnguarded(stream.Context(), info.FullMethod)
	}
	return hold(s.guard, info.FullMethod, p, implementation, stream, next)
}

// refuseUnguarded refuses as a procedure without a rule is refused.
func (s *Server) refuseUnguarded(ctx context.Context, name string) error {
	_, refusal := s.guard.Begin(ctx, name, nil, nil)
	return refuse(ctx, refusal)
}
