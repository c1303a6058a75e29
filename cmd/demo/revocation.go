// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"connectrpc.com/connect"
	invoicesv1 "github.com/admitrpc/admit/cmd/demo/gen/invoices/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// revocationStops revoke keys while they are used: the open stream ends, and so does every call after it.
func revocationStops() []stop {
	ping, importing := invoiceMethod("Ping"), invoiceMethod("ImportInvoices")
	kind := calling(ping, false, onlyAnswer((*invoicesv1.PingResponse).GetKind), &invoicesv1.PingRequest{})
	revoked := unauthenticated(tokens.ReasonTokenRevoked)
	const while = "revoked midway"
	return []stop{
		{ping, []visit{{keyLeaked, "", overConnect, kind, says("api_key")}, {keyLeakedToo, "", overGRPCGo, kind, says("api_key")}}},
		{importing, []visit{
			{keyLeaked, while, overGRPC, importUntilRevoked, revoked},
			{keyLeakedToo, while, overGRPCGo, importUntilRevoked, revoked},
		}},
		{ping, []visit{{keyLeaked, "", overConnect, kind, revoked}, {keyLeakedToo, "", overGRPCGo, kind, revoked}}},
	}
}

// importUntilRevoked opens a stream, sends an invoice, revokes the key that the stream was opened with, and waits for what becomes of it.
func importUntilRevoked(ctx context.Context, c *clients, over protocol, credential string) outcome {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	send, receive, err := openImport(ctx, c, over, credential)
	if err != nil {
		return failed(err)
	}
	sendAll(send, []*invoicesv1.ImportInvoicesRequest{{Invoice: &invoicesv1.Invoice{OrganizationId: acme, Cents: 300}}})
	if err := c.keys.revoke(ctx, credential); err != nil {
		return outcome{said: err.Error()}
	}
	began := time.Now()
	if err := receive(); err != nil {
		return failed(err)
	}
	return outcome{said: fmt.Sprintf("answered after %s", time.Since(began))}
}

// openImport opens a stream that stays open for sending.
func openImport(ctx context.Context, c *clients, over protocol, credential string) (send func(*invoicesv1.ImportInvoicesRequest) error, receive func() error, err error) {
	name, bearer := procedureOf(invoiceMethod("ImportInvoices")), "Bearer "+credential
	if over == overGRPCGo {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", bearer)
		stream, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, name)
		if err != nil {
			return nil, nil, err
		}
		return func(m *invoicesv1.ImportInvoicesRequest) error { return stream.SendMsg(m) },
			func() error { return stream.RecvMsg(new(invoicesv1.ImportInvoicesResponse)) }, nil
	}
	// As a bidirectional stream, since that is the one which can be received from before it is closed.
	stream := connect.NewClient[invoicesv1.ImportInvoicesRequest, invoicesv1.ImportInvoicesResponse](c.http2, c.url+name, connect.WithGRPC()).CallBidiStream(ctx)
	stream.RequestHeader()[http.CanonicalHeaderKey("authorization")] = []string{bearer}
	return stream.Send, func() error {
		defer func() { _ = stream.CloseResponse() }()
		_, err := stream.Receive()
		return err
	}, nil
}
