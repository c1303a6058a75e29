// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"strings"
	"testing"

	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// declared is a verifier that has forms and believes nothing.
type declared []tokens.Form

func (d declared) Forms() []tokens.Form { return d }

func (declared) Verify(context.Context, tokens.Credential) (*tokens.Principal, error) {
	return nil, tokens.NewError(tokens.ReasonTokenInvalid, nil)
}

// mistaken returns the gate's file with other rules.
func mistaken(t *testing.T, change func(method string, options *descriptorpb.MethodOptions)) protoreflect.ServiceDescriptor {
	t.Helper()
	file := protodesc.ToFileDescriptorProto(admittestv1.File_admittest_v1_gate_proto)
	file.Name = new("admittest/v1/mistaken.proto")
	for _, method := range file.GetService()[0].GetMethod() {
		change(method.GetName(), method.GetOptions())
	}
	made, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	must(t, err)
	return made.Services().ByName("GateService")
}

func allow(grants ...*admitv1.Grant) *admitv1.Rule { return &admitv1.Rule{Allow: grants} }

// Every mistake stops the start, and all of them are in one error, each with file, method and what to write.
func TestAllMistakesAtOnce(t *testing.T) {
	session := func() *admitv1.Grant {
		return &admitv1.Grant{Credential: &admitv1.Grant_SessionToken{SessionToken: &admitv1.SessionToken{}}}
	}
	unknownField := allow(session())
	unknownField.GetAllow()[0].GetSessionToken().ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
	path := session()
	path.Match = []*admitv1.Match{{Field: "nowhere", Equals: admitv1.Match_USER_ID}}
	machine := &admitv1.Grant{
		Credential: &admitv1.Grant_ApiKey{ApiKey: &admitv1.APIKey{}},
		Match:      []*admitv1.Match{{Field: "organization_id", Equals: admitv1.Match_ORGANIZATION_SLUG}},
	}
	rules := map[string]*admitv1.Rule{
		"PublicUnary":   nil,
		"UnreadUnary":   allow(&admitv1.Grant{}),
		"SessionUnary":  {Allow: []*admitv1.Grant{session()}, Refusal: 77},
		"SessionServer": unknownField,
		"BoundUnary":    allow(path),
		"KeyUnary":      allow(machine),
		"AnyUnary":      {},
	}
	service := mistaken(t, func(method string, options *descriptorpb.MethodOptions) {
		rule, changed := rules[method]
		if !changed {
			return
		}
		proto.ClearExtension(options, admitv1.E_Method)
		if rule != nil {
			proto.SetExtension(options, admitv1.E_Method, rule)
		}
	})
	served, _ := policy.New(policy.ServeService(service))
	verifiers, _ := tokens.NewVerifiers(
		declared{{Kind: tokens.SessionToken, Issuer: "https://a.example"}, {Kind: tokens.APIKey, Prefix: "ak_"}, {Kind: tokens.OAuthToken, Prefix: "oat_"}},
		declared{{Kind: tokens.APIKey, Prefix: "ak_"}},
	)
	_, err := interceptor.New(served, verifiers)
	if err == nil {
		t.Fatal("it starts")
	}
	const file = "admittest/v1/mistaken.proto: admittest.v1.GateService."
	for _, want := range []string{
		file + "PublicUnary: the method has no rule; add: option (admit.v1.method) = { allow: { session_token: {} } };",
		file + "UnreadUnary: grant 1: the grant has no credential; write session_token: {}",
		file + "SessionUnary: rule.refusal is 77, which this version does not know",
		file + "SessionServer: rule.allow.session_token has a field that this version does not know",
		file + `BoundUnary: grant 1: field "nowhere": admittest.v1.GateRequest has no field "nowhere"`,
		file + `KeyUnary: grant 1: api_key has no ORGANIZATION_SLUG to match field "organization_id" with`,
		file + "AnyUnary: the rule has neither allow nor public",
		file + "MachineBidi: grant 1: m2m_token has no verifier; give one to tokens.NewVerifiers",
		"forms overlap (the same prefix)",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q", want)
		}
	}
	t.Log(err)
}

// A program links the stubs of what it calls, too; only what it serves must be complete and have verifiers.
func TestLinkedIsNotServed(t *testing.T) {
	_, err := policy.New(policy.For("/admittest.v1.PastService/Open", policy.Public()), policy.For("/admittest.v1.PastService/Stream", policy.Public()))
	if err == nil {
		t.Error("an annotated method takes a rule from For")
	}
	past := admittestv1.File_admittest_v1_gate_proto.Services().ByName("PastService")
	rules, err := policy.New(policy.ServeService(past))
	must(t, err)
	verifiers, err := tokens.NewVerifiers()
	must(t, err)
	guard, err := interceptor.New(rules, verifiers)
	if err != nil {
		t.Fatalf("a program that serves only public methods and links a service for machines does not start: %v", err)
	}
	guard.Close()
}
