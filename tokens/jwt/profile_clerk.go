// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"fmt"
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
// [NewSessionVerifier] takes them; a profile without sessions (see [Profile.Only]) needs none, nor does one [WithSessionAudiences].
//
// A token whose sub begins with mch_ is a machine's: typ must be JWT, the header cat absent or that of machines, and one of the audiences
// must be in aud, or in scopes when there is no aud: these have the ids of the machines that the token is for. The scopes are those of
// scopes, else the elements of aud; the caller is sub. Other tokens with typ at+jwt are OAuth tokens, as [NewOAuthVerifier] takes them, without a cat. All others are
// sessions: typ must be JWT, cat that of sessions, and sid there, so that what a JWT template makes is no session, nor are tokens from
// before Clerk wrote cat.
func Clerk(parties []string, opts ...ClerkOption) Profile {
	const prefix = "mch_"
	var c clerkConfig
	var mistakes []error
	for _, o := range opts {
		if o == nil {
			mistakes = append(mistakes, errors.New("Clerk: a nil option; leave it out"))
		} else if err := o.applyClerk(&c); err != nil {
			mistakes = append(mistakes, fmt.Errorf("Clerk: %w", err))
		}
	}
	machine := ClassSubjectPrefix(prefix)
	machine.types, machine.header, machine.values = []string{plainType}, "cat", []string{"", clerkMachine}
	access := ClassType(accessType)
	access.header, access.values = "cat", []string{"", clerkNone}
	access.demands = []demand{not(claimSub, func(sub string) bool { return strings.HasPrefix(sub, prefix) })}
	session := ClassHeader("cat", clerkSession)
	if c.legacy {
		session.values = []string{clerkSession, clerkNone, ""}
	}
	session.types = []string{plainType}
	session.demands = []demand{requires(claimSID), not(claimSub, func(sub string) bool { return strings.HasPrefix(sub, prefix) })}
	receivers := step(clerkReceivers)
	if c.anyReceiver {
		receivers = clerkScopes
	}
	parties = slices.Clone(parties)
	sessions := shape{kind: tokens.SessionToken, class: session, parties: parties, steps: sessionSteps}
	if c.audiences != nil {
		sessions.steps = []step{clerkAudiences(parties, c.audiences), alone(readSession)}
		if len(parties) == 0 {
			sessions.parties = c.audiences
		}
	}
	return Profile{err: errors.Join(mistakes...), shapes: []shape{
		{kind: tokens.M2MToken, class: machine, open: prefix, steps: []step{receivers, (*Verifier).nameCaller}},
		{kind: tokens.OAuthToken, class: access, steps: oauthSteps},
		sessions,
	}}
}

// A ClerkOption configures [Clerk].
type ClerkOption interface{ applyClerk(c *clerkConfig) error }

type clerkConfig struct {
	audiences   []string
	legacy      bool
	anyReceiver bool
}

type clerkOption func(*clerkConfig) error

func (o clerkOption) applyClerk(c *clerkConfig) error { return o(c) }

// WithSessionAudiences demands of a session that has aud that one of these audiences is in it. One without aud needs an authorized party as
// azp; where there are no parties, every session must have aud, and azp is not looked at. Default: aud counts only of a session without azp,
// and must then have one of the parties.
func WithSessionAudiences(audiences ...string) ClerkOption {
	audiences = slices.Clone(audiences)
	return clerkOption(func(c *clerkConfig) error {
		if err := checkAccepted(audiences, "audiences of sessions"); err != nil {
			return fmt.Errorf("WithSessionAudiences: %w", err)
		}
		c.audiences = audiences
		return nil
	})
}

// WithInsecureLegacyClass also takes sessions without cat, which Clerk made before it wrote that, and with the cat that says nothing. What
// a JWT template made at that time, and gave a sid, passes for a session then: it lives longer than one and outlives its revocation.
// Default: cat must be that of sessions.
func WithInsecureLegacyClass() ClerkOption {
	return clerkOption(func(c *clerkConfig) error {
		c.legacy = true
		return nil
	})
}

// WithInsecureAnyReceiver takes machines' tokens whichever machine they are for, as Clerk does, and also those for none. Each service that is
// sent one can then call us with it in the sender's name. The audiences of [NewIssuerVerifier] then concern OAuth tokens alone. Default: a
// token must be for one of the audiences.
func WithInsecureAnyReceiver() ClerkOption {
	return clerkOption(func(c *clerkConfig) error {
		c.anyReceiver = true
		return nil
	})
}

// clerkAudiences checks for whom a session was made, by azp and by aud.
func clerkAudiences(parties, audiences []string) step {
	return func(_ *Verifier, c claims, _ *tokens.Facts) error {
		party, hasParty, err := c.text(claimAzp)
		if err != nil {
			return err
		}
		named, err := c.audiences()
		if err != nil {
			return err
		}
		ours := slices.ContainsFunc(named, func(a string) bool { return slices.Contains(audiences, a) })
		switch {
		case !ours && (len(named) > 0 || !hasParty || len(parties) == 0):
			return errors.New("aud has no audience of ours")
		case hasParty && len(parties) > 0 && !slices.Contains(parties, party):
			return errors.New("azp is not an authorized party")
		default:
			return nil
		}
	}
}

// clerkScopes reads the scopes of a machine's token.
func clerkScopes(v *Verifier, c claims, facts *tokens.Facts) error {
	if _, err := c.audiences(); err != nil {
		return err
	}
	name := claimAud
	if c.has(claimScopes) {
		name = claimScopes
	}
	return asScopes(name)(v, c, facts)
}

// clerkReceivers reads the scopes of a machine's token, and demands that we are among those that the token is for.
func clerkReceivers(v *Verifier, c claims, facts *tokens.Facts) error {
	if err := clerkScopes(v, c, facts); err != nil {
		return err
	}
	if c.has(claimAud) {
		return v.checkAudience(c, facts)
	}
	if !slices.ContainsFunc(facts.Scopes, func(s string) bool { return slices.Contains(v.accepted, s) }) {
		return errors.New("scopes has no audience of ours")
	}
	return nil
}
