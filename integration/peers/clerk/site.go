// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/clerk"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/apipb" // for a generated message with a text
)

// host is that of the procedures, which the application of party calls.
const host = "api.example.com"

// A setting is one way to set up a server, which both sides have.
type setting struct {
	name                  string
	secret, machineSecret string
	keys                  keysAnswer
	hasPEM                bool
}

func settings() []setting {
	key := func(prefix string) string { return prefix + rand.Text() }
	return []setting{
		{name: "a key as PEM", secret: key("sk_live_"), hasPEM: true},
		{name: "keys of the API", secret: key("sk_live_")},
		{name: "a machine's secret key", secret: key("sk_live_"), machineSecret: key("ak_"), hasPEM: true},
		{name: "a secret key that is refused", secret: key("sk_live_"), keys: keysRefused},
		{name: "keys that are down", secret: key("sk_live_"), keys: keysDown},
		{name: "no keys", secret: key("sk_live_"), keys: keysNone},
	}
}

// The numbers of the settings.
const (
	siteOfPEM = iota
	siteOfKeys
	siteOfMachine
	siteRefused
	siteDown
	siteWithoutKeys
)

// A site is a server of ours: a real Connect handler on loopback, with a method for each rule.
type site struct {
	server   *httptest.Server
	guard    *interceptor.Guard
	instance *clerk.Instance
	clients  map[string]*connect.Client[apipb.Api, apipb.Api] // by HTTP method and method
	// caller is whom the handler saw last; calls of a site are made one by one.
	caller atomic.Pointer[tokens.Principal]
}

func startSite(s setting, rules map[string]*admitv1.Rule, file protoreflect.FileDescriptor, b *backend, k *keys, cookies []string) (*site, error) {
	options := []clerk.Option{
		clerk.WithAPIURL(b.URL), clerk.WithAPITimeout(apiTimeout), clerk.WithAuthorizedParties(party), clerk.WithAudience(audience),
		clerk.WithMachineID(ourMachine),
	}
	if s.hasPEM {
		options = append(options, clerk.WithJWTKey(k.pem))
	}
	if s.machineSecret != "" {
		options = append(options, clerk.WithMachineSecretKey(s.machineSecret))
	}
	publishable := "pk_live_" + base64.StdEncoding.EncodeToString([]byte(strings.TrimPrefix(issuer, "https://")+"$"))
	instance, err := clerk.New(publishable, s.secret, options...)
	if err != nil {
		return nil, err
	}
	st := &site{instance: instance, clients: map[string]*connect.Client[apipb.Api, apipb.Api]{}}
	if st.guard, err = newGuard(instance, rules, file, cookies); err != nil {
		return nil, errors.Join(err, instance.Close())
	}
	st.serve(file)
	return st, nil
}

func newGuard(instance *clerk.Instance, rules map[string]*admitv1.Rule, file protoreflect.FileDescriptor, cookies []string) (*interceptor.Guard, error) {
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(party); err != nil {
		return nil, err
	}
	options := []policy.Option{policy.Serve(file)}
	for method, rule := range rules {
		options = append(options, policy.For(procedureOf(method), policy.FromProto(rule)))
	}
	compiled, err := policy.New(options...)
	if err != nil {
		return nil, err
	}
	verifiers, err := tokens.NewVerifiers(instance.Verifiers()...)
	if err != nil {
		return nil, err
	}
	return interceptor.New(compiled, verifiers, interceptor.WithSessionCookie(protection, cookies...))
}

// startsForNobody reports whether a rule can be compiled that admits nobody, as the peer's empty list does.
func startsForNobody(file protoreflect.FileDescriptor) bool {
	_, err := policy.New(policy.Serve(file), policy.For("/peers.Service/*", policy.Allow()))
	return err == nil
}

func procedureOf(method string) string { return "/peers.Service/" + method }

// serve mounts a handler for each method, and makes clients that call it by POST and by GET.
func (s *site) serve(file protoreflect.FileDescriptor) {
	mux := http.NewServeMux()
	methods := file.Services().Get(0).Methods()
	s.server = httptest.NewServer(connectauth.Handler(mux))
	caller := *s.server.Client()
	caller.Transport = hosted{caller.Transport}
	for i := range methods.Len() {
		procedure := procedureOf(string(methods.Get(i).Name()))
		mux.Handle(procedure, connect.NewUnaryHandler(procedure, s.handle, connect.WithSchema(methods.Get(i)),
			connect.WithIdempotency(connect.IdempotencyNoSideEffects), connectauth.Protect(s.guard)))
		name := string(methods.Get(i).Name())
		s.clients[http.MethodPost+name] = connect.NewClient[apipb.Api, apipb.Api](&caller, s.server.URL+procedure, connect.WithProtoJSON())
		s.clients[http.MethodGet+name] = connect.NewClient[apipb.Api, apipb.Api](&caller, s.server.URL+procedure, connect.WithProtoJSON(), connect.WithHTTPGet(),
			connect.WithIdempotency(connect.IdempotencyNoSideEffects))
	}
}

func (s *site) handle(ctx context.Context, _ *connect.Request[apipb.Api]) (*connect.Response[apipb.Api], error) {
	caller, _ := tokens.FromContext(ctx)
	s.caller.Store(caller)
	return connect.NewResponse(&apipb.Api{}), nil
}

// hosted calls the server under the name that it has for browsers.
type hosted struct{ under http.RoundTripper }

func (h hosted) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = host
	return h.under.RoundTrip(r)
}

// call calls a method and returns the caller that the handler saw, or the refusal's reason.
func (s *site) call(ctx context.Context, httpMethod, method, name string, headers [][2]string) (*tokens.Principal, tokens.Reason, error) {
	request := connect.NewRequest(&apipb.Api{Name: name})
	for _, h := range headers {
		request.Header().Add(h[0], h[1])
	}
	s.caller.Store(nil)
	_, err := s.clients[httpMethod+method].CallUnary(ctx, request)
	caller := s.caller.Load()
	switch reason := connectauth.ReasonOf(err); {
	case err == nil && caller != nil:
		return caller, "", nil
	case err == nil:
		return nil, "", errors.New("the handler saw no caller")
	case reason == "" || caller != nil:
		return nil, "", fmt.Errorf("no refusal, or one by a handler that was reached: %w", err)
	default:
		return nil, reason, nil
	}
}

func (s *site) close() error {
	if s == nil {
		return nil
	}
	s.server.Close()
	s.guard.Close()
	return s.instance.Close()
}

// declare makes a service with a method of each name.
func declare(names []string) (protoreflect.FileDescriptor, error) {
	var text strings.Builder
	text.WriteString(`name: "peers/service.proto" package: "peers" syntax: "proto3" dependency: "google/protobuf/api.proto" service { name: "Service" `)
	for _, name := range names {
		fmt.Fprintf(&text, `method { name: %q input_type: ".google.protobuf.Api" output_type: ".google.protobuf.Api" options { idempotency_level: NO_SIDE_EFFECTS } } `, name)
	}
	text.WriteString("}")
	declared := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(text.String()), declared); err != nil {
		return nil, err
	}
	return protodesc.NewFile(declared, protoregistry.GlobalFiles)
}

func parseRule(text string) (*admitv1.Rule, error) {
	rule := &admitv1.Rule{}
	return rule, prototext.Unmarshal([]byte(text), rule)
}
