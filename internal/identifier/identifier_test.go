// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package identifier_test

import (
	"strings"
	"testing"

	"github.com/admitrpc/admit/internal/identifier"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"plain":             {"https://example.com/a b?c", ""},
		"letters":           {"Größe-日本", ""},
		"longest":           {strings.Repeat("a", identifier.MaxLength), ""},
		"empty":             {"", "is empty"},
		"too long":          {strings.Repeat("a", identifier.MaxLength+1), "is longer than 1024 bytes"},
		"line break":        {"a\nb", "has characters that are not seen"},
		"zero":              {"a\x00", "has characters that are not seen"},
		"delete":            {"a\x7f", "has characters that are not seen"},
		"not UTF-8":         {"a\xff", "has characters that are not seen"},
		"zero width":        {"a\u200bb", "has characters that are not seen"},
		"another direction": {"a\u202eb", "has characters that are not seen"},
		"replacement":       {"a\ufffd", "has characters that are not seen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := identifier.Check(test.text)
			if (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
