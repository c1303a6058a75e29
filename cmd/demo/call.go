// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A protocol is how the tour calls a server.
type protocol string

// The protocols. The first three reach the server of connect, the last that of grpc-go.
const (
	overConnect protocol = "connect"
	overGRPC    protocol = "grpc"
	overWeb     protocol = "grpc-web"
	overGRPCGo  protocol = "grpc-go"
)

// An outcome is what a client sees of a call.
type outcome struct {
	code   codes.Code
	reason tokens.Reason
	said   string // what was answered, in short; "" for a refusal
}

// String returns the reason of a refusal, or its code where it has none.
func (o outcome) String() string {
	switch {
	case o.reason != "":
		return string(o.reason)
	case o.said != "":
		return o.code.String() + ": " + o.said
	default:
		return o.code.String()
	}
}

func failed(err error) outcome {
	if wire, ok := errors.AsType[*connect.Error](err); ok {
		return outcome{code: codes.Code(wire.Code()), reason: connectauth.ReasonOf(err)}
	}
	return outcome{code: status.Code(err), reason: grpcauth.ReasonOf(err)}
}

// clients call the servers.
type clients struct {
	url          string
	http1, http2 *http.Client
	conn         *grpc.ClientConn
	keys         *keyFile // to revoke one while it is used
}

// newClients makes clients of the servers, of one connection each.
func newClients(url, grpcAddress string, keys *keyFile) (*clients, error) {
	conn, err := grpc.NewClient(grpcAddress, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &clients{url: url, http1: &http.Client{Transport: &http.Transport{}}, http2: newHTTP2Client(), conn: conn, keys: keys}, nil
}

// newHTTP2Client makes a client that speaks HTTP/2 without TLS.
func newHTTP2Client() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

func (c *clients) close() {
	c.http1.CloseIdleConnections()
	c.http2.CloseIdleConnections()
	_ = c.conn.Close()
}

// A call is a call of one procedure with its messages; the caller and the protocol are still open.
type call func(ctx context.Context, c *clients, over protocol, credential string) outcome

// calling makes a call. Say tells in short what was answered. A stream is left after one answer if its server never ends it.
func calling[Req, Res any](method protoreflect.MethodDescriptor, endless bool, say func([]*Res) string, messages ...*Req) call {
	return func(ctx context.Context, c *clients, over protocol, credential string) outcome {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		exchange := exchangeConnect[Req, Res]
		if over == overGRPCGo {
			exchange = exchangeGRPC[Req, Res]
		}
		answers, err := exchange(ctx, c, over, method, credential, endless, messages)
		if err != nil {
			return failed(err)
		}
		return outcome{said: say(answers)}
	}
}

func procedureOf(method protoreflect.MethodDescriptor) string {
	return "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
}

// exchangeConnect calls over a protocol of connect: HTTP/1.1 where that will do, else HTTP/2.
func exchangeConnect[Req, Res any](
	ctx context.Context, c *clients, over protocol, method protoreflect.MethodDescriptor, credential string, endless bool, messages []*Req,
) ([]*Res, error) {
	client, url := c.http1, c.url+procedureOf(method)
	if over == overGRPC || method.IsStreamingClient() {
		client = c.http2
	}
	options := map[protocol][]connect.ClientOption{overGRPC: {connect.WithGRPC()}, overWeb: {connect.WithGRPCWeb()}}[over]
	to := connect.NewClient[Req, Res](client, url, options...)
	header := http.Header{}
	if credential != "" {
		header.Set("Authorization", "Bearer "+credential)
	}
	switch {
	case method.IsStreamingClient() && method.IsStreamingServer():
		stream := to.CallBidiStream(ctx)
		maps.Copy(stream.RequestHeader(), header)
		sendAll(stream.Send, messages)
		_ = stream.CloseRequest()
		defer func() { _ = stream.CloseResponse() }()
		return receiveAll(stream.Receive, endless)
	case method.IsStreamingClient():
		stream := to.CallClientStream(ctx)
		maps.Copy(stream.RequestHeader(), header)
		sendAll(stream.Send, messages)
		return one(stream.CloseAndReceive())
	}
	request := connect.NewRequest(messages[0])
	maps.Copy(request.Header(), header)
	if !method.IsStreamingServer() {
		return one(to.CallUnary(ctx, request))
	}
	stream, err := to.CallServerStream(ctx, request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	return receiveAll(func() (*Res, error) {
		if stream.Receive() {
			return stream.Msg(), nil
		}
		return nil, cmp.Or(stream.Err(), io.EOF)
	}, endless)
}

// exchangeGRPC calls with grpc-go's own client, to which every method is a stream.
func exchangeGRPC[Req, Res any](
	ctx context.Context, c *clients, _ protocol, method protoreflect.MethodDescriptor, credential string, endless bool, messages []*Req,
) ([]*Res, error) {
	if credential != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+credential)
	}
	shape := &grpc.StreamDesc{ClientStreams: method.IsStreamingClient(), ServerStreams: method.IsStreamingServer()}
	stream, err := c.conn.NewStream(ctx, shape, procedureOf(method))
	if err != nil {
		return nil, err
	}
	sendAll(func(message *Req) error { return stream.SendMsg(message) }, messages)
	_ = stream.CloseSend()
	return receiveAll(func() (*Res, error) {
		answer := new(Res)
		return answer, stream.RecvMsg(answer)
	}, endless || !method.IsStreamingServer())
}

// sendAll sends until the server has ended the call; why, receiving tells.
func sendAll[Req any](send func(*Req) error, messages []*Req) {
	for _, message := range messages {
		if send(message) != nil {
			return
		}
	}
}

func receiveAll[Res any](receive func() (*Res, error), onlyOne bool) ([]*Res, error) {
	var answers []*Res
	for {
		answer, err := receive()
		if errors.Is(err, io.EOF) {
			return answers, nil
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
		if onlyOne {
			return answers, nil
		}
	}
}

func one[Res any](response *connect.Response[Res], err error) ([]*Res, error) {
	if err != nil {
		return nil, err
	}
	return []*Res{response.Msg}, nil
}
