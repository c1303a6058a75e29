// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package fromclerk_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A method is one of InvoiceService: its rule, as a .proto has it behind "option (admit.v1.method) =", and its handler.
type method struct {
	name, rule string
	handle     func(ctx context.Context) (string, error) // nil: one that says "ok"
}

const service = "/invoices.v1.InvoiceService/"

// declare makes the descriptor that generated code would have.
func declare(methods []method) (protoreflect.FileDescriptor, error) {
	file := &descriptorpb.FileDescriptorProto{
		Name: new("invoices/v1/invoices.proto"), Package: new("invoices.v1"), Syntax: new("proto3"),
		Dependency: []string{"admittest/v1/gate.proto", "google/protobuf/wrappers.proto"},
		Service:    []*descriptorpb.ServiceDescriptorProto{{Name: new("InvoiceService")}},
	}
	for _, m := range methods {
		var options *descriptorpb.MethodOptions
		if m.rule != "" {
			rule := &admitv1.Rule{}
			if err := prototext.Unmarshal([]byte(m.rule), rule); err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
			options = &descriptorpb.MethodOptions{}
			proto.SetExtension(options, admitv1.E_Method, rule)
		}
		file.Service[0].Method = append(file.Service[0].Method, &descriptorpb.MethodDescriptorProto{
			Name: &m.name, InputType: new(".admittest.v1.GateRequest"), OutputType: new(".google.protobuf.StringValue"), Options: options,
		})
	}
	return protodesc.NewFile(file, protoregistry.GlobalFiles)
}

// A server serves the methods behind a guard.
type server struct {
	*httptest.Server

	guard *interceptor.Guard
}

// serve serves methods to callers of the Clerk instance. more are rules given in code.
func serve(methods []method, more ...policy.Option) *server {
	return start(methods, func(rules *policy.Rules) (*interceptor.Guard, error) {
		verifiers, err := tokens.NewVerifiers(instance.Verifiers()...)
		if err != nil {
			return nil, err
		}
		return interceptor.New(rules, verifiers)
	}, more...)
}

// start serves methods behind a guard that is made of their rules.
func start(methods []method, newGuard func(*policy.Rules) (*interceptor.Guard, error), more ...policy.Option) *server {
	file := must(declare(methods))
	rules := must(policy.New(append(more, policy.Serve(file))...))
	guard := must(newGuard(rules))
	mux := http.NewServeMux()
	for i, m := range methods {
		mux.Handle(service+m.name, connect.NewUnaryHandler(service+m.name,
			func(ctx context.Context, _ *connect.Request[admittestv1.GateRequest]) (*connect.Response[wrapperspb.StringValue], error) {
				if m.handle == nil {
					return connect.NewResponse(wrapperspb.String("ok")), nil
				}
				text, err := m.handle(ctx)
				return connect.NewResponse(wrapperspb.String(text)), err
			}, connect.WithSchema(file.Services().Get(0).Methods().Get(i)), connectauth.Protect(guard)))
	}
	return &server{httptest.NewServer(connectauth.Handler(mux)), guard}
}

func (s *server) close() {
	s.Close()
	s.guard.Close()
}

// A header is set beside the caller's authorization.
type header struct{ name, value string }

// call calls a method as a caller, and prints what became of it.
func (s *server) call(method string, as caller, request *admittestv1.GateRequest, headers ...header) {
	r := connect.NewRequest(request)
	if request == nil {
		r = connect.NewRequest(&admittestv1.GateRequest{})
	}
	if bearer := as.bearer(); bearer != "" {
		r.Header().Set("Authorization", "Bearer "+bearer)
	}
	for _, h := range headers {
		r.Header().Set(h.name, h.value)
	}
	client := connect.NewClient[admittestv1.GateRequest, wrapperspb.StringValue](s.Client(), s.URL+service+method)
	response, err := client.CallUnary(context.Background(), r)
	if err != nil {
		outcome := strings.TrimSpace(connect.CodeOf(err).String() + " " + string(connectauth.ReasonOf(err)))
		fmt.Printf("%s by %s: %s\n", method, as.name, outcome)
		return
	}
	fmt.Printf("%s by %s: %s\n", method, as.name, response.Msg.GetValue())
}
