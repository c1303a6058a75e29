// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/admitrpc/admit/tokens"
)

// plain is the presentation of nearly all calls with a header.
func plain() presentation { return presentations()[0] }

// generateCalls returns the calls of a seed.
func generateCalls(rng *rand.Rand) []call {
	var calls []call
	for _, list := range [][]call{
		everyShape(), everyAnswer(), everyHeader(rng), everyCookie(), twoCookies(), everyOrigin(), noCredential(), organizations(), remembered(), keySets(),
		machineKeys(), randomCalls(rng),
	} {
		calls = append(calls, list...)
	}
	for i := range calls {
		if calls[i].number == 0 {
			calls[i].number = i + 1
		}
	}
	return calls
}

// inHeader are credentials for headers; each opaque kind has one that is good and one that is unknown.
func inHeader() []credential {
	return slices.Concat(sessions(), signedMachines(), opaques("ok", "404", "revoked", "500"), oddities())
}

// shapesGroup is the group that comes first; see [world.worth].
const shapesGroup = "each credential to each shape"

// everyShape is each credential to each shape.
func everyShape() []call {
	var calls []call
	all := shapes()
	for _, c := range inHeader() {
		for _, s := range all {
			// The same opaque token at each shape: what a server remembers of it must not pass for what it accepts.
			calls = append(calls, call{group: shapesGroup, shape: s, how: plain(), header: &c, number: 7})
		}
	}
	return calls
}

// alone returns the shape of one kind, and that of any.
func alone(kind tokens.Kind) shape {
	return shapes()[slices.IndexFunc(shapes(), func(s shape) bool { return s.alone && s.accepts(kind) })]
}

func anyShape() shape { return shapes()[0] }

// everyAnswer is each answer of the Backend API.
func everyAnswer() []call {
	var calls []call
	for _, c := range slices.Concat(opaques(steadyAnswers...), opaques("slow")) {
		for _, s := range []shape{alone(c.kind), anyShape()} {
			if c.is(tooSlow) && !s.alone {
				continue
			}
			calls = append(calls, call{group: "answers of the Backend API", shape: s, how: plain(), header: &c})
		}
	}
	return calls
}

// everyHeader is each way to write a header, with and without a cookie beside it.
func everyHeader(rng *rand.Rand) []call {
	var calls []call
	pool := inHeader()
	kinds := shapes()
	for _, p := range presentations() {
		for _, s := range []shape{alone(tokens.SessionToken), anyShape(), alone(tokens.APIKey), draw(rng, kinds)} {
			c := draw(rng, pool)
			switch {
			case s.alone && s.accepts(tokens.SessionToken):
				c = sessionOf("a session")
			case s.alone:
				c = opaques("ok")[0]
			}
			calls = append(calls,
				call{group: "authorization header", shape: s, how: p, header: &c},
				call{group: "authorization header", shape: s, how: p, header: &c, cookies: []cookie{{credential: secondSession}}, uat: second(-600)})
		}
	}
	return calls
}

// cookieShapes are those where a cookie may matter, and some where none does.
func cookieShapes() []shape {
	var list []shape
	for _, s := range shapes() {
		if !s.list() || len(s.kinds) != 2 && len(s.kinds) != 3 {
			list = append(list, s)
		}
	}
	return list
}

// everyCookie is each credential in a cookie.
func everyCookie() []call {
	var calls []call
	for _, c := range slices.Concat(sessions(), signedMachines(), opaques("ok")) {
		for i, s := range cookieShapes() {
			calls = append(calls, call{group: "session cookie", shape: s, cookies: []cookie{{i%2 == 1, c}}, uat: second(-600), suffixedUat: second(-600)})
		}
	}
	return calls
}

// uats are what __client_uat may be.
var uats = []any{nil, "0", "x", "1", second(-600), second(-3), second(60)}

// twoCookies are the session cookies and the two uats beside each other.
func twoCookies() []call {
	good, expired := sessionOf("a session"), sessionOf("an expired session")
	pairs := [][]cookie{
		{}, {{false, good}}, {{true, good}}, {{false, good}, {true, good}}, {{false, good}, {true, secondSession}}, {{false, secondSession}, {true, good}},
		{{false, expired}, {true, good}}, {{false, good}, {true, expired}}, {{false, good}, {false, secondSession}}, {{true, good}, {true, secondSession}},
	}
	var calls []call
	for _, pair := range pairs {
		for _, uat := range uats {
			for _, suffixed := range uats {
				if uat != nil && suffixed != nil && uat != suffixed && uat != "0" && suffixed != "0" {
					continue
				}
				calls = append(calls, call{group: "two cookies and their times", shape: alone(tokens.SessionToken), cookies: pair, uat: uat, suffixedUat: suffixed})
			}
		}
	}
	return calls
}

// everyOrigin is from where a browser may call.
func everyOrigin() []call {
	var calls []call
	good, expired, key := sessionOf("a session"), sessionOf("an expired session"), opaques("ok")[0]
	for _, from := range origins {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			for _, s := range []shape{alone(tokens.SessionToken), anyShape()} {
				for _, c := range []call{
					{cookies: []cookie{{false, good}}, uat: second(-600)},
					{cookies: []cookie{{false, good}}},
					{cookies: []cookie{{false, expired}}, uat: second(-600)},
					{uat: second(-600)},
					{how: plain(), header: &good},
					{how: plain(), header: &key},
				} {
					c.group, c.shape, c.from, c.httpMethod = "origins of browsers", s, from, method
					calls = append(calls, c)
				}
			}
		}
	}
	return calls
}

// noCredential is nothing at all to each shape.
func noCredential() []call {
	var calls []call
	for _, s := range shapes() {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			for _, uat := range []any{nil, second(-600)} {
				calls = append(calls, call{group: "no credential", shape: s, httpMethod: method, uat: uat})
			}
		}
	}
	return calls
}

// organizations are requests about one, by id, by slug, and about the user alone.
func organizations() []call {
	var calls []call
	for _, about := range []struct {
		method string
		target target
	}{
		{"OfOrganization", target{"/organizations/org_1", "org_1"}}, {"OfOrganization", target{"/organizations/org_2", "org_2"}},
		{"OfSlug", target{"/orgs/acme", "acme"}}, {"OfSlug", target{"/orgs/other", "other"}}, {"OfPerson", target{"/me/settings", ""}},
	} {
		for _, name := range []string{"a session", "a session of version 1", "a session without an organization", "a pending session", "an expired session"} {
			c := sessionOf(name)
			s := alone(tokens.SessionToken)
			s.method = about.method
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				calls = append(calls,
					call{group: "organization of the request", shape: s, httpMethod: method, target: about.target, cookies: []cookie{{false, c}}, uat: second(-600)},
					call{group: "organization of the request", shape: s, httpMethod: method, target: about.target, how: plain(), header: &c})
			}
		}
	}
	return calls
}

// remembered are tokens about which the Backend API changes its mind between two questions.
func remembered() []call {
	var calls []call
	for _, c := range opaques("ok ok", "404 404", "404 ok", "ok 404", "ok revoked", "revoked ok", "ok 500", "500 ok", "429 ok", "ok 401") {
		for _, s := range []shape{alone(c.kind), anyShape()} {
			calls = append(calls, call{group: "the same token twice", shape: s, how: plain(), header: &c, times: 2})
		}
	}
	return calls
}

// keySets are keys of the Backend API instead of one that is given.
func keySets() []call {
	var calls []call
	for _, c := range slices.Concat(sessions(), signedMachines()) {
		for _, s := range []shape{alone(tokens.SessionToken), anyShape()} {
			calls = append(calls, call{group: "keys of the Backend API", site: siteOfKeys, shape: s, how: plain(), header: &c})
		}
		calls = append(calls, call{group: "keys of the Backend API", site: siteOfKeys, shape: anyShape(), cookies: []cookie{{false, c}}, uat: second(-600)})
	}
	unknown, good := sessionOf("a session of an unknown key"), sessionOf("a session")
	calls = append(calls, call{group: "keys of the Backend API", site: siteOfKeys, shape: anyShape(), how: plain(), header: &unknown, times: 12})
	// The peer takes more than two seconds for each.
	oauth := credential{name: "an OAuth JWT", kind: tokens.OAuthToken, draft: oauthDraft}
	machine := credential{name: "a machine's JWT", kind: tokens.M2MToken, draft: machineForUs}
	for _, down := range []struct {
		site int
		c    credential
	}{
		{siteRefused, good}, {siteRefused, machine}, {siteDown, good}, {siteDown, oauth}, {siteWithoutKeys, good},
	} {
		calls = append(calls, call{group: "keys of the Backend API", site: down.site, shape: anyShape(), how: plain(), header: &down.c})
	}
	for _, c := range opaques("ok", "404") {
		calls = append(calls,
			call{group: "a secret key that is refused", site: siteRefused, shape: alone(c.kind), how: plain(), header: &c},
			call{group: "a secret key that is refused", site: siteRefused, shape: anyShape(), how: plain(), header: &c})
	}
	return calls
}

// machineKeys are machines' tokens where the API is asked with a machine's secret key.
func machineKeys() []call {
	var calls []call
	for _, c := range slices.Concat(opaques("ok", "404", "elsewhere", "revoked"), signedMachines()) {
		for _, s := range []shape{alone(tokens.M2MToken), anyShape()} {
			calls = append(calls, call{group: "a machine's secret key", site: siteOfMachine, shape: s, how: plain(), header: &c})
		}
	}
	return calls
}

// randomCalls are several things at once.
func randomCalls(rng *rand.Rand) []call {
	headers := slices.Concat(inHeader(), opaques(steadyAnswers...))
	ofCookies := slices.Concat(sessions(), []credential{secondSession}, signedMachines(), opaques("ok"))
	all := shapes()
	var calls []call
	for range 600 {
		c := call{group: "several things at once", site: rng.IntN(siteOfMachine + 1), shape: draw(rng, all), httpMethod: draw(rng, []string{http.MethodPost, http.MethodPost, http.MethodGet})}
		if rng.IntN(3) > 0 {
			c.how = plain()
			if rng.IntN(5) == 0 {
				c.how = draw(rng, presentations())
			}
			header := draw(rng, headers)
			c.header = &header
		}
		for range rng.IntN(3) {
			c.cookies = append(c.cookies, cookie{rng.IntN(2) == 0, draw(rng, ofCookies)})
			if rng.IntN(2) == 0 {
				c.cookies[len(c.cookies)-1].credential = sessionOf("a session")
			}
		}
		if rng.IntN(4) > 0 {
			c.uat = draw(rng, uats)
			c.suffixedUat = draw(rng, uats)
		} else {
			c.uat, c.suffixedUat = second(-600), second(-600)
		}
		if rng.IntN(3) == 0 {
			c.from = draw(rng, origins)
		}
		calls = append(calls, c)
	}
	return calls
}
