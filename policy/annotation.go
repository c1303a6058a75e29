// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/runtime/protoimpl"
	"google.golang.org/protobuf/types/descriptorpb"
)

// annotations resolves our two options and nothing else.
var annotations = func() *protoregistry.Types {
	types := new(protoregistry.Types)
	for _, extension := range []*protoimpl.ExtensionInfo{admitv1.E_Method, admitv1.E_Service} {
		if err := types.RegisterExtension(extension); err != nil {
			panic(err) //nolint:forbidigo // Two extensions of different messages cannot collide.
		}
	}
	return types
}()

// methodRule returns the rule that a method is annotated with; nil when it has none.
func methodRule(method protoreflect.MethodDescriptor) (*admitv1.Rule, error) {
	options := &descriptorpb.MethodOptions{}
	has, err := reparse(method.Options(), options, admitv1.E_Method)
	if err != nil || !has {
		return nil, err
	}
	rule, _ := proto.GetExtension(options, admitv1.E_Method).(*admitv1.Rule)
	return rule, nil
}

// serviceRule returns what a service is annotated with; nil when it is not.
func serviceRule(service protoreflect.ServiceDescriptor) (*admitv1.ServiceRule, error) {
	options := &descriptorpb.ServiceOptions{}
	has, err := reparse(service.Options(), options, admitv1.E_Service)
	if err != nil || !has {
		return nil, err
	}
	rule, _ := proto.GetExtension(options, admitv1.E_Service).(*admitv1.ServiceRule)
	return rule, nil
}

// reparse reads options anew with our own resolver. In a descriptor made where our generated code was not linked, an option is unknown
// bytes, and proto.HasExtension is false; taking that for "no rule" would be a hole.
func reparse(from, into proto.Message, extension *protoimpl.ExtensionInfo) (bool, error) {
	if from == nil || !from.ProtoReflect().IsValid() {
		return false, nil
	}
	raw, err := proto.MarshalOptions{AllowPartial: true}.Marshal(from)
	if err != nil {
		return false, fmt.Errorf("its options cannot be read: %w", err)
	}
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: annotations}).Unmarshal(raw, into); err != nil {
		return false, errors.New("its options cannot be read; is its rule a valid one of admit.v1, in UTF-8?")
	}
	number := extension.TypeDescriptor().Number()
	for rest := into.ProtoReflect().GetUnknown(); len(rest) > 0; {
		n, _, length := protowire.ConsumeField(rest)
		if length < 0 {
			return false, errors.New("its options cannot be read")
		}
		if n == number {
			return false, fmt.Errorf("its option %d is not one of admit.v1; another option uses the same number", number)
		}
		rest = rest[length:]
	}
	return proto.HasExtension(into, extension), nil
}
