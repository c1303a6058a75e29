// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/admitrpc/admit/tokens"
)

func marked(m tokens.Marker) tokens.Form {
	return tokens.Form{Kind: tokens.SessionToken, Issuer: issuer, Marker: m}
}

func byClaim(name, value, prefix, suffix string) tokens.Marker {
	return tokens.Marker{Claim: tokens.ClaimMarker{Name: name, Value: value, Prefix: prefix, Suffix: suffix}}
}

func TestNewVerifiersRefusesMarkers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		marker tokens.Marker
		want   string // "" is admitted
	}{
		{"suffix", tokens.Marker{SubjectSuffix: "@clients"}, ""},
		{"subject is a claim", tokens.Marker{SubjectIs: "cid"}, ""},
		{"claim", byClaim("idtyp", "", "", ""), ""},
		{"claim with a value", byClaim("idtyp", "app", "", ""), ""},
		{"claim with a prefix", byClaim("name", "", "service-", ""), ""},
		{"claim with a suffix", byClaim("email", "", "", "@a"), ""},
		{"prefix and suffix", tokens.Marker{SubjectPrefix: "a", SubjectSuffix: "b"}, "not more"},
		{"suffix and claim", tokens.Marker{SubjectSuffix: "a", Claim: tokens.ClaimMarker{Name: "b"}}, "not more"},
		{"claim and types", tokens.Marker{Claim: tokens.ClaimMarker{Name: "b"}, Types: []string{"JWT"}}, "not more"},
		{"subject is the subject", tokens.Marker{SubjectIs: "sub"}, "sub with itself"},
		{"claim sub", byClaim("sub", "a", "", ""), "sub with itself"},
		{"claim iss", byClaim("iss", "a", "", ""), "which verifiers check"},
		{"claim aud", byClaim("aud", "a", "", ""), "which verifiers check"},
		{"claim without a name", byClaim("", "a", "", ""), "without a Name"},
		{"value and prefix", byClaim("a", "b", "b", ""), "one of Value, Prefix and Suffix"},
		{"value and suffix", byClaim("a", "b", "", "b"), "one of Value, Prefix and Suffix"},
		{"claim's prefix and suffix", byClaim("a", "", "b", "b"), "one of Value, Prefix and Suffix"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkMistake(t, tt.want, declares(marked(tt.marker)))
			if tt.want == "" {
				checkMistake(t, "needs an Issuer", declares(tokens.Form{Kind: tokens.APIKey, Prefix: "ak_", Marker: tt.marker}))
			}
		})
	}
}

// A markerWorld has markers with everything that they can compare, and tokens that between them fit every pair that some token can fit.
func markerWorld() (markers []tokens.Marker, world []map[string]string) {
	markers = []tokens.Marker{{}, {Types: []string{"JWT"}}, {Types: []string{"at+jwt", "JWT"}}, {Types: []string{"at+jwt"}}}
	for _, text := range []string{"a", "ab", "b", "ba"} {
		markers = append(markers, tokens.Marker{SubjectPrefix: text}, tokens.Marker{SubjectSuffix: text})
		for _, name := range []string{"c", "d"} {
			markers = append(markers, byClaim(name, text, "", ""), byClaim(name, "", text, ""), byClaim(name, "", "", text))
		}
	}
	markers = append(markers, tokens.Marker{SubjectIs: "c"}, tokens.Marker{SubjectIs: "d"}, byClaim("c", "", "", ""), byClaim("d", "", "", ""))
	texts := []string{""}
	for _, first := range []string{"a", "b"} {
		for _, rest := range []string{"", "a", "b", "aa", "ab", "ba", "bb", "aba", "abb", "baa", "bab", "bba"} {
			texts = append(texts, first+rest)
		}
	}
	for _, sub := range texts {
		for _, c := range texts {
			for _, d := range []string{"", sub, c} {
				for _, typ := range []string{"", "JWT", "at+jwt"} {
					world = append(world, map[string]string{"sub": sub, "c": c, "d": d, "typ": typ})
				}
			}
		}
	}
	return markers, world
}

// TestMarkersOverlap asks of every two markers whether they are refused exactly when a token could fit both, and neither is asked first.
func TestMarkersOverlap(t *testing.T) {
	t.Parallel()
	markers, world := markerWorld()
	fits := make([][]bool, len(markers)) // of each marker, which tokens
	for i, m := range markers {
		for _, token := range world {
			fits[i] = append(fits[i], m.Fits(token["typ"], func(name string) string { return token[name] }))
		}
	}
	for i, a := range markers {
		for j, b := range markers {
			both := false
			for k := range world {
				both = both || fits[i][k] && fits[j][k]
			}
			_, err := tokens.NewVerifiers(declares(marked(a)), declares(marked(b)))
			if want := both && a.Compare(b) == 0; (err != nil) != want {
				t.Errorf("%+v and %+v: error %v, one token fits both: %t, order %d", a, b, err, both, a.Compare(b))
			}
			if a.Compare(b) != -b.Compare(a) {
				t.Errorf("%+v and %+v: order %d and %d", a, b, a.Compare(b), b.Compare(a))
			}
		}
	}
}

// TestClassifyMarkers has a table with every sort of marker, declared in either order.
func TestClassifyMarkers(t *testing.T) {
	t.Parallel()
	subject, named := tokens.Marker{SubjectIs: "cid"}, byClaim("name", "", "service-", "")
	typed, none := tokens.Marker{Types: []string{"at+jwt"}}, tokens.Marker{}
	forms := []tokens.Form{marked(subject), marked(named), marked(typed), marked(none)}
	reversed := slices.Clone(forms)
	slices.Reverse(reversed)
	for _, tt := range []struct {
		name, typ, claims string
		want              tokens.Marker
	}{
		{"all of them", "at+jwt", `"sub":"x","cid":"x","name":"service-x"`, subject},
		{"claim and type", "at+jwt", `"sub":"x","cid":"y","name":"service-x"`, named},
		{"type", "at+jwt", `"sub":"x","name":"Service-x"`, typed},
		{"claim without a subject", "JWT", `"name":"service-"`, named},
		{"default", "JWT", `"sub":"x"`, none},
		{"two that are missing are not the same", "JWT", `"name":"x"`, none},
		{"two that are empty are not the same", "JWT", `"sub":"","cid":""`, none},
		{"two numbers are not the same", "JWT", `"sub":1,"cid":1`, none},
		{"name is a list", "JWT", `"name":["service-x"]`, none},
		{"name in another case", "JWT", `"Name":"service-x"`, none},
		{"name is deeper", "JWT", `"a":{"name":"service-x"}`, none},
		{"escaped", "JWT", `"n\u0061me":"\u0073ervice-x"`, named},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			token := jwt(fmt.Sprintf(`{"typ":%q}`, tt.typ), fmt.Sprintf(`{"iss":%q,%s}`, issuer, tt.claims))
			for _, order := range [][]tokens.Form{forms, reversed} {
				table, err := tokens.NewVerifiers(declares(order...))
				if err != nil {
					t.Fatal(err)
				}
				if form, _, ok := table.Classify(token); !ok || form.Marker.String() != tt.want.String() {
					t.Errorf("classified as %v, want %v", form, tt.want)
				}
			}
		})
	}
	table, err := tokens.NewVerifiers(declares(forms...))
	if err != nil {
		t.Fatal(err)
	}
	if form, _, ok := table.Classify(jwt(`{}`, fmt.Sprintf(`{"iss":%q,"name":"x","name":"service-x"}`, issuer))); ok {
		t.Errorf("a claim that comes twice: %v", form)
	}
}

func TestMarkerString(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		marker tokens.Marker
		want   string
	}{
		{tokens.Marker{}, ""},
		{tokens.Marker{SubjectPrefix: "a"}, ` with a subject "a…"`},
		{tokens.Marker{SubjectSuffix: "a"}, ` with a subject "…a"`},
		{tokens.Marker{SubjectIs: "cid"}, " with cid as the subject"},
		{byClaim("c", "a", "", ""), ` with c "a"`},
		{byClaim("c", "", "a", ""), ` with c "a…"`},
		{byClaim("c", "", "", "a"), ` with c "…a"`},
		{byClaim("c", "", "", ""), " with c"},
		{tokens.Marker{Types: []string{"a", "b"}}, " with typ a or b"},
	} {
		if got := tt.marker.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
