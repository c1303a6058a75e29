// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// A client calls one replica.
type client struct{ *loopback.Client }

// An answer is what became of a call.
type answer struct {
	err    error // nil: admitted
	code   codes.Code
	reason tokens.Reason
	at     time.Time // when it was there
	took   time.Duration
}

func (a answer) admitted() bool { return a.err == nil }

// refused reports whether the call was refused for this reason, with the code that belongs to it.
func (a answer) refused(reason tokens.Reason) bool {
	want := codes.Unauthenticated
	if reason == tokens.ReasonVerifierUnavailable {
		want = codes.Unavailable
	}
	return a.err != nil && a.reason == reason && a.code == want
}

func answerOf(p loopback.Protocol, began time.Time, err error) answer {
	now := time.Now()
	a := answer{err: err, at: now, took: now.Sub(began)}
	if err != nil {
		a.code, a.reason = p.Told(err)
	}
	return a
}

// ask calls a method that answers at once, and takes what the replica remembers.
func (c client) ask(ctx context.Context, p loopback.Protocol, secret string) answer {
	began := time.Now()
	return answerOf(p, began, c.Ask(ctx, p, secret))
}

// askFresh calls a method that demands that the store is asked, and takes API keys alone.
func (c client) askFresh(ctx context.Context, p loopback.Protocol, secret string) answer {
	began := time.Now()
	return answerOf(p, began, p.Call(ctx, secret, c.Connect.KeyUnary, c.GRPC.KeyUnary))
}

// A receiver is the client's side of a stream.
type receiver interface {
	receive() error
	end()
}

// open opens a stream and waits for its first message. What ends it is sent to the channel, once.
func (c client) open(ctx context.Context, p loopback.Protocol, bidi bool, secret string) (<-chan answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := c.stream(ctx, p, bidi, secret)
	if err == nil {
		err = stream.receive()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan answer, 1)
	go func() {
		defer cancel()
		defer stream.end()
		for {
			began := time.Now()
			if err := stream.receive(); err != nil {
				ended <- answerOf(p, began, err)
				return
			}
		}
	}()
	return ended, nil
}

func (c client) stream(ctx context.Context, p loopback.Protocol, bidi bool, secret string) (receiver, error) {
	authorization, message := "Bearer "+secret, &admittestv1.GateRequest{}
	if p == loopback.OverGRPC {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", authorization)
		if !bidi {
			s, err := c.GRPC.SessionServer(ctx, message)
			return byGRPC{s}, err
		}
		s, err := c.GRPC.SessionBidi(ctx)
		if err != nil {
			return nil, err
		}
		return byGRPC{s}, s.Send(message)
	}
	if !bidi {
		request := connect.NewRequest(message)
		request.Header().Set("Authorization", authorization)
		s, err := c.Connect.SessionServer(ctx, request)
		return oneWay{s}, err
	}
	s := c.Connect.SessionBidi(ctx)
	s.RequestHeader().Set("Authorization", authorization)
	return bothWays{s}, s.Send(message)
}

type byGRPC struct {
	stream interface {
		Recv() (*admittestv1.GateResponse, error)
	}
}

func (s byGRPC) receive() error {
	_, err := s.stream.Recv()
	return err
}

func (byGRPC) end() {}

type oneWay struct {
	stream *connect.ServerStreamForClient[admittestv1.GateResponse]
}

func (s oneWay) receive() error {
	if s.stream.Receive() {
		return nil
	}
	if err := s.stream.Err(); err != nil {
		return err
	}
	return errDone
}

func (s oneWay) end() { _ = s.stream.Close() }

type bothWays struct {
	stream *connect.BidiStreamForClient[admittestv1.GateRequest, admittestv1.GateResponse]
}

func (s bothWays) receive() error {
	_, err := s.stream.Receive()
	return err
}

func (s bothWays) end() {
	_ = s.stream.CloseRequest()
	_ = s.stream.CloseResponse()
}

var errDone = connect.NewError(connect.CodeUnknown, nil) // a stream that ended without an error, which none here should
