// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package connectauth

import (
	"context"
	"crypto/sha256"
	"os"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/internal/interleave"
)

// TestCost prints what the gate and the interceptor cost together, beside the SHA-256 of the token where it lies. It asserts nothing about
// time: make bench runs it, on a machine that has nothing else to do.
func TestCost(t *testing.T) { //nolint:paralleltest // It measures.
	if os.Getenv("ADMIT_BENCH") == "" {
		t.Skip("it measures; make bench runs it")
	}
	guard, spec := newGuard(t)
	open, header := spec("Open"), headersWith("tok_hour")
	p := bind(guard, open)
	header["Authorization"][0] = header["Authorization"][0][:len("Bearer ")+961]
	token := []byte(header["Authorization"][0])[len("Bearer "):]
	request := &aRequest{spec: open, header: header}
	next := p.WrapUnary(func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) { return nil, nil })
	const floor = "SHA-256 of the token"
	variants := []*interleave.Variant{
		{Name: floor, Allocs: -1, Run: interleave.Times(func() { sha256.Sum256(token) })},
		{Name: "Connect gate and interceptor, in process", Reference: floor, Limit: 1.4, Allocs: 1, Run: interleave.Times(func() {
			ctx, err := p.gate(context.Background(), open, peer, header)
			if err == nil {
				_, err = next(ctx, request)
			}
			if err != nil {
				t.Fatal(err)
			}
		})},
	}
	interleave.Measure(variants, 400, 4*time.Millisecond)
	interleave.Report(os.Stdout, variants)
}
