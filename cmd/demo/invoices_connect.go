// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"
	invoicesv1 "github.com/admitrpc/admit/cmd/demo/gen/invoices/v1"
)

// connectInvoices is the invoicing service behind connect.
type connectInvoices struct{ *invoices }

// answerConnect gives errors their code. Refusals and policy.NotFound are left alone; the guard answers them.
func answerConnect[T any](message *T, err error) (*connect.Response[T], error) {
	switch {
	case errors.Is(err, errLedger):
		return nil, connect.NewError(connect.CodeUnavailable, errLedger)
	case err != nil:
		return nil, err
	default:
		return connect.NewResponse(message), nil
	}
}

func (s connectInvoices) GetStatus(
	ctx context.Context, _ *connect.Request[invoicesv1.GetStatusRequest],
) (*connect.Response[invoicesv1.GetStatusResponse], error) {
	return connect.NewResponse(s.status(ctx)), nil
}

func (s connectInvoices) WhoAmI(
	ctx context.Context, _ *connect.Request[invoicesv1.WhoAmIRequest],
) (*connect.Response[invoicesv1.WhoAmIResponse], error) {
	return connect.NewResponse(s.whoAmI(ctx)), nil
}

func (s connectInvoices) GetInvoice(
	_ context.Context, in *connect.Request[invoicesv1.GetInvoiceRequest],
) (*connect.Response[invoicesv1.GetInvoiceResponse], error) {
	return answerConnect(s.get(in.Msg))
}

func (s connectInvoices) CreateInvoice(
	ctx context.Context, in *connect.Request[invoicesv1.CreateInvoiceRequest],
) (*connect.Response[invoicesv1.CreateInvoiceResponse], error) {
	return answerConnect(s.create(ctx, in.Msg))
}

func (s connectInvoices) DeleteInvoice(
	_ context.Context, in *connect.Request[invoicesv1.DeleteInvoiceRequest],
) (*connect.Response[invoicesv1.DeleteInvoiceResponse], error) {
	return answerConnect(s.delete(in.Msg))
}

func (s connectInvoices) ExportInvoices(
	ctx context.Context, _ *connect.Request[invoicesv1.ExportInvoicesRequest], out *connect.ServerStream[invoicesv1.ExportInvoicesResponse],
) error {
	return s.export(ctx, out.Send)
}

func (s connectInvoices) ListInvoices(
	ctx context.Context, _ *connect.Request[invoicesv1.ListInvoicesRequest], out *connect.ServerStream[invoicesv1.ListInvoicesResponse],
) error {
	return s.list(ctx, out.Send)
}

func (s connectInvoices) ImportInvoices(
	_ context.Context, in *connect.ClientStream[invoicesv1.ImportInvoicesRequest],
) (*connect.Response[invoicesv1.ImportInvoicesResponse], error) {
	return answerConnect(s.importAll(func() (*invoicesv1.ImportInvoicesRequest, error) {
		if in.Receive() {
			return in.Msg(), nil
		}
		if in.Err() != nil {
			return nil, in.Err()
		}
		return nil, io.EOF
	}))
}

func (s connectInvoices) Reconcile(
	_ context.Context, stream *connect.BidiStream[invoicesv1.ReconcileRequest, invoicesv1.ReconcileResponse],
) error {
	return s.reconcile(stream.Receive, stream.Send)
}

func (s connectInvoices) Ping(
	ctx context.Context, _ *connect.Request[invoicesv1.PingRequest],
) (*connect.Response[invoicesv1.PingResponse], error) {
	return connect.NewResponse(s.ping(ctx)), nil
}
