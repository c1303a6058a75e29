// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/policy/internal/oracle"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// leastCases keeps the universe from shrinking unseen.
const leastCases = 2_200_000

// TestUniverse compares every decision of a finite universe with the oracle. A case is one decision: a call phase, or a message after
// given earlier ones.
//
// Why this universe is enough. A decision depends on a demand only through its being met or not, and on a value of a request only through
// its being the caller's own, another's, or absent; so one text of each is as good as all (how texts are compared is tested apart). What
// one grant makes of a caller is a set of unmet demands: "single" has every set of demands of a grant, with and without matches on
// attributes that the caller has and lacks, against every combination of facts. Grants meet only in being told from each other, by a
// count and then by place, and that is decided pair by pair: "pairs" has every ordered pair of representatives, with and without a shared
// match, a hidden refusal, unmatched ("triples" has some of three, lest the second be told from the third otherwise). Messages meet in one thing, whether the first met a match: after it a further message leaves no
// trace, so the second message shows what the first left, and the third that the second left nothing. "matches" has every ordered pair
// of grants over two fields in each mode of absence and every sequence of at most three messages of own, other and absent; "paths" the
// same for single grants over every shape of path, with lists of up to two values, where a list is as good as the set of its values.
func TestUniverse(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a universe")
	}
	started := time.Now()
	u := &universe{file: universeFile(t), forms: formsWithEverything()}
	t.Run("all", func(t *testing.T) {
		everyone := callers(t)
		u.public(t, everyone)
		u.single(t, everyone)
		u.pairs(t, everyone)
		u.triples(t, everyone)
		u.matches(t)
		u.paths(t)
	})
	t.Logf("%d decisions compared with the oracle in %s", u.cases.Load(), time.Since(started).Round(time.Millisecond))
	if u.cases.Load() < leastCases {
		t.Errorf("only %d decisions compared, want at least %d", u.cases.Load(), leastCases)
	}
}

type universe struct {
	file  protoreflect.FileDescriptor
	forms []tokens.Form
	cases atomic.Int64
}

// shared are the matches of the services of the universe.
var shared = map[string]string{
	"None":       "",
	"OrgRefused": `match { field: "organization_id" equals: ORGANIZATION_ID absent: REFUSED }`,
	"OrgPasses":  `match { field: "organization_id" equals: ORGANIZATION_ID absent: ADMITTED }`,
	"OrgLater":   `match { field: "organization_id" equals: ORGANIZATION_ID absent: ADMITTED_LATER }`,
	"UserMust":   `match { field: "user_id" equals: USER_ID }`,
	"UserLater":  `match { field: "user_id" equals: USER_ID absent: ADMITTED_LATER }`,
}

func universeFile(t testing.TB) protoreflect.FileDescriptor {
	t.Helper()
	var services []service
	for name, rule := range shared {
		services = append(services, service{name: name, rule: rule, rpcs: []rpc{{name: "Call", client: true, server: true}}})
	}
	return fileIn(t, "universe.v1", services...)
}

// formsWithEverything lets every match be bound for every kind.
func formsWithEverything() []tokens.Form {
	forms := everyKind()
	for i := range forms {
		forms[i].Attributes = []tokens.Attribute{tokens.OrganizationID, tokens.OrganizationSlug, tokens.UserID}
	}
	return forms
}

// A decider is one rule, compiled for both sides.
type decider struct {
	u         *universe
	t         testing.TB
	oracle    oracle.Case
	procedure *policy.Procedure
	tried     int64
}

func (u *universe) decider(t testing.TB, service string, rule *admitv1.Rule) *decider {
	t.Helper()
	method := u.file.Services().ByName(protoreflect.Name(service))
	name := "/universe.v1." + service + "/Call"
	rules, err := policy.New(policy.ServeService(method), policy.For(name, policy.FromProto(rule)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := rules.Bind(u.forms)
	if err != nil {
		t.Fatal(err)
	}
	matches := &admitv1.ServiceRule{}
	if shared[service] != "" {
		parse(t, shared[service], matches)
	}
	return &decider{u: u, t: t, oracle: oracle.Case{Rule: rule, Service: matches.GetMatch()}, procedure: b.Procedure(name)}
}

var outcomes = map[policy.Outcome]string{
	policy.Refused: oracle.Refused, policy.Admitted: oracle.Admitted, policy.NeedsMessage: oracle.NeedsMessage,
}

// compare holds one decision against the oracle's answer.
func (d *decider) compare(c caller, sent []oracle.Message, got policy.Decision, want oracle.Answer) {
	d.tried++
	reason, missing := "", ""
	if got.Denial != nil {
		reason, missing = string(got.Denial.Reason), got.Denial.Metadata["missing"]
	}
	if outcomes[got.Outcome] == want.Outcome && reason == want.Reason && missing == want.Missing && got.Hidden == want.Hidden && int(got.Grant) == want.Grant {
		return
	}
	who := "anonymous"
	if c.plain != nil {
		who = fmt.Sprintf("%+v", *c.plain)
	}
	d.t.Fatalf("rule %v\nservice %v\ncaller %s\nmessages %v\ngot  %s %s missing=%q hidden=%v grant=%d\nwant %+v",
		d.oracle.Rule, d.oracle.Service, who, sent, got.Outcome, reason, missing, got.Hidden, got.Grant, want)
}

// walk compares the call phase, and every sequence of at most depth messages until one is refused.
func (d *decider) walk(c caller, messages []message, depth int) {
	got := d.procedure.DecideCall(c.principal)
	want, survivors := d.oracle.Call(c.plain)
	d.compare(c, nil, got, want)
	if got.Outcome == policy.NeedsMessage {
		d.messages(c, survivors, messages, nil, got, depth)
	}
}

func (d *decider) messages(c caller, survivors []int, messages []message, sent []oracle.Message, before policy.Decision, depth int) {
	if depth == 0 {
		return
	}
	for _, m := range messages {
		all := append(slices.Clip(sent), m.plain)
		got := d.procedure.DecideMessage(before, c.principal, m.actual)
		d.compare(c, all, got, d.oracle.Message(c.plain, survivors, all))
		if got.Outcome == policy.Admitted {
			d.messages(c, survivors, messages, all, got, depth-1)
		}
	}
}

// spread runs try for each of n rules, over a few parallel tests.
func (u *universe) spread(t *testing.T, name string, n int, try func(t testing.TB, i int) *decider) {
	t.Helper()
	const parts = 4
	for part := range parts {
		t.Run(fmt.Sprintf("%s/%d", name, part), func(t *testing.T) {
			t.Parallel()
			tried := int64(0)
			for i := part; i < n; i += parts {
				if d := try(t, i); d != nil {
					tried += d.tried
				}
			}
			u.cases.Add(tried)
			t.Logf("%d decisions", tried)
		})
	}
}

func (u *universe) public(t *testing.T, everyone []caller) {
	t.Helper()
	rules := []string{`public {}`, `public { credential: OPTIONAL }`, `public { credential: UNREAD }`, `public {} handler: "decides"`}
	u.spread(t, "public", len(rules), func(t testing.TB, i int) *decider {
		d := u.decider(t, "OrgRefused", parse(t, rules[i], &admitv1.Rule{}))
		for _, c := range everyone {
			answer, _ := d.oracle.Call(c.plain)
			answer.Reason = "" // why a caller is anonymous is the guard's to say
			d.compare(c, nil, d.procedure.DecideCall(c.principal), answer)
		}
		return d
	})
}

func (u *universe) single(t *testing.T, everyone []caller) {
	t.Helper()
	grants, refusals := singleGrants(), []string{"", "refusal: NOT_FOUND"}
	u.spread(t, "single", len(grants)*len(refusals), func(t testing.TB, i int) *decider {
		d := u.decider(t, "None", grantRule(t, refusals[i%2], grants[i/2]))
		for _, c := range everyone {
			d.walk(c, nil, 0)
		}
		return d
	})
}

func (u *universe) pairs(t *testing.T, everyone []caller) {
	t.Helper()
	grants := representatives()
	configurations := []struct{ service, rest string }{
		{"None", ""},
		{"UserMust", `refusal: NOT_FOUND`},
		{"None", `refusal: PERMISSION_DENIED match { field: "user_id" equals: USER_ID absent: ADMITTED }`},
	}
	n := len(grants)
	u.spread(t, "pairs", n*n*len(configurations), func(t testing.TB, i int) *decider {
		k := configurations[i/(n*n)]
		d := u.decider(t, k.service, grantRule(t, k.rest, grants[i%n], grants[i/n%n]))
		for _, c := range everyone {
			d.walk(c, nil, 0)
		}
		return d
	})
}

func (u *universe) triples(t *testing.T, everyone []caller) {
	t.Helper()
	grants := []string{
		`session_token { permissions: "p" reverification { preset: STRICT } }`, `session_token { roles: "admin" features: "f" plans: "pro" }`,
		`session_token { forbid_impersonation: true }`, `session_token { allow_pending: true permissions: ["p", "q"] } match { field: "user_id" equals: USER_ID }`,
		`session_token { personal: true }`, `oauth_token { scopes: "a" clients: "ledger" }`, `api_key { owner: ORGANIZATION scopes: "b" }`,
		`any {} match { field: "organization_id" equals: ORGANIZATION_ID }`, `m2m_token { callers: "ledger" }`,
	}
	n := len(grants)
	u.spread(t, "triples", n*n*n, func(t testing.TB, i int) *decider {
		d := u.decider(t, "None", grantRule(t, "refusal: NOT_FOUND", grants[i%n], grants[i/n%n], grants[i/n/n]))
		for _, c := range everyone {
			d.walk(c, nil, 0)
		}
		return d
	})
}

// fieldGrants are grants over two fields, in each mode of absence.
func fieldGrants() []string {
	org := func(absent string) string {
		return `match { field: "organization_id" equals: ORGANIZATION_ID absent: ` + absent + ` } `
	}
	user := func(absent string) string {
		return `match { field: "user_id" equals: USER_ID absent: ` + absent + ` } `
	}
	var grants []string
	for _, matches := range []string{
		org("ABSENT_UNSPECIFIED"), org("REFUSED"), org("ADMITTED"), org("ADMITTED_LATER"), user("REFUSED"), user("ADMITTED"), user("ADMITTED_LATER"),
		org("REFUSED") + user("REFUSED"), org("ADMITTED_LATER") + user("ADMITTED_LATER"), user("ADMITTED_LATER") + org("REFUSED"),
		org("ADMITTED") + user("ADMITTED_LATER"),
	} {
		grants = append(grants, "session_token {} "+matches)
	}
	return append(grants, `any {} `+user("ADMITTED_LATER"), `api_key {} `+org("ADMITTED_LATER"), `session_token { permissions: "p" } unmatched: true`)
}

// fieldMessages has every message over the two fields.
func fieldMessages(t testing.TB) []message {
	t.Helper()
	var list []message
	for _, org := range []string{"org_1", "org_2", ""} {
		for _, user := range []string{"user_1", "user_2", ""} {
			list = append(list, message{
				plain:  oracle.Message{"organization_id": {org}, "user_id": {user}},
				actual: request(t, fmt.Sprintf("organization_id: %q user_id: %q", org, user)),
			})
		}
	}
	return list
}

func (u *universe) matches(t *testing.T) {
	t.Helper()
	some := []caller{
		callerOf(t, oracle.Caller{Kind: "session_token", OrgID: "org_1", UserID: "user_1"}),
		callerOf(t, oracle.Caller{Kind: "session_token", OrgID: "org_2", UserID: "user_1", Permissions: []string{"org:p"}}),
		callerOf(t, oracle.Caller{Kind: "session_token", UserID: "user_1"}),
		callerOf(t, oracle.Caller{Kind: "session_token", OrgID: "org_1", Pending: true}),
		callerOf(t, oracle.Caller{Kind: "api_key", OrgID: "org_1", UserID: "user_2"}),
	}
	configurations := []struct{ service, rest string }{
		{"None", ""},
		{"OrgRefused", `refusal: NOT_FOUND`},
		{"OrgLater", ""},
		{"OrgPasses", shared["UserLater"]},
		{"UserLater", shared["OrgPasses"] + ` refusal: NOT_FOUND`},
		{"None", shared["OrgLater"] + shared["UserMust"]},
	}
	grants, messages := fieldGrants(), fieldMessages(t)
	n := len(grants)
	u.spread(t, "matches", n*n*len(configurations), func(t testing.TB, i int) *decider {
		k, first, second := configurations[i/(n*n)], grants[i%n], grants[i/n%n]
		if i/(n*n) > 0 && i%2 == 0 { // half of those that a shared match could reach drop it in one grant
			second = strings.ReplaceAll(second+" unmatched: true", "unmatched: true unmatched: true", "unmatched: true")
		}
		d := u.decider(t, k.service, grantRule(t, k.rest, first, second))
		for _, c := range some {
			d.walk(c, messages, 3)
		}
		return d
	})
}
