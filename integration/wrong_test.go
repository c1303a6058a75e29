// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Each test here installs the guard in a wrong way, or tries to walk around it, and no handler is reached undecided.

type connectHandler = func(context.Context, *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error)

func unaryHandler(method string, descriptor any, handle connectHandler, options ...connect.HandlerOption) *connect.Handler {
	if descriptor != nil {
		options = append(options, connect.WithSchema(descriptor))
	}
	return connect.NewUnaryHandler(procedure(method), handle, options...)
}

// post calls a handler in process, with a context of the caller's.
func post(ctx context.Context, handler http.Handler, method, token string) (status int, body string) {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, procedure(method), strings.NewReader(`{}`))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestWrongInstallationsOverConnect(t *testing.T) {
	w := newWorld(t)
	good := shape("SessionUnary")
	dynamic := dynamicMethod(t, "SessionUnary")
	drop := connect.WithRequestGate(func(context.Context, connect.Spec, connect.Peer, http.Header) (context.Context, error) {
		return context.Background(), nil // a gate behind ours that loses our context
	})
	for _, tt := range []struct {
		name    string
		options []connect.HandlerOption
		schema  any
		token   string
		status  int
		reason  string
		hits    int
	}{
		{"guarded, as a control", []connect.HandlerOption{connectauth.Protect(w.guard)}, good, admin, 200, "", 1},
		{"a nil guard", []connect.HandlerOption{connectauth.Protect(nil)}, good, admin, 500, "INTERNAL", 0},
		{"a zero guard", []connect.HandlerOption{connectauth.Protect(&interceptor.Guard{})}, good, admin, 500, "INTERNAL", 0},
		{"no descriptor", []connect.HandlerOption{connectauth.Protect(w.guard)}, nil, admin, 403, "RULE_MISSING", 0},
		{"a descriptor that is none", []connect.HandlerOption{connectauth.Protect(w.guard)}, "SessionUnary", admin, 403, "RULE_MISSING", 0},
		{"a dynamic descriptor", []connect.HandlerOption{connectauth.Protect(w.guard)}, dynamic, admin, 403, "RULE_MISSING", 0},
		{"another method's descriptor", []connect.HandlerOption{connectauth.Protect(w.guard)}, shape("PublicUnary"), none, 403, "RULE_MISSING", 0},
		{"the gate's context lost, no credential", []connect.HandlerOption{connectauth.Protect(w.guard), drop}, good, none, 401, "CREDENTIAL_MISSING", 0},
		{"the gate's context lost, decided afresh", []connect.HandlerOption{connectauth.Protect(w.guard), drop}, good, admin, 200, "", 1},
		{"the gate's context lost, refused afresh", []connect.HandlerOption{connectauth.Protect(w.guard), drop}, good, member, 403, "PERMISSION_MISSING", 0},
		{"two guards, the second refuses", []connect.HandlerOption{connectauth.Protect(w.guard), connectauth.Protect(nil)}, good, admin, 500, "INTERNAL", 0},
		{"two guards, the first refuses", []connect.HandlerOption{connectauth.Protect(nil), connectauth.Protect(w.guard)}, good, admin, 500, "INTERNAL", 0},
		{"the same guard twice", []connect.HandlerOption{connectauth.Protect(w.guard), connectauth.Protect(w.guard)}, good, admin, 200, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hits := 0
			handler := unaryHandler("SessionUnary", tt.schema, func(ctx context.Context, _ *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
				hits++
				if caller, ok := tokens.FromContext(ctx); !ok || caller.Subject() == "" {
					t.Error("the handler was reached undecided")
				}
				return connect.NewResponse(&admittestv1.GateResponse{}), nil
			}, tt.options...)
			status, body := post(t.Context(), handler, "SessionUnary", w.credent[tt.token])
			if status != tt.status || hits != tt.hits || !strings.Contains(body, tt.reason) {
				t.Errorf("got %d %s and %d hits; want %d %s and %d", status, body, hits, tt.status, tt.reason, tt.hits)
			}
		})
	}
}

// Protect may come before the schema, and a handler without a name is refused.
func TestOddHandlers(t *testing.T) {
	w := newWorld(t)
	hits := 0
	handle := func(context.Context, *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
		hits++
		return connect.NewResponse(&admittestv1.GateResponse{}), nil
	}
	early := connect.NewUnaryHandler(procedure("SessionUnary"), handle, connectauth.Protect(w.guard), connect.WithSchema(shape("SessionUnary")))
	for who, want := range map[string]int{admin: http.StatusOK, member: http.StatusForbidden, none: http.StatusUnauthorized} {
		if status, body := post(t.Context(), early, "SessionUnary", w.credent[who]); status != want {
			t.Errorf("%s: %d %s", who, status, body)
		}
	}
	if hits != 1 {
		t.Errorf("the handler ran %d times", hits)
	}
	nameless := connect.NewUnaryHandler("", handle, connect.WithSchema(shape("PublicUnary")), connectauth.Protect(w.guard))
	if status, body := post(t.Context(), nameless, "PublicUnary", w.credent[admin]); status != http.StatusForbidden || hits != 1 {
		t.Errorf("a handler without a name: %d %s, %d hits", status, body, hits)
	}
}

// dynamicMethod returns the same method of another copy of the same file.
func dynamicMethod(t *testing.T, method string) protoreflect.MethodDescriptor {
	t.Helper()
	file, err := protodesc.NewFile(protodesc.ToFileDescriptorProto(admittestv1.File_admittest_v1_gate_proto), protoregistry.GlobalFiles)
	must(t, err)
	return file.Services().ByName("GateService").Methods().ByName(protoreflect.Name(method))
}

// A call inside a call inherits the context of the outer one, with its caller and the mark that it was decided.
func TestCallsInsideCalls(t *testing.T) {
	w := newWorld(t)
	for _, inner := range []string{"SessionUnary", "AnyUnary", "PublicUnary"} {
		t.Run(inner, func(t *testing.T) {
			innerHits, ignored := 0, ""
			innerHandler := unaryHandler(inner, shape(inner), func(ctx context.Context, _ *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
				innerHits++
				caller, ok := tokens.FromContext(ctx)
				if !ok || caller != nil {
					t.Errorf("the inner call has the outer caller, %v", caller)
				}
				return connect.NewResponse(&admittestv1.GateResponse{Ignored: ignored}), nil
			}, connectauth.Protect(w.guard))
			var status int
			var body string
			outer := unaryHandler(inner, shape(inner), func(ctx context.Context, _ *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
				status, body = post(ctx, innerHandler, inner, none)
				return connect.NewResponse(&admittestv1.GateResponse{}), nil
			}, connectauth.Protect(w.guard))
			if outerStatus, outerBody := post(t.Context(), connectauth.Handler(outer), inner, w.credent[admin]); outerStatus != http.StatusOK {
				t.Fatalf("the outer call got %d %s", outerStatus, outerBody)
			}
			want, hits := http.StatusUnauthorized, 0
			if inner == "PublicUnary" {
				want, hits = http.StatusOK, 1
			}
			if status != want || innerHits != hits {
				t.Errorf("the inner call got %d %s and %d hits; want %d and %d", status, body, innerHits, want, hits)
			}
		})
	}
}

// A mark or a caller that someone puts into the context decides nothing.
func TestForgedContexts(t *testing.T) {
	w := newWorld(t)
	caller, err := tokens.NewPrincipal(tokens.Facts{
		Kind: tokens.SessionToken, Subject: "user_1", Organization: tokens.Organization{ID: "org_1", Role: "admin"}, Permissions: []string{"org:gates:open"},
	})
	must(t, err)
	forged := tokens.NewContext(t.Context(), caller)
	hits := 0
	handler := unaryHandler("SessionUnary", shape("SessionUnary"), func(context.Context, *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
		hits++
		return connect.NewResponse(&admittestv1.GateResponse{}), nil
	}, connectauth.Protect(w.guard))
	if status, body := post(forged, handler, "SessionUnary", none); status != http.StatusUnauthorized || hits != 0 {
		t.Errorf("got %d %s and %d hits", status, body, hits)
	}
	guarded := grpcauth.GuardService(w.guard, &admittestv1.GateService_ServiceDesc)
	for _, method := range guarded.Methods {
		if method.MethodName != "SessionUnary" {
			continue
		}
		_, err := method.Handler(grpcGate{gate: w.gate}, forged, func(any) error { t.Error("the message was read"); return nil }, nil)
		if grpcauth.ReasonOf(err) != tokens.ReasonCredentialMissing {
			t.Errorf("got %v", err)
		}
	}
	if n, _, _ := w.gate.state("SessionUnary"); n != 0 {
		t.Errorf("the handler ran %d times", n)
	}
	for _, name := range []string{"x-admit-decided", "admit", "x-user-id", "x-forwarded-user", "authorization-bin", "grpc-metadata-authorization"} {
		ctx := metadata.AppendToOutgoingContext(within(t, 10*time.Second), name, w.credent[admin])
		got := overGRPC(ctx, w, "SessionUnary", nil, nil)
		if got.reason != tokens.ReasonCredentialMissing {
			t.Errorf("with %s: %v", name, got.err)
		}
	}
}

func TestRegisteredPastTheGuard(t *testing.T) {
	w := newWorld(t)
	server := grpcauth.NewServer(w.guard)
	admittestv1.RegisterGateServiceServer(server.Server, grpcGate{gate: w.gate})
	if err := grpcauth.Check(server); err == nil || !strings.Contains(err.Error(), "admittest.v1.GateService") {
		t.Errorf("Check: %v", err)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	if err := server.Serve(listener); err == nil || !strings.Contains(err.Error(), "past the guard") {
		t.Errorf("Serve: %v", err)
	}
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, procedure("SessionUnary"), nil))
	if recorder.Code != http.StatusInternalServerError {
		t.Errorf("ServeHTTP answered %d", recorder.Code)
	}
	// Who insists on the server inside is refused all the same.
	_, conn := serveGRPC(t, server.Server)
	w.conn = conn
	for _, method := range []string{"SessionUnary", "PublicUnary", "SessionBidi", "SessionServer"} {
		got := overGRPC(within(t, 10*time.Second), w, method, bearer(w.credent[admin]), msgs(msg("", "must not arrive")))
		if hits, _, _ := w.gate.state(method); got.reason != tokens.ReasonRuleMissing || hits != 0 {
			t.Errorf("%s: %v, %d hits", method, got.err, hits)
		}
	}
}

func TestUnknownMethods(t *testing.T) {
	w := newWorld(t)
	hits := 0
	server := grpcauth.NewServer(w.guard, grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { hits++; return nil }))
	admittestv1.RegisterGateServiceServer(server, grpcGate{gate: w.gate})
	_, conn := serveGRPC(t, server)
	for _, name := range []string{"/any.Thing/Nope", "/admittest.v1.GateService/Nope", "/admittest.v1.PastService/Open", "//admittest.v1.GateService/PublicUnary"} {
		ctx := metadata.AppendToOutgoingContext(within(t, 10*time.Second), "authorization", "Bearer "+w.credent[admin])
		err := conn.Invoke(ctx, name, &admittestv1.GateRequest{}, &admittestv1.GateResponse{})
		if grpcauth.ReasonOf(err) != tokens.ReasonRuleMissing {
			t.Errorf("%s: %v", name, err)
		}
	}
	if hits != 0 {
		t.Errorf("the handler of unknown services ran %d times", hits)
	}
	for _, path := range []string{"/admittest.v1.GateService/Nope", "/any.Thing/Nope", "/x/admittest.v1.GateService/SessionUnary", "/admittest.v1.gateservice/SessionUnary"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, strings.NewReader("{}"))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		response, err := w.h2.Do(r)
		must(t, err)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	if n, _, _ := w.gate.state("SessionUnary"); n != 0 {
		t.Error("a handler ran")
	}
}

// A rule that was read from another descriptor than the handlers' is not theirs.
func TestDynamicRulesOverGRPC(t *testing.T) {
	w := newWorld(t)
	service, ok := dynamicMethod(t, "SessionUnary").Parent().(protoreflect.ServiceDescriptor)
	if !ok {
		t.Fatal("no service")
	}
	rules, err := policy.New(policy.ServeService(service))
	must(t, err)
	w.guard, err = interceptor.New(rules, w.verifiers(t))
	must(t, err)
	t.Cleanup(w.guard.Close)
	w.serve(t)
	for _, transport := range transports {
		for _, method := range []string{"PublicUnary", "SessionUnary", "SessionBidi"} {
			got := transport.call(within(t, 10*time.Second), w, method, bearer(w.credent[admin]), msgs(msg("", "must not arrive")))
			if hits, _, _ := w.gate.state(method); got.reason != tokens.ReasonRuleMissing || hits != 0 {
				t.Errorf("%s %s: %v, %d hits", transport.name, method, got.err, hits)
			}
		}
	}
}

// A handler that does not mind what Receive and Send tell it changes nothing.
func TestStubbornHandlers(t *testing.T) {
	w := newWorld(t)
	type stream = connect.BidiStream[admittestv1.GateRequest, admittestv1.GateResponse]
	handlers := map[string]func(context.Context, *stream) error{
		"ignores a refused message": func(ctx context.Context, s *stream) error {
			_, _ = s.Receive()
			if m, err := s.Receive(); err == nil {
				t.Errorf("received %v after a refused message", m)
			}
			if s.Send(&admittestv1.GateResponse{Subject: "leak"}) == nil {
				t.Error("sent after a refused message")
			}
			if ctx.Err() == nil {
				t.Error("the context goes on")
			}
			return nil
		},
		"makes another error of it": func(_ context.Context, s *stream) error {
			_, _ = s.Receive()
			return connect.NewError(connect.CodeDataLoss, errors.New("another error"))
		},
	}
	early := func(_ context.Context, s *stream) error {
		if s.Send(&admittestv1.GateResponse{Subject: "leak"}) == nil {
			t.Error("sent before a message was decided")
		}
		return nil
	}
	call := func(handle func(context.Context, *stream) error) outcome {
		mux := http.NewServeMux()
		mux.Handle(procedure("BoundBidi"), connect.NewBidiStreamHandler(procedure("BoundBidi"), handle,
			connect.WithSchema(shape("BoundBidi")), connectauth.Protect(w.guard)))
		w.url = serveHTTP(t, mux)
		return overConnect()(within(t, 10*time.Second), w, "BoundBidi", bearer(w.credent[member]), msgs(msg("org_2", "must not arrive")))
	}
	for name, handle := range handlers {
		if got := call(handle); got.reason != tokens.ReasonOrganizationMismatch || len(got.responses) != 0 {
			t.Errorf("%s: %v %v", name, got.err, got.responses)
		}
	}
	if got := call(early); got.code != codes.Internal || len(got.responses) != 0 {
		t.Errorf("sends early: %v %v", got.err, got.responses)
	}
}
