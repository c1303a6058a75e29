// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package loopback

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

// A Protocol is how a call is made.
type Protocol int

// The protocols.
const (
	OverConnect Protocol = iota // over HTTP/2 without TLS
	OverGRPC                    // between grpc-go and grpc-go
	Protocols
)

// String names the protocol.
func (p Protocol) String() string { return [...]string{"connect over h2c", "grpc-go"}[p] }

// Told returns the code and the reason of an error.
func (p Protocol) Told(err error) (codes.Code, tokens.Reason) {
	if p == OverConnect {
		return codes.Code(connect.CodeOf(err)), connectauth.ReasonOf(err)
	}
	return status.Code(err), grpcauth.ReasonOf(err)
}

// A Client calls one server over connections that it keeps.
type Client struct {
	Connect admittestv1connect.GateServiceClient
	GRPC    admittestv1.GateServiceClient

	conn      *grpc.ClientConn
	transport *http.Transport
}

// Dial makes a client. It connects with the first calls.
func Dial(at Addresses) (*Client, error) {
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: only}
	conn, err := grpc.NewClient(at.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &Client{
		Connect: admittestv1connect.NewGateServiceClient(&http.Client{Transport: transport}, at.HTTP),
		GRPC:    admittestv1.NewGateServiceClient(conn), conn: conn, transport: transport,
	}, nil
}

// Close hangs up.
func (c *Client) Close() {
	_ = c.conn.Close()
	c.transport.CloseIdleConnections()
}

// The two ways in which generated clients have a method.
type (
	ConnectMethod func(context.Context, *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error)
	GRPCMethod    func(context.Context, *admittestv1.GateRequest, ...grpc.CallOption) (*admittestv1.GateResponse, error)
)

const callTimeout = 10 * time.Second

// Call calls a method with a credential.
func (p Protocol) Call(ctx context.Context, secret string, byConnect ConnectMethod, byGRPC GRPCMethod) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if p == OverConnect {
		request := connect.NewRequest(&admittestv1.GateRequest{})
		request.Header().Set("Authorization", "Bearer "+secret)
		_, err := byConnect(ctx, request)
		return err
	}
	_, err := byGRPC(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+secret), &admittestv1.GateRequest{})
	return err
}

// Ask calls the method that admits every known caller.
func (c *Client) Ask(ctx context.Context, p Protocol, secret string) error {
	return p.Call(ctx, secret, c.Connect.AnyUnary, c.GRPC.AnyUnary)
}
