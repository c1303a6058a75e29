// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/apipb"
)

// sessions is a verifier that believes one session; those of packages jwt and apikey are made for more.
type sessions struct{}

func (sessions) Forms() []tokens.Form {
	return []tokens.Form{{Kind: tokens.SessionToken, Prefix: "st_"}}
}

func (sessions) Verify(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	if credential.Secret.Reveal() != "st_alice" {
		return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("another session"))
	}
	return tokens.NewPrincipal(tokens.Facts{
		Kind: tokens.SessionToken, ID: "sess_1", Subject: "alice", UserID: "alice",
		Organization: tokens.Organization{ID: "org_1"}, Permissions: []string{"org:invoices:read"},
	})
}

// served stands for the file of a service whose methods carry their rules.
func served() protoreflect.FileDescriptor { return exampleFile }

func ExampleNew() {
	rules, err := policy.New(policy.Serve(served()))
	if err != nil {
		fmt.Println(err)
		return
	}
	verifiers, err := tokens.NewVerifiers(sessions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	guard, err := interceptor.New(rules, verifiers)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer guard.Close()

	// Transports do what follows: connectauth.Protect(guard), or grpcauth.NewServer(guard).
	const name = "/test.v1.Tests/Session"
	for _, authorization := range []string{"Bearer st_alice", "Bearer st_mallory", "Basic YTpi"} {
		call, refusal := guard.Begin(context.Background(), name, guard.Procedure(name, nil), &interceptor.Request{Authorization: []string{authorization}})
		if refusal != nil {
			fmt.Println(refusal.Code(), refusal.Reason(), refusal.Challenge())
			continue
		}
		caller, _ := tokens.FromContext(call)
		fmt.Println("admitted", caller.Subject())
	}
	// Output:
	// admitted alice
	// UNAUTHENTICATED TOKEN_INVALID Bearer error="invalid_token"
	// UNAUTHENTICATED CREDENTIAL_MALFORMED Bearer error="invalid_request"
}

// All that is wrong is told at once, before the first call.
func ExampleNew_mistakes() {
	rules, _ := policy.New(policy.Serve(apipb.File_google_protobuf_api_proto)) // remembers its mistakes, for New
	verifiers, _ := tokens.NewVerifiers(nil)                                   // so do these
	_, err := interceptor.New(rules, verifiers, interceptor.WithVerifyTimeout(-1))
	fmt.Println(err)
	// Output:
	// interceptor: a verification of -1ns; it must be positive
	// policy: 1 mistake(s)
	//   google/protobuf/api.proto: the file declares no service; serve the one that does
	// tokens: verifier 1 is nil
}

func ExampleRequire() {
	guard := exampleGuard()
	defer guard.Close()
	call := begin(guard, "/test.v1.Tests/Session")

	// In a handler, with the context that it was given:
	fmt.Println(interceptor.Require(call, policy.Session(policy.Permission("org:invoices:read"))))
	err := interceptor.Require(call, policy.Session(policy.Permission("org:invoices:write")), policy.Keys())
	refusal, _ := errors.AsType[*interceptor.Refusal](err) // which a handler returns, wrapped or not
	fmt.Println(refusal.Code(), refusal.Reason(), refusal.Text())
	// Output:
	// <nil>
	// PERMISSION_DENIED PERMISSION_MISSING permission missing
}

func ExampleNewLogObserver() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	guard := exampleGuard(interceptor.WithObserver(interceptor.NewLogObserver(log, false)))
	defer guard.Close()
	begin(guard, "/test.v1.Tests/Session") // an admission, at level Debug
	begin(guard, "/test.v1.Tests/Hidden")  // the caller is told NotFound, the log why
	// Output:
	// level=INFO msg=refused procedure=/test.v1.Tests/Hidden caller.kind=session_token caller.subject=alice caller.id=sess_1 caller.organization=org_1 reason=PERMISSION_MISSING code=NOT_FOUND
}

func exampleGuard(options ...interceptor.Option) *interceptor.Guard {
	rules, err := policy.New(policy.Serve(served()))
	if err != nil {
		panic(err)
	}
	verifiers, err := tokens.NewVerifiers(sessions{})
	if err != nil {
		panic(err)
	}
	guard, err := interceptor.New(rules, verifiers, options...)
	if err != nil {
		panic(err)
	}
	return guard
}

func begin(guard *interceptor.Guard, name string) *interceptor.Call {
	call, _ := guard.Begin(context.Background(), name, guard.Procedure(name, nil), &interceptor.Request{Authorization: []string{"Bearer st_alice"}})
	return call
}
