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
	deviations // how many, and none
)

// maxDeviations is how many classes there may be.
const maxDeviations = 12

var deviationTexts = [deviations]struct{ number, text string }{
	devHeader:        {"1", "the authorization header: any case of Bearer; exactly one credential and nothing around it"},
	devMark:          {"2", "a token needs the mark of its kind, and what has none is no session"},
	devIssuer:        {"4a", "iss of every token is that of the issuer"},
	devMembers:       {"4b", "headers that change the rules or bring a key, and kids that cannot be one, are refused"},
	devClaims:        {"4c", "identifiers, dates and audiences that cannot be are refused"},
	devReceiver:      {"7", "a machine's token names its receiver in aud or scopes"},
	devAges:          {"12", "ages of verification count on from iat"},
	devSessionClaims: {"13", "session claims that cannot be read are refused, not passed over"},
	devAmbiguous:     {"14", "what two readers could read differently, and what is too long, is refused"},
	devAccessToken:   {"15", "OAuth tokens are those of RFC 9068"},
	devAsk:           {"16", "what is asked of has() is a whole name, or is false"},
	devParty:         {"17", "without azp, aud names the party"},
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
	byClass        [deviations]int
	mistakes       []string
}

func (t *tally) group(name string) {
	if t.byGroup == nil {
		t.byGroup = map[string]int{}
	}
	if t.byGroup[name] == 0 {
		t.groups = append(t.groups, name)
	}
	t.byGroup[name]++
	t.cases++
}

func (t *tally) mistake(format string, args ...any) {
	t.mistakes = append(t.mistakes, fmt.Sprintf(format, args...))
}

func (t *tally) print(w io.Writer) {
	fmt.Fprintln(w, "cases:")
	for _, group := range t.groups {
		fmt.Fprintf(w, "  %5d  %s\n", t.byGroup[group], group)
	}
	fmt.Fprintf(w, "%d cases, %d agree in everything, %d in a deviation class; %d answers of has(), %d agree\n", t.cases, t.agreed, t.cases-t.agreed, t.has, t.hasAgreed)
	fmt.Fprintln(w, "deviation classes (docs/clerk-deviations.md):")
	for class := none + 1; class < deviations; class++ {
		fmt.Fprintf(w, "  %5d  §%-3s %s\n", t.byClass[class], deviationTexts[class].number, deviationTexts[class].text)
		if t.byClass[class] == 0 {
			t.mistake("class §%s is of no case: it is out of date", deviationTexts[class].number)
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
