// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A protocol is how a call is made.
type protocol int

// The protocols.
const (
	overConnect protocol = iota // over HTTP/2 without TLS
	overGRPC                    // between grpc-go and grpc-go
	protocols
)

func (p protocol) String() string { return [...]string{"connect over h2c", "grpc-go"}[p] }

// A client calls a server over connections that it keeps.
type client struct {
	connect   admittestv1connect.GateServiceClient
	grpc      admittestv1.GateServiceClient
	conn      *grpc.ClientConn
	transport *http.Transport
}

func newClient(at addresses) (*client, error) {
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: only}
	conn, err := grpc.NewClient(at.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &client{
		connect: admittestv1connect.NewGateServiceClient(&http.Client{Transport: transport}, at.HTTP),
		grpc:    admittestv1.NewGateServiceClient(conn), conn: conn, transport: transport,
	}, nil
}

func (c *client) close() {
	_ = c.conn.Close()
	c.transport.CloseIdleConnections()
}

const callTimeout = 10 * time.Second

// ask calls once.
func (c *client) ask(p protocol, secret string) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if p == overConnect {
		request := connect.NewRequest(&admittestv1.GateRequest{})
		request.Header().Set("Authorization", "Bearer "+secret)
		_, err := c.connect.AnyUnary(ctx, request)
		return err
	}
	_, err := c.grpc.AnyUnary(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+secret), &admittestv1.GateRequest{})
	return err
}

// verdict says in a word what a call came to: the code, and the reason where there is one.
func (p protocol) verdict(err error) string {
	var said string
	var reason tokens.Reason
	switch {
	case err == nil:
		return admitted
	case p == overConnect:
		said, reason = connect.CodeOf(err).String(), connectauth.ReasonOf(err)
	default:
		said, reason = status.Code(err).String(), grpcauth.ReasonOf(err)
	}
	switch reason {
	case tokens.ReasonTokenInvalid:
		return refused
	case tokens.ReasonRateLimited:
		if p.retries(err) {
			return limited
		}
		said += " without RetryInfo"
	}
	return said + " " + string(reason)
}

// The verdicts that are expected; all others are told as they are.
const (
	admitted = "admitted"
	refused  = "TOKEN_INVALID"
	limited  = "RATE_LIMITED with RetryInfo"
)

// retries reports whether an error says when to try again, and is ResourceExhausted.
func (p protocol) retries(err error) bool {
	var details []any
	if wire, ok := errors.AsType[*connect.Error](err); ok && p == overConnect && wire.Code() == connect.CodeResourceExhausted {
		for _, detail := range wire.Details() {
			if value, wrong := detail.Value(); wrong == nil {
				details = append(details, value)
			}
		}
	} else if received := status.Convert(err); p == overGRPC && connect.Code(received.Code()) == connect.CodeResourceExhausted {
		details = received.Details()
	}
	for _, detail := range details {
		if info, ok := detail.(*errdetails.RetryInfo); ok && info.GetRetryDelay().AsDuration() > 0 {
			return true
		}
	}
	return false
}
