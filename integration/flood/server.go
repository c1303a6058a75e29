// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/internal/interleave"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

// addresses are where a server is found.
type addresses struct {
	HTTP string // a URL
	GRPC string
}

// An order is what a server is told.
type order struct {
	Do    string        `json:"do"`
	Delay time.Duration `json:"delay,omitempty"`
}

// The orders.
const (
	slowOrder    = "slow"    // lookups take that long in the middle from now on; and count anew how many run at once
	countOrder   = "count"   // say what was counted
	collectOrder = "collect" // say also what memory is held after collections
)

// counts are what a server counted.
type counts struct {
	Lookups int64 // since it began
	Highest int64 // lookups that ran at once since they were last made slow
	Memory  memory
}

// serve is the role of a server: it serves keys of a SQLite file, until in ends.
func serve(in *json.Decoder, out *json.Encoder) error {
	debug.SetGCPercent(interleave.GCPercent)
	var path string
	if err := in.Decode(&path); err != nil {
		return err
	}
	kept, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return say(out, nil, err)
	}
	defer kept.Close()
	store := &watched{Store: kept}
	guard, err := newGuarded(store, kept)
	if err != nil {
		return say(out, nil, err)
	}
	defer guard.close()
	at, stop, err := listen(guard)
	if err := say(out, at, err); err != nil {
		return err
	}
	defer stop()
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		c := counts{Lookups: store.lookups.Load(), Highest: store.highest.Load()}
		switch o.Do {
		case slowOrder:
			store.delay.Store(int64(o.Delay))
			store.highest.Store(0)
		case countOrder:
		case collectOrder:
			c.Memory = held()
		default:
			err = fmt.Errorf("the order %q", o.Do)
		}
		if err := say(out, c, err); err != nil {
			return err
		}
	}
}

// listen serves on two ports of loopback: by connect, over HTTP/1.1 and HTTP/2, and by grpc-go.
func listen(guard *guarded) (at addresses, stop func(), err error) {
	var config net.ListenConfig
	forHTTP, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return at, nil, err
	}
	forGRPC, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return at, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(connectGate{}, connectauth.Protect(guard.Guard)))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	overHTTP := &http.Server{Handler: connectauth.Handler(mux), Protocols: protocols, ReadHeaderTimeout: 5 * time.Second}
	overGRPC := grpcauth.NewServer(guard.Guard)
	admittestv1.RegisterGateServiceServer(overGRPC, grpcGate{})
	go func() { _ = overHTTP.Serve(forHTTP) }() // both end with stop
	go func() { _ = overGRPC.Serve(forGRPC) }()
	at = addresses{HTTP: "http://" + forHTTP.Addr().String(), GRPC: forGRPC.Addr().String()}
	return at, func() {
		_ = overHTTP.Close()
		overGRPC.Stop()
	}, nil
}

// connectGate answers every call.
type connectGate struct {
	admittestv1connect.UnimplementedGateServiceHandler
}

func (connectGate) AnyUnary(ctx context.Context, _ *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return connect.NewResponse(response(ctx)), nil
}

// grpcGate does the same behind grpc-go.
type grpcGate struct {
	admittestv1.UnimplementedGateServiceServer
}

func (grpcGate) AnyUnary(ctx context.Context, _ *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return response(ctx), nil
}

func response(ctx context.Context) *admittestv1.GateResponse {
	caller, ok := tokens.FromContext(ctx)
	if !ok {
		return &admittestv1.GateResponse{Kind: "no guard"}
	}
	return &admittestv1.GateResponse{Kind: caller.Kind().String(), Subject: caller.Subject()}
}
