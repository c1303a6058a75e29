// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	invoicesv1 "github.com/admitrpc/admit/cmd/demo/gen/invoices/v1"
	"github.com/admitrpc/admit/cmd/demo/gen/invoices/v1/invoicesv1connect"
	"github.com/admitrpc/admit/cmd/demo/gen/ledger/v1/ledgerv1connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// newMux mounts what is served over Connect, gRPC and gRPC-Web alike, and the page. Every handler of calls gets connectauth.Protect; the mux
// is wrapped once. Calls are shared with the allowed origins; the page, which has credentials in it, is not.
func newMux(guard *interceptor.Guard, service *invoices, books *ledger, shown *page, allowed origins) http.Handler {
	protect := connectauth.Protect(guard)
	mux := http.NewServeMux()
	mount := func(path string, calls http.Handler) { mux.Handle(path, allowed.share(calls)) }
	mount(invoicesv1connect.NewInvoiceServiceHandler(connectInvoices{service}, protect))
	mount(ledgerv1connect.NewLedgerServiceHandler(books, protect))

	// The handlers of grpcreflect do not say which method they serve, so that is said for them.
	reflector := grpcreflect.NewStaticReflector(invoicesv1connect.InvoiceServiceName, ledgerv1connect.LedgerServiceName)
	mount(grpcreflect.NewHandlerV1(reflector, soleMethod(reflectionv1.File_grpc_reflection_v1_reflection_proto), protect))
	mount(grpcreflect.NewHandlerV1Alpha(reflector, soleMethod(reflectionv1alpha.File_grpc_reflection_v1alpha_reflection_proto), protect))
	shown.mount(mux)
	return connectauth.Handler(mux)
}

func soleMethod(file protoreflect.FileDescriptor) connect.HandlerOption {
	return connect.WithSchema(file.Services().Get(0).Methods().Get(0))
}

// newGRPC registers what is served over grpc-go. Everything that is registered on it is guarded.
func newGRPC(guard *interceptor.Guard, service *invoices) *grpcauth.Server {
	server := grpcauth.NewServer(guard)
	invoicesv1.RegisterInvoiceServiceServer(server, grpcInvoices{invoices: service})
	healthv1.RegisterHealthServer(server, health.NewServer())
	reflection.Register(server)
	return server
}

// stopTimeout is how long calls that are under way may take once the demo is told to stop.
const stopTimeout = 2 * time.Second

// servers are the two servers on their listeners.
type servers struct {
	http   *http.Server
	grpc   *grpcauth.Server
	failed chan error
	tasks  sync.WaitGroup
}

func newServers(mux http.Handler, grpc *grpcauth.Server) *servers {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &servers{
		http:   &http.Server{Handler: mux, Protocols: protocols, ReadHeaderTimeout: 5 * time.Second},
		grpc:   grpc,
		failed: make(chan error, 2),
	}
}

func (s *servers) serve(connectListener, grpcListener net.Listener) {
	s.tasks.Go(func() {
		if err := s.http.Serve(connectListener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve connect: %w", err)
		}
	})
	s.tasks.Go(func() {
		if err := s.grpc.Serve(grpcListener); err != nil {
			s.failed <- fmt.Errorf("serve gRPC: %w", err)
		}
	})
}

// stop lets calls that are under way end, for a time, and then ends them.
func (s *servers) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	unhurried := context.AfterFunc(ctx, s.grpc.Stop)
	s.tasks.Go(s.grpc.GracefulStop)
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
	}
	s.tasks.Wait()
	unhurried()
}

// listen opens both ports.
func listen(ctx context.Context, connectAddress, grpcAddress string) (forConnect, forGRPC net.Listener, err error) {
	var config net.ListenConfig
	forConnect, err = config.Listen(ctx, "tcp", connectAddress)
	if err != nil {
		return nil, nil, fmt.Errorf("%w; for a free port use -addr 127.0.0.1:0", err)
	}
	forGRPC, err = config.Listen(ctx, "tcp", grpcAddress)
	if err != nil {
		_ = forConnect.Close()
		return nil, nil, fmt.Errorf("%w; for a free port use -grpc-addr 127.0.0.1:0", err)
	}
	return forConnect, forGRPC, nil
}
