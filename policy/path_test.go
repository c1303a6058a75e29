// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// A compareTest is one message of a method with one match.
type compareTest struct {
	name    string
	input   string
	match   string
	user    string // of the caller
	message string
	want    string // "own", "other" or "absent"
}

// runCompare tells own, another's and absent from each other by asking in two modes: absent passes in one of them.
func runCompare(t *testing.T, tests []compareTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			caller := principal(t, *session(inOrg(""), func(f *tokens.Facts) { f.UserID = test.user }))
			admits := func(absent string) bool {
				rule := "allow { session_token {} match { " + test.match + " absent: " + absent + " } }"
				b := bound(t, policy.Serve(fileOf(t, service{name: "Tests", rpcs: []rpc{{name: "Call", input: test.input, rule: rule}}})))
				p := b.Procedure(callName)
				input := test.input
				if input == "" {
					input = "Request"
				}
				return p.DecideMessage(p.DecideCall(caller), caller, messageOf(t, input, test.message)).Outcome == policy.Admitted
			}
			got := map[[2]bool]string{{true, true}: "own", {false, true}: "absent", {false, false}: "other"}[[2]bool{admits("REFUSED"), admits("ADMITTED")}]
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	org := func(field string) string { return fmt.Sprintf("field: %q equals: ORGANIZATION_ID", field) }
	const items = "items.organization_id"
	runCompare(t, []compareTest{
		{"semantics 19 repeated, every element", "", org("organization_ids"), "", `organization_ids: ["org_1", "org_1"]`, "own"},
		{"semantics 19 repeated, the last is another's", "", org("organization_ids"), "", `organization_ids: ["org_1", "org_2"]`, "other"},
		{"semantics 19 repeated, the first is another's", "", org("organization_ids"), "", `organization_ids: ["org_2", "org_1"]`, "other"},
		{"semantics 19 nested", "", org("item.organization_id"), "", `item { organization_id: "org_1" }`, "own"},
		{"semantics 19 through a list", "", org(items), "", `items { organization_id: "org_1" } items { organization_id: "org_1" }`, "own"},
		{"semantics 19 through a list, one is another's", "", org(items), "", `items { organization_id: "org_1" } items { organization_id: "org_2" }`, "other"},
		{"semantics 19 another's beside an absent one", "", org(items), "", `items {} items { organization_id: "org_2" }`, "other"},
		{"semantics 19 lists in lists", "", org("items.items.organization_ids"), "", `items { items { organization_ids: ["org_1", "org_1"] } items { organization_ids: "org_1" } }`, "own"},
		{"semantics 19 a oneof", "", org("chosen"), "", `chosen: "org_1"`, "own"},
		{"semantics 19 names as in the .proto", "", org("other_name"), "", `other_name: "org_1"`, "own"},
		{"semantics 19 a group of proto2", "Legacy", org("part.organization_id"), "", `Part { organization_id: "org_1" }`, "own"},
		{"semantics 20 unset", "", org("organization_id"), "", ``, "absent"},
		{"semantics 20 an empty list", "", org("organization_ids"), "", ``, "absent"},
		{"semantics 20 an empty element", "", org("organization_ids"), "", `organization_ids: ["org_1", ""]`, "absent"},
		{"semantics 20 an unset message on the way", "", org("item.organization_id"), "", ``, "absent"},
		{"semantics 20 an empty message on the way", "", org("item.organization_id"), "", `item {}`, "absent"},
		{"semantics 20 an empty list on the way", "", org(items), "", ``, "absent"},
		{"semantics 20 an empty element on the way", "", org(items), "", `items { organization_id: "org_1" } items {}`, "absent"},
		{"semantics 20 an empty list at an inner level", "", org("items.items.organization_ids"), "", `items { items { organization_ids: "org_1" } items {} }`, "absent"},
		{"semantics 20 an unset oneof", "", org("chosen"), "", ``, "absent"},
		{"semantics 20 presence and empty", "", org("maybe"), "", `maybe: ""`, "absent"},
		{"semantics 20 presence and unset", "", org("maybe"), "", ``, "absent"},
		{"semantics 20 presence and zero", "", `field: "maybe_int" equals: USER_ID`, "7", `maybe_int: 0`, "absent"},
		{"semantics 20 the default of proto2 is the caller's", "Legacy", org("organization_id"), "", ``, "absent"},
		{"semantics 20 the default of proto2 is a number of the caller's", "Legacy", `field: "number" equals: USER_ID`, "7", ``, "absent"},
		{"semantics 20 proto2, empty where a default is", "Legacy", org("organization_id"), "", `organization_id: ""`, "absent"},
		{"semantics 20 proto2, zero where a default is", "Legacy", `field: "number" equals: USER_ID`, "7", `number: 0`, "absent"},
		{"semantics 20 proto2, the default written", "Legacy", org("organization_id"), "", `organization_id: "org_1"`, "own"},
		{"semantics 20 proto2, a group with a default", "Legacy", org("part.organization_id"), "", `Part {}`, "absent"},
		{"semantics 10 case", "", org("organization_id"), "", `organization_id: "ORG_1"`, "other"},
		{"semantics 10 white space", "", org("organization_id"), "", `organization_id: "org_1 "`, "other"},
		{"semantics 10 a prefix", "", org("organization_id"), "", `organization_id: "org_"`, "other"},
		{"semantics 21 slug", "", `field: "slug" equals: ORGANIZATION_SLUG`, "", `slug: "one"`, "own"},
		{"semantics 21 an id is no slug", "", `field: "slug" equals: ORGANIZATION_SLUG`, "", `slug: "org_1"`, "other"},
	})
}

func TestIntegers(t *testing.T) {
	t.Parallel()
	var tests []compareTest
	add := func(field, user, number, want string) {
		tests = append(tests, compareTest{
			"semantics 21 " + field + " " + number + " and " + user, "", fmt.Sprintf("field: %q equals: USER_ID", field), user, field + ": " + number, want,
		})
	}
	for field, extremes := range map[string][]string{
		"int32": {"-2147483648", "2147483647"}, "sint32": {"-2147483648", "2147483647"}, "sfixed32": {"-2147483648", "2147483647"},
		"int64":    {"-9223372036854775808", "9223372036854775807"},
		"sint64":   {"-9223372036854775808", "9223372036854775807"},
		"sfixed64": {"-9223372036854775808", "9223372036854775807"},
		"uint32":   {"1", "4294967295"}, "fixed32": {"1", "4294967295"},
		"uint64": {"1", "18446744073709551615"}, "fixed64": {"1", "18446744073709551615"}, "numbers": {"-1", "9223372036854775807"},
	} {
		for _, extreme := range extremes {
			add(field, extreme, extreme, "own")
			add(field, "0"+extreme, extreme, "other")
		}
		add(field, "7", "8", "other")
		add(field, "007", "7", "other")
		add(field, "+7", "7", "other")
		add(field, "7.0", "7", "other")
		add(field, "user_1", "7", "other")
		if field != "numbers" {
			add(field, "0", "0", "absent")
		}
	}
	tests = append(tests,
		compareTest{"semantics 20 zero in a list", "", `field: "numbers" equals: USER_ID`, "7", `numbers: [7, 0]`, "absent"},
		compareTest{"semantics 20 a list of numbers", "", `field: "numbers" equals: USER_ID`, "7", `numbers: [7, 7]`, "own"},
	)
	runCompare(t, tests)
}

func TestResources(t *testing.T) {
	t.Parallel()
	var tests []compareTest
	for _, test := range []struct{ pattern, value, want string }{
		{"organizations/{}/invoices/**", "organizations/org_1/invoices/7", "own"},
		{"organizations/{}/invoices/**", "organizations/org_1/invoices/7/lines/8", "own"},
		{"organizations/{}/invoices/**", "organizations/org_1/invoices", "own"}, // ** is zero segments
		{"organizations/{}/invoices/**", "organizations/org_1/invoices/", "other"},
		{"organizations/{}/invoices/**", "organizations/org_1/invoices//7", "other"},
		{"organizations/{}/invoices/**", "organizations/org_1", "other"},
		{"organizations/{}/invoices/**", "organizations/org_2/invoices/7", "other"},
		{"organizations/{}/invoices/**", "organizations//invoices/7", "other"},
		{"organizations/{}/invoices/**", "/organizations/org_1/invoices/7", "other"},
		{"organizations/{}/invoices/**", "organizations/org_1/bills/7", "other"},
		{"organizations/{}/invoices/**", "organizations/org_1/invoices7", "other"},
		{"organizations/{}/invoices/**", "Organizations/org_1/invoices/7", "other"},
		{"organizations/{}/invoices/**", "", "absent"},
		{"organizations/{}", "organizations/org_1", "own"},
		{"organizations/{}", "organizations/org_1/", "other"},
		{"organizations/{}", "organizations/org_1/x", "other"},
		{"organizations/{}", "organizations/", "other"},
		{"organizations/{}", "organizations/{}", "other"},
		{"{}", "org_1", "own"},
		{"{}", "org_1/", "other"},
		{"{}", "org_1/x", "other"},
		{"{}", "/", "other"},
		{"{}/**", "org_1", "own"},
		{"{}/**", "org_1/a/b", "own"},
		{"{}/**", "a/org_1", "other"},
		{"a b/{}", "a b/org_1", "own"}, // all else is literal
		{"a.b+/{}", "aXb+/org_1", "other"},
		{"ü/{}/-", "ü/org_1/-", "own"},
		{"a/{}", "a/ORG_1", "other"},
		{"a/{}", "a/org_1%2Fx", "other"},
		{"a/{}", "a%2Forg_1", "other"},
	} {
		match := fmt.Sprintf(`field: "name" pattern: %q equals: ORGANIZATION_ID`, test.pattern)
		tests = append(tests, compareTest{"semantics 22 " + test.pattern + " and " + test.value, "", match, "", fmt.Sprintf("name: %q", test.value), test.want})
	}
	list := `field: "names" pattern: "{}/**" equals: ORGANIZATION_ID`
	tests = append(tests,
		compareTest{"semantics 22 every value of a list", "", list, "", `names: ["org_1/a", "org_1"]`, "own"},
		compareTest{"semantics 22 one value of a list does not match", "", list, "", `names: ["org_1/a", "org_1//"]`, "other"},
	)
	runCompare(t, tests)
}

// TestBadPatterns is semantics 22 at start-up.
func TestBadPatterns(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		"", "/", "a", "a/b/**", "**", "/{}", "{}/", "a//{}", "{}/{}", "{}/a/{}", "**/{}", "{}/**/a", "{}/**/**", "{}/*", "*/{}", "a*/{}", "{a}", "{id}/x",
		"a{}", "{}a", "a/{}b", "{{}}", "{}/***", "{}/a**", "{", "}", "{}/{", "{}/}", "} {",
	} {
		rule := fmt.Sprintf(`allow { session_token {} match { field: "name" pattern: %q equals: ORGANIZATION_ID } }`, pattern)
		if wrong := mistakesOf(t, everyKind(), policy.Serve(oneRule(t, rule))); !strings.Contains(wrong, "pattern") {
			t.Errorf("semantics 22: %q: %s", pattern, wrong)
		}
	}
}

// TestBadPaths is semantics 19 at start-up: each path is told, with what is wrong about it.
func TestBadPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"flag": "is a bool", "blob": "is a bytes", "color": "is a enum", "ratio": "is a double", "share": "is a float", "item": "is a message",
		"items": "is a message", "labels": "is a map", "labels.value": "is a map", "labels.key": "is a map", "by_key.value.organization_id": "is a map",
		"any": "is a message", "any.type_url": "google.protobuf.Any", "any.value": "google.protobuf.Any",
		"wrapped": "is a message", "wrapped.value": "google.protobuf.StringValue", "wrapped_int.value": "google.protobuf.Int64Value",
		"value.string_value": "google.protobuf.Value", "jsonName": "has no field", "Organization_id": "has no field", "missing": "has no field",
		"item.missing": "has no field", "organization_id.x": "is not a message", "item.": "has no field", ".item": "has no field", "item..organization_id": "has no field",
		"1": "has no field", "choice": "has no field", "test.v1.extra": "has no field", "item/organization_id": "has no field",
	} {
		rule := fmt.Sprintf(`allow { session_token {} match { field: %q equals: ORGANIZATION_ID } }`, path)
		wrong := mistakesOf(t, everyKind(), policy.Serve(oneRule(t, rule)))
		if !strings.Contains(wrong, want) || !strings.Contains(wrong, fmt.Sprintf("%q", path)) {
			t.Errorf("semantics 19: %q is told as %q, want %q", path, wrong, want)
		}
	}
	for _, path := range []string{"extra", "test.v1.extra", "(test.v1.extra)", "[test.v1.extra]"} {
		rule := fmt.Sprintf(`allow { session_token {} match { field: %q equals: ORGANIZATION_ID } }`, path)
		file := fileOf(t, service{name: "Tests", rpcs: []rpc{{name: "Call", input: "Legacy", rule: rule}}})
		if wrong := mistakesOf(t, everyKind(), policy.Serve(file)); !strings.Contains(wrong, "has no field") {
			t.Errorf("semantics 19: the extension %q is told as %q", path, wrong)
		}
	}
	for _, field := range []string{"uint32", "numbers", "sint64"} {
		rule := fmt.Sprintf(`allow { session_token {} match { field: %q pattern: "{}" equals: USER_ID } }`, field)
		if wrong := mistakesOf(t, everyKind(), policy.Serve(oneRule(t, rule))); !strings.Contains(wrong, "a pattern needs a string") {
			t.Errorf("semantics 22: a pattern on %s is told as %q", field, wrong)
		}
	}
}
