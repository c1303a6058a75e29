// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The list of what Clerk's middleware does names a test for every row, or says why there is none, and each test is where the list says.
func TestClerkRowsAreTrue(t *testing.T) {
	t.Parallel()
	const root = ".."
	text, err := os.ReadFile(filepath.Join(root, "docs", "clerk-rows.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| ([\d.]+) \| (.+) \| (.+) \|$`)
	quoted := regexp.MustCompile("`([^`]+)`")
	listed, sections := map[string]bool{}, map[string]int{}
	for _, found := range row.FindAllStringSubmatch(string(text), -1) {
		number, where := found[1], found[3]
		if listed[number] {
			t.Errorf("%s is listed twice", number)
		}
		listed[number] = true
		sections[number[:strings.LastIndexByte(number, '.')]]++
		tests, source := 0, ""
		for _, name := range quoted.FindAllStringSubmatch(where, -1) {
			switch name := name[1]; {
			case strings.HasPrefix(where, "does not apply: "):
			case strings.HasSuffix(name, "_test.go"):
				file, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
				if err != nil {
					t.Errorf("%s: %v", number, err)
				}
				source = string(file)
			case strings.Contains(source, "func "+name+"("):
				tests++
			default:
				t.Errorf("%s: there is no %s", number, name)
			}
		}
		if tests == 0 && !strings.HasPrefix(where, "does not apply: ") {
			t.Errorf("%s has no test and no reason", number)
		}
	}
	want := map[string]int{"6.1": 17, "6.2": 4, "6.3": 8, "6.4": 6, "7": 17, "8.1": 4, "8.2": 3, "8.3": 5, "8.4": 1, "9": 23, "10": 18, "13": 22}
	if !maps.Equal(sections, want) {
		t.Errorf("the list has %v rows, want %v", sections, want)
	}
}
