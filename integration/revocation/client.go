// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A protocol is how a call is made.
type protocol int

// The protocols.
const (
	overConnect protocol = iota
	overGRPC
	protocols
)

// A client calls one replica.
type client struct {
	connect   admittestv1connect.GateServiceClient
	grpc      admittestv1.GateServiceClient
	conn      *grpc.ClientConn
	transport *http.Transport
}

func newClient(r reply) (*client, error) {
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: only}
	conn, err := grpc.NewClient(r.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &client{
		connect: admittestv1connect.NewGateServiceClient(&http.Client{Transport: transport}, r.Connect),
		grpc:    admittestv1.NewGateServiceClient(conn), conn: conn, transport: transport,
	}, nil
}

func (c *client) close() {
	_ = c.conn.Close()
	c.transport.CloseIdleConnections()
}

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

func (p protocol) answer(began time.Time, err error) answer {
	now := time.Now()
	a := answer{err: err, at: now, took: now.Sub(began)}
	switch {
	case err == nil:
	case p == overConnect:
		a.code, a.reason = codes.Code(connect.CodeOf(err)), connectauth.ReasonOf(err)
	default:
		a.code, a.reason = status.Code(err), grpcauth.ReasonOf(err)
	}
	return a
}

const callTimeout = 10 * time.Second

// ask calls a method that answers at once, and takes what the replica remembers.
func (c *client) ask(ctx context.Context, p protocol, secret string) answer {
	return p.call(ctx, secret, c.connect.AnyUnary, c.grpc.AnyUnary)
}

// askFresh calls a method that demands that the store is asked, and takes API keys alone.
func (c *client) askFresh(ctx context.Context, p protocol, secret string) answer {
	return p.call(ctx, secret, c.connect.KeyUnary, c.grpc.KeyUnary)
}

// The two ways in which generated clients have a method.
type (
	connectMethod func(context.Context, *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error)
	grpcMethod    func(context.Context, *admittestv1.GateRequest, ...grpc.CallOption) (*admittestv1.GateResponse, error)
)

func (p protocol) call(ctx context.Context, secret string, byConnect connectMethod, byGRPC grpcMethod) answer {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	began := time.Now()
	if p == overConnect {
		request := connect.NewRequest(&admittestv1.GateRequest{})
		request.Header().Set("Authorization", "Bearer "+secret)
		_, err := byConnect(ctx, request)
		return p.answer(began, err)
	}
	_, err := byGRPC(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+secret), &admittestv1.GateRequest{})
	return p.answer(began, err)
}

// A receiver is the client's side of a stream.
type receiver interface {
	receive() error
	end()
}

// open opens a stream and waits for its first message. What ends it is sent to the channel, once.
func (c *client) open(ctx context.Context, p protocol, bidi bool, secret string) (<-chan answer, error) {
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
				ended <- p.answer(began, err)
				return
			}
		}
	}()
	return ended, nil
}

func (c *client) stream(ctx context.Context, p protocol, bidi bool, secret string) (receiver, error) {
	authorization, message := "Bearer "+secret, &admittestv1.GateRequest{}
	if p == overGRPC {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", authorization)
		if !bidi {
			s, err := c.grpc.SessionServer(ctx, message)
			return byGRPC{s}, err
		}
		s, err := c.grpc.SessionBidi(ctx)
		if err != nil {
			return nil, err
		}
		return byGRPC{s}, s.Send(message)
	}
	if !bidi {
		request := connect.NewRequest(message)
		request.Header().Set("Authorization", authorization)
		s, err := c.connect.SessionServer(ctx, request)
		return oneWay{s}, err
	}
	s := c.connect.SessionBidi(ctx)
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
