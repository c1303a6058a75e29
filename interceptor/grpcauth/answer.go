// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package grpcauth

import (
	"context"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// refuse answers with a refusal. The challenge goes into the headers, or into the ErrorInfo where they have been sent.
func refuse(ctx context.Context, r *interceptor.Refusal) error {
	inDetails := false
	if challenge := r.Challenge(); challenge != "" {
		inDetails = grpc.SetHeader(ctx, metadata.Pairs("www-authenticate", challenge)) != nil
	}
	plain := status.New(codes.Code(r.Code()), r.Text()) //nolint:gosec // The codes of gRPC are small numbers.
	var details []protoadapt.MessageV1
	for _, detail := range r.Details(inDetails) {
		details = append(details, protoadapt.MessageV1Of(detail))
	}
	if detailed, err := plain.WithDetails(details...); err == nil && len(details) > 0 {
		return detailed.Err() //nolint:wrapcheck // It is the answer.
	}
	return plain.Err() //nolint:wrapcheck // It is the answer.
}

// answer answers with a handler's error.
func answer(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if r := interceptor.RefusalOf(err); r != nil {
		return refuse(ctx, r)
	}
	return err
}

// ReasonOf returns the reason of a refusal that a client received, or "" for any other error and for a hidden refusal.
func ReasonOf(err error) tokens.Reason {
	received, ok := status.FromError(err)
	if !ok {
		return ""
	}
	var details []proto.Message
	for _, detail := range received.Details() {
		if message, isMessage := detail.(proto.Message); isMessage {
			details = append(details, message)
		}
	}
	return interceptor.ReasonOf(details)
}
