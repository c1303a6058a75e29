// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/integration/child"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/internal/interleave"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

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
		return child.Answer(out, nil, err)
	}
	defer kept.Close()
	store := &watched{Store: kept}
	guard, err := newGuarded(store, kept)
	if err != nil {
		return child.Answer(out, nil, err)
	}
	defer guard.close()
	at, stop, err := loopback.Serve(context.Background(), guard.Guard, connectGate{}, grpcGate{})
	if err := child.Answer(out, at, err); err != nil {
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
		if err := child.Answer(out, c, err); err != nil {
			return err
		}
	}
}

// connectGate answers every call.
type connectGate struct {
	admittestv1connect.UnimplementedGateServiceHandler
}

func (connectGate) AnyUnary(ctx context.Context, _ *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	return connect.NewResponse(loopback.Response(ctx)), nil
}

// grpcGate does the same behind grpc-go.
type grpcGate struct {
	admittestv1.UnimplementedGateServiceServer
}

func (grpcGate) AnyUnary(ctx context.Context, _ *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	return loopback.Response(ctx), nil
}
