// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
)

// A trait is something about a credential that deviations are told by.
type trait int

const (
	legacy        trait = iota + 1 // a session without its mark
	otherClass                     // of this instance, in the category of another kind
	otherIssuer                    // of an issuer that is not ours
	formless                       // no verifier has declared its form
	twoForms                       // a prefix and the shape of a JWT
	partyless                      // without azp, and for us by aud
	unreadClaims                   // session claims that cannot be read
	clientSubject                  // issued to the client itself
	elsewhere                      // for another machine
	told                           // a 200 that says revoked or expired
	unreadAnswer                   // a 200 that cannot be read
	tooSlow                        // an answer that takes longer than ours waits
	changing                       // another answer to each question
	outage                         // an answer that says nothing about the token
	unknownKey                     // signed with a key that the set does not have
	late                           // dates that do not hold
)

// A credential is what a request may have in its header or cookie.
type credential struct {
	name   string
	kind   tokens.Kind // that it has for ours; zero: none
	traits []trait
	draft  func() *draft // nil: it is the text
	text   string        // or of opaque tokens the prefix
	answer string        // that the Backend API gives of it
}

func (c *credential) is(t trait) bool { return c != nil && slices.Contains(c.traits, t) }

// machine reports whether it is of a machine's kind for ours.
func (c *credential) machine() bool { return c != nil && c.kind.Known() && c.kind.Machine() }

func (c *credential) opaque() bool { return c.machine() && c.draft == nil }

// at returns the credential as the Backend API speaks of it when it is asked again.
func (c *credential) at(times int) *credential {
	if !c.is(changing) {
		return c
	}
	answers := strings.Fields(c.answer)
	now := *c
	now.traits = traitsOf(answers[min(times, len(answers)-1)])
	return &now
}

// mint makes the token. Opaque ones are told apart by number.
func (c *credential) mint(k *keys, now int64, number int) (string, error) {
	switch {
	case c.draft != nil:
		return k.mint(c.draft(), now)
	case c.answer != "":
		return opaqueToken(c.text, c.answer, number), nil
	default:
		return c.text, nil
	}
}

// A variant changes a draft; nil takes a member away.
type variant struct{ header, claims map[string]any }

func (v variant) of(base func() *draft) func() *draft {
	return func() *draft {
		d := base().clone()
		for _, change := range []struct{ from, to map[string]any }{{v.header, d.header}, {v.claims, d.claims}} {
			for name, value := range change.from {
				if value == nil {
					delete(change.to, name)
				} else {
					change.to[name] = value
				}
			}
		}
		return d
	}
}

func claims(pairs ...any) variant {
	v := variant{claims: map[string]any{}}
	for i := 0; i < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		v.claims[name] = pairs[i+1]
	}
	return v
}

func header(name string, value any) variant { return variant{header: map[string]any{name: value}} }

func session() *draft { return sessionDraft(2) }

// machineForUs is a machine's token for the machine that we are.
func machineForUs() *draft {
	d := machineDraft()
	d.claims["aud"] = []string{ourMachine, "mch_2"}
	return d
}

func signedWith(key string, base func() *draft) func() *draft {
	return func() *draft {
		d := base()
		d.key = key
		return d
	}
}

// secondSession is of another user, so that it is seen which of two cookies was read.
var secondSession = credential{name: "another user's session", kind: tokens.SessionToken, draft: claims("sub", "user_2", "sid", "sess_2", "iat", second(-2)).of(session)}

// sessions are what cookies and headers of browsers have, the good ones first.
func sessions() []credential {
	of := func(name string, draft func() *draft, traits ...trait) credential {
		return credential{name: name, kind: tokens.SessionToken, draft: draft, traits: traits}
	}
	unknown := func(name string, draft func() *draft, is trait) credential {
		return credential{name: name, draft: draft, traits: []trait{is, formless}}
	}
	return []credential{
		of("a session", session),
		of("a session of version 1", func() *draft { return sessionDraft(1) }),
		of("a session without an organization", claims("o", nil).of(session)),
		of("a session for our audience", claims("aud", audience).of(session)),
		of("a pending session", claims("sts", "pending").of(session)),
		of("an impersonated session", claims("act", map[string]any{"sub": "user_9"}).of(session)),
		of("an expired session", claims("exp", second(-60), "iat", second(-120)).of(session), late),
		of("a session that is not valid yet", claims("nbf", second(90)).of(session), late),
		of("a session of the future", claims("iat", second(90)).of(session), late),
		of("a session of another key", signedWith("other", session)),
		of("a session without a signature", signedWith("none", session)),
		of("a session of another party", claims("azp", "https://evil.example.com").of(session)),
		of("a session for another audience", claims("aud", "https://other.example.com").of(session)),
		of("a session without a party", claims("azp", nil).of(session)),
		of("a session without a party, for our audience", claims("azp", nil, "aud", audience).of(session), partyless),
		of("a session of an unknown key", header("kid", "ins_9").of(session), unknownKey),
		of("a session whose features cannot be read", claims("fea", "export").of(session), unreadClaims),
		unknown("a session without a category", header("cat", nil).of(session), legacy),
		unknown("a session of no category", header("cat", catNone).of(session), legacy),
		unknown("a JWT of a template", header("cat", catTemplate).of(session), otherClass),
		unknown("a session in the category of machines", header("cat", catMachine).of(session), otherClass),
		unknown("a session of another issuer", claims("iss", "https://clerk.evil.example").of(session), otherIssuer),
		unknown("a session without an issuer", claims("iss", nil).of(session), otherIssuer),
		{name: "garbage", text: "test_header_token", traits: []trait{formless}},
		{name: "three words", text: "not.a.jwt", traits: []trait{formless}},
	}
}

// sessionOf returns the one of a name.
func sessionOf(name string) credential {
	all := sessions()
	return all[slices.IndexFunc(all, func(c credential) bool { return c.name == name })]
}

// signedMachines are the JWTs of machines.
func signedMachines() []credential {
	oauth := func(name string, v variant, traits ...trait) credential {
		return credential{name: name, kind: tokens.OAuthToken, draft: v.of(oauthDraft), traits: traits}
	}
	machine := func(name string, v variant, traits ...trait) credential {
		return credential{name: name, kind: tokens.M2MToken, draft: v.of(machineForUs), traits: traits}
	}
	return []credential{
		oauth("an OAuth JWT", variant{}),
		oauth("an OAuth JWT with scp", claims("scope", nil, "scp", []string{"a", "b"})),
		oauth("an expired OAuth JWT", claims("exp", second(-60)), late),
		oauth("an OAuth JWT for another", claims("aud", "https://other.example.com")),
		oauth("an OAuth JWT for nobody", claims("aud", nil)),
		{name: "an OAuth JWT of another key", kind: tokens.OAuthToken, draft: signedWith("other", oauthDraft)},
		oauth("an OAuth JWT to the client itself", claims("sub", "client_1"), clientSubject),
		{name: "an OAuth JWT of another issuer", draft: claims("iss", "https://clerk.evil.example").of(oauthDraft), traits: []trait{otherIssuer, formless}},
		machine("a machine's JWT", variant{}),
		machine("a machine's JWT without a category", header("cat", nil)),
		machine("a machine's JWT with scopes", claims("scopes", "mch_us mch_3")),
		machine("an expired machine's JWT", claims("exp", second(-60)), late),
		machine("a machine's JWT for another", claims("aud", []string{"mch_2"})),
		machine("a machine's JWT for nobody", claims("aud", nil, "scopes", "mch_2"), elsewhere),
		{name: "a machine's JWT of another key", kind: tokens.M2MToken, draft: signedWith("other", machineForUs)},
		machine("a machine's JWT of an unknown key", header("kid", "ins_9"), unknownKey),
		machine("a machine's JWT in the category of sessions", header("cat", catSession), otherClass),
		{name: "a machine's JWT of another issuer", draft: claims("iss", "https://clerk.evil.example").of(machineForUs), traits: []trait{otherIssuer, formless}},
	}
}

// prefixes are those of opaque tokens.
var prefixes = []struct {
	kind         tokens.Kind
	prefix, name string
}{
	{tokens.APIKey, "ak_", "a key"}, {tokens.OAuthToken, "oat_", "an opaque OAuth token"}, {tokens.M2MToken, "mt_", "an opaque machine's token"},
}

// opaques are opaque tokens of every kind with the answers of the Backend API about them.
func opaques(answers ...string) []credential {
	var list []credential
	for _, p := range prefixes {
		for _, answer := range answers {
			if !answered(p.kind, answer) {
				continue
			}
			list = append(list, credential{name: p.name + ": " + answer, kind: p.kind, text: p.prefix, answer: answer, traits: traitsOf(answer)})
		}
	}
	return list
}

// answered reports whether the answer is one about tokens of that kind.
func answered(kind tokens.Kind, answer string) bool {
	switch answer {
	case "org", "somebody":
		return kind == tokens.APIKey
	case "client", "audience":
		return kind == tokens.OAuthToken
	case "elsewhere":
		return kind == tokens.M2MToken
	case "scopeless":
		return kind != tokens.M2MToken // which would be for nobody
	default:
		return true
	}
}

func traitsOf(answer string) []trait {
	switch {
	case strings.Contains(answer, " "):
		return []trait{changing}
	case answer == "slow":
		return []trait{tooSlow}
	case answer == "revoked", answer == "expired", answer == "past", answer == "both":
		return []trait{told}
	case answer == "html", answer == "list", answer == "nothing", answer == "strange", answer == "nameless":
		return []trait{unreadAnswer}
	case answer == "elsewhere":
		return []trait{elsewhere}
	case answer == "client":
		return []trait{clientSubject}
	case answer == "drop", len(answer) == 3 && answer[0] >= '4' && answer[0] <= '5' && answer != "404":
		return []trait{outage}
	default:
		return nil
	}
}

// steadyAnswers take no time and are the same whenever asked.
var steadyAnswers = []string{
	"ok", "later", "404", "revoked", "expired", "past", "both", "org", "somebody", "scopeless", "client", "audience", "elsewhere", "400", "401", "403", "409", "422", "429",
	"500", "502", "503", "drop", "html", "list", "nothing", "strange", "nameless",
}

// oddities are in the header alone.
func oddities() []credential {
	return []credential{
		{name: "a prefix alone", kind: tokens.APIKey, text: "ak_"},
		{name: "a prefix in capitals", text: "AK_ok_1", traits: []trait{formless}},
		{name: "a key like a JWT", kind: tokens.APIKey, text: "ak_ok_1.b.c", traits: []trait{twoForms}},
		{name: "an opaque machine's token like a JWT", kind: tokens.M2MToken, text: "mt_ok_1.b.c", traits: []trait{twoForms}},
	}
}
