// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The catalogue names a place for every attack, or says why there is none, and each place has the number.
func TestCatalogueIsTrue(t *testing.T) {
	t.Parallel()
	const root = "../.."
	text, err := os.ReadFile(filepath.Join(root, "docs", "security-catalogue.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| (SEC-\d+) \| (.+) \| (.+) \|$`)
	place := regexp.MustCompile("`([a-z0-9_/]+_test\\.go)`")
	listed := map[string]int{}
	for _, found := range row.FindAllStringSubmatch(string(text), -1) {
		number, where := found[1], found[3]
		listed[number]++
		files := place.FindAllStringSubmatch(where, -1)
		if len(files) == 0 && !strings.HasPrefix(where, "not tested: ") {
			t.Errorf("%s has no file and no reason", number)
		}
		for _, file := range files {
			source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file[1])))
			if err != nil {
				t.Errorf("%s: %v", number, err)
			} else if !regexp.MustCompile(number + `\b`).Match(source) {
				t.Errorf("%s does not say %s", file[1], number)
			}
		}
	}
	for i := 1; i <= 80; i++ {
		if number := fmt.Sprintf("SEC-%02d", i); listed[number] != 1 {
			t.Errorf("%s is listed %d times", number, listed[number])
		}
	}
	if len(listed) != 80 {
		t.Errorf("%d numbers are listed", len(listed))
	}
}
