// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
)

// An outcome is what one side says of a call: signed in, or why not.
type outcome string

const (
	signedIn outcome = "signed in"
	// threw is that the peer throws.
	threw outcome = "threw"
	// noRule is what ours says where no rule can be written.
	noRule outcome = "no such rule"
)

// Words of ours.
const (
	isMissing     = outcome(tokens.ReasonCredentialMissing)
	isMalformed   = outcome(tokens.ReasonCredentialMalformed)
	isNotAccepted = outcome(tokens.ReasonTokenTypeNotAccepted)
	isInvalid     = outcome(tokens.ReasonTokenInvalid)
	isExpired     = outcome(tokens.ReasonTokenExpired)
	isEarly       = outcome(tokens.ReasonTokenNotYetValid)
	isRevoked     = outcome(tokens.ReasonTokenRevoked)
	isPending     = outcome(tokens.ReasonSessionPending)
	isMismatch    = outcome(tokens.ReasonOrganizationMismatch)
	isUnavailable = outcome(tokens.ReasonVerifierUnavailable)
)

// Words of the peer.
const (
	theirMismatch   outcome = "token-type-mismatch"
	theirInvalid    outcome = "token-invalid"
	theirFailed     outcome = "token-verification-failed"
	theirUnexpected outcome = "unexpected-error"
	theirNoHeader   outcome = "No token in header"
	theirNothing    outcome = "session-token-and-uat-missing"
	theirNoSession  outcome = "client-uat-but-no-session-token"
	theirNoUat      outcome = "session-token-but-no-client-uat"
	theirLateUat    outcome = "session-token-iat-before-client-uat"
	theirExpired    outcome = "session-token-expired*" // what follows is why it was not refreshed
	theirPending    outcome = "session-pending"
	theirPartyless  outcome = "token-invalid-authorized-parties"
	theirSignature  outcome = "token-invalid-signature"
	theirUnknownKey outcome = "jwk-kid-mismatch"
	theirNoKeys     outcome = "jwk-remote-failed-to-load"
	theirSecret     outcome = "secret-key-invalid"
	theirEarly      outcome = "session-token-nbf"
	theirFuture     outcome = "session-token-iat-in-the-future"
	anything        outcome = "*"
)

func (o outcome) matches(pattern outcome) bool {
	if start, ok := strings.CutSuffix(string(pattern), "*"); ok {
		return strings.HasPrefix(string(o), start)
	}
	return o == pattern
}

func (o outcome) isOneOf(patterns []outcome) bool { return slices.ContainsFunc(patterns, o.matches) }

// A row says that two outcomes go together: because they say the same, or by a deviation.
type row struct {
	class  deviation // none: they say the same
	theirs []outcome
	ours   []outcome
	when   func(c *call, i int) bool // i: how often the call was made before; nil: always
}

func of(list ...outcome) []outcome { return list }

// shown returns the credential that ours looks at: that of the header, or else that of the cookie; nil: there is none that counts.
func (c *call) shown() *credential {
	if c.sendsHeader() {
		return c.header
	}
	return c.read()
}

func (c *call) sendsHeader() bool { return c.how.values != nil && c.how.values("") != nil }

// read returns the credential of the cookie that ours reads where there is no header; nil: none.
func (c *call) read() *credential {
	for _, suffixed := range []bool{true, false} {
		i := slices.IndexFunc(c.cookies, func(cookie cookie) bool { return cookie.suffixed == suffixed })
		if i >= 0 {
			return &c.cookies[i].credential
		}
	}
	return nil
}

// byCookie reports whether all that is presented is in cookies.
func (c *call) byCookie() bool { return !c.sendsHeader() && len(c.cookies) > 0 }

// twice reports whether a name comes twice.
func (c *call) twice() bool {
	return len(c.cookies) == 2 && c.cookies[0].suffixed == c.cookies[1].suffixed
}

// different reports whether the plain and the suffixed cookie have different credentials.
func (c *call) different() bool {
	return len(c.cookies) == 2 && !c.twice() && c.cookies[0].credential.name != c.cookies[1].credential.name
}

// odd reports whether the header is written otherwise than "Bearer T".
func (c *call) odd() bool { return c.sendsHeader() && c.how.name != plain().name }

// otherCase reports whether the scheme is Bearer in another case, which the peer passes over.
func (c *call) otherCase() bool {
	return c.odd() && c.how.cause.class == devHeader && c.how.cause.effect == laxer
}

// barred are the traits of what ours must not sign in, whatever the peer says.
var barred = []trait{
	legacy, otherClass, otherIssuer, formless, unreadClaims, elsewhere, told, unreadAnswer, tooSlow, outage, late,
}

// mustRefuse reports whether ours must not sign in, whatever the peer says. What was good a moment ago is remembered.
func (c *call) mustRefuse(i int) bool {
	if c.byCookie() && (c.from.foreign || c.twice()) {
		return true
	}
	if c.shown().is(changing) && i > 0 {
		return false
	}
	if c.site == siteOfKeys && c.shown().is(unknownKey) {
		return true
	}
	return c.shape.nobody() || slices.ContainsFunc(barred, func(t trait) bool { return c.shown().at(i).is(t) })
}

func shows(traits ...trait) func(*call, int) bool {
	return func(c *call, _ int) bool {
		return slices.ContainsFunc(traits, func(t trait) bool { return c.shown().is(t) })
	}
}

// rows are the reasons of both sides. The first row that fits counts.
var rows = []row{
	// A list that admits no kind, and a header that is not "Bearer T", come before everything else.
	{devNobody, of(theirMismatch), of(noRule), nil},
	{devHeader, of(anything), of(isMalformed), func(c *call, _ int) bool { return c.odd() && !c.otherCase() }},
	{devHeader, of(theirMismatch, theirNothing, theirNoHeader, theirNoSession), of(anything), func(c *call, _ int) bool { return c.otherCase() && len(c.cookies) == 0 }},
	{devHeader, of(anything), of(anything), func(c *call, _ int) bool { return c.otherCase() && len(c.cookies) > 0 }},

	// In other words.
	{none, of(signedIn), of(signedIn), nil},
	{none, of(theirMismatch), of(isNotAccepted), nil},
	{none, of(theirNothing, theirNoHeader), of(isMissing), func(c *call, _ int) bool { return !c.byCookie() }},
	{none, of(theirNoSession), of(isMissing), func(c *call, _ int) bool { return !c.byCookie() }},
	{none, of(theirPending), of(isPending), nil},
	{none, of(theirExpired), of(isExpired), nil},
	{none, of(theirEarly, theirFuture), of(isEarly), nil},
	{none, of(theirInvalid, theirSignature, theirPartyless, theirUnknownKey), of(isInvalid), nil},
	{none, of(theirFailed), of(isInvalid), nil},
	{none, of(theirFailed), of(isExpired), func(c *call, _ int) bool { return c.shown().is(late) && c.shown().machine() }},

	{devMemory, of(anything), of(anything), func(c *call, i int) bool { return i > 0 && c.shown().is(changing) }},
	{devMemory, of(signedIn), of(isUnavailable), shows(tooSlow)},
	{devSaid, of(signedIn), of(isRevoked), func(c *call, i int) bool { return c.shown().at(i).is(told) }},
	{devSaid, of(signedIn), of(isExpired), func(c *call, i int) bool { return c.shown().at(i).is(told) }},
	{devSaid, of(signedIn), of(isInvalid), shows(elsewhere)},
	{devUnread, of(signedIn, threw, theirFailed), of(isUnavailable), shows(unreadAnswer)},
	{devOutage, of(theirUnexpected, theirSecret), of(isUnavailable), func(c *call, i int) bool { return c.shown().at(i).is(outage) || c.site == siteRefused }},
	{devOutage, of(theirSecret, theirNoKeys, theirFailed), of(isUnavailable), func(c *call, _ int) bool { return c.site >= siteRefused }},
	{devOrganization, of(signedIn), of(isMismatch), func(c *call, _ int) bool { return c.target.path != "" }},
	{devSessionClaims, of(threw, theirUnexpected), of(isInvalid), shows(unreadClaims)},
	{devParty, of(theirPartyless), of(signedIn), shows(partyless)},

	// Cookies that ours does not read, or that are not where the peer looks.
	{devOrigin, of(anything), of(isMissing), func(c *call, _ int) bool { return c.byCookie() && c.from.foreign }},
	{devWhichCookie, of(anything), of(isMalformed), func(c *call, _ int) bool { return c.byCookie() && c.twice() }},
	{devMachineCookie, of(theirNoHeader), of(anything), func(c *call, _ int) bool { return c.byCookie() && c.shape.alone }},
	{devUat, of(theirNoUat, theirLateUat), of(anything), func(c *call, _ int) bool { return c.byCookie() }},
	{devWhichCookie, of(theirNothing, theirNoSession), of(anything), func(c *call, _ int) bool { return c.byCookie() }},
	{devWhichCookie, of(anything), of(anything), func(c *call, _ int) bool { return c.byCookie() && c.different() }},

	{devIssuer, of(signedIn), of(isInvalid), shows(otherIssuer)},
	{devMark, of(signedIn), of(isInvalid), shows(legacy)},
	{devMark, of(theirMismatch), of(isInvalid), shows(formless)},
	{devMark, of(theirMismatch), of(isMissing), func(c *call, _ int) bool { return c.shown() == nil && c.shape.list() }},
	{devMark, of(theirInvalid), of(isNotAccepted), func(c *call, _ int) bool {
		return c.shown() != nil && c.shown().draft == nil && c.shown().kind.Machine()
	}},
	{devMark, of(theirInvalid), of(signedIn), shows(twoForms)},
}
