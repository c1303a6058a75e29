// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// A gate is the handler of every method. It counts what reaches it.
type gate struct {
	mu    sync.Mutex
	hits  map[string]int      // handlers that ran, by method
	seen  map[string][]string // actions of the messages that reached a handler, by method
	ended map[string]error    // why the context of the last handler had ended when it returned, by method
}

func newGate() *gate {
	return &gate{hits: map[string]int{}, seen: map[string][]string{}, ended: map[string]error{}}
}

func (g *gate) hit(method string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hits[method]++
}

func (g *gate) see(method, action string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[method] = append(g.seen[method], action)
}

func (g *gate) end(method string, ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended[method] = context.Cause(ctx)
}

// state returns how often a handler ran and what it saw, and forgets both.
func (g *gate) state(method string) (hits int, seen []string, ended error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	hits, seen, ended = g.hits[method], slices.Clone(g.seen[method]), g.ended[method]
	delete(g.hits, method)
	delete(g.seen, method)
	delete(g.ended, method)
	return hits, seen, ended
}

// What a message can tell a handler to do.
const (
	actRequire  = "require"  // demand the role admin
	actSettle   = "settle"   // say that the rest is decided
	actNotFound = "notfound" // say that the gate does not exist
	actOwnError = "own"      // fail with an error of the handler's own
	actSend     = "send"     // streams: send before receiving
)

var errOwn = errors.New("the handler's own error")

func act(ctx context.Context, action string) error {
	switch action {
	case actRequire:
		return interceptor.Require(ctx, policy.Session(policy.Role("admin")))
	case actSettle:
		return interceptor.Settled(ctx)
	case actNotFound:
		return fmt.Errorf("looking for the gate: %w", policy.NotFound())
	case actOwnError:
		return errOwn
	default:
		return nil
	}
}

func response(ctx context.Context, messages int) *admittestv1.GateResponse {
	caller, ok := tokens.FromContext(ctx)
	if !ok {
		return &admittestv1.GateResponse{Kind: "no guard"}
	}
	out := &admittestv1.GateResponse{Subject: caller.Subject(), Ignored: string(tokens.ReasonFromContext(ctx)), Messages: int32(messages)}
	if caller != nil {
		out.Kind = caller.Kind().String()
	}
	return out
}

func (g *gate) unary(ctx context.Context, method string, in *admittestv1.GateRequest) (*admittestv1.GateResponse, error) {
	g.hit(method)
	g.see(method, in.GetAction())
	if err := act(ctx, in.GetAction()); err != nil {
		return nil, err
	}
	return response(ctx, 1), nil
}

// stream is the handler of every stream; receive and send may be nil.
func (g *gate) stream(ctx context.Context, method string, receive func() (*admittestv1.GateRequest, error), send func(*admittestv1.GateResponse) error) (*admittestv1.GateResponse, error) {
	g.hit(method)
	defer g.end(method, ctx)
	count := 0
	for {
		in, err := receive()
		if errors.Is(err, io.EOF) {
			return response(ctx, count), nil
		}
		if err != nil {
			select { // a refusal ends the context before Receive returns; anything else does so soon
			case <-ctx.Done():
			case <-time.After(5 * time.Second):
			}
			return nil, err
		}
		count++
		g.see(method, in.GetAction())
		if err := act(ctx, in.GetAction()); err != nil {
			return nil, err
		}
		if send != nil {
			if err := send(response(ctx, count)); err != nil {
				return nil, err
			}
		}
	}
}
