// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// clerkTokenCases are those of the verification of sessions' and machines' JWTs.
var clerkTokenCases = []clerkCase{
	{30, "expired and badly signed is badly signed", func(t *testing.T, w *clerkWorld) {
		now, _ := dates()
		w.refuses(t, w.iss.Tamper(w.session(map[string]any{"exp": now - 600})), tokens.ReasonTokenInvalid)
	}},
	{31, "the category of machines is refused before any key is asked for", func(t *testing.T, w *clerkWorld) {
		asked := 0
		keys := countingKeys(func() { asked++ })
		v := must(jwt.NewSessionVerifier(w.iss.URL(), []string{tokenstest.Party}, jwt.ClassHeader("cat", catOfSessions), keys))
		refused(t, v, w.headed(map[string]any{"cat": catOfMachines}), tokens.ReasonTokenInvalid)
		if asked != 0 {
			t.Errorf("asked %d times", asked)
		}
	}},
	{32, "a skew of nothing counts, and 5 seconds is the default", func(t *testing.T, w *clerkWorld) {
		now, _ := dates()
		strict := must(jwt.NewSessionVerifier(w.iss.URL(), []string{tokenstest.Party}, jwt.ClassHeader("cat", catOfSessions), w.keys, jwt.WithSkew(0)))
		token := w.session(map[string]any{"exp": now - 1})
		refused(t, strict, token, tokens.ReasonTokenExpired)
		w.takes(t, token, tokens.SessionToken)
		for _, skew := range []time.Duration{-1, tokens.MaxSkew + 1} {
			if _, err := jwt.NewSessionVerifier(w.iss.URL(), []string{tokenstest.Party}, jwt.ClassHeader("cat", catOfSessions), w.keys, jwt.WithSkew(skew)); err == nil {
				t.Errorf("a skew of %v", skew)
			}
		}
	}},
	{33, "dates at the edge and beyond", clerkDates},
	{34, "aud, which machines and applications must have, deviation 4", clerkAudiences},
	{35, "typ", func(t *testing.T, w *clerkWorld) {
		for _, typ := range []any{nil, "", "JWS", "at+jwt", "foo", 1} { // Absent: deviation 2.
			if p, _ := w.verified(t, w.headed(map[string]any{"typ": typ})); p != nil {
				t.Errorf("typ %v is taken", typ)
			}
		}
		w.takes(t, w.headed(map[string]any{"typ": "jwt"}), tokens.SessionToken) // deviation 2
	}},
	{36, "alg", func(t *testing.T, w *clerkWorld) {
		for _, alg := range []any{nil, "", "none", "None", "HS256", "HS384", "HS512", "ES256", "PS256", "PS512", "RS384", "RS512", "rs256", 256} {
			w.refuses(t, w.headed(map[string]any{"alg": alg}), tokens.ReasonTokenInvalid)
		}
		w.refuses(t, hmacOf(w.session(nil), w.iss.Keys()), tokens.ReasonTokenInvalid)
	}},
	{37, "azp", func(t *testing.T, w *clerkWorld) {
		for _, azp := range []any{nil, "", "https://other.example.com", tokenstest.Party + "/", 7, []string{tokenstest.Party}} {
			w.refuses(t, w.session(map[string]any{"azp": azp}), tokens.ReasonTokenInvalid)
		}
		w.takes(t, w.session(nil), tokens.SessionToken)
		if _, err := jwt.NewSessionVerifier(w.iss.URL(), nil, jwt.ClassHeader("cat", catOfSessions), w.keys); err == nil {
			t.Error("no parties: deviation 17")
		}
	}},
	{38, "segments that cannot be read", func(t *testing.T, w *clerkWorld) {
		parts := strings.Split(w.session(nil), ".")
		for i := range parts {
			for _, segment := range []string{"", "!", "e30=", "AAAA", base64.RawURLEncoding.EncodeToString([]byte("[]")), "e"} {
				bad := slices.Clone(parts)
				bad[i] = segment
				w.refuses(t, strings.Join(bad, "."), tokens.ReasonTokenInvalid)
			}
		}
	}},
	{39, "a good OAuth token", func(t *testing.T, w *clerkWorld) {
		now, _ := dates()
		p := w.takes(t, w.oauth("at+jwt", map[string]any{"iat": now - 3}), tokens.OAuthToken)
		if p.ID() != "oat_1" || p.ClientID() != "client_1" || p.UserID() != "user_1" || !slices.Equal(p.Scopes(), []string{"read", "write"}) {
			t.Errorf("%v %q %q", p, p.ClientID(), p.Scopes())
		}
		if p.IssuedAt().Unix() != now-3 {
			t.Errorf("issued %v", p.IssuedAt())
		}
	}},
	{40, "an OAuth token without algorithm, and one that expired", func(t *testing.T, w *clerkWorld) {
		now, _ := dates()
		none := w.iss.Sign(map[string]any{"typ": "at+jwt", "alg": "none"}, w.claimsOf(nil))
		if p, reason := w.verified(t, none); p != nil || reason != tokens.ReasonTokenInvalid {
			t.Errorf("none: %q", reason)
		}
		if p, reason := w.verified(t, w.oauth("at+jwt", map[string]any{"exp": now - 60})); p != nil || reason != tokens.ReasonTokenExpired {
			t.Errorf("expired: %q", reason)
		}
	}},
	{41, "a good machine's token, with and without category", func(t *testing.T, w *clerkWorld) {
		for _, cat := range []string{catOfMachines, ""} {
			p := w.takes(t, w.machine(cat, nil), tokens.M2MToken)
			if p.Subject() != "mch_1" || p.UserID() != "" || !slices.Equal(p.Scopes(), []string{"mch_2", "mch_3"}) {
				t.Errorf("%v %q", p, p.Scopes())
			}
		}
	}},
	{42, "a machine's token of another category, before any key is asked for", func(t *testing.T, w *clerkWorld) {
		asked := 0
		keys := countingKeys(func() { asked++ })
		machines := must(jwt.NewIssuerVerifier(w.iss.URL(), []string{tokenstest.Audience}, jwt.Clerk(nil).Only(tokens.M2MToken), keys))
		for _, cat := range []string{catOfSessions, catOfTemplates, "cl_unknown"} {
			token := w.machine(cat, nil)
			refused(t, machines, token, tokens.ReasonTokenInvalid)
			if p, _ := w.verified(t, token); p != nil {
				t.Errorf("%s is taken", cat)
			}
		}
		if asked != 0 {
			t.Errorf("asked %d times", asked)
		}
	}},
}

// clerkDates are in seconds from now, with the default skew and a clock that stands still.
func clerkDates(t *testing.T, w *clerkWorld) {
	synctest.Test(t, func(t *testing.T) { clerkDatesAt(t, w, time.Now().Unix()) })
}

func clerkDatesAt(t *testing.T, w *clerkWorld, now int64) {
	for _, test := range []struct {
		claim string
		at    int64
		want  tokens.Reason
	}{
		{"exp", 0, ""}, {"exp", -4, ""}, {"exp", -5, tokens.ReasonTokenExpired}, {"exp", -6, tokens.ReasonTokenExpired}, {"exp", -600, tokens.ReasonTokenExpired},
		{"nbf", 0, ""}, {"nbf", 5, ""}, {"nbf", 6, tokens.ReasonTokenNotYetValid}, {"nbf", 600, tokens.ReasonTokenNotYetValid},
		{"iat", 0, ""}, {"iat", 5, ""}, {"iat", 6, tokens.ReasonTokenNotYetValid}, {"iat", 600, tokens.ReasonTokenNotYetValid},
	} {
		if _, reason := w.verified(t, w.session(map[string]any{test.claim: now + test.at})); reason != test.want {
			t.Errorf("%s %+d: %q, want %q", test.claim, test.at, reason, test.want)
		}
	}
	for _, claim := range []string{"exp", "nbf", "iat"} {
		for _, value := range []any{"1", true, []int{1}, -1, 1e20} {
			w.refuses(t, w.session(map[string]any{claim: value}), tokens.ReasonTokenInvalid)
		}
	}
	w.refuses(t, w.session(map[string]any{"exp": nil}), tokens.ReasonTokenInvalid)
	w.takes(t, w.session(map[string]any{"nbf": nil, "iat": nil}), tokens.SessionToken)
}

func clerkAudiences(t *testing.T, w *clerkWorld) {
	ours := tokenstest.Audience
	tests := []struct {
		name  string
		aud   any
		taken bool
	}{
		{"ours", ours, true},
		{"one of ours", []string{"x", ours}, true},
		{"another", "https://other.example.com", false},
		{"others", []string{"a", "b"}, false},
		{"the beginning of ours", ours[:len(ours)-1], false},
		{"more than ours", ours + "/x", false},
		{"missing", nil, false},
		{"empty", "", false},
		{"nothing listed", []string{}, false},
		{"an empty one beside ours", []string{ours, ""}, false},
		{"a number beside ours", []any{ours, 1}, false},
		{"a number", 7, false},
	}
	for _, test := range tests {
		changes := map[string]any{"aud": test.aud}
		for kind, token := range map[tokens.Kind]string{tokens.OAuthToken: w.oauth("at+jwt", changes), tokens.M2MToken: w.machine(catOfMachines, changes)} {
			if p, reason := w.verified(t, token); (p != nil) != test.taken {
				t.Errorf("%s, %s: %q", test.name, kind, reason)
			}
		}
	}
	for name, v := range map[string]func() (*jwt.IssuerVerifier, error){
		"none": func() (*jwt.IssuerVerifier, error) {
			return jwt.NewIssuerVerifier(w.iss.URL(), nil, jwt.Clerk([]string{"p"}), w.keys)
		},
		"empty": func() (*jwt.IssuerVerifier, error) {
			return jwt.NewIssuerVerifier(w.iss.URL(), []string{""}, jwt.Clerk([]string{"p"}), w.keys)
		},
	} {
		if _, err := v(); err == nil {
			t.Errorf("audiences that are %s", name)
		}
	}
}

// hmacOf signs a token anew, with what is public as the secret.
func hmacOf(token string, secret []byte) string {
	_, rest, _ := strings.Cut(token, ".")
	claims, _, _ := strings.Cut(rest, ".")
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT","cat":"`+catOfSessions+`"}`)) + "." + claims
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
