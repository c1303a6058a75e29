// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy/internal/oracle"
)

// A shape is a path into the request, with every message over it.
type shape struct {
	field    string
	pattern  string
	equals   string
	own      string // the value that is the caller's own
	another  string // one that is not
	template func(values []string) string
	lists    bool // the path leads to several values
}

func quoted(values []string) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprintf("%q", v)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func each(values []string, format string) string {
	var b strings.Builder
	for _, v := range values {
		fmt.Fprintf(&b, format, v)
	}
	return b.String()
}

func shapes() []shape {
	single := func(format string) func([]string) string {
		return func(values []string) string { return each(values, format) }
	}
	return []shape{
		{field: "organization_id", equals: "ORGANIZATION_ID", own: "org_1", another: "org_2", template: single("organization_id: %q")},
		{field: "maybe", equals: "USER_ID", own: "41", another: "42", template: single("maybe: %q")},
		{field: "chosen", equals: "ORGANIZATION_SLUG", own: "one", another: "two", template: single("chosen: %q")},
		{field: "item.organization_id", equals: "ORGANIZATION_ID", own: "org_1", another: "org_2", template: single("item { organization_id: %q }")},
		{field: "sint64", equals: "USER_ID", own: "41", another: "-41", template: single("sint64: %s")},
		{
			field: "name", pattern: "organizations/{}/invoices/**", equals: "ORGANIZATION_ID",
			own: "organizations/org_1/invoices/1", another: "organizations//invoices/org_1", template: single("name: %q"),
		},
		{field: "organization_ids", equals: "ORGANIZATION_ID", own: "org_1", another: "org_2", lists: true, template: func(v []string) string {
			return "organization_ids: " + quoted(v)
		}},
		{field: "numbers", equals: "USER_ID", own: "41", another: "410", lists: true, template: func(v []string) string {
			return "numbers: [" + strings.Join(v, ", ") + "]"
		}},
		{field: "items.organization_id", equals: "ORGANIZATION_ID", own: "org_1", another: "org_2", lists: true, template: func(v []string) string {
			return each(v, "items { organization_id: %q }")
		}},
		{field: "item.organization_ids", equals: "ORGANIZATION_ID", own: "org_1", another: "org_2", lists: true, template: func(v []string) string {
			return "item { organization_ids: " + quoted(v) + " }"
		}},
		{field: "items.items.organization_ids", equals: "ORGANIZATION_ID", own: "org_1", another: "org_2", lists: true, template: func(v []string) string {
			return "items { items { organization_ids: " + quoted(v[:len(v)/2]) + " } items { organization_ids: " + quoted(v[len(v)/2:]) + " } }"
		}},
		{field: "names", pattern: "{}/**", equals: "ORGANIZATION_SLUG", own: "one/x/y", another: "two", lists: true, template: func(v []string) string {
			return "names: " + quoted(v)
		}},
	}
}

// messages has every list of own, another's and absent values, or every single one of them.
func (s shape) messages(t testing.TB) []message {
	t.Helper()
	empty := ""
	if strings.Contains(s.template([]string{"1"}), ": 1") || s.field == "numbers" {
		empty = "0"
	}
	values := []string{s.own, s.another, empty}
	lists := [][]string{{}}
	for _, v := range values {
		lists = append(lists, []string{v})
	}
	if s.lists {
		for _, v := range values {
			for _, w := range values {
				lists = append(lists, []string{v, w})
			}
		}
	}
	list := make([]message, 0, len(lists))
	for _, values := range lists {
		plain := make([]string, len(values))
		for i, v := range values {
			if v != empty {
				plain[i] = v
			}
		}
		if s.field == "items.items.organization_ids" && len(values) < 2 {
			plain = append(plain, "") // one of the two inner lists is empty
		}
		list = append(list, message{plain: oracle.Message{s.field: plain}, actual: request(t, s.template(values))})
	}
	return list
}

func (u *universe) paths(t *testing.T) {
	t.Helper()
	list := shapes()
	absents := []string{"ABSENT_UNSPECIFIED", "REFUSED", "ADMITTED", "ADMITTED_LATER"}
	some := []caller{
		callerOf(t, oracle.Caller{Kind: "session_token", OrgID: "org_1", OrgSlug: "one", UserID: "41"}),
		callerOf(t, oracle.Caller{Kind: "session_token", OrgID: "org_2", OrgSlug: "two", UserID: "42"}),
		callerOf(t, oracle.Caller{Kind: "session_token", OrgID: "org_1", UserID: "41"}),
		callerOf(t, oracle.Caller{Kind: "session_token", OrgID: "0", UserID: "0"}),
	}
	u.spread(t, "paths", len(list)*len(absents), func(t testing.TB, i int) *decider {
		s, absent := list[i/len(absents)], absents[i%len(absents)]
		match := fmt.Sprintf("field: %q equals: %s absent: %s", s.field, s.equals, absent)
		if s.pattern != "" {
			match += fmt.Sprintf(" pattern: %q", s.pattern)
		}
		d := u.decider(t, "None", grantRule(t, "", "session_token {} match { "+match+" }"))
		messages := s.messages(t)
		for _, c := range some {
			d.walk(c, messages, 3)
		}
		return d
	})
}
