// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	ledgerv1 "github.com/admitrpc/admit/cmd/demo/gen/ledger/v1"
	"github.com/admitrpc/admit/cmd/demo/gen/ledger/v1/ledgerv1connect"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// A ledger is the ledger service, behind connect. It is safe for concurrent use.
type ledger struct {
	entries atomic.Int64
}

// Post books an amount, and says who had it booked: the name that the verifier of machine tokens gives to the caller.
func (l *ledger) Post(ctx context.Context, _ *connect.Request[ledgerv1.PostRequest]) (*connect.Response[ledgerv1.PostResponse], error) {
	caller, _ := tokens.FromContext(ctx)
	return connect.NewResponse(&ledgerv1.PostResponse{
		EntryId: fmt.Sprintf("entry_%d", l.entries.Add(1)), BookedBy: caller.CallerName(),
	}), nil
}

// A ledgerClient calls the ledger as the machine that the invoicing service is.
type ledgerClient struct {
	client ledgerv1connect.LedgerServiceClient
}

func newLedgerClient(client *http.Client, url string, issuer *tokenstest.Issuer) *ledgerClient {
	return &ledgerClient{client: ledgerv1connect.NewLedgerServiceClient(client, url, connect.WithInterceptors(asMachine(issuer)))}
}

// asMachine sets the token of the invoicing service on every call. A token lives a minute and is made anew for each call; a service that
// gets them over the network keeps one as long as it is good.
func asMachine(issuer *tokenstest.Issuer) connect.UnaryInterceptorFunc {
	return func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
			token := issuer.M2M(tokenstest.M2MClaims{
				Machine: machineInvoices, Scopes: []string{scopePost}, Times: tokenstest.Times{ExpiresAt: time.Now().Add(time.Minute)},
			})
			request.Header().Set("Authorization", "Bearer "+token)
			return next(ctx, request)
		}
	}
}

func (c *ledgerClient) post(ctx context.Context, invoice string, cents int64) (entry, bookedBy string, err error) {
	response, err := c.client.Post(ctx, connect.NewRequest(&ledgerv1.PostRequest{InvoiceId: invoice, Cents: cents}))
	if err != nil {
		return "", "", err
	}
	return response.Msg.GetEntryId(), response.Msg.GetBookedBy(), nil
}
