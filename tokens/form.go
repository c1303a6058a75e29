// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Form is one way to recognise a credential, and what principals of that form are made of. A verifier declares its forms; which one a
// credential has is decided by the table of all of them, before any verifier is called.
//
// Exactly one of Prefix, Issuer and Opaque must be set. The zero Form is an error in [NewVerifiers].
type Form struct {
	// Kind is the kind of every credential of this form. Required.
	Kind Kind

	// Prefix recognises credentials that begin with it, such as "ak_". Of several the longest wins; compared byte by byte. A prefix wins
	// over every other form.
	Prefix string
	// Issuer recognises JWTs by their claim iss, compared byte by byte, together with Marker.
	Issuer string
	// Opaque recognises every string that has no known prefix and is not a JWT. One verifier at most may declare it.
	Opaque bool

	// Marker says which of an issuer's JWTs are of this form. The zero Marker is the issuer's default: those that no other marker of the
	// issuer names. Only with Issuer.
	Marker Marker

	// Attributes are those that every principal of this form may have beyond its kind's own: a session has all of them, an OAuth token
	// UserID, an API key OrganizationID and UserID, a machine none. A rule can match on an attribute only if every form of the kind has it.
	Attributes []Attribute
	// Names are the names by which rules know the clients (oauth_token) or callers (m2m_token) of this form.
	Names Names
	// Fresh says that the verifier asks a source of truth, such as a store, whenever [Credential.Fresh] demands it. A rule with fresh can
	// accept a kind only if every form of the kind says so.
	Fresh bool
}

// Names are the names that principals of a form can have. Two verifiers of one kind must not be able to yield the same name, so with two
// issuers of machines each must say which names are its own. The zero Names is any name.
type Names struct {
	// Known are all the names there are. Empty: the set is open.
	Known []string
	// Prefix is what every name of an open set begins with. Only without Known.
	Prefix string
}

var kindAttributes = map[Kind][]Attribute{
	SessionToken: {OrganizationID, OrganizationSlug, UserID},
	OAuthToken:   {UserID},
	APIKey:       {OrganizationID, UserID},
	M2MToken:     nil,
}

// Has reports whether principals of this form may have the attribute.
func (f Form) Has(a Attribute) bool {
	return slices.Contains(kindAttributes[f.Kind], a) || slices.Contains(f.Attributes, a)
}

// String says what the form recognises.
func (f Form) String() string {
	switch {
	case f.Prefix != "":
		return fmt.Sprintf("%s with prefix %q", f.Kind, f.Prefix)
	case f.Issuer != "":
		return fmt.Sprintf("%s from issuer %q%s", f.Kind, f.Issuer, f.Marker)
	case f.Opaque:
		return fmt.Sprintf("%s as any other opaque string", f.Kind)
	default:
		return fmt.Sprintf("%s without a form", f.Kind)
	}
}

func (f Form) check() error {
	set := 0
	for _, is := range []bool{f.Prefix != "", f.Issuer != "", f.Opaque} {
		if is {
			set++
		}
	}
	switch {
	case !f.Kind.Known():
		return errors.New("a form has no kind; set Kind")
	case set != 1:
		return fmt.Errorf("a form of %s must set exactly one of Prefix, Issuer and Opaque", f.Kind)
	case f.Prefix != "" && (!ValidBearer(f.Prefix) || strings.HasSuffix(f.Prefix, "=")):
		return fmt.Errorf("prefix %q has characters that no bearer token has", f.Prefix)
	case f.Prefix != "" && mayBeginJWT(f.Prefix):
		return fmt.Errorf("prefix %q could be the beginning of a JWT; choose another", f.Prefix)
	case f.Issuer == "" && f.Marker.place() != placeDefault:
		return fmt.Errorf("the form %s has a Marker, which needs an Issuer", f)
	case len(f.Names.Known) > 0 && f.Names.Prefix != "":
		return fmt.Errorf("the form %s must set one of Names.Known and Names.Prefix, not both", f)
	case slices.Contains(f.Names.Known, "") || slices.Contains(f.Names.Known, "*"):
		return fmt.Errorf("the form %s has an empty name or \"*\" in Names.Known", f)
	}
	if err := f.Marker.check(); err != nil {
		return fmt.Errorf("the form %s %w", f, err)
	}
	return nil
}

// mayBeginJWT reports whether a base64url text that begins like this can be a JSON object: "{" and a quote or a space is "ey", "{" and
// other white space "ew", and "{}" is "e3".
func mayBeginJWT(text string) bool {
	return text[0] == 'e' && (len(text) == 1 || text[1] == 'y' || text[1] == 'w' || text[1] == '3')
}

// overlaps returns why a credential could have both forms, or "".
func (f Form) overlaps(g Form) string {
	switch {
	case f.Prefix != "" && f.Prefix == g.Prefix:
		return "the same prefix"
	case f.Opaque && g.Opaque:
		return "both take any other opaque string"
	case f.Issuer == "" || f.Issuer != g.Issuer:
		return ""
	}
	return f.Marker.overlaps(g.Marker)
}

// yieldSameName returns why principals of both forms could have the same name, or "". Only clients and callers have names.
func (f Form) yieldSameName(g Form) string {
	if f.Kind != g.Kind || f.Kind != OAuthToken && f.Kind != M2MToken {
		return ""
	}
	a, b := f.Names, g.Names
	switch {
	case len(a.Known) > 0 && len(b.Known) > 0:
		for _, name := range a.Known {
			if slices.Contains(b.Known, name) {
				return fmt.Sprintf("the name %q", name)
			}
		}
	case len(a.Known) > 0:
		for _, name := range a.Known {
			if strings.HasPrefix(name, b.Prefix) {
				return fmt.Sprintf("the name %q", name)
			}
		}
	case len(b.Known) > 0:
		return g.yieldSameName(f)
	case strings.HasPrefix(a.Prefix, b.Prefix), strings.HasPrefix(b.Prefix, a.Prefix):
		return "names that begin alike"
	}
	return ""
}
