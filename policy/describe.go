// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
)

// describeGrant says in words who a grant admits.
func describeGrant(kind tokens.Kind, g *grant) string {
	parts := slices.Clone(g.notes)
	for _, d := range g.demands {
		if d.denial.Reason != tokens.ReasonSessionPending {
			parts = append(parts, d.denial.Demand)
		}
	}
	for _, m := range g.matches {
		parts = append(parts, m.denial.Demand)
	}
	if len(parts) == 0 {
		return kind.String()
	}
	return kind.String() + ": " + strings.Join(parts, "; ")
}

// Grants says in words who may call, one text for each kind of each grant, in the order of kinds; "anyone" for a public procedure.
func (p *Procedure) Grants() []string {
	switch p.Public() {
	case OptionalCredential:
		return []string{"anyone"}
	case UnreadCredential:
		return []string{"anyone, credentials unread"}
	case NotPublic:
	}
	if p == nil {
		return nil
	}
	var texts []string
	for _, grants := range p.byKind {
		for _, g := range grants {
			texts = append(texts, g.text)
		}
	}
	return texts
}

// inWords spells a name of the schema as people do.
func inWords(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", " ")) }
