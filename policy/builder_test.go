// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// messages declares the request types of all tests.
const messages = `
name: "test/v1/messages.proto" package: "test.v1" syntax: "proto3"
dependency: ["google/protobuf/any.proto", "google/protobuf/wrappers.proto", "google/protobuf/struct.proto"]
enum_type { name: "Color" value { name: "COLOR_UNSPECIFIED" number: 0 } }
message_type {
  name: "Item"
  field { name: "organization_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "organization_ids" number: 2 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "items" number: 3 type: TYPE_MESSAGE type_name: ".test.v1.Item" label: LABEL_REPEATED }
  field { name: "user_id" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL }
}
message_type {
  name: "Request"
  field { name: "organization_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "user_id" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "organization_ids" number: 3 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "item" number: 4 type: TYPE_MESSAGE type_name: ".test.v1.Item" label: LABEL_OPTIONAL }
  field { name: "items" number: 5 type: TYPE_MESSAGE type_name: ".test.v1.Item" label: LABEL_REPEATED }
  field { name: "name" number: 6 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "names" number: 7 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "slug" number: 8 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "int32" number: 10 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "sint32" number: 11 type: TYPE_SINT32 label: LABEL_OPTIONAL }
  field { name: "sfixed32" number: 12 type: TYPE_SFIXED32 label: LABEL_OPTIONAL }
  field { name: "int64" number: 13 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "sint64" number: 14 type: TYPE_SINT64 label: LABEL_OPTIONAL }
  field { name: "sfixed64" number: 15 type: TYPE_SFIXED64 label: LABEL_OPTIONAL }
  field { name: "uint32" number: 16 type: TYPE_UINT32 label: LABEL_OPTIONAL }
  field { name: "fixed32" number: 17 type: TYPE_FIXED32 label: LABEL_OPTIONAL }
  field { name: "uint64" number: 18 type: TYPE_UINT64 label: LABEL_OPTIONAL }
  field { name: "fixed64" number: 19 type: TYPE_FIXED64 label: LABEL_OPTIONAL }
  field { name: "numbers" number: 20 type: TYPE_INT64 label: LABEL_REPEATED }
  field { name: "flag" number: 21 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "blob" number: 22 type: TYPE_BYTES label: LABEL_OPTIONAL }
  field { name: "color" number: 23 type: TYPE_ENUM type_name: ".test.v1.Color" label: LABEL_OPTIONAL }
  field { name: "ratio" number: 24 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "share" number: 25 type: TYPE_FLOAT label: LABEL_OPTIONAL }
  field { name: "labels" number: 26 type: TYPE_MESSAGE type_name: ".test.v1.Request.LabelsEntry" label: LABEL_REPEATED }
  field { name: "by_key" number: 27 type: TYPE_MESSAGE type_name: ".test.v1.Request.ByKeyEntry" label: LABEL_REPEATED }
  field { name: "any" number: 28 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL }
  field { name: "wrapped" number: 29 type: TYPE_MESSAGE type_name: ".google.protobuf.StringValue" label: LABEL_OPTIONAL }
  field { name: "wrapped_int" number: 30 type: TYPE_MESSAGE type_name: ".google.protobuf.Int64Value" label: LABEL_OPTIONAL }
  field { name: "value" number: 31 type: TYPE_MESSAGE type_name: ".google.protobuf.Value" label: LABEL_OPTIONAL }
  field { name: "chosen" number: 32 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "maybe" number: 33 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 1 proto3_optional: true }
  field { name: "maybe_int" number: 34 type: TYPE_INT64 label: LABEL_OPTIONAL oneof_index: 2 proto3_optional: true }
  field { name: "other_name" json_name: "jsonName" number: 35 type: TYPE_STRING label: LABEL_OPTIONAL }
  oneof_decl { name: "choice" } oneof_decl { name: "_maybe" } oneof_decl { name: "_maybe_int" }
  nested_type { name: "LabelsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } }
  nested_type { name: "ByKeyEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".test.v1.Item" label: LABEL_OPTIONAL } }
}
message_type { name: "Empty" }`

// legacy declares request types with the presence and the defaults of proto2.
const legacy = `
name: "test/v1/legacy.proto" package: "test.v1" syntax: "proto2"
message_type {
  name: "Legacy"
  field { name: "organization_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL default_value: "org_1" }
  field { name: "number" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL default_value: "7" }
  field { name: "part" number: 3 type: TYPE_GROUP type_name: ".test.v1.Legacy.Part" label: LABEL_OPTIONAL }
  nested_type { name: "Part" field { name: "organization_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL default_value: "org_1" } }
  extension_range { start: 100 end: 200 }
}
extension { name: "extra" extendee: ".test.v1.Legacy" number: 100 type: TYPE_STRING label: LABEL_OPTIONAL }`

// known holds the files that test files import.
var known = func() *protoregistry.Files {
	files := new(protoregistry.Files)
	register := func(file protoreflect.FileDescriptor, err error) {
		if err == nil {
			err = files.RegisterFile(file)
		}
		if err != nil {
			panic(err) //nolint:forbidigo // The texts above are constants.
		}
	}
	register(anypb.File_google_protobuf_any_proto, nil)
	register(wrapperspb.File_google_protobuf_wrappers_proto, nil)
	register(structpb.File_google_protobuf_struct_proto, nil)
	for _, text := range []string{messages, legacy} {
		file := &descriptorpb.FileDescriptorProto{}
		if err := prototext.Unmarshal([]byte(text), file); err != nil {
			panic(err) //nolint:forbidigo // The texts above are constants.
		}
		register(protodesc.NewFile(file, files))
	}
	return files
}()

// An rpc is a method of a test service.
type rpc struct {
	name   string
	rule   string // admit.v1.Rule as text; "" is no rule, " " an empty one
	input  string // a message of test.v1; "" is Request
	client bool   // the request is a stream
	server bool   // the response is a stream
	raw    []byte // options as bytes that stay unknown, in place of rule
}

// A service is a service of a test file.
type service struct {
	name string
	rule string // admit.v1.ServiceRule as text; "" is none, " " an empty one
	rpcs []rpc
	raw  []byte
}

// fileOf makes the file of package test.v1 that declares the services.
func fileOf(t testing.TB, services ...service) protoreflect.FileDescriptor {
	t.Helper()
	return fileIn(t, "test.v1", services...)
}

func fileIn(t testing.TB, pkg string, services ...service) protoreflect.FileDescriptor {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{
		Name: new(strings.ReplaceAll(pkg, ".", "/") + "/service.proto"), Package: &pkg, Syntax: new("proto3"),
		Dependency: []string{"test/v1/messages.proto", "test/v1/legacy.proto", "google/protobuf/wrappers.proto"},
	}
	for _, s := range services {
		file.Service = append(file.Service, s.descriptor(t))
	}
	built, err := protodesc.NewFile(file, known)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func (s service) descriptor(t testing.TB) *descriptorpb.ServiceDescriptorProto {
	t.Helper()
	d := &descriptorpb.ServiceDescriptorProto{Name: new(s.name)}
	if s.rule != "" || s.raw != nil {
		d.Options = &descriptorpb.ServiceOptions{}
	}
	if s.rule != "" {
		proto.SetExtension(d.Options, admitv1.E_Service, parse(t, s.rule, &admitv1.ServiceRule{}))
	}
	if s.raw != nil {
		d.Options.ProtoReflect().SetUnknown(s.raw)
	}
	for _, m := range s.rpcs {
		d.Method = append(d.Method, m.descriptor(t))
	}
	return d
}

func (m rpc) descriptor(t testing.TB) *descriptorpb.MethodDescriptorProto {
	t.Helper()
	input := ".test.v1." + m.input
	switch {
	case m.input == "":
		input = ".test.v1.Request"
	case strings.HasPrefix(m.input, "."):
		input = m.input
	}
	d := &descriptorpb.MethodDescriptorProto{
		Name: new(m.name), InputType: &input, OutputType: new(".test.v1.Empty"),
		ClientStreaming: &m.client, ServerStreaming: &m.server,
	}
	if m.rule != "" || m.raw != nil {
		d.Options = &descriptorpb.MethodOptions{}
	}
	if m.rule != "" {
		proto.SetExtension(d.Options, admitv1.E_Method, parse(t, m.rule, &admitv1.Rule{}))
	}
	if m.raw != nil {
		d.Options.ProtoReflect().SetUnknown(m.raw)
	}
	return d
}

// parse reads a message as text.
func parse[M proto.Message](t testing.TB, text string, into M) M {
	t.Helper()
	if err := prototext.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return into
}

func ruleOf(t testing.TB, text string) policy.Rule {
	t.Helper()
	return policy.FromProto(parse(t, text, &admitv1.Rule{}))
}

// option is the bytes of an option of number 236480 in a descriptor that was made where package admitv1 was not linked.
func option(t testing.TB, message proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, 236480, protowire.BytesType), raw)
}

// oneRule is a file with one procedure, "/test.v1.Tests/Call", whose request and response are streams.
func oneRule(t testing.TB, rule string) protoreflect.FileDescriptor {
	t.Helper()
	return fileOf(t, service{name: "Tests", rpcs: []rpc{{name: "Call", rule: rule, client: true, server: true}}})
}

// callName is the procedure of [oneRule].
const callName = "/test.v1.Tests/Call"

// everyKind are the forms of a program that has a verifier of each kind.
func everyKind() []tokens.Form {
	return []tokens.Form{
		{Kind: tokens.SessionToken, Issuer: "https://issuer.example"},
		{Kind: tokens.OAuthToken, Prefix: "oat_"},
		{Kind: tokens.APIKey, Prefix: "ak_"},
		{Kind: tokens.M2MToken, Prefix: "mt_"},
	}
}

// bound makes rules that must have no mistake.
func bound(t testing.TB, options ...policy.Option) *policy.Bound {
	t.Helper()
	rules, err := policy.New(options...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := rules.Bind(everyKind())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// procedure is the one procedure of [oneRule].
func procedure(t testing.TB, rule string) *policy.Procedure {
	t.Helper()
	return bound(t, policy.Serve(oneRule(t, rule))).Procedure(callName)
}

// principal makes a principal of facts that must be right.
func principal(t testing.TB, facts tokens.Facts) *tokens.Principal {
	t.Helper()
	p, err := tokens.NewPrincipal(facts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// messageOf reads a message of test.v1 as text; its descriptor is the one that test methods have as input.
func messageOf(t testing.TB, name, text string) proto.Message {
	t.Helper()
	d, err := known.FindDescriptorByName(protoreflect.FullName("test.v1." + name))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text, dynamicpb.NewMessage(d.(protoreflect.MessageDescriptor))) //nolint:forcetypeassert // A failure fails the test.
}

func request(t testing.TB, text string) proto.Message {
	t.Helper()
	return messageOf(t, "Request", text)
}

// rebuild makes the file of the request types a second time.
func rebuild(t testing.TB) protoreflect.FileDescriptor {
	t.Helper()
	file, err := protodesc.NewFile(parse(t, messages, &descriptorpb.FileDescriptorProto{}), protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// mistakesOf makes rules that must have mistakes, and returns them as one text; those that [policy.New] tells must come again in Bind.
func mistakesOf(t testing.TB, forms []tokens.Form, options ...policy.Option) string {
	t.Helper()
	rules, first := policy.New(options...)
	b, err := rules.Bind(forms)
	if err == nil {
		t.Fatal("no mistake is told")
	}
	if b != nil {
		t.Error("rules with mistakes were bound all the same")
	}
	if _, ok := errors.AsType[policy.Mistakes](err); !ok {
		t.Fatalf("the error is a %T", err)
	}
	if first != nil {
		for _, line := range strings.Split(first.Error(), "\n")[1:] {
			if !strings.Contains(err.Error(), line) {
				t.Errorf("Bind does not repeat %q", line)
			}
		}
	}
	return err.Error()
}
