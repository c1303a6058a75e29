// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// object is the claims of a JSON object.
type object = map[string]any

// of2 are the claims of version 2 with an organization.
func of2(fea, per, fpm string) object {
	return object{"v": 2, "fea": fea, "o": object{"id": "org_1", "rol": "admin", "slg": "acme", "per": per, "fpm": fpm}}
}

// member returns the caller of a session with some claims.
func (w *clerkWorld) member(tb testing.TB, claims object) *tokens.Principal {
	tb.Helper()
	token := w.session(claims)
	p := w.takes(tb, token, tokens.SessionToken)
	if q := accepted(tb, w.sessions, token); p.Organization() != q.Organization() || !slices.Equal(p.Permissions(), q.Permissions()) {
		tb.Errorf("%v and %v of one token", p, q)
	}
	return p
}

// holds asks one demand at a time.
func holds(tb testing.TB, p *tokens.Principal, want bool, demands ...tokens.Demand) {
	tb.Helper()
	for i, d := range demands {
		if p.Has(d) != want {
			tb.Errorf("demand %d: %v, want %v", i, !want, want)
		}
	}
}

func fresh(minutes float64) tokens.Demand {
	return tokens.Reverified(tokens.FirstFactor, time.Duration(minutes*float64(time.Minute)))
}

func ages(first, second int) object { return object{"fva": []int{first, second}} }

// strictMFA, strict, moderate and lax are what Clerk's presets mean.
var (
	strictMFA = tokens.Reverified(tokens.MultiFactor, 10*time.Minute)
	strict    = tokens.Reverified(tokens.SecondFactor, 10*time.Minute)
	moderate  = tokens.Reverified(tokens.SecondFactor, time.Hour)
	lax       = tokens.Reverified(tokens.SecondFactor, 24*time.Hour)
)

// clerkHasCases are those of claims and has().
var clerkHasCases = []clerkCase{
	{49, "version 2 without o is version 1 without an organization", func(t *testing.T, w *clerkWorld) {
		for _, claims := range []object{{"v": 2}, {}, {"v": 1}} {
			p := w.member(t, claims)
			if p.Organization() != (tokens.Organization{}) || len(p.Permissions()) != 0 || p.UserID() != "user_1" || p.ID() != "sess_1" {
				t.Errorf("%v: %+v", claims, p.Organization())
			}
		}
	}},
	{50, "both versions of one organization", func(t *testing.T, w *clerkWorld) {
		two := w.member(t, of2("o:impersonation", "read,manage", "3"))
		one := w.member(t, object{"org_id": "org_1", "org_role": "org:admin", "org_slug": "acme",
			"org_permissions": []string{"org:impersonation:read", "org:impersonation:manage"}})
		if one.Organization() != two.Organization() || !slices.Equal(one.Permissions(), two.Permissions()) {
			t.Errorf("%+v %q, %+v %q", one.Organization(), one.Permissions(), two.Organization(), two.Permissions())
		}
	}},
	{51, "masks", clerkMasks},
	{52, "roles and permissions of version 1", func(t *testing.T, w *clerkWorld) {
		for _, role := range []string{"org:admin", "admin"} {
			p := w.member(t, object{"org_id": "org_1", "org_role": role, "org_permissions": []string{"org:f1:read", "org:f2:manage"}})
			holds(t, p, true, tokens.Role("admin"), tokens.Role("org:admin"), tokens.Permission("f1:read"), tokens.Permission("org:f1:read"))
			holds(t, p, false, tokens.Role("org:member"), tokens.Permission("org:f1"), tokens.Permission("org:f1:manage"), tokens.Permission("f1"))
		}
	}},
	{53, "a role of version 2 that has a prefix", func(t *testing.T, w *clerkWorld) {
		p := w.member(t, object{"v": 2, "o": object{"id": "org_1", "rol": "org:admin"}})
		holds(t, p, true, tokens.Role("admin"), tokens.Role("org:admin"))
	}},
	{54, "features and plans", clerkFeatures},
	{55, "how a feature is asked for", func(t *testing.T, w *clerkWorld) {
		p := w.member(t, object{"fea": "o:dashboard,u:x"})
		holds(t, p, true, tokens.Feature("dashboard"), tokens.Feature("o:dashboard"), tokens.Feature("org:dashboard"), tokens.Feature("organization:dashboard"))
		holds(t, p, false, tokens.Feature("lol:dashboard"), tokens.Feature("u:dashboard"), tokens.Feature("user:dashboard"))
		holds(t, p, false, tokens.Feature("org:dashboard:x")) // deviation 16
	}},
	{56, "what is no name is false, and claims of another type are refused, deviation 13", func(t *testing.T, w *clerkWorld) {
		p := w.member(t, of2("o:a", "read", "1"))
		holds(t, p, false, tokens.Demand{}, tokens.Role(""), tokens.Permission(""), tokens.Feature(""), tokens.Plan(""), tokens.Role("org:"), tokens.Feature("o:"))
		for _, claims := range []object{
			{"org_id": "org_1", "org_role": 123}, {"org_id": "org_1", "org_permissions": object{}}, {"fea": object{}}, {"pla": object{}},
			{"fea": "reservations,dashboard"}, {"pla": "free_user"},
		} {
			w.refuses(t, w.session(claims), tokens.ReasonTokenInvalid)
		}
	}},
	{57, "nothing asked", func(t *testing.T, w *clerkWorld) {
		if w.member(t, of2("o:a", "read", "1")).Has() {
			t.Error("has() is true")
		}
	}},
	{58, "no organization, and a reverification beside", func(t *testing.T, w *clerkWorld) {
		p := w.member(t, ages(0, 0))
		if !p.Has(strict) || p.Has(tokens.Role("admin"), strict) || p.Has(tokens.Permission("a:b"), strict) {
			t.Error("the organization is not demanded")
		}
	}},
	{59, "ages that cannot be, deviation 13, and questions that cannot be", func(t *testing.T, w *clerkWorld) {
		holds(t, w.member(t, nil), false, fresh(10), strict)
		for _, fva := range []any{[]string{"0", "0"}, []float64{-0.5, 0}, []float64{0.5, 0.5}, []int{0}, []int{0, 0, 0}, []int{-2, 0}, "0,0"} {
			w.refuses(t, w.session(object{"fva": fva}), tokens.ReasonTokenInvalid)
		}
		holds(t, w.member(t, ages(0, 0)), false, fresh(0), fresh(-1), tokens.Reverified(0, time.Minute), tokens.Reverified(9, time.Minute))
	}},
	{60, "everything that is asked must hold", func(t *testing.T, w *clerkWorld) {
		claims := of2("o:reservations", "read", "1")
		claims["pla"] = "o:pro"
		p := w.member(t, claims)
		role, permission := tokens.Role("admin"), tokens.Permission("reservations:read")
		feature, plan := tokens.Feature("reservations"), tokens.Plan("pro")
		if !p.Has(role, permission, feature, plan) {
			t.Error("all that is held")
		}
		for _, no := range []tokens.Demand{tokens.Role("member"), tokens.Permission("reservations:manage"), tokens.Feature("x"), tokens.Plan("x"), strict} {
			for _, yes := range []tokens.Demand{role, permission, feature, plan} {
				if p.Has(yes, no) || p.Has(no, yes) {
					t.Error("one thing that is not held does not count")
				}
			}
		}
	}},
	{61, "both factors of a user who has one", func(t *testing.T, w *clerkWorld) {
		holds(t, w.member(t, ages(0, -1)), true, strictMFA)
		holds(t, w.member(t, ages(-1, -1)), false, strictMFA, strict, moderate, lax)
	}},
	{62, "a list without scopes is no list, deviation 13", func(t *testing.T, w *clerkWorld) {
		w.refuses(t, w.session(object{"fea": "reservations,dashboard"}), tokens.ReasonTokenInvalid)
	}},
	{63, "machines hold nothing", func(t *testing.T, w *clerkWorld) {
		session := of2("o:a", "read", "1")
		session["pla"], session["fva"] = "o:pro", []int{0, 0}
		for kind, token := range map[tokens.Kind]string{
			tokens.OAuthToken: w.oauth("at+jwt", session), tokens.M2MToken: w.machine(catOfMachines, session),
		} {
			p := w.takes(t, token, kind)
			holds(t, p, false, tokens.Role("admin"), tokens.Permission("a:read"), tokens.Feature("a"), tokens.Plan("pro"), lax)
			if p.Has() {
				t.Error("has() is true")
			}
		}
	}},
	{64, "a pending session says so", func(t *testing.T, w *clerkWorld) {
		if p := w.member(t, object{"sts": "pending"}); !p.Pending() || p.UserID() != "user_1" {
			t.Errorf("%v", p)
		}
		for _, claims := range []object{{"sts": "active"}, {}} {
			if w.member(t, claims).Pending() {
				t.Errorf("%v is pending", claims)
			}
		}
	}},
}

func clerkMasks(t *testing.T, w *clerkWorld) {
	five := "read,create,update,delete,revoke"
	many := make([]string, 54)
	for i := range many {
		many[i] = "p" + strconv.Itoa(i)
	}
	tests := []struct{ fea, per, fpm, want string }{
		{"o:impersonation", "read,manage", "3", "impersonation:read impersonation:manage"},
		{"o:impersonation,o:memberships", "read,manage", "1,3", "impersonation:read memberships:read memberships:manage"},
		{"o:impersonation,o:memberships,o:feature3", "read,manage", "1,3,0", "impersonation:read memberships:read memberships:manage"},
		{"uo:impersonation,o:memberships,uo:feature3", "read,manage", "1,3,1", "impersonation:read memberships:read memberships:manage feature3:read"},
		{"u:a,u:b", "", "", ""},
		{"ou:memberships,u:impersonation", "read,manage", "3,0", "memberships:read memberships:manage"},
		{"o:billing,o:email,o:staging_plans", "manage,read", "3,3,1", "billing:manage billing:read email:manage email:read staging_plans:manage"},
		{"o:repositories,o:projects", five, "7,21", "repositories:read repositories:create repositories:update projects:read projects:update projects:revoke"},
		{"o:repositories,o:projects,o:webhooks,o:impersonation", "read,manage", "1,2,3,0", "repositories:read projects:manage webhooks:read webhooks:manage"},
		{"o:repositories,uo:projects,u:goldprofileborder", five, "7,21,0",
			"repositories:read repositories:create repositories:update projects:read projects:update projects:revoke"},
		{"o:repositories,o:impersonation,o:billing", "manage,read,update", "6,0,3", "repositories:read repositories:update billing:manage billing:read"},
		{"o:feature", strings.Join(many, ","), "9007199254740993", "feature:p0 feature:p53"},
		{"o:feature", strings.Join(many, ","), "9007199254740995", "feature:p0 feature:p1 feature:p53"},
		{"o:feature", strings.Join(many, ","), "18014398509481984", ""},
		{"o:feature", "read", "1invalid", ""},
		{"o:feature", "read", "-1", ""},
		{"o:feature", "read", "1.5", ""},
		{"o:a, u:b ,o:c", "x, y", "1, 2", "a:x c:y"},
		{"o:reservations,u:dashboard,uo:support-chat,o:impersonation", "read,manage", "2,3", "reservations:manage support-chat:read support-chat:manage"},
	}
	for _, test := range tests {
		p := w.member(t, of2(test.fea, test.per, test.fpm))
		var want []string
		for permission := range strings.FieldsSeq(test.want) {
			want = append(want, "org:"+permission)
		}
		if got := p.Permissions(); !slices.Equal(got, want) {
			t.Errorf("%s, %s: %q, want %q", test.fea, test.fpm, got, want)
		}
	}
}

func clerkFeatures(t *testing.T, w *clerkWorld) {
	claims := of2("o:reservations,u:dashboard,uo:support-chat,o:impersonation", "read,manage", "2,3")
	claims["pla"] = "u:pro,o:business"
	for _, claims := range []object{claims, {"fea": claims["fea"], "pla": claims["pla"]}} { // with an organization, and without
		p := w.member(t, claims)
		holds(t, p, true, tokens.Feature("org:reservations"), tokens.Feature("user:dashboard"), tokens.Feature("org:support-chat"), tokens.Feature("user:support-chat"),
			tokens.Plan("org:business"), tokens.Plan("user:pro"), tokens.Feature("reservations"), tokens.Feature("dashboard"), tokens.Feature("impersonation"),
			tokens.Plan("pro"), tokens.Plan("business"))
		holds(t, p, false, tokens.Feature("user:reservations"), tokens.Feature("org:dashboard"), tokens.Plan("user:business"), tokens.Plan("org:pro"), tokens.Feature("pro"),
			tokens.Plan("dashboard"))
	}
}
