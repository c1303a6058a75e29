// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	invoicesv1 "github.com/admitrpc/admit/cmd/demo/gen/invoices/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// grpcInvoices is the invoicing service behind grpc-go.
type grpcInvoices struct {
	invoicesv1.UnimplementedInvoiceServiceServer
	*invoices
}

// answerGRPC gives errors their code. Refusals and policy.NotFound are left alone; the guard answers them.
func answerGRPC[T any](message *T, err error) (*T, error) {
	switch {
	case errors.Is(err, errLedger):
		return nil, status.Error(codes.Unavailable, errLedger.Error())
	case err != nil:
		return nil, err
	default:
		return message, nil
	}
}

func (s grpcInvoices) GetStatus(ctx context.Context, _ *invoicesv1.GetStatusRequest) (*invoicesv1.GetStatusResponse, error) {
	return s.status(ctx), nil
}

func (s grpcInvoices) WhoAmI(ctx context.Context, _ *invoicesv1.WhoAmIRequest) (*invoicesv1.WhoAmIResponse, error) {
	return s.whoAmI(ctx), nil
}

func (s grpcInvoices) GetInvoice(_ context.Context, in *invoicesv1.GetInvoiceRequest) (*invoicesv1.GetInvoiceResponse, error) {
	return answerGRPC(s.get(in))
}

func (s grpcInvoices) CreateInvoice(ctx context.Context, in *invoicesv1.CreateInvoiceRequest) (*invoicesv1.CreateInvoiceResponse, error) {
	return answerGRPC(s.create(ctx, in))
}

func (s grpcInvoices) DeleteInvoice(_ context.Context, in *invoicesv1.DeleteInvoiceRequest) (*invoicesv1.DeleteInvoiceResponse, error) {
	return answerGRPC(s.delete(in))
}

func (s grpcInvoices) ExportInvoices(
	_ *invoicesv1.ExportInvoicesRequest, out grpc.ServerStreamingServer[invoicesv1.ExportInvoicesResponse],
) error {
	return s.export(out.Context(), out.Send)
}

func (s grpcInvoices) ListInvoices(_ *invoicesv1.ListInvoicesRequest, out grpc.ServerStreamingServer[invoicesv1.ListInvoicesResponse]) error {
	return s.list(out.Context(), out.Send)
}

func (s grpcInvoices) ImportInvoices(
	stream grpc.ClientStreamingServer[invoicesv1.ImportInvoicesRequest, invoicesv1.ImportInvoicesResponse],
) error {
	out, err := answerGRPC(s.importAll(stream.Recv))
	if err != nil {
		return err
	}
	return stream.SendAndClose(out)
}

func (s grpcInvoices) Reconcile(stream grpc.BidiStreamingServer[invoicesv1.ReconcileRequest, invoicesv1.ReconcileResponse]) error {
	return s.reconcile(stream.Recv, stream.Send)
}

func (s grpcInvoices) Ping(ctx context.Context, _ *invoicesv1.PingRequest) (*invoicesv1.PingResponse, error) {
	return s.ping(ctx), nil
}
