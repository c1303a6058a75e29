// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// declaration declares the request type of every method of the tests; their names are those of the rules of a world.
const declaration = `
name: "test/v1/tests.proto" package: "test.v1" syntax: "proto3"
message_type {
  name: "Request"
  field { name: "organization_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "note" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
}
service { name: "Tests" }`

// rules are the rules of the procedures of a world, by method: admit.v1.Rule as text.
type rules map[string]string

// standard are the rules that most tests need.
var standard = rules{
	"Optional": `public {}`,
	"Unread":   `public { credential: UNREAD }`,
	"Session":  `allow { session_token {} }`,
	"Key":      `allow { api_key { scopes: "invoices:read" } }`,
	"Machine":  `allow { m2m_token { callers: "ledger" } }`,
	"Any":      `allow { any {} }`,
	"Pending":  `allow { session_token { allow_pending: true } }`,
	"Matched":  `allow { session_token {} match { field: "organization_id" equals: ORGANIZATION_ID } }`,
	"Later":    `allow { session_token {} match { field: "organization_id" equals: ORGANIZATION_ID absent: ADMITTED_LATER } }`,
	"Allowed":  `allow { session_token { permissions: "org:invoices:read" } }`,
	"Hidden":   `allow { session_token { permissions: "org:invoices:write" } } refusal: NOT_FOUND`,
	"Matching": `allow { session_token {} match { field: "organization_id" equals: ORGANIZATION_ID } } refusal: NOT_FOUND`,
	"Handled":  `allow { session_token {} } handler: "the invoice is the caller's"`,
	"Discreet": `allow { session_token {} } handler: "the invoice is the caller's" refusal: NOT_FOUND`,
	"Public":   `public {} handler: "the invoice is the caller's"`,
	"Outlive":  `allow { m2m_token { callers: "*" } } stream { outlive { seconds: 60 } }`,
	"Mixed": `allow { session_token { permissions: "org:invoices:read" } match { field: "organization_id" equals: ORGANIZATION_ID } }
	          allow { session_token { permissions: "org:all:read" } }`,
}

// nameOf is the procedure of a method of the tests.
func nameOf(method string) string { return "/test.v1.Tests/" + method }

// fileOf declares a bidirectional stream for each rule.
func fileOf(tb testing.TB, of rules) protoreflect.FileDescriptor {
	tb.Helper()
	built, err := of.file()
	if err != nil {
		tb.Fatal(err)
	}
	return built
}

// exampleFile is the file of the examples.
var exampleFile = func() protoreflect.FileDescriptor {
	built, err := rules{"Session": standard["Session"], "Hidden": standard["Hidden"]}.file()
	if err != nil {
		panic(err)
	}
	return built
}()

func (of rules) file() (protoreflect.FileDescriptor, error) {
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(declaration), file); err != nil {
		return nil, err
	}
	for name, text := range of {
		rule := &admitv1.Rule{}
		if err := prototext.Unmarshal([]byte(text), rule); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		options := &descriptorpb.MethodOptions{}
		proto.SetExtension(options, admitv1.E_Method, rule)
		file.Service[0].Method = append(file.Service[0].Method, &descriptorpb.MethodDescriptorProto{
			Name: &name, InputType: new(".test.v1.Request"), OutputType: new(".test.v1.Request"),
			ClientStreaming: new(true), ServerStreaming: new(true), Options: options,
		})
	}
	return protodesc.NewFile(file, nil)
}

// A world is a guard whose verifier and observer are watched.
type world struct {
	*interceptor.Guard

	verifier *fake
	events   *recorder
}

// newWorld makes a guard of rules. answers are of the verifier, beside its own.
func newWorld(tb testing.TB, of rules, answers map[string]answer, options ...interceptor.Option) *world {
	tb.Helper()
	compiled, err := policy.New(policy.Serve(fileOf(tb, of)))
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{verifier: &fake{answers: answers, forms: everyForm()}, events: &recorder{}}
	table, err := tokens.NewVerifiers(w.verifier)
	if err != nil {
		tb.Fatal(err)
	}
	w.Guard, err = interceptor.New(compiled, table, append([]interceptor.Option{interceptor.WithObserver(w.events)}, options...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(w.Close)
	return w
}

// call begins a call of a method with values of the header authorization.
func (w *world) call(ctx context.Context, method string, authorization ...string) (*interceptor.Call, *interceptor.Refusal) {
	name := nameOf(method)
	return w.Begin(ctx, name, w.Procedure(name, nil), &interceptor.Request{Authorization: authorization})
}

// begun is a call that must be let begin.
func (w *world) begun(tb testing.TB, ctx context.Context, method string, authorization ...string) *interceptor.Call { //nolint:revive // As testing does.
	tb.Helper()
	call, refusal := w.call(ctx, method, authorization...)
	if refusal != nil {
		tb.Fatalf("%s is refused: %v", method, refusal)
	}
	return call
}

// request makes a message of a call.
func request(tb testing.TB, call *interceptor.Call, organization string) *dynamicpb.Message {
	tb.Helper()
	message := dynamicpb.NewMessage(call.Procedure().Method().Input())
	if organization != "" {
		set(message, organization)
	}
	return message
}

// set sets the organization of a message.
func set(message proto.Message, organization string) {
	m := message.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName("organization_id"), protoreflect.ValueOfString(organization))
}

// organizationOf returns the organization of a message.
func organizationOf(message proto.Message) string {
	m := message.ProtoReflect()
	return m.Get(m.Descriptor().Fields().ByName("organization_id")).String()
}

func everyForm() []tokens.Form {
	return []tokens.Form{
		{Kind: tokens.SessionToken, Prefix: "st_"}, {Kind: tokens.OAuthToken, Prefix: "oat_"},
		{Kind: tokens.APIKey, Prefix: "ak_"}, {Kind: tokens.M2MToken, Prefix: "mt_"},
	}
}

// An answer is what the fake verifier makes of a credential.
type answer func(ctx context.Context, credential tokens.Credential) (*tokens.Principal, error)

// fake is a verifier. It believes "…_good", knows the answers it was given, and calls everything else TOKEN_INVALID.
type fake struct {
	forms   []tokens.Form
	answers map[string]answer
	calls   atomic.Int64
}

func (f *fake) Forms() []tokens.Form { return f.forms }

func (f *fake) Verify(ctx context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	f.calls.Add(1)
	token := credential.Secret.Reveal()
	if known, ok := f.answers[token]; ok {
		return known(ctx, credential)
	}
	if strings.HasSuffix(token, "_good") {
		return tokens.NewPrincipal(factsOf(credential.Form.Kind))
	}
	return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("not one of the test's"))
}

// factsOf are those of a caller who satisfies the standard rules of the kind, without an end.
func factsOf(kind tokens.Kind) tokens.Facts {
	switch kind {
	case tokens.SessionToken:
		return tokens.Facts{
			Kind: kind, ID: "sess_1", Subject: "user_1", UserID: "user_1",
			Organization: tokens.Organization{ID: "org_1"}, Permissions: []string{"org:invoices:read"},
		}
	case tokens.M2MToken:
		return tokens.Facts{Kind: kind, ID: "mt_1", Subject: "mch_1", CallerName: "ledger"}
	default:
		return tokens.Facts{Kind: kind, ID: "token_1", Subject: "user_1", UserID: "user_1", Scopes: []string{"invoices:read"}}
	}
}

// believe answers with a principal.
func believe(facts tokens.Facts) answer {
	return func(context.Context, tokens.Credential) (*tokens.Principal, error) { return tokens.NewPrincipal(facts) }
}

// refuse answers with an error.
func refuse(err error) answer {
	return func(context.Context, tokens.Credential) (*tokens.Principal, error) { return nil, err }
}

// until is a session that ends after a time, without skew.
func until(end time.Duration) answer { return withSkew(end, 0) }

func withSkew(end, skew time.Duration) answer {
	return func(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
		facts := factsOf(credential.Form.Kind)
		facts.ExpiresAt, facts.Skew = time.Now().Add(end), skew
		return tokens.NewPrincipal(facts)
	}
}

// pending is a session with open tasks.
func pending() answer {
	facts := factsOf(tokens.SessionToken)
	facts.Pending = true
	return believe(facts)
}

// A recorder remembers events.
type recorder struct {
	mu     sync.Mutex
	events []interceptor.Event // guarded by mu
}

func (r *recorder) Observe(_ context.Context, event interceptor.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
}

func (r *recorder) all() []interceptor.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// last returns the last event, which must be.
func (r *recorder) last(tb testing.TB) interceptor.Event {
	tb.Helper()
	all := r.all()
	if len(all) == 0 {
		tb.Fatal("nothing was observed")
	}
	return all[len(all)-1]
}

// reasonOf is the reason of a refusal; "" for nil.
func reasonOf(r *interceptor.Refusal) tokens.Reason {
	if r == nil {
		return ""
	}
	return r.Reason()
}

// refusalIn is the refusal that an error is, which must be.
func refusalIn(tb testing.TB, err error) *interceptor.Refusal {
	tb.Helper()
	refusal, ok := errors.AsType[*interceptor.Refusal](err)
	if !ok {
		tb.Fatalf("%v is a %T, no refusal", err, err)
	}
	return refusal
}

func newMessage(of protoreflect.MessageDescriptor) proto.Message { return dynamicpb.NewMessage(of) }
