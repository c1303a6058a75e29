// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The numbers in the names are of docs/clerk-rows.md: what Clerk's organizationSyncOptions do, as a check.

func contains(text, part string) bool { return strings.Contains(text, part) }

// inOrganization is a session whose active organization has the id and slug; without an id it is a personal account.
func inOrganization(id, slug string) answer {
	facts := factsOf(tokens.SessionToken)
	facts.Organization, facts.Permissions = tokens.Organization{ID: id, Slug: slug}, nil
	return believe(facts)
}

var organizations = map[string]answer{
	"st_acme": inOrganization("org_acme", "acmecorp"), "st_other": inOrganization("org_other", "other"), "st_personal": inOrganization("", ""),
	"st_space": inOrganization("org_space", "a%20b"),
}

// naming is a message that names things.
func naming(call *interceptor.Call, fields map[string]string) proto.Message {
	message := newMessage(call.Procedure().Method().Input())
	m := message.ProtoReflect()
	for name, value := range fields {
		m.Set(m.Descriptor().Fields().ByName(protoreflect.Name(name)), protoreflect.ValueOfString(value))
	}
	return message
}

// mismatched reports what is wrong with a refusal that should be a mismatch. What is expected is told as the rule's field, and nothing of the
// request or of the credential.
func mismatched(refusal *interceptor.Refusal, field string) string {
	if reasonOf(refusal) != tokens.ReasonOrganizationMismatch {
		return fmt.Sprintf("%v is no mismatch", refusal)
	}
	info, _ := refusal.Details(true)[0].(*errdetails.ErrorInfo)
	want := map[string]string{"field": field}
	if field == "" {
		want = map[string]string{"personal": "true"}
	}
	if !maps.Equal(info.GetMetadata(), want) || len(refusal.Details(true)) != 1 {
		return fmt.Sprintf("the metadata is %v, want %v", info.GetMetadata(), want)
	}
	for _, text := range []string{"acme", "other", "a%20b", "settings"} {
		if contains(fmt.Sprint(refusal.Details(true), refusal.Text(), refusal.Challenge()), text) {
			return "a value is told: " + text
		}
	}
	return ""
}

// Case 80: what a path of the request names, with a pattern in the place of a route.
func TestSection9Patterns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		row, pattern, equals, token, value string
		admitted                           bool
	}{
		{"9.1 by id", "orgs/{}", "ORGANIZATION_ID", "st_acme", "orgs/org_acme", true},
		{"9.1 by id, another", "orgs/{}", "ORGANIZATION_ID", "st_acme", "orgs/org_other", false},
		{"9.1 by id, the slug", "orgs/{}", "ORGANIZATION_ID", "st_acme", "orgs/acmecorp", false},
		{"9.2 by slug", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs/acmecorp", true},
		{"9.2 by slug, another", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs/other", false},
		{"9.2 by slug, the id", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs/org_acme", false},
		{"9.3 nothing to capture", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs", false},
		{"9.4 nested, where the pattern ends", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs/acmecorp/settings", false},
		{"9.5 nested", "orgs/{}/**", "ORGANIZATION_SLUG", "st_acme", "orgs/acmecorp/settings/members", true},
		{"9.5 nested, at its root", "orgs/{}/**", "ORGANIZATION_SLUG", "st_acme", "orgs/acmecorp", true},
		{"9.5 nested, another's", "orgs/{}/**", "ORGANIZATION_SLUG", "st_acme", "orgs/other/acmecorp", false},
		{"9.6 a slash at the end", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs/acmecorp/", false},
		{"9.6 a slash at the end, nested", "orgs/{}/**", "ORGANIZATION_SLUG", "st_acme", "orgs/acmecorp/settings/", false},
		{"9.6 a slash at the beginning", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "/orgs/acmecorp", false},
		{"9.6 two slashes", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs//acmecorp", false},
		{"9.7 the collection in another case", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "ORGS/acmecorp", false},
		{"9.7 the slug in another case", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs/AcmeCorp", false},
		{"9.8 percent-encoded", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs/acme%63orp", false},
		{"9.8 a percent sign is itself", "orgs/{}", "ORGANIZATION_SLUG", "st_space", "orgs/a%20b", true},
		{"9.8 and not decoded", "orgs/{}", "ORGANIZATION_SLUG", "st_space", "orgs/a b", false},
		{"9.8 an encoded slash", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs%2Facmecorp", false},
		{"9.9 dots", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "orgs/other/../acmecorp", false},
		{"9.10 a prefix", "any/orgs/{}", "ORGANIZATION_SLUG", "st_acme", "any/orgs/acmecorp", true},
		{"9.10 another prefix", "any/orgs/{}", "ORGANIZATION_SLUG", "st_acme", "some/orgs/acmecorp", false},
		{"9.11 absent", "orgs/{}", "ORGANIZATION_SLUG", "st_acme", "", false},
		{"9.11 a personal account", "orgs/{}", "ORGANIZATION_SLUG", "st_personal", "orgs/", false},
	} {
		t.Run(test.row, func(t *testing.T) {
			t.Parallel()
			rule := fmt.Sprintf(`allow { session_token {} match { field: "note" pattern: %q equals: %s } }`, test.pattern, test.equals)
			w := newWorld(t, rules{"Sync": rule}, organizations)
			call, refusal := w.call(t.Context(), "Sync", "Bearer "+test.token)
			if refusal == nil {
				refusal = call.Message(naming(call, map[string]string{"note": test.value}))
			}
			if test.admitted {
				if refusal != nil {
					t.Errorf("%v", refusal)
				}
			} else if wrong := mismatched(refusal, "note"); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

// Patterns that say nothing, or say it where it cannot be read, do not start (9.12, case 81).
func TestSection9BadPatterns(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"", "orgs", "orgs/:slug", "/orgs/{}", "orgs/{}/", "orgs/{slug}", "{}/orgs/{}", "**/orgs/{}", "*/orgs/{}", "orgs/(.*)"} {
		rule := fmt.Sprintf(`allow { session_token {} match { field: "note" pattern: %q equals: ORGANIZATION_SLUG } }`, pattern)
		compiled, err := policy.New(policy.Serve(fileOf(t, rules{"Sync": rule})))
		if err == nil {
			_, err = compiled.Bind(everyForm())
		}
		if err == nil || !contains(err.Error(), "pattern") {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

// An organization that is named by id and by slug must be the active one by both; of two that are not, the one that the rule has first is told
// (9.13), and a grant with an organization stands beside one without (9.14).
func TestSection9Precedence(t *testing.T) {
	t.Parallel()
	const id, slug = `match { field: "organization_id" equals: ORGANIZATION_ID }`, `match { field: "note" equals: ORGANIZATION_SLUG }`
	w := newWorld(t, rules{
		"IDFirst": `allow { session_token {} ` + id + slug + ` }`, "SlugFirst": `allow { session_token {} ` + slug + id + ` }`,
		"Personal":       `allow { session_token { personal: true } }`,
		"OrPersonal":     `allow { session_token {} ` + id + ` } allow { session_token { personal: true } }`,
		"PersonalOr":     `allow { session_token { personal: true } } allow { session_token {} ` + id + ` }`,
		"PersonalHidden": `allow { session_token { personal: true } } refusal: NOT_FOUND`,
	}, organizations)
	for _, test := range []struct {
		row, method, token, id, slug string
		admitted                     bool
		field                        string
	}{
		{"9.13 both", "IDFirst", "st_acme", "org_acme", "acmecorp", true, ""},
		{"9.13 the id is another's", "IDFirst", "st_acme", "org_other", "acmecorp", false, "organization_id"},
		{"9.13 the slug is another's", "IDFirst", "st_acme", "org_acme", "other", false, "note"},
		{"9.13 both are another's, id first", "IDFirst", "st_acme", "org_other", "other", false, "organization_id"},
		{"9.13 both are another's, slug first", "SlugFirst", "st_acme", "org_other", "other", false, "note"},
		{"9.13 crossed", "IDFirst", "st_acme", "acmecorp", "org_acme", false, "organization_id"},
		{"9.14 an organization, its own", "OrPersonal", "st_acme", "org_acme", "", true, ""},
		{"9.14 an organization, another's", "OrPersonal", "st_acme", "org_other", "", false, "organization_id"},
		{"9.14 the other way round, its own", "PersonalOr", "st_acme", "org_acme", "", true, ""},
		{"9.14 the other way round, another's", "PersonalOr", "st_acme", "org_other", "", false, "organization_id"},
		{"9.14 personal, where both are allowed", "OrPersonal", "st_personal", "", "", true, ""},
		{"9.15 personal", "Personal", "st_personal", "", "", true, ""},
		{"9.15 personal, with an organization", "Personal", "st_acme", "", "", false, ""},
	} {
		t.Run(test.row, func(t *testing.T) {
			t.Parallel()
			call, refusal := w.call(t.Context(), test.method, "Bearer "+test.token)
			if refusal == nil {
				refusal = call.Message(naming(call, map[string]string{"organization_id": test.id, "note": test.slug}))
			}
			if test.admitted {
				if refusal != nil {
					t.Errorf("%v", refusal)
				}
			} else if wrong := mismatched(refusal, test.field); wrong != "" {
				t.Error(wrong)
			}
		})
	}
	if _, refusal := w.call(t.Context(), "PersonalHidden", "Bearer st_acme"); refusal == nil || !refusal.Hidden() || len(refusal.Details(true)) != 0 {
		t.Errorf("9.15 hidden: %v", refusal)
	}
	// A grant for personal accounts cannot ask for an organization.
	compiled, err := policy.New(policy.Serve(fileOf(t, rules{"Both": `allow { session_token { personal: true } ` + id + ` }`})))
	if err == nil {
		_, err = compiled.Bind(everyForm())
	}
	if err == nil {
		t.Error("9.15 a personal account of an organization starts")
	}
}

// What other kinds have of an organization (9.16): a key has its owner's id, and a rule that asks more does not start.
func TestSection9Kinds(t *testing.T) {
	t.Parallel()
	key := factsOf(tokens.APIKey)
	key.UserID, key.Subject, key.Organization.ID = "", "org_acme", "org_acme"
	id, slug := `match { field: "organization_id" equals: ORGANIZATION_ID }`, `match { field: "organization_id" equals: ORGANIZATION_SLUG }`
	w := newWorld(t, rules{
		"Key":       `allow { api_key {} ` + id + ` }`,
		"Unmatched": `allow { session_token {} } allow { m2m_token { callers: "*" } unmatched: true } ` + id,
	}, map[string]answer{"ak_acme": believe(key), "ak_user": believe(factsOf(tokens.APIKey))})
	for _, test := range []struct {
		method, token, organization string
		admitted                    bool
	}{
		{"Key", "ak_acme", "org_acme", true}, {"Key", "ak_acme", "org_other", false}, {"Key", "ak_user", "org_acme", false}, {"Key", "ak_user", "", false},
		{"Unmatched", "mt_good", "org_other", true}, {"Unmatched", "st_good", "org_other", false},
	} {
		call, refusal := w.call(t.Context(), test.method, "Bearer "+test.token)
		if refusal == nil {
			refusal = call.Message(request(t, call, test.organization))
		}
		if test.admitted != (refusal == nil) {
			t.Errorf("%s with %s for %q: %v", test.method, test.token, test.organization, refusal)
		} else if wrong := mismatched(refusal, "organization_id"); refusal != nil && wrong != "" {
			t.Errorf("%s with %s for %q: %s", test.method, test.token, test.organization, wrong)
		}
	}
	for _, grant := range []string{
		`oauth_token { clients: "*" } ` + id, `oauth_token { clients: "*" } ` + slug, `m2m_token { callers: "*" } ` + id, `api_key {} ` + slug, `any {} ` + id,
	} {
		compiled, err := policy.New(policy.Serve(fileOf(t, rules{"Lacks": "allow { " + grant + " }"})))
		if err == nil {
			_, err = compiled.Bind(everyForm())
		}
		if err == nil || !contains(err.Error(), "organization_id") {
			t.Errorf("%s: %v", grant, err)
		}
	}
}

// Each message of a stream is checked (9.17), and no try after a mismatch goes on with the old organization (9.18).
func TestSection9Streams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rules{
		"Each":  `allow { session_token {} match { field: "organization_id" equals: ORGANIZATION_ID } }`,
		"First": `allow { session_token {} match { field: "organization_id" equals: ORGANIZATION_ID absent: ADMITTED_LATER } }`,
	}, organizations)
	for _, test := range []struct {
		method   string
		messages []string
		last     bool // whether the last is admitted
	}{
		{"Each", []string{"org_acme", "org_acme", "org_acme"}, true}, {"Each", []string{"org_other"}, false}, {"Each", []string{"org_acme", "org_other"}, false},
		{"Each", []string{"org_acme", ""}, false}, {"First", []string{"org_acme", "", "org_acme", ""}, true}, {"First", []string{""}, false},
		{"First", []string{"org_acme", "", "org_other"}, false},
	} {
		call := w.begun(t, t.Context(), test.method, "Bearer st_acme")
		wire := newWire(append(test.messages, "org_acme", "org_acme", "org_acme")...)
		stream := call.Stream(wire.receive)
		var err error
		for range test.messages {
			if err != nil {
				t.Fatalf("%s %q: an earlier message: %v", test.method, test.messages, err)
			}
			err = stream.Receive(request(t, call, ""))
		}
		if test.last != (err == nil) {
			t.Errorf("%s %q: %v", test.method, test.messages, err)
		}
		if err != nil {
			if wrong := mismatched(refusalIn(t, err), "organization_id"); wrong != "" {
				t.Errorf("%s %q: %s", test.method, test.messages, wrong)
			}
			for range 3 { // 9.18
				if err := stream.Receive(request(t, call, "")); err == nil {
					t.Errorf("%s %q: it goes on", test.method, test.messages)
				}
			}
		}
		close(wire.broken)
		stream.Close()
	}
	for range 4 { // 9.18, on calls that are not streams
		call := w.begun(t, t.Context(), "Each", "Bearer st_acme")
		if wrong := mismatched(call.Message(request(t, call, "org_other")), "organization_id"); wrong != "" {
			t.Error(wrong)
		}
	}
}
