// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/internal/checked"
	"github.com/admitrpc/admit/tokens"
)

func principal(tb testing.TB, facts tokens.Facts) *tokens.Principal {
	tb.Helper()
	p, err := tokens.NewPrincipal(facts)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func user(tb testing.TB, id string) *tokens.Principal {
	tb.Helper()
	return principal(tb, tokens.Facts{Kind: tokens.SessionToken, Subject: id, UserID: id})
}

// fullFacts has every field set, for a session. Every call returns memory of its own.
func fullFacts() tokens.Facts {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	return tokens.Facts{
		Kind: tokens.SessionToken, ID: "sess_1", Subject: "user_1", UserID: "user_1",
		Organization: tokens.Organization{ID: "org_1", Slug: "acme", Role: "admin"},
		Permissions:  []string{"org:invoices:read"}, Features: []string{"o:reports", "uo:export"}, Plans: []string{"u:pro"},
		Scopes: []string{"profile"}, ClientID: "client_1", ClientName: "web", CallerName: "alice", Issuer: "https://issuer.example",
		Actor:    &tokens.Actor{Subject: "user_2", Type: "agent"},
		IssuedAt: at, NotBefore: at.Add(-time.Second), ExpiresAt: at.Add(time.Minute), Skew: 5 * time.Second,
		Verification: &tokens.Verification{First: time.Minute, Second: -1}, Pending: true,
		Claims: json.RawMessage(`{"sub":"user_1","nested":{"sub":"other","a":[1,{"b":2}]},"n":null,"Sub":"case"}`),
	}
}

func TestFactsAreKept(t *testing.T) {
	t.Parallel()
	facts := fullFacts()
	for v, i := reflect.ValueOf(facts), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() && v.Type().Field(i).Name != "Checked" { // in place of Claims
			t.Errorf("fullFacts has no %s", v.Type().Field(i).Name)
		}
	}
	p := principal(t, facts)
	actor, acted := p.Actor()
	verification, verified := p.Verification()
	deadline, ends := p.Deadline()
	got := []any{
		p.Kind(), p.ID(), p.Subject(), p.UserID(), p.Organization(), p.Permissions(), p.Features(), p.Plans(), p.Scopes(), p.ClientID(),
		p.ClientName(), p.CallerName(), p.Issuer(), actor, acted, p.IssuedAt().UTC(), p.NotBefore().UTC(), p.ExpiresAt().UTC(),
		deadline.UTC(), ends, verification, verified, p.Pending(),
		p.Attribute(tokens.OrganizationID), p.Attribute(tokens.OrganizationSlug), p.Attribute(tokens.UserID), p.Attribute(0), p.Attribute(9),
	}
	want := []any{
		tokens.SessionToken, "sess_1", "user_1", "user_1", tokens.Organization{ID: "org_1", Slug: "acme", Role: "org:admin"},
		[]string{"org:invoices:read"}, []string{"o:reports", "ou:export"}, []string{"u:pro"}, []string{"profile"}, "client_1", "web", "alice",
		"https://issuer.example", tokens.Actor{Subject: "user_2", Type: "agent"}, true, facts.IssuedAt, facts.NotBefore, facts.ExpiresAt,
		facts.ExpiresAt.Add(5 * time.Second), true, tokens.Verification{First: time.Minute, Second: -1}, true, true,
		"org_1", "acme", "user_1", "", "",
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("fact %d: %v, want %v", i, got[i], want[i])
		}
	}
	if !p.HasScope("profile") || p.HasScope("Profile") || p.HasScope("") {
		t.Error("scopes are not compared byte by byte")
	}
}

// TestNewPrincipalRefuses has facts that cannot be.
func TestNewPrincipalRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(f *tokens.Facts)
		want   string // "" is admitted
	}{
		{"nothing", func(*tokens.Facts) {}, ""},
		{"no kind", func(f *tokens.Facts) { f.Kind = 0 }, "needs a kind"},
		{"kind beyond the last", func(f *tokens.Facts) { f.Kind = 5 }, "needs a kind"},
		{"no subject", func(f *tokens.Facts) { f.Subject = "" }, "needs a subject"},
		{"organization with a slug", func(f *tokens.Facts) { f.Organization = tokens.Organization{ID: "o", Slug: "s"} }, ""},
		{"slug without organization", func(f *tokens.Facts) { f.Organization.Slug = "acme" }, "without an organization id"},
		{"role without organization", func(f *tokens.Facts) { f.Organization.Role = "admin" }, "without an organization id"},
		{"role org:", func(f *tokens.Facts) { f.Organization = tokens.Organization{ID: "o", Role: "org:"} }, "prefixes alone"},
		{"role org:org:", func(f *tokens.Facts) { f.Organization = tokens.Organization{ID: "o", Role: "org:org:"} }, "prefixes alone"},
		{"empty permission", func(f *tokens.Facts) { f.Permissions = []string{"a", ""} }, "empty permission"},
		{"empty scope", func(f *tokens.Facts) { f.Scopes = []string{""} }, "empty permission or scope"},
		{"feature of both", func(f *tokens.Facts) { f.Features = []string{"o:a", "u:a", "ou:a", "uo:a", "o:a:b"} }, ""},
		{"feature without scope", func(f *tokens.Facts) { f.Features = []string{"reports"} }, "a feature or plan"},
		{"feature with a long scope", func(f *tokens.Facts) { f.Features = []string{"o:a", "org:reports"} }, "a feature or plan"},
		{"feature with an upper-case scope", func(f *tokens.Facts) { f.Features = []string{"O:reports"} }, "a feature or plan"},
		{"feature without slug", func(f *tokens.Facts) { f.Features = []string{"o:"} }, "a feature or plan"},
		{"empty feature", func(f *tokens.Facts) { f.Features = []string{""} }, "a feature or plan"},
		{"feature with a space", func(f *tokens.Facts) { f.Features = []string{" o:reports"} }, "a feature or plan"},
		{"plan without scope", func(f *tokens.Facts) { f.Plans = []string{"free"} }, "a feature or plan"},
		{"plan of the application", func(f *tokens.Facts) { f.Plans = []string{"a:free"} }, "a feature or plan"},
		{"most skew", func(f *tokens.Facts) { f.Skew = tokens.MaxSkew }, ""},
		{"too much skew", func(f *tokens.Facts) { f.Skew = tokens.MaxSkew + 1 }, "skew"},
		{"negative skew", func(f *tokens.Facts) { f.Skew = -1 }, "skew"},
		{"no claims", func(f *tokens.Facts) { f.Claims = nil }, ""},
		{"empty object", func(f *tokens.Facts) { f.Claims = json.RawMessage(" \t\r\n{ }") }, ""},
		{"claims of no bytes", func(f *tokens.Facts) { f.Claims = json.RawMessage{} }, "JSON object"},
		{"claims null", func(f *tokens.Facts) { f.Claims = json.RawMessage(`null`) }, "JSON object"},
		{"claims are a list", func(f *tokens.Facts) { f.Claims = json.RawMessage(`[{}]`) }, "JSON object"},
		{"claims are cut", func(f *tokens.Facts) { f.Claims = json.RawMessage(`{"a":1`) }, "JSON object"},
		{"two objects", func(f *tokens.Facts) { f.Claims = json.RawMessage(`{}{}`) }, "JSON object"},
		{"claims with a BOM", func(f *tokens.Facts) { f.Claims = json.RawMessage("\ufeff{}") }, "JSON object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			facts := tokens.Facts{Kind: tokens.SessionToken, Subject: "user_canary"}
			tt.change(&facts)
			checkFacts(t, facts, tt.want)
		})
	}
}

func TestNewPrincipalRefusesMachinesWithWhatSessionsHave(t *testing.T) {
	t.Parallel()
	organization := tokens.Organization{ID: "org_1", Slug: "acme"}
	for _, kind := range kinds() {
		for _, tt := range []struct {
			name   string
			change func(f *tokens.Facts)
			want   string
		}{
			{"organization", func(*tokens.Facts) {}, ""},
			{"actor", func(f *tokens.Facts) { f.Actor = &tokens.Actor{Subject: "a"} }, ""},
			{"empty lists", func(f *tokens.Facts) { f.Permissions, f.Features, f.Plans = []string{}, []string{}, []string{} }, ""},
			{"role", func(f *tokens.Facts) { f.Organization.Role = "admin" }, "no role"},
			{"permission", func(f *tokens.Facts) { f.Permissions = []string{"org:a:b"} }, "no role, permission"},
			{"feature", func(f *tokens.Facts) { f.Features = []string{"u:a"} }, "no role, permission, feature"},
			{"plan", func(f *tokens.Facts) { f.Plans = []string{"u:a"} }, "feature or plan"},
			{"pending", func(f *tokens.Facts) { f.Pending = true }, "no session tasks"},
			{"verification", func(f *tokens.Facts) { f.Verification = &tokens.Verification{} }, "no verification ages"},
		} {
			t.Run(kind.String()+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				facts := tokens.Facts{Kind: kind, Subject: "canary", Organization: organization}
				tt.change(&facts)
				if !kind.Machine() {
					tt.want = ""
				}
				checkFacts(t, facts, tt.want)
			})
		}
	}
}

func checkFacts(tb testing.TB, facts tokens.Facts, want string) {
	tb.Helper()
	p, err := tokens.NewPrincipal(facts)
	switch {
	case want == "" && (err != nil || p == nil):
		tb.Errorf("principal %v, error %v", p, err)
	case want == "":
	case err == nil || p != nil || !strings.Contains(err.Error(), want):
		tb.Errorf("principal %v, error %v, want %q", p, err, want)
	case strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "reports"):
		tb.Errorf("the error tells a fact: %v", err)
	case tokens.ReasonOf(err) != tokens.ReasonInternal:
		tb.Errorf("reason %s", tokens.ReasonOf(err))
	}
}

func TestPrincipalIsImmutable(t *testing.T) {
	t.Parallel()
	facts, want := fullFacts(), principal(t, fullFacts())
	p := principal(t, facts)
	spoil := func(lists ...[]string) {
		for _, list := range lists {
			list[0] = "spoilt"
		}
	}
	spoil(facts.Permissions, facts.Features, facts.Plans, facts.Scopes)
	*facts.Actor, *facts.Verification = tokens.Actor{}, tokens.Verification{}
	copy(facts.Claims, `{"sub":"spoilt"`)
	spoil(p.Permissions(), p.Features(), p.Plans(), p.Scopes())
	claim, _ := p.Claim("sub")
	copy(claim, `"spoilt"`)
	if !reflect.DeepEqual(p, want) {
		t.Errorf("the principal was changed from outside: %+v", p)
	}
}

// TestNilPrincipal calls every method of a nil principal; a new one cannot be forgotten.
func TestNilPrincipal(t *testing.T) {
	t.Parallel()
	v := reflect.ValueOf((*tokens.Principal)(nil))
	for i := range v.NumMethod() {
		name, method := v.Type().Method(i).Name, v.Method(i)
		var in []reflect.Value
		for parameter := range method.Type().Ins() {
			if !method.Type().IsVariadic() {
				in = append(in, reflect.Zero(parameter))
			}
		}
		for _, out := range method.Call(in) {
			if !out.IsZero() && name != "LogValue" {
				t.Errorf("%s returns %v", name, out)
			}
		}
	}
	var p *tokens.Principal
	if p.LogValue().String() != "anonymous" || p.Has(tokens.Role("admin")) || p.HasScope("a") || p.Attribute(tokens.UserID) != "" {
		t.Error("a nil principal has something")
	}
}

// TestNames shows that a name that is not mapped is the id.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		facts          tokens.Facts
		client, caller string
	}{
		{"neither mapped", tokens.Facts{Kind: tokens.M2MToken, Subject: "mch_1", ClientID: "client_1"}, "client_1", "mch_1"},
		{"both mapped", tokens.Facts{Kind: tokens.M2MToken, Subject: "mch_1", ClientID: "c", ClientName: "web", CallerName: "ledger"}, "web", "ledger"},
		{"no client", tokens.Facts{Kind: tokens.OAuthToken, Subject: "user_1"}, "", "user_1"},
		{"a client's name without id", tokens.Facts{Kind: tokens.OAuthToken, Subject: "user_1", ClientName: "web"}, "web", "user_1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := principal(t, tt.facts)
			if p.ClientName() != tt.client || p.CallerName() != tt.caller {
				t.Errorf("client %q, caller %q", p.ClientName(), p.CallerName())
			}
			if p.Subject() != tt.facts.Subject || p.ClientID() != tt.facts.ClientID {
				t.Error("a name replaced an id")
			}
		})
	}
}

func TestRoleOfPrincipal(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "admin": "org:admin", "org:admin": "org:admin", "org:org:org:admin": "org:admin", "Admin": "org:Admin", "a:org:b": "org:a:org:b",
	} {
		facts := tokens.Facts{Kind: tokens.SessionToken, Subject: "u", Organization: tokens.Organization{ID: "o", Role: given}}
		if got := principal(t, facts).Organization().Role; got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	far := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		ends    time.Time
		skew    time.Duration
		now     time.Time
		expired bool
	}{
		{"never", time.Time{}, 0, far.AddDate(-9000, 0, 0), false},
		{"before", at, 0, at.Add(-1), false},
		{"at", at, 0, at, true},
		{"after", at, 0, at.Add(1), true},
		{"before the skew", at, 5 * time.Second, at.Add(5*time.Second - 1), false},
		{"at the skew", at, 5 * time.Second, at.Add(5 * time.Second), true},
		{"in another zone", at.In(time.FixedZone("", 3600)), 0, at, true},
		{"1970 is not never", time.Unix(0, 0), 0, at, true},
		{"before 1970", time.Unix(-1, 0), 0, at, true},
		{"in 1500", time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC), tokens.MaxSkew, at, true},
		{"in the year 9999", far, tokens.MaxSkew, at, false},
		{"in the last second that fits", time.Unix(0, math.MaxInt64), tokens.MaxSkew, at, false},
		{"at the largest date", time.Unix(1<<62, 0), tokens.MaxSkew, at, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := principal(t, tokens.Facts{Kind: tokens.APIKey, Subject: "s", ExpiresAt: tt.ends, Skew: tt.skew})
			if got := p.Expired(tt.now); got != tt.expired {
				t.Errorf("expired %t; ends %v", got, p.ExpiresAt())
			}
			deadline, ends := p.Deadline()
			if ends == tt.ends.IsZero() || ends && tt.expired != !tt.now.Before(deadline) {
				t.Errorf("deadline %v, %t", deadline, ends)
			}
			if p.ExpiresAt().IsZero() != tt.ends.IsZero() {
				t.Errorf("ends %v", p.ExpiresAt())
			}
		})
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	p := principal(t, fullFacts())
	for _, tt := range []struct {
		name, want string
		ok         bool
	}{
		{"sub", `"user_1"`, true},
		{"Sub", `"case"`, true},
		{"SUB", "", false},
		{"nested", `{"sub":"other","a":[1,{"b":2}]}`, true},
		{"n", "null", true},
		{"a", "", false},
		{"user_1", "", false},
		{"", "", false},
	} {
		if got, ok := p.Claim(tt.name); string(got) != tt.want || ok != tt.ok {
			t.Errorf("%q: %s, %t", tt.name, got, ok)
		}
	}
	if got, ok := user(t, "u").Claim("sub"); ok {
		t.Errorf("no claims, but %s", got)
	}
}

func TestPrincipalLogValue(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	slog.New(slog.NewJSONHandler(&out, nil)).Info("call", "caller", principal(t, fullFacts()))
	want := `"caller":{"kind":"session_token","subject":"user_1","id":"sess_1","organization":"org_1"}`
	if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "nested") {
		t.Error(out.String())
	}
}

func TestAttributeString(t *testing.T) {
	t.Parallel()
	got := fmt.Sprint(tokens.OrganizationID, tokens.OrganizationSlug, tokens.UserID, tokens.Attribute(0), tokens.Attribute(4))
	if got != "ORGANIZATION_ID ORGANIZATION_SLUG USER_ID ATTRIBUTE_UNSPECIFIED ATTRIBUTE_UNSPECIFIED" {
		t.Error(got)
	}
}

// What a package of this module has checked is not checked again, and not copied; nobody else can make it.
func TestCheckedClaims(t *testing.T) {
	t.Parallel()
	facts := fullFacts()
	facts.Checked = checked.NewObject(string(facts.Claims))
	if _, err := tokens.NewPrincipal(facts); err == nil {
		t.Error("claims that come twice are taken")
	}
	facts.Claims = nil
	p := principal(t, facts)
	if value, ok := p.Claim("n"); !ok || string(value) != "null" {
		t.Errorf("claim %s %v", value, ok)
	}
	facts.Permissions[0] = "org:other"
	if !p.Has(tokens.Permission("other")) {
		t.Error("the permissions were copied")
	}
	facts.Features[0] = "misspelled"
	if _, err := tokens.NewPrincipal(facts); err == nil {
		t.Error("facts beside checked claims are not checked")
	}
}
