// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	invoicesv1 "github.com/admitrpc/admit/cmd/demo/gen/invoices/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// The organizations that have invoices.
const (
	acme   = "org_acme"
	globex = "org_globex"
)

// errLedger says that the ledger did not book. What it answered is ours to know, not our caller's: a refusal of our own credential must
// not look like a refusal of theirs.
var errLedger = errors.New("the ledger did not book the invoice")

// A poster books amounts in the ledger, as the invoicing service.
type poster interface {
	post(ctx context.Context, invoice string, cents int64) (entry, bookedBy string, err error)
}

// invoices is the invoicing service, whatever the transport. Nothing in it asks who may call: the rules say so, and the guard has
// decided before a method runs. It is safe for concurrent use.
type invoices struct {
	ledger poster

	mu   sync.Mutex
	byID map[string]*invoicesv1.Invoice // guarded by mu
	last int                            // guarded by mu; number of the last id
}

func newInvoices(ledger poster) *invoices {
	s := &invoices{ledger: ledger, byID: map[string]*invoicesv1.Invoice{}}
	for _, organization := range []string{acme, acme, acme, acme, globex} {
		s.put(&invoicesv1.Invoice{OrganizationId: organization, Cents: 1250})
	}
	return s
}

// put keeps a copy of an invoice under a new id.
func (s *invoices) put(invoice *invoicesv1.Invoice) *invoicesv1.Invoice {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	kept := proto.CloneOf(invoice)
	kept.Id = fmt.Sprintf("inv_%d", s.last)
	s.byID[kept.GetId()] = kept
	return kept
}

// find returns an invoice of an organization. That it belongs to another one is told as if it did not exist.
func (s *invoices) find(organization, id string) (*invoicesv1.Invoice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	invoice := s.byID[id]
	if invoice == nil || invoice.GetOrganizationId() != organization {
		return nil, policy.NotFound()
	}
	return invoice, nil
}

// all returns the invoices of an organization, or of every one if it is empty, in the order of their ids.
func (s *invoices) all(organization string) []*invoicesv1.Invoice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.SortedFunc(maps.Values(s.byID), func(a, b *invoicesv1.Invoice) int {
		return cmp.Or(cmp.Compare(len(a.GetId()), len(b.GetId())), cmp.Compare(a.GetId(), b.GetId()))
	}), func(i *invoicesv1.Invoice) bool { return organization != "" && i.GetOrganizationId() != organization })
}

func (s *invoices) status(ctx context.Context) *invoicesv1.GetStatusResponse {
	caller, _ := tokens.FromContext(ctx)
	if caller == nil { // nobody, or somebody whose credential was not believed: tokens.ReasonFromContext tells which
		return &invoicesv1.GetStatusResponse{Greeting: "hello, stranger"}
	}
	return &invoicesv1.GetStatusResponse{Greeting: "hello, " + caller.Subject()}
}

func (s *invoices) whoAmI(ctx context.Context) *invoicesv1.WhoAmIResponse {
	caller, _ := tokens.FromContext(ctx)
	return &invoicesv1.WhoAmIResponse{UserId: caller.UserID(), OrganizationId: caller.Organization().ID}
}

func (s *invoices) ping(ctx context.Context) *invoicesv1.PingResponse {
	caller, _ := tokens.FromContext(ctx)
	return &invoicesv1.PingResponse{Kind: caller.Kind().String()}
}

func (s *invoices) get(in *invoicesv1.GetInvoiceRequest) (*invoicesv1.GetInvoiceResponse, error) {
	invoice, err := s.find(in.GetOrganizationId(), in.GetInvoiceId())
	if err != nil {
		return nil, err
	}
	return &invoicesv1.GetInvoiceResponse{Invoice: invoice}, nil
}

// create books the invoice in the ledger as this service, not as its caller.
func (s *invoices) create(ctx context.Context, in *invoicesv1.CreateInvoiceRequest) (*invoicesv1.CreateInvoiceResponse, error) {
	invoice := s.put(in.GetInvoice())
	entry, bookedBy, err := s.ledger.post(ctx, invoice.GetId(), invoice.GetCents())
	if err != nil {
		s.remove(invoice.GetId())
		return nil, errLedger
	}
	return &invoicesv1.CreateInvoiceResponse{Invoice: invoice, EntryId: entry, BookedBy: bookedBy}, nil
}

func (s *invoices) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

func (s *invoices) delete(in *invoicesv1.DeleteInvoiceRequest) (*invoicesv1.DeleteInvoiceResponse, error) {
	if _, err := s.find(in.GetOrganizationId(), in.GetInvoiceId()); err != nil {
		return nil, err
	}
	s.remove(in.GetInvoiceId())
	return &invoicesv1.DeleteInvoiceResponse{}, nil
}

// export decides what its rule leaves to it. Require settles that; without it the guard would let nothing out.
func (s *invoices) export(ctx context.Context, send func(*invoicesv1.ExportInvoicesResponse) error) error {
	err := interceptor.Require(ctx, policy.OAuth(policy.Clients("*")), policy.Keys(policy.OwnedByOrganization()))
	if err != nil {
		return err
	}
	organization := "" // every one
	if caller, _ := tokens.FromContext(ctx); caller.Kind() == tokens.APIKey {
		organization = caller.Organization().ID
	}
	for _, invoice := range s.all(organization) {
		if err := send(&invoicesv1.ExportInvoicesResponse{Invoice: invoice}); err != nil {
			return err
		}
	}
	return nil
}

// list sends the invoices of the caller's own organization.
func (s *invoices) list(ctx context.Context, send func(*invoicesv1.ListInvoicesResponse) error) error {
	caller, _ := tokens.FromContext(ctx)
	organization := caller.Organization().ID
	if organization == "" { // has no permission either, so that no such caller comes here; to all it would mean everybody's
		return policy.NotFound()
	}
	for _, invoice := range s.all(organization) {
		if err := send(&invoicesv1.ListInvoicesResponse{Invoice: invoice}); err != nil {
			return err
		}
	}
	return nil
}

// importAll takes all invoices or none: a stream may be refused at any message.
func (s *invoices) importAll(receive func() (*invoicesv1.ImportInvoicesRequest, error)) (*invoicesv1.ImportInvoicesResponse, error) {
	var received []*invoicesv1.Invoice
	for {
		in, err := receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		received = append(received, in.GetInvoice())
	}
	for _, invoice := range received {
		s.put(invoice)
	}
	return &invoicesv1.ImportInvoicesResponse{Count: int32(len(received))}, nil
}

func (s *invoices) reconcile(
	receive func() (*invoicesv1.ReconcileRequest, error), send func(*invoicesv1.ReconcileResponse) error,
) error {
	for {
		in, err := receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.mu.Lock()
		_, known := s.byID[in.GetInvoiceId()]
		s.mu.Unlock()
		if err := send(&invoicesv1.ReconcileResponse{InvoiceId: in.GetInvoiceId(), Known: known}); err != nil {
			return err
		}
	}
}
