// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	invoicesv1 "github.com/admitrpc/admit/cmd/demo/gen/invoices/v1"
	ledgerv1 "github.com/admitrpc/admit/cmd/demo/gen/ledger/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A visit is a call of the tour with what is expected of it.
type visit struct {
	caller string
	note   string // what is special about the call, if not the caller
	over   protocol
	call   call
	want   outcome
}

// who says who calls, and what is special.
func (v visit) who() string {
	if v.note == "" {
		return v.caller
	}
	return v.caller + ", " + v.note
}

// A stop is a procedure of the tour with its visits.
type stop struct {
	method protoreflect.MethodDescriptor
	visits []visit
}

// says expects an answer.
func says(said string) outcome { return outcome{said: said} }

// unauthenticated expects that the caller is not believed.
func unauthenticated(reason tokens.Reason) outcome {
	return outcome{code: codes.Unauthenticated, reason: reason}
}

// denied expects that the caller is known and may not.
func denied(reason tokens.Reason) outcome {
	return outcome{code: codes.PermissionDenied, reason: reason}
}

// hidden expects what is told where nothing is.
var hidden = outcome{code: codes.NotFound}

// onlyAnswer tells of the one answer of a call.
func onlyAnswer[Res any](tell func(*Res) string) func([]*Res) string {
	return func(answers []*Res) string {
		if len(answers) != 1 {
			return fmt.Sprintf("%d answers", len(answers))
		}
		return tell(answers[0])
	}
}

func methodOf(file protoreflect.FileDescriptor, name protoreflect.Name) protoreflect.MethodDescriptor {
	return file.Services().Get(0).Methods().ByName(name)
}

func invoiceMethod(name protoreflect.Name) protoreflect.MethodDescriptor {
	return methodOf(invoicesv1.File_invoices_v1_invoices_proto, name)
}

// tour returns every stop. The visits are made in this order, and some tell of what earlier ones did.
func tour() []stop {
	stops := publicStops()
	stops = append(stops, readStops()...)
	stops = append(stops, writeStops()...)
	stops = append(stops, streamStops()...)
	stops = append(stops, ledgerStop())
	stops = append(stops, grpcStops()...)
	return append(stops, revocationStops()...)
}

func publicStops() []stop {
	status, whoAmI, ping := invoiceMethod("GetStatus"), invoiceMethod("WhoAmI"), invoiceMethod("Ping")
	greet := calling(status, false, onlyAnswer((*invoicesv1.GetStatusResponse).GetGreeting), &invoicesv1.GetStatusRequest{})
	who := calling(whoAmI, false, onlyAnswer((*invoicesv1.WhoAmIResponse).GetUserId), &invoicesv1.WhoAmIRequest{})
	kind := calling(ping, false, onlyAnswer((*invoicesv1.PingResponse).GetKind), &invoicesv1.PingRequest{})
	return []stop{
		{status, []visit{
			{nobody, "", overConnect, greet, says("hello, stranger")},
			{admin, "", overWeb, greet, says("hello, user_ada")},
			{expired, "", overGRPCGo, greet, says("hello, stranger")},
			{garbage, "", overGRPC, greet, says("hello, stranger")},
		}},
		{whoAmI, []visit{
			{admin, "", overConnect, who, says("user_ada")},
			{reader, "", overGRPCGo, who, says("user_bob")},
			{nobody, "", overConnect, who, unauthenticated(tokens.ReasonCredentialMissing)},
			{nobody, "", overGRPCGo, who, unauthenticated(tokens.ReasonCredentialMissing)},
			{expired, "", overWeb, who, unauthenticated(tokens.ReasonTokenExpired)},
			{tampered, "", overGRPC, who, unauthenticated(tokens.ReasonTokenInvalid)},
			{foreign, "", overGRPCGo, who, unauthenticated(tokens.ReasonTokenInvalid)},
			{garbage, "", overConnect, who, unauthenticated(tokens.ReasonTokenInvalid)},
			{pending, "", overConnect, who, unauthenticated(tokens.ReasonSessionPending)},
			{bank, "", overGRPC, who, unauthenticated(tokens.ReasonTokenTypeNotAccepted)},
		}},
		{ping, []visit{
			{admin, "", overConnect, kind, says("session_token")},
			{application, "", overWeb, kind, says("oauth_token")},
			{keyUser, "", overGRPC, kind, says("api_key")},
			{bank, "", overGRPCGo, kind, says("m2m_token")},
			{stray, "", overConnect, kind, unauthenticated(tokens.ReasonTokenInvalid)},
			{nobody, "", overWeb, kind, unauthenticated(tokens.ReasonCredentialMissing)},
		}},
	}
}

func readStops() []stop {
	method := invoiceMethod("GetInvoice")
	get := func(organization, id string) call {
		return calling(method, false, onlyAnswer(func(r *invoicesv1.GetInvoiceResponse) string { return r.GetInvoice().GetId() }),
			&invoicesv1.GetInvoiceRequest{OrganizationId: organization, InvoiceId: id})
	}
	ours, theirs, none := get(acme, "inv_1"), get(globex, "inv_5"), get(acme, "inv_99")
	return []stop{{method, []visit{
		{reader, "", overConnect, ours, says("inv_1")},
		{keyAcme, "", overGRPCGo, ours, says("inv_1")},
		{globexAdmin, "", overWeb, theirs, says("inv_5")},
		{globexAdmin, "acme's invoice", overConnect, ours, hidden},
		{globexAdmin, "acme's invoice", overGRPCGo, ours, hidden},
		{reader, "unknown invoice", overGRPC, none, hidden},
		{keyUser, "", overWeb, ours, hidden},
		{keyRevoked, "", overConnect, ours, unauthenticated(tokens.ReasonTokenRevoked)},
		{nobody, "", overGRPC, ours, unauthenticated(tokens.ReasonCredentialMissing)},
	}}}
}

func writeStops() []stop {
	creation, deletion := invoiceMethod("CreateInvoice"), invoiceMethod("DeleteInvoice")
	create := func(organization string) call {
		return calling(creation, false,
			onlyAnswer(func(r *invoicesv1.CreateInvoiceResponse) string { return "booked by " + r.GetBookedBy() }),
			&invoicesv1.CreateInvoiceRequest{Invoice: &invoicesv1.Invoice{OrganizationId: organization, Cents: 700}})
	}
	remove := calling(deletion, false, onlyAnswer(func(*invoicesv1.DeleteInvoiceResponse) string { return "deleted" }),
		&invoicesv1.DeleteInvoiceRequest{OrganizationId: acme, InvoiceId: "inv_4"})
	return []stop{
		{creation, []visit{
			{admin, "", overConnect, create(acme), says("booked by invoices")},
			{admin, "", overGRPCGo, create(acme), says("booked by invoices")},
			{reader, "", overConnect, create(acme), denied(tokens.ReasonPermissionMissing)},
			{admin, "for globex", overWeb, create(globex), denied(tokens.ReasonOrganizationMismatch)},
			{admin, "no organization", overGRPCGo, create(""), denied(tokens.ReasonOrganizationMismatch)},
			{keyAcme, "", overConnect, create(acme), unauthenticated(tokens.ReasonTokenTypeNotAccepted)},
		}},
		{deletion, []visit{
			{reader, "", overConnect, remove, denied(tokens.ReasonPermissionMissing)},
			{adminStale, "", overConnect, remove, denied(tokens.ReasonReverificationRequired)},
			{adminUnknown, "", overGRPC, remove, denied(tokens.ReasonReverificationRequired)},
			{impersonator, "", overGRPCGo, remove, denied(tokens.ReasonImpersonationForbidden)},
			{globexAdmin, "", overWeb, remove, denied(tokens.ReasonOrganizationMismatch)},
			{admin, "2FA just now", overConnect, remove, says("deleted")},
			{admin, "invoice gone", overGRPCGo, remove, hidden},
		}},
	}
}

func streamStops() []stop {
	exporting, importing, reconciling := invoiceMethod("ExportInvoices"), invoiceMethod("ImportInvoices"), invoiceMethod("Reconcile")
	listing := invoiceMethod("ListInvoices")
	export := calling(exporting, false,
		func(all []*invoicesv1.ExportInvoicesResponse) string { return fmt.Sprintf("%d invoices", len(all)) }, &invoicesv1.ExportInvoicesRequest{})
	list := calling(listing, false,
		func(all []*invoicesv1.ListInvoicesResponse) string { return fmt.Sprintf("%d invoices", len(all)) }, &invoicesv1.ListInvoicesRequest{})
	load := func(organizations ...string) call {
		var all []*invoicesv1.ImportInvoicesRequest
		for _, organization := range organizations {
			all = append(all, &invoicesv1.ImportInvoicesRequest{Invoice: &invoicesv1.Invoice{OrganizationId: organization, Cents: 300}})
		}
		return calling(importing, false,
			onlyAnswer(func(r *invoicesv1.ImportInvoicesResponse) string { return fmt.Sprintf("%d imported", r.GetCount()) }), all...)
	}
	reconcile := calling(reconciling, false, tellKnown,
		&invoicesv1.ReconcileRequest{InvoiceId: "inv_1"}, &invoicesv1.ReconcileRequest{InvoiceId: "inv_99"})
	return []stop{
		{importing, []visit{
			{keyAcme, "", overConnect, load(acme, acme), says("2 imported")},
			{keyAcme, "", overGRPCGo, load(acme), says("1 imported")},
			{keyAcme, "3rd for globex", overGRPC, load(acme, acme, globex), denied(tokens.ReasonOrganizationMismatch)},
			{keyAcme, "3rd for globex", overGRPCGo, load(acme, acme, globex), denied(tokens.ReasonOrganizationMismatch)},
			{keyReadOnly, "", overWeb, load(acme), denied(tokens.ReasonScopeMissing)},
			{keyUser, "", overGRPCGo, load(acme), denied(tokens.ReasonCallerNotAllowed)},
		}},
		{exporting, []visit{
			{application, "", overConnect, export, says("9 invoices")},
			{keyAcme, "", overWeb, export, says("8 invoices")},
			{keyReadOnly, "", overGRPCGo, export, says("8 invoices")},
			{keyUser, "", overGRPC, export, denied(tokens.ReasonCallerNotAllowed)},
			{applicationNo, "", overGRPCGo, export, denied(tokens.ReasonScopeMissing)},
			{admin, "", overConnect, export, unauthenticated(tokens.ReasonTokenTypeNotAccepted)},
		}},
		{listing, []visit{
			{reader, "", overConnect, list, says("8 invoices")},
			{globexAdmin, "", overGRPCGo, list, says("1 invoices")},
			{pending, "", overWeb, list, unauthenticated(tokens.ReasonSessionPending)},
			{keyAcme, "", overConnect, list, unauthenticated(tokens.ReasonTokenTypeNotAccepted)},
		}},
		{reconciling, []visit{
			{bank, "", overGRPC, reconcile, says("1 of 2 known")},
			{bank, "", overConnect, reconcile, says("1 of 2 known")},
			{bank, "", overGRPCGo, reconcile, says("1 of 2 known")},
			{self, "", overGRPC, reconcile, denied(tokens.ReasonCallerNotAllowed)},
			{stray, "", overGRPCGo, reconcile, unauthenticated(tokens.ReasonTokenInvalid)},
			{application, "", overConnect, reconcile, unauthenticated(tokens.ReasonTokenTypeNotAccepted)},
		}},
	}
}

func tellKnown(all []*invoicesv1.ReconcileResponse) string {
	known := 0
	for _, answer := range all {
		if answer.GetKnown() {
			known++
		}
	}
	return fmt.Sprintf("%d of %d known", known, len(all))
}

func ledgerStop() stop {
	method := methodOf(ledgerv1.File_ledger_v1_ledger_proto, "Post")
	post := calling(method, false, onlyAnswer(func(r *ledgerv1.PostResponse) string { return "booked by " + r.GetBookedBy() }),
		&ledgerv1.PostRequest{InvoiceId: "inv_1", Cents: 1})
	return stop{method, []visit{
		{self, "", overGRPC, post, says("booked by invoices")},
		{selfNoScope, "", overConnect, post, denied(tokens.ReasonScopeMissing)},
		{bank, "", overConnect, post, denied(tokens.ReasonCallerNotAllowed)},
		{admin, "", overConnect, post, unauthenticated(tokens.ReasonTokenTypeNotAccepted)},
		{admin, "", overWeb, post, unauthenticated(tokens.ReasonTokenTypeNotAccepted)},
	}}
}

func grpcStops() []stop {
	file := healthv1.File_grpc_health_v1_health_proto
	check, list, watch := methodOf(file, "Check"), methodOf(file, "List"), methodOf(file, "Watch")
	serving := onlyAnswer(func(r *healthv1.HealthCheckResponse) string { return r.GetStatus().String() })
	listed := onlyAnswer(func(r *healthv1.HealthListResponse) string { return fmt.Sprintf("%d listed", len(r.GetStatuses())) })
	v1, v1alpha := reflectionv1.File_grpc_reflection_v1_reflection_proto.Services().Get(0).Methods().Get(0),
		reflectionv1alpha.File_grpc_reflection_v1alpha_reflection_proto.Services().Get(0).Methods().Get(0)
	ask := calling(v1, false, onlyAnswer(func(r *reflectionv1.ServerReflectionResponse) string {
		return fmt.Sprintf("%d services", len(r.GetListServicesResponse().GetService()))
	}), &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}})
	askAlpha := calling(v1alpha, false, onlyAnswer(func(r *reflectionv1alpha.ServerReflectionResponse) string {
		return fmt.Sprintf("%d services", len(r.GetListServicesResponse().GetService()))
	}), &reflectionv1alpha.ServerReflectionRequest{MessageRequest: &reflectionv1alpha.ServerReflectionRequest_ListServices{}})
	return []stop{
		{check, []visit{
			{nobody, "", overGRPCGo, calling(check, false, serving, &healthv1.HealthCheckRequest{}), says("SERVING")},
			{garbage, "", overGRPCGo, calling(check, false, serving, &healthv1.HealthCheckRequest{}), says("SERVING")},
		}},
		{list, []visit{{nobody, "", overGRPCGo, calling(list, false, listed, &healthv1.HealthListRequest{}), says("1 listed")}}},
		{watch, []visit{{nobody, "", overGRPCGo, calling(watch, true, serving, &healthv1.HealthCheckRequest{}), says("SERVING")}}},
		{v1, []visit{
			{nobody, "", overGRPCGo, ask, unauthenticated(tokens.ReasonCredentialMissing)},
			{admin, "", overGRPCGo, ask, says("4 services")},
			{keyAcme, "", overGRPCGo, ask, unauthenticated(tokens.ReasonTokenTypeNotAccepted)},
			{nobody, "", overGRPC, ask, unauthenticated(tokens.ReasonCredentialMissing)},
			{bank, "", overGRPC, ask, says("2 services")},
		}},
		{v1alpha, []visit{
			{nobody, "", overGRPCGo, askAlpha, unauthenticated(tokens.ReasonCredentialMissing)},
			{bank, "", overGRPCGo, askAlpha, says("4 services")},
		}},
	}
}
