// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"

	"github.com/admitrpc/admit/policy"
	_ "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	_ "google.golang.org/grpc/health/grpc_health_v1" // so that its descriptor is linked
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// invoices stands for generated code: the descriptor of a file with annotations.
var invoices = func() protoreflect.FileDescriptor {
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(`
		name: "invoices/v1/invoices.proto" package: "invoices.v1" syntax: "proto3"
		message_type { name: "Invoice" field { name: "organization_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }
		service {
		  name: "InvoiceService"
		  options { [admit.v1.service] { match { field: "organization_id" equals: ORGANIZATION_ID } } }
		  method {
		    name: "GetInvoice" input_type: ".invoices.v1.Invoice" output_type: ".invoices.v1.Invoice"
		    options { [admit.v1.method] {
		      allow { session_token { permissions: "org:invoices:read" } }
		      allow { m2m_token { callers: "ledger" } unmatched: true }
		      refusal: NOT_FOUND
		    } }
		  }
		  method {
		    name: "GetRates" input_type: ".invoices.v1.Invoice" output_type: ".invoices.v1.Invoice"
		    options { [admit.v1.method] { public {} } }
		  }
		}`), file); err != nil {
		panic(err) //nolint:forbidigo // The text is a constant.
	}
	built, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		panic(err) //nolint:forbidigo // The text is a constant.
	}
	return built
}()

// The forms come from the verifiers; interceptor.New hands them over.
var forms = []tokens.Form{
	{Kind: tokens.SessionToken, Issuer: "https://clerk.example"},
	{Kind: tokens.M2MToken, Prefix: "mt_"},
}

func ExampleNew() {
	rules, err := policy.New(policy.Serve(invoices))
	if err != nil {
		fmt.Println(err)
		return
	}
	served, err := rules.Bind(forms)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range served.Procedures() {
		fmt.Println(p.Name())
		for _, grant := range p.Grants() {
			fmt.Println("  " + grant)
		}
	}
	// Output:
	// /invoices.v1.InvoiceService/GetInvoice
	//   session_token: permission org:invoices:read; the caller's organization id in organization_id
	//   m2m_token: caller ledger
	// /invoices.v1.InvoiceService/GetRates
	//   anyone
}

func ExampleFor() {
	rules, err := policy.New(
		policy.Serve(invoices),
		policy.For("/grpc.health.v1.Health/*", policy.PublicUnread()),
		policy.For("/grpc.health.v1.Health/List", policy.Allow(policy.Machines(policy.Callers("monitor")))),
		policy.Override("/invoices.v1.InvoiceService/GetRates", policy.Allow(policy.Session())),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	served, err := rules.Bind(forms)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range served.Procedures() {
		fmt.Println(p.Name(), "by", p.Source())
	}
	// Output:
	// /grpc.health.v1.Health/Check by policy.For
	// /grpc.health.v1.Health/List by policy.For
	// /grpc.health.v1.Health/Watch by policy.For
	// /invoices.v1.InvoiceService/GetInvoice by method
	// /invoices.v1.InvoiceService/GetRates by policy.Override
}

func ExampleProcedure_DecideCall() {
	rules, err := policy.New(policy.Serve(invoices))
	if err != nil {
		fmt.Println(err)
		return
	}
	served, err := rules.Bind(forms)
	if err != nil {
		fmt.Println(err)
		return
	}
	ledger, err := tokens.NewPrincipal(tokens.Facts{Kind: tokens.M2MToken, Subject: "mch_1", CallerName: "ledger"})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := served.Procedure("/invoices.v1.InvoiceService/GetInvoice")
	fmt.Println(p.DecideCall(ledger).Outcome)
	refused := p.DecideCall(nil)
	fmt.Println(refused.Outcome, refused.Denial.Reason)
	// Output:
	// admitted
	// refused CREDENTIAL_MISSING
}

func ExampleMistakes() {
	_, err := policy.New(policy.Serve(invoices), policy.Override("/invoices.v1.InvoiceService/GetRates", policy.Allow(policy.Session(policy.Role()))))
	fmt.Println(err)
	// Output:
	// policy: 1 mistake(s)
	//   policy.Override: /invoices.v1.InvoiceService/GetRates: rule.allow.session_token.roles is an empty string; remove it or write what is meant
}

func ExampleNewMatcher() {
	internal, err := policy.NewMatcher("/grpc.health.v1.Health/*", "/admin.v1.*")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(internal.Match("/grpc.health.v1.Health/Check"))
	fmt.Println(internal.Match("/admin.v1.Users/Delete"))
	fmt.Println(internal.Match("/admin.v1.audit.Log/Read"))
	// Output:
	// true
	// true
	// false
}
