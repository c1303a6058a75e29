// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
)

// A Profile says how one product writes the JWTs that it issues: of which kinds they are and how these are told apart, and which claims
// mean the user, the client, the caller and the scopes. [RFC9068], [Auth0], [Okta], [Entra], [Keycloak], [Google], [SPIFFE], [Kubernetes]
// and [Clerk] make one.
//
// Every profile demands a positive mark of the kind it takes a token for, and refuses id_tokens, refresh tokens, logout tokens, and tokens
// that could be of two of its kinds. The zero Profile is none, and an error in [NewIssuerVerifier]. A Profile is immutable and safe for
// concurrent use.
type Profile struct {
	shapes []shape // in the order in which the table of forms asks their markers
	// check says what is wrong with an issuer and audiences, beyond what is wrong everywhere; nil: nothing.
	check func(issuer string, audiences []string) error
	err   error
}

// A shape is how an issuer writes the tokens of one kind.
type shape struct {
	kind    tokens.Kind
	class   Class
	parties []string // of sessions
	steps   []step
	open    string // what every name begins with
}

// Only returns a profile of some of the kinds of this one; tokens of its other kinds are refused. Without kinds, or with one that the
// profile does not have, it is an error in [NewIssuerVerifier].
func (p Profile) Only(kinds ...tokens.Kind) Profile {
	only := Profile{check: p.check, err: p.err}
	for _, kind := range kinds {
		if !slices.ContainsFunc(p.shapes, func(s shape) bool { return s.kind == kind }) {
			only.err = errors.Join(only.err, fmt.Errorf("Only(%s): the profile has no such tokens", kind))
		}
	}
	for _, s := range p.shapes {
		if slices.Contains(kinds, s.kind) {
			only.shapes = append(only.shapes, s)
		}
	}
	return only
}

// An IssuerVerifier verifies the JWTs of one issuer, of every kind that its profile has. It is a [tokens.Verifier], immutable and safe for
// concurrent use. Only [NewIssuerVerifier] makes one; a nil or zero IssuerVerifier declares no form and refuses every token.
type IssuerVerifier struct {
	classes []*Verifier // in the order of the profile's shapes, with the same issuer, keys and known names
}

// NewIssuerVerifier returns a verifier of an issuer's tokens, of all kinds that the profile has.
//
// The issuer is compared with iss byte by byte, and one of the audiences with those of aud. Neither has a default, and an empty one is an
// error; audiences may be left out only for a profile of nothing but sessions. iss, sub and exp are required of every token, and the
// profiles say what else is.
//
// Clients and callers have the ids that the profile says; [WithNames] maps both, and [WithNamePrefix] is put before both.
func NewIssuerVerifier(issuer string, audiences []string, profile Profile, keys KeySource, opts ...Option) (*IssuerVerifier, error) {
	first := &Verifier{issuer: issuer, accepted: audiences, keys: keys, known: profileClaims}
	accepted, mistakes := "audiences", []error{profile.err}
	if len(profile.shapes) == 0 && profile.err == nil {
		mistakes = append(mistakes, errors.New("the profile has no tokens; give it one such as jwt.RFC9068()"))
	}
	for i, s := range profile.shapes {
		if s.kind == tokens.SessionToken && i == 0 { // There are no others, since sessions are an issuer's default.
			first.kind, first.accepted, accepted = s.kind, s.parties, "authorized parties of the profile"
		} else if s.kind == tokens.SessionToken {
			mistakes = append(mistakes, checkAccepted(s.parties, "authorized parties of the profile"))
		}
	}
	if profile.check != nil {
		mistakes = append(mistakes, profile.check(issuer, audiences))
	}
	first, err := first.init("NewIssuerVerifier", accepted, opts, mistakes...)
	if err != nil {
		return nil, err
	}
	issued := &IssuerVerifier{}
	for _, s := range profile.shapes {
		v := *first
		v.kind, v.class, v.steps, v.open = s.kind, s.class, s.steps, s.open
		if s.kind == tokens.SessionToken {
			v.accepted = slices.Clone(s.parties)
		} else {
			v.class.demands = append([]demand{accessToken}, s.class.demands...)
		}
		issued.classes = append(issued.classes, &v)
	}
	return issued, nil
}

// Forms returns a form for each kind of the profile.
func (i *IssuerVerifier) Forms() []tokens.Form {
	if i == nil {
		return nil
	}
	var forms []tokens.Form
	for _, v := range i.classes {
		forms = append(forms, v.form())
	}
	return forms
}

// Verify checks a token: its form, its signature, its kind, and then its claims. How the credential was classified is not believed: the
// token must be of that kind, and of no other of the profile.
func (i *IssuerVerifier) Verify(ctx context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	if i == nil || len(i.classes) == 0 {
		return nil, invalid(errors.New("jwt: this verifier was not made by a constructor"))
	}
	return verify(ctx, credential, i.classes...)
}

// asUser makes the text of a claim the user's id.
func asUser(name claim) step {
	return func(_ *Verifier, c claims, facts *tokens.Facts) (err error) {
		facts.UserID, err = c.required(name)
		return err
	}
}

// asClient makes the text of a claim the client's id.
func asClient(name claim) step {
	return func(_ *Verifier, c claims, facts *tokens.Facts) (err error) {
		facts.ClientID, err = c.required(name)
		return err
	}
}

// asScopes makes the elements of a claim the scopes.
func asScopes(name claim) step {
	return func(_ *Verifier, c claims, facts *tokens.Facts) error {
		scopes, err := c.texts(name)
		if err != nil {
			return err
		}
		if len(scopes) > maxScopes || !all(scopes, validScope) {
			return fmt.Errorf("%s has more than %d elements, or one that is no scope", claimTexts[name], maxScopes)
		}
		facts.Scopes = scopes
		return nil
	}
}

// nameClientAsCaller gives a machine the name of its client.
func (v *Verifier) nameClientAsCaller(_ claims, facts *tokens.Facts) (err error) {
	facts.CallerName, err = v.name(facts.ClientID)
	return err
}

func all(texts []string, good func(string) bool) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return !good(text) })
}

// wholeSegment reports whether an issuer has a text as one of the segments of its path.
func wholeSegment(issuer, text string) bool {
	return slices.Contains(strings.Split(issuer, "/"), text)
}
