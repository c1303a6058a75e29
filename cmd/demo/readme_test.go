// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const readme = "../../README.md"

// block returns the first block of a language in the README.
func block(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```"+language+"\n")
	if !ok {
		t.Fatalf("README has no block of %s", language)
	}
	code, _, _ := strings.Cut(rest, "```")
	return code
}

// The README's example compiles, with the demo's generated code in the place of the reader's.
func TestReadmeExample(t *testing.T) {
	t.Parallel()
	code := strings.ReplaceAll(block(t, "go"), "example.com/you/gen", "github.com/admitrpc/admit/cmd/demo/gen")
	dir := t.TempDir()
	file := filepath.Join(dir, "readme.go")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "readme", "readme.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "./readme")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("the README's example does not compile: %v\n%s", err, out)
	}
	if lines := strings.Count(code, "\n"); lines > 40 {
		t.Errorf("the README's example has %d lines", lines)
	}
}

// The README's rule is the one of the demo.
func TestReadmeRule(t *testing.T) {
	t.Parallel()
	proto, err := os.ReadFile("proto/invoices/v1/invoices.proto")
	if err != nil {
		t.Fatal(err)
	}
	bare := func(text string) string {
		text = strings.ReplaceAll(text, "option idempotency_level = NO_SIDE_EFFECTS;", "")
		return regexp.MustCompile(`\s+`).ReplaceAllString(text, "")
	}
	if !strings.Contains(bare(string(proto)), bare(block(t, "proto"))) {
		t.Error("the README's rule is not in the demo's .proto")
	}
}
