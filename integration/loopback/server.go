// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package loopback serves the service of the tests on two ports of loopback, by connect and by grpc-go, and calls it there.
package loopback

import (
	"context"
	"net"
	"net/http"
	"time"

	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/tokens"
)

// Addresses are where a server is found.
type Addresses struct {
	HTTP string // a URL
	GRPC string
}

// Serve serves by connect, over HTTP/1.1 and HTTP/2, and by grpc-go, until stop is called.
func Serve(
	ctx context.Context, guard *interceptor.Guard, byConnect admittestv1connect.GateServiceHandler, byGRPC admittestv1.GateServiceServer,
) (at Addresses, stop func(), err error) {
	var listen net.ListenConfig
	forHTTP, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Addresses{}, nil, err
	}
	forGRPC, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		_ = forHTTP.Close()
		return Addresses{}, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(byConnect, connectauth.Protect(guard)))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	overHTTP := &http.Server{Handler: connectauth.Handler(mux), Protocols: protocols, ReadHeaderTimeout: 5 * time.Second}
	overGRPC := grpcauth.NewServer(guard)
	admittestv1.RegisterGateServiceServer(overGRPC, byGRPC)
	go func() { _ = overHTTP.Serve(forHTTP) }() // both end with stop
	go func() { _ = overGRPC.Serve(forGRPC) }()
	return Addresses{HTTP: "http://" + forHTTP.Addr().String(), GRPC: forGRPC.Addr().String()}, func() {
		_ = overHTTP.Close()
		overGRPC.Stop()
	}, nil
}

// Response names the caller, as a handler does that answers every call.
func Response(ctx context.Context) *admittestv1.GateResponse {
	caller, ok := tokens.FromContext(ctx)
	if !ok || caller == nil {
		return &admittestv1.GateResponse{Kind: "nobody"}
	}
	return &admittestv1.GateResponse{Kind: caller.Kind().String(), Subject: caller.Subject()}
}
