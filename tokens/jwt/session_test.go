// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func sessionVerifier(tb testing.TB, opts ...jwt.Option) (*tokenstest.Issuer, *jwt.Verifier) {
	tb.Helper()
	iss, keys := newIssuer(tb)
	return iss, must(jwt.NewSessionVerifier(iss.URL(), []string{tokenstest.Party}, iss.SessionClass(), keys, opts...))
}

func TestSessionFacts(t *testing.T) {
	t.Parallel()
	iss, v := sessionVerifier(t)
	issued := time.Now().Add(-time.Minute).Truncate(time.Second)
	p := accepted(t, v, iss.Session(tokenstest.SessionClaims{
		Times:        tokenstest.Times{IssuedAt: issued, NotBefore: issued},
		UserID:       "user_9",
		SessionID:    "sess_9",
		Organization: tokens.Organization{ID: "org_9", Slug: "acme", Role: "admin"},
		Permissions:  []string{"org:invoices:read"},
		Features:     []string{"o:export", "u:dark-mode"},
		Plans:        []string{"o:pro"},
		Verification: &tokens.Verification{First: 3 * time.Minute, Second: -1},
		Pending:      true,
		Actor:        &tokens.Actor{Subject: "user_admin", Type: "agent"},
		Extra:        map[string]any{"theme": "dark"},
	}))
	if p.Kind() != tokens.SessionToken || p.Subject() != "user_9" || p.UserID() != "user_9" || p.ID() != "sess_9" || p.Issuer() != iss.URL() {
		t.Errorf("identity: %v %q %q %q %q", p.Kind(), p.Subject(), p.UserID(), p.ID(), p.Issuer())
	}
	if got := p.Organization(); got != (tokens.Organization{ID: "org_9", Slug: "acme", Role: "org:admin"}) {
		t.Errorf("organization %+v", got)
	}
	if !p.Has(tokens.Role("admin"), tokens.Permission("invoices:read"), tokens.Feature("o:export"), tokens.Plan("pro")) {
		t.Error("what the claims give is not held")
	}
	if ages, ok := p.Verification(); !ok || ages.First != 3*time.Minute || ages.Second >= 0 {
		t.Errorf("ages %+v %v", ages, ok)
	}
	if actor, ok := p.Actor(); !ok || actor.Subject != "user_admin" || actor.Type != "agent" {
		t.Errorf("actor %+v %v", actor, ok)
	}
	if !p.Pending() || p.ClientID() != tokenstest.Party {
		t.Errorf("pending %v, client %q", p.Pending(), p.ClientID())
	}
	if theme, ok := p.Claim("theme"); !ok || string(theme) != `"dark"` {
		t.Errorf("claim %s", theme)
	}
	if !p.IssuedAt().Equal(issued) || !p.NotBefore().Equal(issued) || !p.ExpiresAt().Equal(issued.Add(5*time.Minute)) {
		t.Errorf("times %v %v %v", p.IssuedAt(), p.NotBefore(), p.ExpiresAt())
	}
	if deadline, ok := p.Deadline(); !ok || !deadline.Equal(p.ExpiresAt().Add(5*time.Second)) {
		t.Errorf("deadline %v", deadline)
	}
}

func TestSessionPermissionsOfVersion2(t *testing.T) {
	t.Parallel()
	iss, v := sessionVerifier(t)
	many := make([]string, 54)
	for i := range many {
		many[i] = "p" + strings.Repeat("x", i)
	}
	five := "read,create,update,delete,revoke"
	tests := []struct {
		name          string
		fea, per, fpm string
		want          string
	}{
		{"one", "o:impersonation", "read,manage", "3", "impersonation:read impersonation:manage"},
		{"two", "o:a,o:b", "read,manage", "1,3", "a:read b:read b:manage"},
		{"a mask of nothing", "o:a,o:b,o:c", "read,manage", "1,3,0", "a:read b:read b:manage"},
		{"of both", "uo:a,o:b,ou:c", "read,manage", "1,3,1", "a:read b:read b:manage c:read"},
		{"users only", "u:a,u:b", "", "", ""},
		{"a user's feature takes no mask", "o:reservations,u:dashboard,uo:chat,o:impersonation", "read,manage", "2,3",
			"reservations:manage chat:read chat:manage"},
		{"five", "o:repositories,o:projects", five, "7,21",
			"repositories:read repositories:create repositories:update projects:read projects:update projects:revoke"},
		{"beyond 2^53", "o:f", strings.Join(many, ","), "9007199254740993", "f:" + many[0] + " f:" + many[53]},
		{"bits beyond the list", "o:f", strings.Join(many, ","), "18014398509481984", ""},
		{"not a number", "o:a,o:b", "read", "1invalid,1", "b:read"},
		{"signed", "o:a,o:b,o:c", "read", "-1,+1,1.5", ""},
		{"zeros before", "o:a", "read", "0001", "a:read"},
		{"spaces", "o:a, u:b ,o:c", "x, y", "1, 2", "a:x c:y"},
		{"masks left over", "o:a", "read", "1,1,1", "a:read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := accepted(t, v, iss.Session(tokenstest.SessionClaims{Extra: map[string]any{
				"v": 2, "fea": test.fea,
				"o": map[string]any{"id": "org_1", "rol": "admin", "slg": "acme", "per": test.per, "fpm": test.fpm},
			}}))
			var want []string
			for w := range strings.FieldsSeq(test.want) {
				want = append(want, "org:"+w)
			}
			if got := p.Permissions(); !slices.Equal(got, want) {
				t.Errorf("permissions %q, want %q", got, want)
			}
			if p.Organization() != (tokens.Organization{ID: "org_1", Slug: "acme", Role: "org:admin"}) {
				t.Errorf("organization %+v", p.Organization())
			}
		})
	}
}

func TestSessionWithoutOrganization(t *testing.T) {
	t.Parallel()
	iss, v := sessionVerifier(t)
	tests := []struct {
		name   string
		claims map[string]any
	}{
		{"version 2 without o", map[string]any{"v": 2, "org_id": "org_1", "org_role": "admin"}},
		{"version 2 with an empty o", map[string]any{"v": 2, "o": map[string]any{}, "fea": "o:a"}},
		{"version 2 with permissions alone", map[string]any{"v": 2, "o": map[string]any{"per": "read", "fpm": "1"}, "fea": "o:a"}},
		{"version 1 with o", map[string]any{"v": 1, "o": map[string]any{"id": "org_1"}}},
		{"version as text", map[string]any{"v": "2", "o": map[string]any{"id": "org_1"}}},
		{"empty texts", map[string]any{"org_id": "", "org_role": "", "org_slug": ""}},
		{"permissions alone", map[string]any{"org_permissions": []string{"org:a:read"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := accepted(t, v, iss.Session(tokenstest.SessionClaims{Extra: test.claims}))
			if p.Organization() != (tokens.Organization{}) || len(p.Permissions()) > 0 {
				t.Errorf("organization %+v, permissions %q", p.Organization(), p.Permissions())
			}
		})
	}
}

func TestSessionRefusesClaims(t *testing.T) {
	t.Parallel()
	iss, v := sessionVerifier(t)
	tests := []struct {
		name   string
		claims map[string]any
	}{
		{"role without organization", map[string]any{"org_role": "admin"}},
		{"slug without organization", map[string]any{"org_slug": "acme"}},
		{"role without organization, version 2", map[string]any{"v": 2, "o": map[string]any{"rol": "admin"}}},
		{"role of prefixes alone", map[string]any{"org_id": "org_1", "org_role": "org:"}},
		{"o is not an object", map[string]any{"v": 2, "o": "org_1"}},
		{"o in another case", map[string]any{"v": 2, "o": map[string]any{"ID": "org_1"}}},
		{"permissions are not an array", map[string]any{"org_id": "org_1", "org_permissions": "org:a:read"}},
		{"a permission is empty", map[string]any{"org_id": "org_1", "org_permissions": []string{""}}},
		{"a permission is null", map[string]any{"org_id": "org_1", "org_permissions": []any{nil}}},
		{"fea without scope", map[string]any{"fea": "export"}},
		{"fea with another scope", map[string]any{"fea": "x:export"}},
		{"fea without slug", map[string]any{"fea": "o:"}},
		{"fea with an empty element", map[string]any{"fea": "o:a,"}},
		{"pla is an array", map[string]any{"pla": []string{"o:a"}}},
		{"pla without scope", map[string]any{"pla": "pro"}},
		{"sts unknown", map[string]any{"sts": "revoked"}},
		{"sts is a number", map[string]any{"sts": 1}},
		{"fva of one", map[string]any{"fva": []int{1}}},
		{"fva of texts", map[string]any{"fva": []string{"1", "2"}}},
		{"fva below -1", map[string]any{"fva": []int{-2, 1}}},
		{"fva too high", map[string]any{"fva": []int64{1 << 40, 1}}},
		{"fva of three", map[string]any{"fva": []int{1, 2, 3}}},
		{"fva of nothing", map[string]any{"fva": []int{}}},
		{"fva of lists", map[string]any{"fva": [][]int{{}, {}}}},
		{"fva of a list", map[string]any{"fva": [][]int{{1}}}},
		{"fva of fractions", map[string]any{"fva": []float64{1.5, 2}}},
		{"fva of minus zero", map[string]any{"fva": json.RawMessage("[0,-0]")}},
		{"fva a number", map[string]any{"fva": 1}},
		{"fva of nulls", map[string]any{"fva": []any{nil, nil}}},
		{"act is a text", map[string]any{"act": "user_admin"}},
		{"act is empty", map[string]any{"act": map[string]any{}}},
		{"act without a good sub", map[string]any{"act": map[string]any{"sub": ""}}},
		{"act with Sub", map[string]any{"act": map[string]any{"sub": "a", "Sub": "b"}}},
		{"sid is a number", map[string]any{"sid": 7}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refused(t, v, iss.Session(tokenstest.SessionClaims{Extra: test.claims}), tokens.ReasonTokenInvalid)
		})
	}
}

func TestSessionParties(t *testing.T) {
	t.Parallel()
	iss, v := sessionVerifier(t)
	tests := []struct {
		name   string
		claims map[string]any
		good   bool
	}{
		{"azp", map[string]any{"azp": tokenstest.Party}, true},
		{"azp and another aud", map[string]any{"azp": tokenstest.Party, "aud": "other"}, true},
		{"aud alone", map[string]any{"azp": nil, "aud": []string{"other", tokenstest.Party}}, true},
		{"SEC-45 neither", map[string]any{"azp": nil}, false},
		{"SEC-45 another azp", map[string]any{"azp": tokenstest.Party + "/"}, false},
		{"SEC-45 another azp, our aud", map[string]any{"azp": "https://evil.example", "aud": tokenstest.Party}, false},
		{"SEC-45 azp empty, our aud", map[string]any{"azp": "", "aud": tokenstest.Party}, false},
		{"SEC-45 azp is an array", map[string]any{"azp": []string{tokenstest.Party}}, false},
		{"SEC-45 azp in another case", map[string]any{"azp": strings.ToUpper(tokenstest.Party)}, false},
		{"SEC-38 aud malformed beside azp", map[string]any{"aud": 7}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			token := iss.Session(tokenstest.SessionClaims{Extra: test.claims})
			if test.good {
				accepted(t, v, token)
			} else {
				refused(t, v, token, tokens.ReasonTokenInvalid)
			}
		})
	}
}

// Ages count from iat, so without one a session would stay verified until it ends.
func TestSessionAgesWithoutIssuedAt(t *testing.T) {
	t.Parallel()
	iss, v := sessionVerifier(t)
	p := accepted(t, v, iss.Session(tokenstest.SessionClaims{
		Verification: &tokens.Verification{}, Extra: map[string]any{"iat": nil},
	}))
	if _, ok := p.Verification(); ok {
		t.Error("ages are known")
	}
}
