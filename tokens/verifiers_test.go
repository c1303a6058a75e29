// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"context"
	"encoding/base64"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
)

// A formsVerifier declares forms and verifies nothing.
type formsVerifier struct{ forms []tokens.Form }

func (v *formsVerifier) Forms() []tokens.Form { return v.forms }

func (*formsVerifier) Verify(context.Context, tokens.Credential) (*tokens.Principal, error) {
	return nil, tokens.NewError(tokens.ReasonTokenInvalid, nil)
}

func declares(forms ...tokens.Form) *formsVerifier { return &formsVerifier{forms: forms} }

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// jwt makes what looks like a JWT; nothing here verifies one.
func jwt(header, claims string) string { return encode(header) + "." + encode(claims) + ".c2ln" }

const (
	issuer      = "https://issuer.example"
	otherIssuer = "https://other.example"
)

// The forms of the table that the cases are classified with, by the names that the cases use.
var classifyForms = map[string]tokens.Form{
	"ak":      {Kind: tokens.APIKey, Prefix: "ak_"},
	"ak_live": {Kind: tokens.APIKey, Prefix: "ak_live_"},
	"mt":      {Kind: tokens.M2MToken, Prefix: "mt_", Names: tokens.Names{Prefix: "mt:"}},
	"session": {Kind: tokens.SessionToken, Issuer: issuer},
	"oauth":   {Kind: tokens.OAuthToken, Issuer: issuer, Marker: tokens.Marker{Types: []string{"at+jwt"}}, Names: tokens.Names{Prefix: "a:"}},
	"machine": {Kind: tokens.M2MToken, Issuer: issuer, Marker: tokens.Marker{SubjectPrefix: "mch_"}, Names: tokens.Names{Prefix: "mch_"}},
	"typed":   {Kind: tokens.OAuthToken, Issuer: otherIssuer, Marker: tokens.Marker{Types: []string{"a", "B"}}, Names: tokens.Names{Prefix: "b:"}},
	"opaque":  {Kind: tokens.OAuthToken, Opaque: true, Names: tokens.Names{Prefix: "c:"}},
}

// What the cases make JWTs of.
const (
	plainHeader   = `{"alg":"ES256","typ":"JWT"}`
	accessHeader  = `{"alg":"ES256","typ":"at+jwt"}`
	userClaims    = `{"iss":"https://issuer.example","sub":"user_1"}`
	machineClaims = `{"iss":"https://issuer.example","sub":"mch_1"}`
)

var userToken = jwt(plainHeader, userClaims)

type classifyCase struct {
	name, credential string
	want             string // a name in classifyForms, or "" for no form
}

// TestClassifyPrefixes has tricks with prefixes.
func TestClassifyPrefixes(t *testing.T) {
	t.Parallel()
	checkClassify(t, []classifyCase{
		{"prefix", "ak_abc", "ak"},
		{"longest prefix", "ak_live_abc", "ak_live"},
		{"almost the longest prefix", "ak_livE_abc", "ak"},
		{"cut longest prefix", "ak_live", "ak"},
		{"prefix alone", "ak_", "ak"},
		{"longest prefix alone", "ak_live_", "ak_live"},
		{"prefix of another kind", "mt_abc", "mt"},
		{"prefix and the shape of a JWT", "ak_x.y.z", "ak"},
		{"prefix and a JWT", "mt_" + userToken, "mt"},
		{"upper-case prefix", "AK_abc", "opaque"},
		{"prefix without underscore", "akabc", "opaque"},
		{"space before the prefix", " ak_abc", "opaque"},
		{"Kelvin sign in the prefix", "a\u212A_abc", "opaque"},
		{"unknown prefix", "sk_abc", "opaque"},
	})
}

// TestClassifyJWTs has the markers of classes, and tokens with several.
func TestClassifyJWTs(t *testing.T) {
	t.Parallel()
	checkClassify(t, []classifyCase{
		{"session", userToken, "session"},
		{"no typ", jwt(`{"alg":"ES256"}`, userClaims), "session"},
		{"unknown typ", jwt(`{"typ":"logout+jwt"}`, userClaims), "session"},
		{"empty typ", jwt(`{"typ":""}`, userClaims), "session"},
		{"typ is a number", jwt(`{"typ":1}`, userClaims), "session"},
		{"typ", jwt(accessHeader, userClaims), "oauth"},
		{"typ in upper case", jwt(`{"typ":"AT+JWT"}`, userClaims), "oauth"},
		{"typ as a media type", jwt(`{"typ":"application/at+jwt"}`, userClaims), "oauth"},
		{"typ as a media type in upper case", jwt(`{"typ":"APPLICATION/AT+jwt"}`, userClaims), "oauth"},
		{"typ of another tree", jwt(`{"typ":"text/at+jwt"}`, userClaims), "session"},
		{"typ with a parameter", jwt(`{"typ":"at+jwt;v=1"}`, userClaims), "session"},
		{"typ in the claims", jwt(plainHeader, `{"iss":"https://issuer.example","typ":"at+jwt"}`), "session"},
		{"member name in another case", jwt(`{"Typ":"at+jwt"}`, userClaims), "session"},
		{"escaped member name", jwt(`{"t\u0079p":"at+jwt"}`, userClaims), "oauth"},
		{"subject", jwt(plainHeader, machineClaims), "machine"},
		{"subject before typ", jwt(accessHeader, machineClaims), "machine"},
		{"subject in another case", jwt(plainHeader, `{"iss":"https://issuer.example","sub":"MCH_1"}`), "session"},
		{"subject of another issuer", jwt(`{"typ":"a"}`, `{"iss":"https://other.example","sub":"mch_1"}`), "typed"},
		{"no subject", jwt(plainHeader, `{"iss":"https://issuer.example"}`), "session"},
		{"subject is a number", jwt(plainHeader, `{"iss":"https://issuer.example","sub":1}`), "session"},
		{"header begins with a space", jwt("{ \"typ\":\"at+jwt\"}", userClaims), "oauth"},
		{"header begins with a newline", jwt("{\n\"typ\":\"at+jwt\"}", userClaims), "oauth"},
		{"no signature", strings.TrimSuffix(userToken, "c2ln"), "session"},
		{"second type", jwt(`{"typ":"b"}`, `{"iss":"https://other.example"}`), "typed"},
	})
}

// TestClassifyJWTsOfNoForm has JWTs that no verifier is tried with, not even one that takes every opaque string.
func TestClassifyJWTsOfNoForm(t *testing.T) {
	t.Parallel()
	checkClassify(t, []classifyCase{
		{"no default of the issuer", jwt(plainHeader, `{"iss":"https://other.example"}`), ""},
		{"unknown issuer", jwt(plainHeader, `{"iss":"https://evil.example"}`), ""},
		{"issuer with a slash", jwt(plainHeader, `{"iss":"https://issuer.example/"}`), ""},
		{"issuer in another case", jwt(plainHeader, `{"iss":"https://Issuer.example"}`), ""},
		{"no issuer", jwt(plainHeader, `{"sub":"user_1"}`), ""},
		{"empty issuer", jwt(plainHeader, `{"iss":""}`), ""},
		{"issuer is null", jwt(plainHeader, `{"iss":null}`), ""},
		{"issuer is a list", jwt(plainHeader, `{"iss":["https://issuer.example"]}`), ""},
		{"issuer below", jwt(plainHeader, `{"a":{"iss":"https://issuer.example"}}`), ""},
		{"issuer in the header", jwt(`{"iss":"https://issuer.example"}`, `{}`), ""},
		{"two issuers", jwt(plainHeader, `{"iss":"https://issuer.example","iss":"https://issuer.example"}`), ""},
		{"two issuers, one escaped", jwt(plainHeader, `{"iss":"https://issuer.example","\u0069ss":"https://other.example"}`), ""},
		{"two subjects", jwt(plainHeader, `{"iss":"https://issuer.example","sub":"a","sub":"mch_1"}`), ""},
		{"two types", jwt(`{"typ":"JWT","typ":"at+jwt"}`, userClaims), ""},
		{"two of another member", jwt(plainHeader, `{"iss":"https://issuer.example","a":1,"a":1}`), ""},
		{"claims are a list", jwt(plainHeader, `["iss","https://issuer.example"]`), ""},
		{"claims are cut", jwt(plainHeader, `{"iss":"https://issuer.example"`), ""},
		{"claims and more", jwt(plainHeader, userClaims+`{}`), ""},
		{"no claims", encode(plainHeader) + "..c2ln", ""},
		{"claims are not base64url", encode(plainHeader) + ".{}.c2ln", ""},
		{"claims are padded", encode(plainHeader) + "." + encode(userClaims) + "=.c2ln", ""},
		{"header is cut", jwt(`{"typ":"JWT"`, userClaims), ""},
		{"header and more", jwt(`{"typ":"JWT"}x`, userClaims), ""},
		{"header is not base64url", "ey!." + encode(userClaims) + ".c2ln", ""},
		{"header with stray bits", jwt(`{"a":1}`, userClaims)[:9] + "R." + encode(userClaims) + ".c2ln", ""},
	})
}

func TestClassifyOpaque(t *testing.T) {
	t.Parallel()
	checkClassify(t, []classifyCase{
		{"opaque", "abcdef", "opaque"},
		{"one dot", "abc.def", "opaque"},
		{"two dots, not a JWT", "abc.def.ghi", "opaque"},
		{"two dots alone", "..", "opaque"},
		{"no header", "." + encode(userClaims) + ".c2ln", "opaque"},
		{"header is a list", jwt(`[]`, userClaims), "opaque"},
		{"four segments", userToken + ".x", "opaque"},
		{"five segments", userToken + ".x.y", "opaque"},
		{"longest", strings.Repeat("a", tokens.MaxCredential), "opaque"},
		{"too long", strings.Repeat("a", tokens.MaxCredential+1), ""},
		{"prefix and too long", "ak_" + strings.Repeat("a", tokens.MaxCredential), ""},
		{"empty", "", ""},
	})
}

func checkClassify(t *testing.T, cases []classifyCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkClassifyOne(t, tt.credential, tt.want)
		})
	}
}

// checkClassifyOne classifies with every form, each of a verifier of its own, declared in either order, and again without the opaque form.
func checkClassifyOne(tb testing.TB, credential, want string) {
	tb.Helper()
	names := []string{"ak", "ak_live", "mt", "session", "oauth", "machine", "typed", "opaque"}
	for _, withOpaque := range []bool{true, false} {
		for range 2 {
			slices.Reverse(names)
			verifiers := make([]tokens.Verifier, 0, len(names))
			owner := map[tokens.Verifier]string{}
			for _, name := range names {
				if name != "opaque" || withOpaque {
					v := declares(classifyForms[name])
					verifiers, owner[v] = append(verifiers, v), name
				}
			}
			table, err := tokens.NewVerifiers(verifiers...)
			if err != nil {
				tb.Fatal(err)
			}
			want := want
			if want == "opaque" && !withOpaque {
				want = ""
			}
			form, verifier, ok := table.Classify(credential)
			if got := owner[verifier]; got != want || ok != (want != "") {
				tb.Errorf("with opaque %t: %q, want %q", withOpaque, got, want)
			}
			if !reflect.DeepEqual(form, classifyForms[want]) {
				tb.Errorf("form %v", form)
			}
		}
	}
}

func FuzzClassify(f *testing.F) {
	for _, seed := range []string{
		"", "ak_", "ak_x.y.z", "a.b.c", "..", "e30.e30.", "ey..", jwt(`{"typ":"at+jwt"}`, `{"iss":"https://issuer.example","sub":"mch_1"}`),
	} {
		f.Add(seed)
	}
	var verifiers []tokens.Verifier
	for _, form := range classifyForms {
		verifiers = append(verifiers, declares(form))
	}
	table, err := tokens.NewVerifiers(verifiers...)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, credential string) {
		form, verifier, ok := table.Classify(credential)
		if ok != (verifier != nil) || ok != form.Kind.Known() {
			t.Fatalf("%q: form %v, verifier %v, %t", credential, form, verifier, ok)
		}
		if ok && !reflect.DeepEqual(verifier.Forms(), []tokens.Form{form}) {
			t.Fatalf("%q: form %v of another verifier", credential, form)
		}
		if ok && form.Prefix != "" && !strings.HasPrefix(credential, form.Prefix) {
			t.Fatalf("%q: form %v", credential, form)
		}
		if strings.HasPrefix(credential, "ak_") && len(credential) <= tokens.MaxCredential && form.Kind != tokens.APIKey {
			t.Fatalf("%q: form %v", credential, form)
		}
	})
}

func TestNilAndZeroTable(t *testing.T) {
	t.Parallel()
	empty, err := tokens.NewVerifiers()
	if err != nil {
		t.Fatal(err)
	}
	broken, err := tokens.NewVerifiers(declares(classifyForms["ak"]), nil)
	if err == nil {
		t.Fatal("a nil verifier is no mistake")
	}
	for _, tt := range []struct {
		name  string
		table *tokens.Verifiers
		forms int // which the table still lists, so that rules can be checked against them
		err   bool
	}{
		{"nil", nil, 0, true}, {"zero", &tokens.Verifiers{}, 0, false}, {"empty", empty, 0, false}, {"with mistakes", broken, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, credential := range []string{"", "abc", "ak_abc", jwt(`{"alg":"none"}`, `{"iss":""}`), jwt(`{}`, `{}`)} {
				if form, verifier, ok := tt.table.Classify(credential); ok || verifier != nil || !reflect.DeepEqual(form, tokens.Form{}) {
					t.Errorf("%q: form %v, %t", credential, form, ok)
				}
			}
			if len(tt.table.Forms()) != tt.forms || len(tt.table.Kinds()) != tt.forms {
				t.Errorf("forms %v, kinds %v", tt.table.Forms(), tt.table.Kinds())
			}
			if got := tt.table.Err(); (got != nil) != tt.err {
				t.Errorf("error %v", got)
			}
		})
	}
}

func TestTableListsFormsAndKinds(t *testing.T) {
	t.Parallel()
	forms := []tokens.Form{classifyForms["mt"], classifyForms["ak"], classifyForms["ak_live"], classifyForms["session"]}
	declared := slices.Clone(forms)
	table, err := tokens.NewVerifiers(declares(declared[:2]...), declares(declared[2:]...))
	if err != nil {
		t.Fatal(err)
	}
	declared[0].Prefix, declared[1].Prefix = "changed_", "changed_"
	table.Forms()[0].Prefix = "changed_"
	if !reflect.DeepEqual(table.Forms(), forms) {
		t.Errorf("forms %v", table.Forms())
	}
	if want := []tokens.Kind{tokens.SessionToken, tokens.APIKey, tokens.M2MToken}; !slices.Equal(table.Kinds(), want) {
		t.Errorf("kinds %v", table.Kinds())
	}
	if form, _, ok := table.Classify("mt_x"); !ok || form.Prefix != "mt_" {
		t.Errorf("the table was changed from outside: %v", form)
	}
}
