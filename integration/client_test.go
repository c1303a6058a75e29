// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// An outcome is what a client sees of a call.
type outcome struct {
	code      codes.Code
	reason    tokens.Reason
	text      string
	details   int
	responses []*admittestv1.GateResponse
	challenge string // of the response headers
	header    http.Header
	err       error
}

// A transport calls a method as some client does.
type transport struct {
	name string
	call func(ctx context.Context, w *world, method string, authorization []string, messages []*admittestv1.GateRequest) outcome
}

var transports = []transport{
	{"connect", overConnect()},
	{"grpc-web", overConnect(connect.WithGRPCWeb())},
	{"connect as grpc", overConnect(connect.WithGRPC())},
	{"grpc-go", overGRPC},
}

func shape(method string) protoreflect.MethodDescriptor {
	parts := strings.Split(procedure(method), "/")
	name := protoreflect.FullName(parts[1]).Name()
	return admittestv1.File_admittest_v1_gate_proto.Services().ByName(name).Methods().ByName(protoreflect.Name(parts[2]))
}

func overConnect(options ...connect.ClientOption) func(context.Context, *world, string, []string, []*admittestv1.GateRequest) outcome {
	return func(ctx context.Context, w *world, method string, authorization []string, messages []*admittestv1.GateRequest) outcome {
		client := w.connectClient(method, options...)
		d := shape(method)
		switch {
		case !d.IsStreamingClient() && !d.IsStreamingServer():
			request := connect.NewRequest(first(messages))
			request.Header()["Authorization"] = authorization
			response, err := client.CallUnary(ctx, request)
			if err != nil {
				return failed(nil, err)
			}
			return outcome{responses: []*admittestv1.GateResponse{response.Msg}, header: response.Header()}
		case !d.IsStreamingClient():
			request := connect.NewRequest(first(messages))
			request.Header()["Authorization"] = authorization
			stream, err := client.CallServerStream(ctx, request)
			if err != nil {
				return failed(nil, err)
			}
			defer stream.Close()
			var out outcome
			for stream.Receive() {
				out.responses = append(out.responses, stream.Msg())
			}
			if stream.Err() != nil {
				return failed(stream.ResponseHeader(), stream.Err())
			}
			return out
		case !d.IsStreamingServer():
			stream := client.CallClientStream(ctx)
			stream.RequestHeader()["Authorization"] = authorization
			for _, message := range messages {
				if stream.Send(message) != nil {
					break
				}
			}
			response, err := stream.CloseAndReceive()
			if err != nil {
				return failed(nil, err)
			}
			return outcome{responses: []*admittestv1.GateResponse{response.Msg}}
		default:
			stream := client.CallBidiStream(ctx)
			stream.RequestHeader()["Authorization"] = authorization
			for _, message := range messages {
				if stream.Send(message) != nil {
					break
				}
			}
			_ = stream.CloseRequest()
			var out outcome
			for {
				message, err := stream.Receive()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					out = failed(stream.ResponseHeader(), err)
					break
				}
				out.responses = append(out.responses, message)
			}
			_ = stream.CloseResponse()
			return out
		}
	}
}

func failed(header http.Header, err error) outcome {
	out := outcome{code: codes.Code(connect.CodeOf(err)), reason: connectauth.ReasonOf(err), err: err}
	if wire, ok := errors.AsType[*connect.Error](err); ok {
		out.text, out.details = wire.Message(), len(wire.Details())
		out.challenge, out.header = wire.Meta().Get("WWW-Authenticate"), wire.Meta()
	}
	if header != nil && out.challenge == "" {
		out.challenge = header.Get("WWW-Authenticate")
	}
	return out
}

func overGRPC(ctx context.Context, w *world, method string, authorization []string, messages []*admittestv1.GateRequest) outcome {
	for _, value := range authorization {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", value)
	}
	d := shape(method)
	if !d.IsStreamingClient() && !d.IsStreamingServer() {
		response, header := new(admittestv1.GateResponse), metadata.MD{}
		err := w.conn.Invoke(ctx, procedure(method), first(messages), response, grpc.Header(&header))
		if err != nil {
			return failedGRPC(header, err)
		}
		return outcome{responses: []*admittestv1.GateResponse{response}}
	}
	description := &grpc.StreamDesc{ClientStreams: d.IsStreamingClient(), ServerStreams: d.IsStreamingServer()}
	stream, err := w.conn.NewStream(ctx, description, procedure(method))
	if err != nil {
		return failedGRPC(nil, err)
	}
	if !d.IsStreamingClient() {
		messages = []*admittestv1.GateRequest{first(messages)}
	}
	for _, message := range messages {
		if stream.SendMsg(message) != nil {
			break
		}
	}
	_ = stream.CloseSend()
	var out outcome
	for {
		response := new(admittestv1.GateResponse)
		err := stream.RecvMsg(response)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			header, _ := stream.Header()
			responses := out.responses
			out = failedGRPC(header, err)
			out.responses = responses
			return out
		}
		out.responses = append(out.responses, response)
		if !d.IsStreamingServer() {
			return out
		}
	}
}

func failedGRPC(header metadata.MD, err error) outcome {
	received := status.Convert(err)
	out := outcome{code: received.Code(), reason: grpcauth.ReasonOf(err), text: received.Message(), details: len(received.Details()), err: err}
	if values := header.Get("www-authenticate"); len(values) > 0 {
		out.challenge = values[0]
	}
	return out
}

func first(messages []*admittestv1.GateRequest) *admittestv1.GateRequest {
	if len(messages) == 0 {
		return &admittestv1.GateRequest{}
	}
	return messages[0]
}

func bearer(token string) []string {
	if token == "" {
		return nil
	}
	return []string{"Bearer " + token}
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// reseal makes of a key another secret with the same id and a right checksum.
func reseal(key string) string {
	body := []byte(key[:len(key)-6])
	if last := len(body) - 1; body[last] == 'x' {
		body[last] = 'y'
	} else {
		body[last] = 'x'
	}
	sum := crc32.ChecksumIEEE(body)
	digits := make([]byte, 6)
	for i := range digits {
		digits[5-i] = base62[sum%62]
		sum /= 62
	}
	return string(body) + string(digits)
}

func flipLast(key string) string {
	last := byte('0')
	if key[len(key)-1] == '0' {
		last = '1'
	}
	return key[:len(key)-1] + string(last)
}

// challengeInDetails returns the challenge where a transport has no header for it.
func challengeInDetails(err error) string {
	wire, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return ""
	}
	for _, detail := range wire.Details() {
		if message, wrong := detail.Value(); wrong == nil {
			if info, isInfo := message.(*errdetails.ErrorInfo); isInfo {
				return info.GetMetadata()["www-authenticate"]
			}
		}
	}
	return ""
}
