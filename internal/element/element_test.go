// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package element_test

import (
	"testing"

	"github.com/admitrpc/admit/internal/element"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const both = element.Organization | element.User
	for _, test := range []struct {
		text  string
		scope element.Scope
		slug  string
	}{
		{"o:pro", element.Organization, "pro"},
		{"u:pro", element.User, "pro"},
		{"ou:pro", both, "pro"},
		{"uo:pro", both, "pro"},
		{"o:u:pro", element.Organization, "u:pro"},
		{"o: ", element.Organization, " "},
		{text: ""},
		{text: "o"},
		{text: "o:"},
		{text: "u:"},
		{text: "ou:"},
		{text: "uo:"},
		{text: "oo:pro"},
		{text: "O:pro"},
		{text: "org:pro"},
		{text: "x:pro"},
		{text: ":pro"},
		{text: "pro"},
	} {
		scope, slug, ok := element.Parse(test.text)
		if scope != test.scope || slug != test.slug || ok != (test.scope != 0) {
			t.Errorf("%q: scope %d, slug %q, %t", test.text, scope, slug, ok)
		}
		if element.Are([]string{"o:good", test.text}) != ok {
			t.Errorf("%q behind a good one: %t", test.text, !ok)
		}
	}
	if !element.Are(nil) {
		t.Error("none are not elements")
	}
}
