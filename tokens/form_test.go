// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
)

func TestNewVerifiersRefusesForms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		form tokens.Form
		want string // "" is admitted
	}{
		{"zero", tokens.Form{}, "no kind"},
		{"no kind", tokens.Form{Prefix: "ak_"}, "no kind"},
		{"unknown kind", tokens.Form{Kind: 5, Prefix: "ak_"}, "no kind"},
		{"nothing to recognise", tokens.Form{Kind: tokens.APIKey}, "exactly one of Prefix, Issuer and Opaque"},
		{"prefix and issuer", tokens.Form{Kind: tokens.APIKey, Prefix: "ak_", Issuer: issuer}, "exactly one"},
		{"prefix and opaque", tokens.Form{Kind: tokens.APIKey, Prefix: "ak_", Opaque: true}, "exactly one"},
		{"issuer and opaque", tokens.Form{Kind: tokens.APIKey, Issuer: issuer, Opaque: true}, "exactly one"},
		{"prefix of one letter", tokens.Form{Kind: tokens.APIKey, Prefix: "k"}, ""},
		{"prefix with a space", tokens.Form{Kind: tokens.APIKey, Prefix: "ak "}, "no bearer token has"},
		{"prefix that is not ASCII", tokens.Form{Kind: tokens.APIKey, Prefix: "a\u212A_"}, "no bearer token has"},
		{"prefix with padding", tokens.Form{Kind: tokens.APIKey, Prefix: "ak="}, "no bearer token has"},
		{"prefix of a JWT", tokens.Form{Kind: tokens.APIKey, Prefix: "ey"}, "beginning of a JWT"},
		{"beginning of a prefix of a JWT", tokens.Form{Kind: tokens.APIKey, Prefix: "e"}, "beginning of a JWT"},
		{"prefix of a header with a newline", tokens.Form{Kind: tokens.APIKey, Prefix: "ewo"}, "beginning of a JWT"},
		{"prefix with another e", tokens.Form{Kind: tokens.APIKey, Prefix: "ev_"}, ""},
		{"marker of a prefix", tokens.Form{Kind: tokens.APIKey, Prefix: "ak_", Marker: tokens.Marker{SubjectPrefix: "a"}}, "needs an Issuer"},
		{"marker of an opaque form", tokens.Form{Kind: tokens.APIKey, Opaque: true, Marker: tokens.Marker{Types: []string{"a"}}}, "needs an Issuer"},
		{"no marker", marked(tokens.Marker{}), ""},
		{"subject", marked(tokens.Marker{SubjectPrefix: "mch_"}), ""},
		{"types", marked(tokens.Marker{Types: []string{"a", "b"}}), ""},
		{"two markers", marked(tokens.Marker{SubjectPrefix: "mch_", Types: []string{"a"}}), "one of SubjectPrefix, SubjectSuffix, SubjectIs, Claim and Types"},
		{"empty type", marked(tokens.Marker{Types: []string{"a", ""}}), "empty type"},
		{"known names", tokens.Form{Kind: tokens.M2MToken, Prefix: "mt_", Names: tokens.Names{Known: []string{"ledger"}}}, ""},
		{"known names and prefix", tokens.Form{Kind: tokens.M2MToken, Prefix: "mt_", Names: tokens.Names{Known: []string{"a"}, Prefix: "b"}}, "not both"},
		{"empty name", tokens.Form{Kind: tokens.M2MToken, Prefix: "mt_", Names: tokens.Names{Known: []string{""}}}, "empty name"},
		{"name *", tokens.Form{Kind: tokens.M2MToken, Prefix: "mt_", Names: tokens.Names{Known: []string{"a", "*"}}}, `"*"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkMistake(t, tt.want, declares(tt.form))
		})
	}
}

func checkMistake(tb testing.TB, want string, verifiers ...tokens.Verifier) {
	tb.Helper()
	table, err := tokens.NewVerifiers(verifiers...)
	switch {
	case want == "" && err == nil && table.Err() == nil:
	case want == "":
		tb.Errorf("error %v", err)
	case err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "tokens: "):
		tb.Errorf("error %v, want %q", err, want)
	case table == nil || table.Err() == nil || table.Err().Error() != err.Error():
		tb.Error("the table does not remember its mistakes")
	}
}

// TestNewVerifiersRefusesOverlaps has forms that a credential could have both of.
func TestNewVerifiersRefusesOverlaps(t *testing.T) {
	t.Parallel()
	prefix := func(text string) tokens.Form { return tokens.Form{Kind: tokens.APIKey, Prefix: text} }
	jwts := func(issuer string, m tokens.Marker) tokens.Form {
		return tokens.Form{Kind: tokens.SessionToken, Issuer: issuer, Marker: m}
	}
	subject := func(text string) tokens.Marker { return tokens.Marker{SubjectPrefix: text} }
	types := func(texts ...string) tokens.Marker { return tokens.Marker{Types: texts} }
	for _, tt := range []struct {
		name string
		a, b tokens.Form
		want string
	}{
		{"different prefixes", prefix("ak_"), prefix("bk_"), ""},
		{"a longer prefix", prefix("ak_"), prefix("ak_live_"), ""},
		{"the same prefix", prefix("ak_"), prefix("ak_"), "the same prefix"},
		{"the same prefix of two kinds", prefix("ak_"), tokens.Form{Kind: tokens.SessionToken, Prefix: "ak_"}, "the same prefix"},
		{"two opaque", tokens.Form{Kind: tokens.APIKey, Opaque: true}, tokens.Form{Kind: tokens.OAuthToken, Opaque: true}, "any other opaque string"},
		{"opaque and prefix", tokens.Form{Kind: tokens.APIKey, Opaque: true}, prefix("ak_"), ""},
		{"two issuers", jwts(issuer, tokens.Marker{}), jwts(otherIssuer, tokens.Marker{}), ""},
		{"the same markers of two issuers", jwts(issuer, subject("a")), jwts(otherIssuer, subject("a")), ""},
		{"two defaults", jwts(issuer, tokens.Marker{}), jwts(issuer, tokens.Marker{}), "both without a marker"},
		{"default and subject", jwts(issuer, tokens.Marker{}), jwts(issuer, subject("a")), ""},
		{"default and types", jwts(issuer, tokens.Marker{}), jwts(issuer, types("a")), ""},
		{"subject and types", jwts(issuer, subject("a")), jwts(issuer, types("a")), ""},
		{"two subjects", jwts(issuer, subject("a_")), jwts(issuer, subject("b_")), ""},
		{"the same subject", jwts(issuer, subject("a_")), jwts(issuer, subject("a_")), "issuer and subject prefix"},
		{"a longer subject", jwts(issuer, subject("a_")), jwts(issuer, subject("a_b_")), "issuer and subject prefix"},
		{"different types", jwts(issuer, types("a", "b")), jwts(issuer, types("c")), ""},
		{"a common type", jwts(issuer, types("a", "b")), jwts(issuer, types("c", "b")), "issuer and typ"},
		{"a common type in another case", jwts(issuer, types("at+jwt")), jwts(issuer, types("AT+JWT")), "issuer and typ"},
		{"a common type as a media type", jwts(issuer, types("at+jwt")), jwts(issuer, types("application/at+jwt")), "issuer and typ"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkMistake(t, tt.want, declares(tt.a), declares(tt.b))
			checkMistake(t, tt.want, declares(tt.b), declares(tt.a))
			checkMistake(t, tt.want, declares(tt.a, tt.b))
		})
	}
}

// TestNewVerifiersRefusesNames shows that no name may come from two places.
func TestNewVerifiersRefusesNames(t *testing.T) {
	t.Parallel()
	known := func(names ...string) tokens.Names { return tokens.Names{Known: names} }
	open := func(prefix string) tokens.Names { return tokens.Names{Prefix: prefix} }
	for _, tt := range []struct {
		name string
		a, b tokens.Names
		want string
	}{
		{"two of any name", open(""), open(""), "names that begin alike"},
		{"any name and a prefix", open(""), open("k8s:"), "names that begin alike"},
		{"any name and known ones", open(""), known("ledger"), `the name "ledger"`},
		{"two prefixes", open("a:"), open("b:"), ""},
		{"the same prefix", open("a:"), open("a:"), "names that begin alike"},
		{"a longer prefix", open("a:"), open("a:b:"), "names that begin alike"},
		{"prefix and known names", open("a:"), known("ledger", "b:x"), ""},
		{"prefix and a known name below it", open("a:"), known("ledger", "a:x"), `the name "a:x"`},
		{"prefix that is a known name", open("ledger"), known("ledger"), `the name "ledger"`},
		{"different known names", known("a", "b"), known("c", "d"), ""},
		{"known names in another case", known("a"), known("A"), ""},
		{"a common known name", known("a", "b"), known("c", "b"), `the name "b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, a := range kinds() {
				for _, b := range kinds() {
					formA, formB := tokens.Form{Kind: a, Prefix: "a_", Names: tt.a}, tokens.Form{Kind: b, Prefix: "b_", Names: tt.b}
					want := tt.want
					if a != b || a == tokens.SessionToken || a == tokens.APIKey { // which have no names, or other ones
						want = ""
					}
					checkMistake(t, want, declares(formA), declares(formB))
					checkMistake(t, want, declares(formB), declares(formA))
				}
			}
		})
	}
}

func TestNewVerifiersTellsAllMistakes(t *testing.T) {
	t.Parallel()
	ak, machine := tokens.Form{Kind: tokens.APIKey, Prefix: "ak_"}, tokens.Form{Kind: tokens.M2MToken, Prefix: "mt_"}
	otherMachine := tokens.Form{Kind: tokens.M2MToken, Issuer: issuer}
	_, err := tokens.NewVerifiers(declares(ak, machine), nil, declares(), (*formsVerifier)(nil), declares(ak, otherMachine, tokens.Form{}))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"verifier 2 is nil", "verifier 3 (*tokens_test.formsVerifier) declares no form", "verifier 4 is nil", "the same prefix",
		"names that begin alike", "no kind",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among the mistakes:\n%v", want, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 6 {
		t.Errorf("%d mistakes:\n%v", lines, err)
	}
}

func TestFormHas(t *testing.T) {
	t.Parallel()
	const id, slug, user = tokens.OrganizationID, tokens.OrganizationSlug, tokens.UserID
	for _, tt := range []struct {
		name           string
		form           tokens.Form
		id, slug, user bool
	}{
		{"session", tokens.Form{Kind: tokens.SessionToken}, true, true, true},
		{"oauth", tokens.Form{Kind: tokens.OAuthToken}, false, false, true},
		{"key", tokens.Form{Kind: tokens.APIKey}, true, false, true},
		{"machine", tokens.Form{Kind: tokens.M2MToken}, false, false, false},
		{"oauth with more", tokens.Form{Kind: tokens.OAuthToken, Attributes: []tokens.Attribute{id}}, true, false, true},
		{"machine with more", tokens.Form{Kind: tokens.M2MToken, Attributes: []tokens.Attribute{slug, user}}, false, true, true},
		{"zero", tokens.Form{}, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := [3]bool{tt.form.Has(id), tt.form.Has(slug), tt.form.Has(user)}; got != [3]bool{tt.id, tt.slug, tt.user} || tt.form.Has(0) {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestFormString(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		form tokens.Form
		want string
	}{
		{tokens.Form{}, "unknown without a form"},
		{tokens.Form{Kind: tokens.APIKey, Prefix: "ak_"}, `api_key with prefix "ak_"`},
		{tokens.Form{Kind: tokens.OAuthToken, Opaque: true}, "oauth_token as any other opaque string"},
		{tokens.Form{Kind: tokens.SessionToken, Issuer: "i"}, `session_token from issuer "i"`},
		{tokens.Form{Kind: tokens.M2MToken, Issuer: "i", Marker: tokens.Marker{SubjectPrefix: "mch_"}}, `m2m_token from issuer "i" with a subject "mch_…"`},
		{tokens.Form{Kind: tokens.OAuthToken, Issuer: "i", Marker: tokens.Marker{Types: []string{"a", "b"}}}, `oauth_token from issuer "i" with typ a or b`},
	} {
		if got := tt.form.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestEqualType(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"at+jwt", "at+jwt", true}, {"at+jwt", "AT+JWT", true}, {"at+jwt", "application/at+jwt", true}, {"Application/AT+jwt", "at+JWT", true},
		{"application/a", "application/a", true}, {"", "", true},
		{"at+jwt", "jwt", false}, {"at+jwt", "text/at+jwt", false}, {"at+jwt", "application/application/at+jwt", false},
		{"at+jwt", "at+jwt ", false}, {"a", "", false}, {"application/", "", false},
	} {
		if tokens.EqualType(tt.a, tt.b) != tt.want || tokens.EqualType(tt.b, tt.a) != tt.want {
			t.Errorf("%q and %q: %t", tt.a, tt.b, !tt.want)
		}
	}
}
