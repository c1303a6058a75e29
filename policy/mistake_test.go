// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// TestLines: a descriptor that knows its source tells the line.
func TestLines(t *testing.T) {
	t.Parallel()
	file := protodesc.ToFileDescriptorProto(fileOf(t, service{name: "Tests", rpcs: []rpc{{name: "One"}, {name: "Two"}, {name: "Three"}}}))
	for i, line := range []int32{40, 0, 7} { // of One, Two and Three
		file.SourceCodeInfo = &descriptorpb.SourceCodeInfo{Location: append(file.GetSourceCodeInfo().GetLocation(), &descriptorpb.SourceCodeInfo_Location{
			Path: []int32{6, 0, 2, int32(i)}, Span: []int32{line, 2, 40},
		})}
	}
	built, err := protodesc.NewFile(file, known)
	if err != nil {
		t.Fatal(err)
	}
	_, err = policy.New(policy.Serve(built))
	var subjects []string
	for _, line := range strings.Split(err.Error(), "\n")[1:] {
		at, _, _ := strings.Cut(strings.TrimSpace(line), ": the method")
		subjects = append(subjects, at)
	}
	want := []string{"test/v1/service.proto:8: test.v1.Tests.Three", "test/v1/service.proto:41: test.v1.Tests.One"}
	if len(subjects) != 3 || !slices.IsSorted([]int{slices.Index(subjects, want[0]), slices.Index(subjects, want[1])}) || !slices.Contains(subjects, want[0]) {
		t.Errorf("got %q, want %q in this order", subjects, want)
	}
	if !slices.Contains(subjects, "test/v1/service.proto:1: test.v1.Tests.Two") {
		t.Errorf("a method on the first line is told as %q", subjects)
	}
	if got := (policy.Mistake{File: "a.proto", Text: "wrong"}).String(); got != "a.proto: wrong" {
		t.Errorf("got %q", got)
	}
	if got := policy.Source(0).String(); got != "nowhere" {
		t.Errorf("got %q", got)
	}
}
