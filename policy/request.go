// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
)

// matchesOf returns the matches that apply to a grant: the service's and the rule's, unless the grant is unmatched, and its own.
func (d *declared) matchesOf(grant *admitv1.Grant) []*admitv1.Match {
	if grant.GetUnmatched() {
		return grant.GetMatch()
	}
	return slices.Concat(d.shared, d.rule.GetMatch(), grant.GetMatch())
}

// checkRequest tells the mistakes that show only where a rule applies: those about the request type and the shape of the stream.
func (d *declared) checkRequest() (mistakes Mistakes) {
	add := func(format string, args ...any) { mistakes = append(mistakes, d.place.mistake(format, args...)) }
	streams := d.method.IsStreamingClient() || d.method.IsStreamingServer()
	if d.rule.GetStream() != nil && !streams {
		add("stream has no meaning on a unary method; remove it")
	}
	for i, grant := range d.rule.GetAllow() {
		matches := d.matchesOf(grant)
		for _, match := range matches {
			if match.GetField() == "" {
				continue // told already
			}
			p, err := parsePath(d.method.Input(), match.GetField())
			if err != nil {
				add("grant %d: %v", i+1, err)
				continue
			}
			if match.Pattern != nil && !p.isText {
				add("grant %d: field %q is an integer; a pattern needs a string", i+1, match.GetField())
			}
			if match.GetAbsent() == admitv1.Match_ADMITTED_LATER && !d.method.IsStreamingClient() {
				add("grant %d: absent: ADMITTED_LATER has a meaning only where the request is a stream; write REFUSED or ADMITTED", i+1)
			}
		}
		onOrganization := slices.ContainsFunc(matches, func(m *admitv1.Match) bool {
			return m.GetEquals() == admitv1.Match_ORGANIZATION_ID || m.GetEquals() == admitv1.Match_ORGANIZATION_SLUG
		})
		if onOrganization && grant.GetSessionToken().GetPersonal() {
			add("grant %d: personal admits only sessions without an organization, which a match on the organization refuses; write unmatched: true, or remove one", i+1)
		}
		if onOrganization && grant.GetApiKey().GetOwner() == admitv1.APIKey_USER {
			add("grant %d: owner: USER admits only keys of users, which a match on the organization refuses; write unmatched: true, or remove one", i+1)
		}
	}
	return mistakes
}
