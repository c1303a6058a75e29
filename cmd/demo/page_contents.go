// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// pageContents is what the page shows, as its template and its script read it.
type pageContents struct {
	Kinds    []string      `json:"kinds"`
	Services []pageService `json:"services"`
	Callers  []pageGroup   `json:"callers"`
}

// A pageService is a service with its procedures.
type pageService struct {
	Name       string          `json:"name"`
	Procedures []pageProcedure `json:"procedures"`
}

// A pageProcedure is a row of the matrix, and a choice of the call box.
type pageProcedure struct {
	Name     string     `json:"name"` // "/package.Service/Method"
	Method   string     `json:"method"`
	Shape    string     `json:"shape"` // "unary", or what kind of stream
	Source   string     `json:"source"`
	Rule     string     `json:"rule"`   // as it was written
	Anyone   string     `json:"anyone"` // of a public procedure, in words; "" for others
	Needs    []pageNeed `json:"needs"`  // one for each kind, in the order of kinds
	Hides    bool       `json:"hides"`
	Handler  string     `json:"handler"`
	Example  string     `json:"example"`  // request, as JSON
	Obstacle string     `json:"obstacle"` // why no browser can call it; "" where one can
}

// A pageNeed is a cell of the matrix.
type pageNeed struct {
	Kind   string     `json:"kind"`
	Grants [][]string `json:"grants"` // what each grant for the kind asks, in words; none: the kind is not accepted
}

// A pageGroup is callers of one kind, or those whom the verifiers do not believe.
type pageGroup struct {
	Name    string       `json:"name"`
	Callers []pageCaller `json:"callers"`
}

// A pageCaller is a caller of the tour with the credential to call as them, or with whom to sign in as.
type pageCaller struct {
	Name       string   `json:"name"`
	Credential string   `json:"credential"`
	Cookie     string   `json:"cookie"` // caller to sign in as, so that their credential goes as a cookie; "": it does not
	Holds      []string `json:"holds"`
}

// pageExamples are requests to begin with, where an empty one would be refused or not found.
var pageExamples = map[string]string{
	"/invoices.v1.InvoiceService/GetInvoice":                         `{"organizationId": "org_acme", "invoiceId": "inv_1"}`,
	"/invoices.v1.InvoiceService/CreateInvoice":                      `{"invoice": {"organizationId": "org_acme", "cents": "700"}}`,
	"/invoices.v1.InvoiceService/DeleteInvoice":                      `{"organizationId": "org_acme", "invoiceId": "inv_2"}`,
	"/invoices.v1.InvoiceService/ImportInvoices":                     `{"invoice": {"organizationId": "org_acme", "cents": "300"}}`,
	"/invoices.v1.InvoiceService/Reconcile":                          `{"invoiceId": "inv_1"}`,
	"/ledger.v1.LedgerService/Post":                                  `{"invoiceId": "inv_1", "cents": "1"}`,
	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      `{"listServices": ""}`,
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": `{"listServices": ""}`,
}

func (p *page) contents(ctx context.Context) pageContents {
	var c pageContents
	for _, kind := range tokens.Kinds() {
		c.Kinds = append(c.Kinds, kind.String())
	}
	for _, procedure := range inOrderOfFiles(p.guard.Rules().Procedures()) {
		service := string(procedure.Method().Parent().FullName())
		if len(c.Services) == 0 || c.Services[len(c.Services)-1].Name != service {
			c.Services = append(c.Services, pageService{Name: service})
		}
		last := &c.Services[len(c.Services)-1]
		last.Procedures = append(last.Procedures, p.procedure(procedure))
	}
	c.Callers = p.callers(ctx)
	return c
}

func (p *page) procedure(of *policy.Procedure) pageProcedure {
	row := pageProcedure{
		Name: of.Name(), Method: string(of.Method().Name()), Shape: shape(of.Method()), Source: of.Source().String(),
		Rule: ruleText(of), Needs: needs(of), Hides: of.Hides(), Handler: of.Handler(),
		Example: cmp.Or(pageExamples[of.Name()], "{}"), Obstacle: p.obstacle(of),
	}
	if of.Public() != policy.NotPublic {
		row.Anyone = strings.Join(of.Grants(), " or ")
	}
	return row
}

func shape(method protoreflect.MethodDescriptor) string {
	switch {
	case method.IsStreamingClient() && method.IsStreamingServer():
		return "bidi stream"
	case method.IsStreamingClient():
		return "client stream"
	case method.IsStreamingServer():
		return "server stream"
	default:
		return "unary"
	}
}

// ruleText is the rule in the text format, without the spaces that prototext strews so that nobody depends on its output.
func ruleText(of *policy.Procedure) string {
	text := prototext.MarshalOptions{Multiline: true}.Format(of.Rule())
	return strings.TrimSpace(strings.NewReplacer(":  ", ": ", "  {", " {").Replace(text))
}

// needs takes the texts of the grants apart by kind.
func needs(of *policy.Procedure) []pageNeed {
	var all []pageNeed
	for _, kind := range tokens.Kinds() {
		need := pageNeed{Kind: kind.String(), Grants: [][]string{}}
		for _, text := range of.Grants() {
			if of.Public() != policy.NotPublic {
				break
			}
			if text == kind.String() {
				need.Grants = append(need.Grants, []string{"any"})
			}
			if asks, ok := strings.CutPrefix(text, kind.String()+": "); ok {
				need.Grants = append(need.Grants, strings.Split(asks, "; "))
			}
		}
		all = append(all, need)
	}
	return all
}

// obstacle says why no browser can call a procedure, or "".
func (p *page) obstacle(of *policy.Procedure) string {
	probe := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: of.Name()}}
	switch _, pattern := p.mux.Handler(probe); {
	case pattern == "":
		return "Browsers cannot call this one: it is served by grpc-go on the other port alone, and browsers do not speak gRPC."
	case of.Method().IsStreamingClient():
		return "Browsers cannot call this one: they send a request whole, so connect-web has no client and bidi streams."
	default:
		return ""
	}
}

// The groups of callers that are not of one kind.
const (
	groupCookie   = "Session cookie"
	groupNobody   = "No credential"
	groupDisputed = "Not believed"
)

// callers has every caller with what they hold, by kind and then by name.
func (p *page) callers(ctx context.Context) []pageGroup {
	byGroup := map[string][]pageCaller{}
	for _, name := range slices.SortedFunc(maps.Keys(p.credentials), func(a, b string) int {
		return cmp.Compare(strings.ToLower(a), strings.ToLower(b))
	}) {
		credential := p.credentials[name]
		principal, reason := p.verify(ctx, credential)
		group := principal.Kind().String()
		switch {
		case credential == "":
			group = groupNobody
		case principal == nil:
			group = groupDisputed
		}
		caller := pageCaller{Name: name, Credential: credential, Holds: holdings(principal, reason)}
		byGroup[group] = append(byGroup[group], caller)
		if p.isSession(credential) {
			caller.Name, caller.Credential, caller.Cookie = cookiePrefix+name, "", name
			byGroup[groupCookie] = append(byGroup[groupCookie], caller)
		}
	}
	var groups []pageGroup
	for _, kind := range tokens.Kinds() {
		groups = append(groups, pageGroup{Name: kind.String(), Callers: byGroup[kind.String()]})
	}
	for _, name := range []string{groupCookie, groupNobody, groupDisputed} {
		groups = append(groups, pageGroup{Name: name, Callers: byGroup[name]})
	}
	return slices.DeleteFunc(groups, func(g pageGroup) bool { return len(g.Callers) == 0 })
}

// errorDetails is the file of what refusals come with.
const errorDetails = "google/rpc/error_details.proto"

// descriptorSet has the files of the procedures, of what they import, and of the details of errors, so that a script can make and read
// messages without generated code. A file comes after those that it imports.
func descriptorSet(procedures []*policy.Procedure) ([]byte, error) {
	details, err := protoregistry.GlobalFiles.FindFileByPath(errorDetails)
	if err != nil {
		return nil, fmt.Errorf("the details of refusals: %w", err)
	}
	set, seen := &descriptorpb.FileDescriptorSet{}, map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	add(details)
	for _, p := range procedures {
		add(p.Method().ParentFile())
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(set)
}
