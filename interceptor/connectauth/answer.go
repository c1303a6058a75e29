// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package connectauth

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

const (
	wwwAuthenticate = "WWW-Authenticate"
	cacheControl    = "Cache-Control"
	private         = "private, no-store"
	vary            = "Vary"
)

// errorOf makes the error of a refusal. It is made anew for each call, since connect changes the metadata of what it is given.
func errorOf(r *interceptor.Refusal, withChallenge bool) *connect.Error {
	err := connect.NewError(connect.Code(r.Code()), errors.New(r.Text())) //nolint:gosec // The codes of gRPC are small numbers.
	for _, message := range r.Details(withChallenge) {
		if detail, wrong := connect.NewErrorDetail(message); wrong == nil {
			err.AddDetail(detail)
		}
	}
	return err
}

// refuseAtGate answers before there is a response header to set. Metadata of the error becomes headers in Connect and gRPC-Web, but
// trailers in gRPC, where a challenge does not belong and is dropped with a log line; there it travels in the ErrorInfo, unless [Handler]
// gave access to the response.
func refuseAtGate(ctx context.Context, r *interceptor.Refusal, spec connect.Spec, peer connect.Peer, header http.Header) *connect.Error {
	if access, ok := accessOf(ctx, header); ok {
		err := errorOf(r, false)
		setChallenge(access.writer.Header(), r)
		setPrivate(access.writer.Header(), spec, peer)
		if access.waits {
			access.stopReading()
		}
		return err
	}
	if peer.Protocol == connect.ProtocolGRPC {
		return errorOf(r, true)
	}
	err := errorOf(r, false)
	setChallenge(err.Meta(), r)
	setPrivate(err.Meta(), spec, peer)
	return err
}

// refuse answers with a response header at hand.
func refuse(header http.Header, r *interceptor.Refusal, peer connect.Peer) *connect.Error {
	if header == nil {
		return errorOf(r, peer.Protocol == connect.ProtocolGRPC)
	}
	setChallenge(header, r)
	return errorOf(r, false)
}

// answer answers with a handler's error.
func answer(header http.Header, err error, peer connect.Peer) error {
	if err == nil {
		return nil
	}
	if r := interceptor.RefusalOf(err); r != nil {
		return refuse(header, r, peer)
	}
	return err
}

func setChallenge(header http.Header, r *interceptor.Refusal) {
	if challenge := r.Challenge(); challenge != "" {
		header.Set(wwwAuthenticate, challenge)
	}
}

// setPrivate keeps caches from answering a refusal of a GET to another caller. Only procedures without side effects can be called by GET.
func setPrivate(header http.Header, spec connect.Spec, peer connect.Peer) {
	if spec.IdempotencyLevel == connect.IdempotencyNoSideEffects && peer.Protocol == connect.ProtocolConnect {
		header.Set(cacheControl, private)
		addVary(header)
	}
}

// keepPrivate does the same for the answer to a GET that was let begin. What a public procedure says may still vary with the caller.
func keepPrivate(header http.Header, call *interceptor.Call) {
	if header == nil || call.Procedure().Public() == policy.UnreadCredential {
		return
	}
	addVary(header)
	if call.Procedure().Public() == policy.NotPublic {
		header.Set(cacheControl, private)
	}
}

// varies names what the answer depends on: whose credential, and where a session cookie is read, from where.
const varies = "Authorization, Cookie, Origin, Sec-Fetch-Site"

func addVary(header http.Header) {
	if !slices.Contains(header.Values(vary), varies) {
		header.Add(vary, varies)
	}
}

func responseHeader(ctx context.Context) http.Header {
	if ctx == nil {
		return nil
	}
	info, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return nil
	}
	return info.ResponseHeader()
}

// ReasonOf returns the reason of a refusal that a client received, or "" for any other error and for a hidden refusal.
func ReasonOf(err error) tokens.Reason {
	wire, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return ""
	}
	var details []proto.Message
	for _, detail := range wire.Details() {
		if message, wrong := detail.Value(); wrong == nil {
			details = append(details, message)
		}
	}
	return interceptor.ReasonOf(details)
}
