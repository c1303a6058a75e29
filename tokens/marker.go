// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Marker tells one class of an issuer's JWTs from the others. Exactly one field, or none, may be set.
//
// What a token has may fit several markers of its issuer. Then those of the subject win over a claim, a claim over the type, and the type
// over the default. Two markers that are asked at the same place and could both fit one token are an error in [NewVerifiers]. All but
// Types are compared byte by byte.
type Marker struct {
	// SubjectPrefix names JWTs whose claim sub begins with it.
	SubjectPrefix string
	// SubjectSuffix names JWTs whose claim sub ends with it, such as "@clients".
	SubjectSuffix string
	// SubjectIs names JWTs whose claim sub is the text of the claim with this name, such as "client_id": a client that acts for itself.
	SubjectIs string
	// Claim names JWTs by another claim.
	Claim ClaimMarker
	// Types names JWTs whose header typ is one of these, compared without regard to case and to a leading "application/" (RFC 8725 §3.11).
	Types []string
}

// A ClaimMarker names JWTs that have a claim, which must be a text that is not empty. One at most of Value, Prefix and Suffix may be set;
// without them every such text will do. The zero ClaimMarker names none.
type ClaimMarker struct {
	// Name is the name of the claim.
	Name string
	// Value is the text of the claim.
	Value string
	// Prefix is what the text begins with.
	Prefix string
	// Suffix is what the text ends with.
	Suffix string
}

const subjectClaim = "sub"

// A place is when a marker is asked: the first marker that fits has the token.
type place int

const (
	placeSubject place = iota
	placeClaim
	placeType
	placeDefault
)

func (m Marker) place() place {
	switch {
	case m.SubjectPrefix != "" || m.SubjectSuffix != "" || m.SubjectIs != "":
		return placeSubject
	case m.Claim.Name != "":
		return placeClaim
	case len(m.Types) > 0:
		return placeType
	default:
		return placeDefault
	}
}

// Compare says which of two markers of one issuer is asked first: -1 for m, 1 for other, 0 when they are asked at the same place.
func (m Marker) Compare(other Marker) int { return int(min(1, max(-1, m.place()-other.place()))) }

// Fits reports whether a JWT is one that the marker names. It is given the header typ and a function that returns the text of a claim, or
// "" for one that is missing or no string. The zero Marker fits every token. Verifiers ask it of a token whose signature matched, to be
// sure that the token is what it was taken for.
func (m Marker) Fits(typ string, claim func(name string) string) bool {
	switch m.place() {
	case placeSubject:
		subject := claim(subjectClaim)
		return subject != "" && strings.HasPrefix(subject, m.SubjectPrefix) && strings.HasSuffix(subject, m.SubjectSuffix) &&
			(m.SubjectIs == "" || subject == claim(m.SubjectIs))
	case placeClaim:
		text := claim(m.Claim.Name)
		return text != "" && m.Claim.fits(text)
	case placeType:
		return typ != "" && m.hasType(typ)
	default:
		return true
	}
}

// claims returns the names of the claims that Fits asks for.
func (m Marker) claims() []string {
	switch m.place() {
	case placeSubject:
		if m.SubjectIs == "" {
			return []string{subjectClaim}
		}
		return []string{subjectClaim, m.SubjectIs}
	case placeClaim:
		return []string{m.Claim.Name}
	default:
		return nil
	}
}

// String says what tokens the marker names, to be read behind an issuer.
func (m Marker) String() string {
	switch {
	case m.SubjectPrefix != "":
		return fmt.Sprintf(" with a subject %q", m.SubjectPrefix+"…")
	case m.SubjectSuffix != "":
		return fmt.Sprintf(" with a subject %q", "…"+m.SubjectSuffix)
	case m.SubjectIs != "":
		return fmt.Sprintf(" with %s as the subject", m.SubjectIs)
	case m.Claim.Value != "":
		return fmt.Sprintf(" with %s %q", m.Claim.Name, m.Claim.Value)
	case m.Claim.Prefix != "":
		return fmt.Sprintf(" with %s %q", m.Claim.Name, m.Claim.Prefix+"…")
	case m.Claim.Suffix != "":
		return fmt.Sprintf(" with %s %q", m.Claim.Name, "…"+m.Claim.Suffix)
	case m.Claim.Name != "":
		return " with " + m.Claim.Name
	case len(m.Types) > 0:
		return " with typ " + strings.Join(m.Types, " or ")
	default:
		return ""
	}
}

func (m Marker) check() error {
	set := 0
	for _, is := range []bool{m.SubjectPrefix != "", m.SubjectSuffix != "", m.SubjectIs != "", m.Claim != ClaimMarker{}, len(m.Types) > 0} {
		if is {
			set++
		}
	}
	c := m.Claim
	switch {
	case set > 1:
		return errors.New("must set one of SubjectPrefix, SubjectSuffix, SubjectIs, Claim and Types, not more")
	case m.SubjectIs == subjectClaim || c.Name == subjectClaim:
		return errors.New("compares sub with itself; use SubjectPrefix or SubjectSuffix")
	case slices.Contains([]string{"iss", "aud"}, c.Name):
		return fmt.Errorf("marks by %s, which verifiers check", c.Name)
	case c != ClaimMarker{} && c.Name == "":
		return errors.New("has a Claim without a Name")
	case c.Value != "" && c.Prefix+c.Suffix != "" || c.Prefix != "" && c.Suffix != "":
		return errors.New("must set one of Value, Prefix and Suffix of its Claim, not more")
	case slices.Contains(m.Types, ""):
		return errors.New("has an empty type")
	default:
		return nil
	}
}

// overlaps returns why a token could fit both markers of one issuer without one of them being asked first, or "".
func (m Marker) overlaps(other Marker) string {
	if m.Compare(other) != 0 {
		return ""
	}
	switch m.place() {
	case placeSubject:
		return m.subjectOverlaps(other)
	case placeClaim:
		return m.Claim.overlaps(other.Claim)
	case placeType:
		if slices.ContainsFunc(m.Types, other.hasType) {
			return "the same issuer and typ"
		}
		return ""
	default:
		return "the same issuer, both without a marker"
	}
}

func (m Marker) subjectOverlaps(other Marker) string {
	switch {
	case m.SubjectPrefix != "" && other.SubjectPrefix != "":
		if nested(strings.HasPrefix, m.SubjectPrefix, other.SubjectPrefix) {
			return "the same issuer and subject prefix"
		}
		return ""
	case m.SubjectSuffix != "" && other.SubjectSuffix != "":
		if nested(strings.HasSuffix, m.SubjectSuffix, other.SubjectSuffix) {
			return "the same issuer and subject suffix"
		}
		return ""
	default:
		return "the same issuer, and one subject can fit both"
	}
}

func (c ClaimMarker) overlaps(other ClaimMarker) string {
	switch {
	case c.Name != other.Name:
		return fmt.Sprintf("the same issuer, and one token can have both %s and %s", c.Name, other.Name)
	case c.Value != "" && !other.fits(c.Value), other.Value != "" && !c.fits(other.Value),
		c.Prefix != "" && other.Prefix != "" && !nested(strings.HasPrefix, c.Prefix, other.Prefix),
		c.Suffix != "" && other.Suffix != "" && !nested(strings.HasSuffix, c.Suffix, other.Suffix):
		return ""
	default:
		return fmt.Sprintf("the same issuer, and one %s can fit both", c.Name)
	}
}

func (c ClaimMarker) fits(text string) bool {
	return (c.Value == "" || c.Value == text) && strings.HasPrefix(text, c.Prefix) && strings.HasSuffix(text, c.Suffix)
}

func nested(has func(text, part string) bool, a, b string) bool { return has(a, b) || has(b, a) }

func (m Marker) hasType(typ string) bool {
	for _, t := range m.Types {
		if EqualType(t, typ) {
			return true
		}
	}
	return false
}

// EqualType reports whether two values of the header typ name the same type: media types are compared without regard to case, and
// "application/" may be left out (RFC 7515 §4.1.9).
func EqualType(a, b string) bool { return a == b || strings.EqualFold(bareType(a), bareType(b)) }

func bareType(typ string) string {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		return typ[len(prefix):]
	}
	return typ
}
