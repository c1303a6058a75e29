// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
)

// What Clerk writes into the header cat of the tokens of an instance, which are all signed with one key.
const (
	clerkSession = "cl_B7d4PD111AAA"
	clerkMachine = "cl_B7d4PD333AAA"
	clerkNone    = "cl_I7d4PD111III" // no category
)

// Clerk is the profile of the tokens of a Clerk instance. The parties are the origins of the applications that sessions are made for, as
// [NewSessionVerifier] takes them; a profile without sessions (see [Profile.Only]) needs none.
//
// A token whose sub begins with mch_ is a machine's: typ must be JWT, the header cat absent or that of machines, and one of the audiences
// must be in aud, or in scopes when there is no aud: these have the ids of the machines that the token is for. The scopes are those of
// scopes, else the elements of aud; the caller is sub. Other tokens with typ at+jwt are OAuth tokens, as [NewOAuthVerifier] takes them, without a cat. All others are
// sessions: typ must be JWT, cat that of sessions, and sid there, so that what a JWT template makes is no session, nor are tokens from
// before Clerk wrote cat.
func Clerk(parties []string) Profile {
	const prefix = "mch_"
	machine := ClassSubjectPrefix(prefix)
	machine.types, machine.header, machine.values = []string{plainType}, "cat", []string{"", clerkMachine}
	access := ClassType(accessType)
	access.header, access.values = "cat", []string{"", clerkNone}
	access.demands = []demand{not("sub", func(sub string) bool { return strings.HasPrefix(sub, prefix) })}
	session := ClassHeader("cat", clerkSession)
	session.types = []string{plainType}
	session.demands = []demand{requires("sid"), not("sub", func(sub string) bool { return strings.HasPrefix(sub, prefix) })}
	return Profile{shapes: []shape{
		{kind: tokens.M2MToken, class: machine, open: prefix, steps: []step{clerkReceivers, (*Verifier).nameCaller}},
		{kind: tokens.OAuthToken, class: access, steps: oauthSteps},
		{kind: tokens.SessionToken, class: session, parties: slices.Clone(parties), steps: sessionSteps},
	}}
}

// clerkReceivers reads the scopes of a machine's token, and demands that we are among those that the token is for.
func clerkReceivers(v *Verifier, c claims, facts *tokens.Facts) error {
	name := "aud"
	if c.Has("scopes") {
		name = "scopes"
	}
	if err := asScopes(name)(v, c, facts); err != nil {
		return err
	}
	if c.Has("aud") {
		return v.checkAudience(c, facts)
	}
	if !slices.ContainsFunc(facts.Scopes, func(s string) bool { return slices.Contains(v.accepted, s) }) {
		return errors.New("scopes has no audience of ours")
	}
	return nil
}
