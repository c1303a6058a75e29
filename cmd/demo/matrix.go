// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/admitrpc/admit/policy"
)

// printPolicy prints every served procedure with its rule.
func printPolicy(s *screen, procedures []*policy.Procedure) {
	s.heading("The policy: who may call what")
	procedures = inOrderOfFiles(procedures)
	widths := []int{0, 0}
	for _, p := range procedures {
		widths[0] = max(widths[0], 2+utf8.RuneCountInString(string(p.Method().Name())))
		widths[1] = max(widths[1], utf8.RuneCountInString(p.Source().String()))
	}
	s.row(widths, cell{"procedure", faint}, cell{"rule from", faint}, cell{"who may call", faint})
	service := ""
	for _, p := range procedures {
		if name := string(p.Method().Parent().FullName()); name != service {
			service = name
			s.row(nil, cell{service, bold})
		}
		printRule(s, widths, p)
	}
}

// inOrderOfFiles has the annotated procedures first, as they are in their .proto files.
func inOrderOfFiles(procedures []*policy.Procedure) []*policy.Procedure {
	return slices.SortedStableFunc(slices.Values(procedures), func(a, b *policy.Procedure) int {
		return cmp.Or(
			cmp.Compare(a.Source(), b.Source()),
			cmp.Compare(a.Method().Parent().FullName(), b.Method().Parent().FullName()),
			cmp.Compare(a.Method().Index(), b.Method().Index()))
	})
}

func printRule(s *screen, widths []int, p *policy.Procedure) {
	lead := []cell{{"  " + string(p.Method().Name()), plain}, {p.Source().String(), faint}}
	limit := width - widths[0] - widths[1] - 4
	put := func(text string, as style) {
		for i, line := range wrap(text, limit-2) {
			if i > 0 {
				line = "  " + line
			}
			s.row(widths, append(slices.Clone(lead), cell{line, as})...)
			lead = []cell{{}, {}}
		}
	}
	grants := p.Grants()
	if together := strings.Join(grants, " or "); !strings.Contains(together, ": ") {
		grants = []string{together}
	}
	for i, grant := range grants {
		if i > 0 {
			grant = "or " + grant
		}
		put(grant, plain)
	}
	if p.Hides() {
		put("hidden: to other known callers it is NotFound", faint)
	}
	if p.Handler() != "" {
		put("handler: "+p.Handler(), faint)
	}
}
