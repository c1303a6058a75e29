// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// TestProfilesAreInOrder shows that verifiers ask markers as the table of forms does, and that every class but sessions' demands more than
// its marker or its types.
func TestProfilesAreInOrder(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Profile{
		"RFC9068": RFC9068(), "Auth0": Auth0(), "Okta": Okta(), "Entra": Entra(), "Keycloak": Keycloak(), "Google": Google(),
		"SPIFFE": SPIFFE("example.org"), "Kubernetes": Kubernetes(), "Clerk": Clerk([]string{"a"}),
	} {
		for i, s := range p.shapes {
			if s.class.types == nil {
				t.Errorf("%s: %s takes every typ", name, s.kind)
			}
			if i > 0 && p.shapes[i-1].class.marker.Compare(s.class.marker) != -1 {
				t.Errorf("%s: the marker of %s is not asked after that of %s", name, s.kind, p.shapes[i-1].kind)
			}
		}
	}
}

// TestTwoClasses has a token that is of two classes, as no profile lets it be: it is refused, though the first would take it.
func TestTwoClasses(t *testing.T) {
	t.Parallel()
	object, err := jws.ParseObject([]byte(`{"sub":"a"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	first := &Verifier{kind: tokens.M2MToken, class: ClassSubjectPrefix("a")}
	second := &Verifier{kind: tokens.OAuthToken, class: ClassType("at+jwt")}
	third := &Verifier{kind: tokens.APIKey, class: Class{marker: tokens.Marker{SubjectSuffix: "z"}}}
	both := []*Verifier{first, second, third}
	if v, err := classOf(&jws.Header{Type: "JWT"}, claims{Object: object}, both); v != first {
		t.Errorf("one class: %v, %v", v, err)
	}
	if v, err := classOf(&jws.Header{Type: "at+jwt"}, claims{Object: object}, both); err == nil {
		t.Errorf("two classes: taken for %s", v.kind)
	}
}
