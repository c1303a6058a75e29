// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// verdictOf says in a word what a call came to: the code, and the reason where there is one.
func verdictOf(p loopback.Protocol, err error) string {
	if err == nil {
		return admitted
	}
	code, reason := p.Told(err)
	said := connect.Code(code).String()
	switch reason {
	case tokens.ReasonTokenInvalid:
		return refused
	case tokens.ReasonRateLimited:
		if retries(p, err) {
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
func retries(p loopback.Protocol, err error) bool {
	var details []any
	if wire, ok := errors.AsType[*connect.Error](err); ok && p == loopback.OverConnect && wire.Code() == connect.CodeResourceExhausted {
		for _, detail := range wire.Details() {
			if value, wrong := detail.Value(); wrong == nil {
				details = append(details, value)
			}
		}
	} else if received := status.Convert(err); p == loopback.OverGRPC && connect.Code(received.Code()) == connect.CodeResourceExhausted {
		details = received.Details()
	}
	for _, detail := range details {
		if info, ok := detail.(*errdetails.RetryInfo); ok && info.GetRetryDelay().AsDuration() > 0 {
			return true
		}
	}
	return false
}
