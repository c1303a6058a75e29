// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
)

func member(tb testing.TB, change func(f *tokens.Facts)) *tokens.Principal {
	tb.Helper()
	facts := tokens.Facts{
		Kind: tokens.SessionToken, Subject: "user_1", UserID: "user_1",
		Organization: tokens.Organization{ID: "org_1", Slug: "acme", Role: "org:admin"},
		Permissions:  []string{"org:f1:read", "org:f2:manage", "bare:read"},
		Features:     []string{"o:reservations", "u:dashboard", "ou:support", "uo:export", "o:a:b"},
		Plans:        []string{"o:pro", "u:plus"},
	}
	if change != nil {
		change(&facts)
	}
	return principal(tb, facts)
}

func TestHasRolesAndPermissions(t *testing.T) {
	t.Parallel()
	inOrganization, outside := member(t, nil), member(t, func(f *tokens.Facts) { f.Organization = tokens.Organization{} })
	noRole := member(t, func(f *tokens.Facts) { f.Organization.Role = "" })
	for _, tt := range []struct {
		name   string
		demand tokens.Demand
		want   bool
	}{
		{"role", tokens.Role("org:admin"), true},
		{"role without prefix", tokens.Role("admin"), true},
		{"role with two prefixes", tokens.Role("org:org:admin"), true},
		{"role with three prefixes", tokens.Role("org:org:org:admin"), true},
		{"another role", tokens.Role("org:member"), false},
		{"role in another case", tokens.Role("org:Admin"), false},
		{"prefix in another case", tokens.Role("ORG:admin"), false},
		{"part of a role", tokens.Role("org:adm"), false},
		{"more than a role", tokens.Role("org:admins"), false},
		{"role with a space", tokens.Role(" admin"), false},
		{"role with a wildcard", tokens.Role("*"), false},
		{"permission as a role", tokens.Role("org:f1:read"), false},
		{"no role", tokens.Role(""), false},
		{"role of prefixes", tokens.Role("org:"), false},
		{"role of two prefixes", tokens.Role("org:org:"), false},

		{"permission", tokens.Permission("org:f1:read"), true},
		{"permission without prefix", tokens.Permission("f1:read"), true},
		{"permission with two prefixes", tokens.Permission("org:org:f1:read"), true},
		{"second permission", tokens.Permission("org:f2:manage"), true},
		{"held without prefix", tokens.Permission("bare:read"), false},
		{"held without prefix, asked with", tokens.Permission("org:bare:read"), false},
		{"part of a permission", tokens.Permission("org:f1"), false},
		{"more than a permission", tokens.Permission("org:f1:read:all"), false},
		{"permission in another case", tokens.Permission("org:f1:Read"), false},
		{"wildcard", tokens.Permission("org:f1:*"), false},
		{"role as a permission", tokens.Permission("org:admin"), false},
		{"no permission", tokens.Permission(""), false},
		{"permission of prefixes", tokens.Permission("org:"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := inOrganization.Has(tt.demand); got != tt.want {
				t.Errorf("%t", got)
			}
			if outside.Has(tt.demand) {
				t.Error("held without an organization")
			}
			if isRole := strings.Contains(tt.name, "role"); isRole && noRole.Has(tt.demand) {
				t.Error("held without a role")
			}
		})
	}
}

func TestHasRoleHeldWithoutPrefix(t *testing.T) {
	t.Parallel()
	for _, held := range []string{"admin", "org:admin", "org:org:admin"} {
		p := member(t, func(f *tokens.Facts) { f.Organization.Role = held })
		for _, asked := range []string{"admin", "org:admin", "org:org:org:admin"} {
			if !p.Has(tokens.Role(asked)) {
				t.Errorf("%q does not have %q", held, asked)
			}
		}
	}
}

// TestHasHeldPrefixIsNothing shows that a permission "org:" in a token does not answer an empty demand.
func TestHasHeldPrefixIsNothing(t *testing.T) {
	t.Parallel()
	p := member(t, func(f *tokens.Facts) { f.Permissions = []string{"org:"} })
	for _, asked := range []string{"", "org:", "org:org:"} {
		if p.Has(tokens.Permission(asked)) || tokens.Permission(asked).Check() == nil {
			t.Errorf("%q is held", asked)
		}
	}
}

func TestHasFeaturesAndPlans(t *testing.T) {
	t.Parallel()
	p, outside := member(t, nil), member(t, func(f *tokens.Facts) { f.Organization = tokens.Organization{} })
	for _, tt := range []struct {
		name string
		want bool
	}{
		{"reservations", true}, {"o:reservations", true}, {"org:reservations", true}, {"organization:reservations", true},
		{"u:reservations", false}, {"user:reservations", false},
		{"dashboard", true}, {"u:dashboard", true}, {"user:dashboard", true},
		{"o:dashboard", false}, {"org:dashboard", false}, {"organization:dashboard", false},
		{"support", true}, {"o:support", true}, {"u:support", true}, {"ou:support", false}, {"uo:support", false},
		{"export", true}, {"o:export", true}, {"u:export", true},
		{"Reservations", false}, {"reservation", false}, {"reservationss", false}, {" reservations", false}, {"O:reservations", false},
		{"org:reservations:x", false}, {"o:a:b", false}, {"a:b", false}, {"a", false},
		{"app:reservations", false}, {":reservations", false}, {"o:", false}, {":", false}, {"o", false}, {"", false}, {"*", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := p.Has(tokens.Feature(tt.name)); got != tt.want {
				t.Errorf("%t", got)
			}
			if outside.Has(tokens.Feature(tt.name)) != tt.want {
				t.Error("an organization makes a difference")
			}
			if p.Has(tokens.Plan(tt.name)) {
				t.Error("a feature is held as a plan")
			}
		})
	}
	for name, want := range map[string]bool{
		"pro": true, "o:pro": true, "u:pro": false, "plus": true, "user:plus": true, "org:plus": false, "": false,
	} {
		if p.Has(tokens.Plan(name)) != want || p.Has(tokens.Feature(name)) {
			t.Errorf("plan %q: %t", name, !want)
		}
	}
}

// The reverification demands of the presets, strict_mfa to lax, and one of each level at 10 minutes.
var reverifications = [7]tokens.Demand{
	tokens.Reverified(tokens.MultiFactor, 10*time.Minute),
	tokens.Reverified(tokens.SecondFactor, 10*time.Minute),
	tokens.Reverified(tokens.SecondFactor, 60*time.Minute),
	tokens.Reverified(tokens.SecondFactor, 1440*time.Minute),
	tokens.Reverified(tokens.FirstFactor, 10*time.Minute),
	tokens.Reverified(tokens.SecondFactor, 10*time.Minute),
	tokens.Reverified(tokens.MultiFactor, 10*time.Minute),
}

func TestHasReverified(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		first, second float64 // minutes
		want          string
	}{
		{0, 0, "TTTTTTT"}, {9, 9, "TTTTTTT"}, {0, -1, "TTTTTTT"}, {0.5, 0.5, "TTTTTTT"}, {9.999, 9.999, "TTTTTTT"},
		{10, 10, "FFTTFFF"}, {10, -1, "FFTTFFF"},
		{-1, 0, "FTTTFTF"},
		{-1, -1, "FFFFFFF"}, {-2, -2, "FFFFFFF"}, {-2, -1, "FFFFFFF"},
		{30, 5, "FTTTFTF"},
		{5, 30, "FFTTTFF"},
		{59, 59, "FFTTFFF"},
		{60, 60, "FFFTFFF"}, {1439, 1439, "FFFTFFF"},
		{1440, 1440, "FFFFFFF"}, {1440, -1, "FFFFFFF"}, {-1, 1440, "FFFFFFF"},
	} {
		p := member(t, func(f *tokens.Facts) {
			f.Verification = &tokens.Verification{First: minutes(tt.first), Second: minutes(tt.second)}
		})
		for i, demand := range reverifications {
			if got := p.Has(demand); got != (tt.want[i] == 'T') {
				t.Errorf("[%v,%v], demand %d: %t", tt.first, tt.second, i, got)
			}
		}
	}
}

func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }

func TestHasReverifiedUnknownOrAskedWrongly(t *testing.T) {
	t.Parallel()
	unknown := member(t, nil)
	fresh := member(t, func(f *tokens.Facts) { f.Verification = &tokens.Verification{} })
	for _, demand := range reverifications {
		if unknown.Has(demand) {
			t.Error("unknown ages are fresh")
		}
		if !fresh.Has(demand) {
			t.Error("fresh ages are not")
		}
	}
	for _, demand := range []tokens.Demand{
		tokens.Reverified(0, time.Hour), tokens.Reverified(4, time.Hour), tokens.Reverified(255, time.Hour),
		tokens.Reverified(tokens.FirstFactor, 0), tokens.Reverified(tokens.MultiFactor, -time.Hour), {},
	} {
		if fresh.Has(demand) || demand.Check() == nil {
			t.Errorf("%+v is met", demand)
		}
	}
}

// TestHasReverifiedAges shows that ages count on from when the token was issued, and never backwards.
func TestHasReverifiedAges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		at := func(issued time.Time, first, second time.Duration) *tokens.Principal {
			return member(t, func(f *tokens.Facts) {
				f.IssuedAt, f.Verification = issued, &tokens.Verification{First: first, Second: second}
			})
		}
		young, both := at(start, 9*time.Minute, -1), at(start, 0, 9*time.Minute)
		future, old := at(start.Add(time.Minute), 9*time.Minute, -1), at(start.Add(-time.Hour), 0, 0)
		within := 10 * time.Minute
		for _, step := range []struct {
			after                      time.Duration
			young, first, both, future bool
		}{
			{0, true, true, true, true},
			{time.Minute - 1, true, true, true, true},
			{time.Minute, false, true, false, true},
			{2*time.Minute - 1, false, true, false, true},
			{2 * time.Minute, false, true, false, false},
			{10 * time.Minute, false, false, false, false},
		} {
			time.Sleep(time.Until(start.Add(step.after)))
			got := [4]bool{
				young.Has(tokens.Reverified(tokens.MultiFactor, within)), both.Has(tokens.Reverified(tokens.FirstFactor, within)),
				both.Has(tokens.Reverified(tokens.SecondFactor, within)), future.Has(tokens.Reverified(tokens.FirstFactor, within)),
			}
			if want := [4]bool{step.young, step.first, step.both, step.future}; got != want {
				t.Errorf("after %s: %v, want %v", step.after, got, want)
			}
			if old.Has(tokens.Reverified(tokens.FirstFactor, time.Hour)) {
				t.Error("an old token is fresh")
			}
			if future.Has(tokens.Reverified(tokens.FirstFactor, 9*time.Minute)) {
				t.Error("a token of the future is younger than it says")
			}
		}
	})
}

// TestHasReverifiedDoesNotOverflow has ages and limits at the ends of what a duration holds.
func TestHasReverifiedDoesNotOverflow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		age    time.Duration
		issued time.Time
		within time.Duration
		want   bool
	}{
		{"longest age", math.MaxInt64, time.Now().Add(-time.Hour), time.Hour, false},
		{"longest age and limit", math.MaxInt64, time.Now().Add(-time.Hour), math.MaxInt64, false},
		{"longest limit", time.Hour, time.Now().Add(-time.Hour), math.MaxInt64, true},
		{"issued long ago", time.Hour, time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC), time.Hour, false},
		{"issued in 1970", 0, time.Unix(0, 0), time.Hour, false},
		{"most negative age", math.MinInt64, time.Now().Add(-time.Hour), time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := member(t, func(f *tokens.Facts) {
				f.IssuedAt, f.Verification = tt.issued, &tokens.Verification{First: tt.age, Second: -1}
			})
			for _, level := range []tokens.Level{tokens.FirstFactor, tokens.SecondFactor, tokens.MultiFactor} {
				if got := p.Has(tokens.Reverified(level, tt.within)); got != tt.want {
					t.Errorf("%s: %t", level, got)
				}
			}
		})
	}
}

func TestHasCombines(t *testing.T) {
	t.Parallel()
	p := member(t, func(f *tokens.Facts) { f.Verification = &tokens.Verification{} })
	held := []tokens.Demand{
		tokens.Role("admin"), tokens.Permission("f1:read"), tokens.Feature("support"), tokens.Plan("pro"),
		tokens.Reverified(tokens.MultiFactor, time.Minute),
	}
	lacked := []tokens.Demand{
		{}, tokens.Role("member"), tokens.Permission("f1:write"), tokens.Feature("pro"), tokens.Plan("support"),
		tokens.Reverified(0, time.Minute),
	}
	if p.Has() || p.Has([]tokens.Demand{}...) {
		t.Error("nothing asked is true")
	}
	if !p.Has(held...) {
		t.Error("all that is held is not")
	}
	for i, demand := range lacked {
		for at := range len(held) + 1 {
			asked := append(append(append([]tokens.Demand{}, held[:at]...), demand), held[at:]...)
			if p.Has(asked...) {
				t.Errorf("lacked %d at %d: true", i, at)
			}
		}
	}
}

func TestHasIsFalseForMachinesAndAnonymousCallers(t *testing.T) {
	t.Parallel()
	callers := map[string]*tokens.Principal{"anonymous": nil}
	for _, kind := range kinds() {
		if kind.Machine() {
			callers[kind.String()] = principal(t, tokens.Facts{
				Kind: kind, Subject: "s", UserID: "u", Organization: tokens.Organization{ID: "o"}, Scopes: []string{"org:admin", "org:f1:read", "a"},
			})
		}
	}
	demands := append([]tokens.Demand{
		{}, tokens.Role("admin"), tokens.Role(""), tokens.Permission("f1:read"), tokens.Permission(""), tokens.Feature("a"), tokens.Plan("a"),
	}, reverifications[:]...)
	for name, p := range callers {
		for i, demand := range demands {
			if p.Has(demand) {
				t.Errorf("%s has demand %d", name, i)
			}
		}
		if p.Has() {
			t.Errorf("%s has nothing", name)
		}
	}
}

func TestHasDoesNotAskWhetherTheSessionIsPending(t *testing.T) {
	t.Parallel()
	if p := member(t, func(f *tokens.Facts) { f.Pending = true }); !p.Has(tokens.Role("admin")) {
		t.Error("a pending session lost its role")
	}
}

func TestDemandCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		demand tokens.Demand
		ok     bool
	}{
		{"zero", tokens.Demand{}, false},
		{"role", tokens.Role("admin"), true},
		{"no role", tokens.Role(""), false},
		{"role of prefixes", tokens.Role("org:org:"), false},
		{"permission", tokens.Permission("a:b"), true},
		{"permission of a prefix", tokens.Permission("org:"), false},
		{"feature", tokens.Feature("user:a"), true},
		{"feature of another scope", tokens.Feature("app:a"), false},
		{"feature with a rest", tokens.Feature("org:a:b"), false},
		{"no plan", tokens.Plan(""), false},
		{"plan without slug", tokens.Plan("u:"), false},
		{"reverification", tokens.Reverified(tokens.SecondFactor, 1), true},
		{"reverification without time", tokens.Reverified(tokens.SecondFactor, 0), false},
		{"reverification without level", tokens.Reverified(0, time.Hour), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := tt.demand.Check(); (err == nil) != tt.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestLevelString(t *testing.T) {
	t.Parallel()
	for level, want := range map[tokens.Level]string{
		0: "unknown", tokens.FirstFactor: "first_factor", tokens.SecondFactor: "second_factor", tokens.MultiFactor: "multi_factor", 4: "unknown",
	} {
		if level.String() != want {
			t.Errorf("%d: %s", level, level)
		}
	}
}

// It is not parallel: AllocsPerRun counts the allocations of the whole process.
func TestHasDoesNotAllocate(t *testing.T) {
	p := member(t, func(f *tokens.Facts) { f.Verification, f.IssuedAt = &tokens.Verification{}, time.Now() })
	role, permission, feature, plan := tokens.Role("admin"), tokens.Permission("f1:read"), tokens.Feature("support"), tokens.Plan("o:pro")
	reverified := tokens.Reverified(tokens.MultiFactor, time.Hour)
	held := true
	if allocs := testing.AllocsPerRun(100, func() {
		held = held && p.Has(role, permission, feature, plan, reverified) && p.Has(tokens.Permission("org:f1:read"))
	}); allocs != 0 || !held {
		t.Errorf("%v allocations, held %t", allocs, held)
	}
}
