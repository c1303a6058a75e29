// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
)

// A deviation is a class of answers that differ from the peer's on purpose. docs/clerk-deviations.md explains each by its number.
type deviation int

const (
	none deviation = iota
	devHeader
	devMark
	devIssuer
	devMembers
	devClaims
	devReceiver
	devAges
	devSessionClaims
	devAmbiguous
	devAccessToken
	devAsk
	devParty

	// Of whole requests alone.
	devMemory
	devOutage
	devSaid
	devKeySets
	devOrganization
	devNobody
	devUat
	devOrigin
	devWhichCookie
	devMachineCookie
	devUnread
)

// A class is a deviation as it is printed, with its number in the document.
type class struct {
	deviation    deviation
	number, text string
}

// maxTokenClasses is how many classes there may be for tokens.
const maxTokenClasses = 12

// tokenClasses are those of tokens and what is asked of them.
var tokenClasses = []class{
	{devHeader, "1", "the authorization header: any case of Bearer; exactly one credential and nothing around it"},
	{devMark, "2", "a token needs the mark of its kind, and what has none is no session"},
	{devIssuer, "4a", "iss of every token is that of the issuer"},
	{devMembers, "4b", "headers that change the rules or bring a key, and kids that cannot be one, are refused"},
	{devClaims, "4c", "identifiers, dates and audiences that cannot be are refused"},
	{devReceiver, "7", "a machine's token names its receiver in aud or scopes"},
	{devAges, "12", "ages of verification count on from iat"},
	{devSessionClaims, "13", "session claims that cannot be read are refused, not passed over"},
	{devAmbiguous, "14", "what two readers could read differently, and what is too long, is refused"},
	{devAccessToken, "15", "OAuth tokens are those of RFC 9068"},
	{devAsk, "16", "what is asked of has() is a whole name, or is false"},
	{devParty, "17", "without azp, aud names the party"},
}

// callClasses are those of whole requests.
var callClasses = []class{
	{devHeader, "1", "the authorization header: any case of Bearer; exactly one credential and nothing around it"},
	{devMark, "2", "a credential is classified once, by its mark; what has none, and nothing at all, is no session"},
	{devMemory, "3", "verifications have a deadline, and their results are remembered for a moment"},
	{devIssuer, "4a", "iss of every token is that of the issuer"},
	{devOutage, "5", "what says nothing about the credential is an outage, and nobody is signed out by it"},
	{devSaid, "7", "an answer that says revoked, expired or for another machine is believed"},
	{devKeySets, "8", "keys are fetched less often than strangers ask for them"},
	{devOrganization, "9", "a request about another organization than the active one is refused"},
	{devNobody, "10", "a rule that admits nobody does not start"},
	{devSessionClaims, "13", "session claims that cannot be read are refused, not passed over"},
	{devAccessToken, "15", "OAuth tokens are those of RFC 9068"},
	{devParty, "17", "without azp, aud names the party or an audience"},
	{devUat, "18a", "a session cookie stands for itself, whatever __client_uat says"},
	{devOrigin, "18b", "a cookie that another site's page sends is not read"},
	{devWhichCookie, "18c", "of two cookies the first name is read, and a name that comes twice is refused"},
	{devMachineCookie, "18d", "a cookie is a credential also where no session is accepted"},
	{devUnread, "19", "an answer of the Backend API that cannot be read is an outage"},
}

// numberOf returns the number of a class of requests.
func numberOf(d deviation) string {
	for _, c := range callClasses {
		if c.deviation == d {
			return c.number
		}
	}
	return "-"
}

// An effect is how a deviation shows.
type effect int

const (
	stricter effect = iota // ours refuses what the peer accepts
	laxer                  // ours accepts what the peer refuses
	noUser                 // both accept, and ours says that there is no user
	typeless               // the peer calls it a session, and we call it nothing
)

// A cause is why answers of a case may differ.
type cause struct {
	class  deviation
	effect effect
}

// A tally counts what a run found.
type tally struct {
	cases, agreed  int
	has, hasAgreed int
	groups         []string
	byGroup        map[string]int
	classes        []class
	byClass        map[deviation]int
	mistakes       []string
}

func newTally(classes []class) tally {
	return tally{classes: classes, byGroup: map[string]int{}, byClass: map[deviation]int{}}
}

func (t *tally) group(name string) {
	if t.byGroup[name] == 0 {
		t.groups = append(t.groups, name)
	}
	t.byGroup[name]++
	t.cases++
}

func (t *tally) mistake(format string, args ...any) {
	t.mistakes = append(t.mistakes, fmt.Sprintf(format, args...))
}

// printCases prints how many cases of which group were asked.
func (t *tally) printCases(w io.Writer) {
	fmt.Fprintln(w, "cases:")
	for _, group := range t.groups {
		fmt.Fprintf(w, "  %5d  %s\n", t.byGroup[group], group)
	}
	fmt.Fprintf(w, "%d cases, %d agree in everything, %d in a deviation class", t.cases, t.agreed, t.cases-t.agreed)
	if t.has > 0 {
		fmt.Fprintf(w, "; %d answers of has(), %d agree", t.has, t.hasAgreed)
	}
	fmt.Fprintln(w)
}

// printClasses prints the deviations, and what is none of them.
func (t *tally) printClasses(w io.Writer) {
	fmt.Fprintln(w, "deviation classes (docs/clerk-deviations.md):")
	for _, c := range t.classes {
		fmt.Fprintf(w, "  %5d  §%-3s %s\n", t.byClass[c.deviation], c.number, c.text)
		if t.byClass[c.deviation] == 0 {
			t.mistake("class §%s is of no case: it is out of date", c.number)
		}
	}
	const most = 40
	for i, mistake := range t.mistakes {
		if i == most {
			fmt.Fprintf(w, "… and %d more\n", len(t.mistakes)-most)
			break
		}
		fmt.Fprintln(w, "UNLISTED:", mistake)
	}
}

// err says what is wrong with what was found.
func (t *tally) err() error {
	switch {
	case len(t.mistakes) > 0:
		return fmt.Errorf("%d differences that are not listed, or listed and not there", len(t.mistakes))
	case t.cases < fewest:
		return fmt.Errorf("%d cases, want %d at least", t.cases, fewest)
	default:
		return nil
	}
}
