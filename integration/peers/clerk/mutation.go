// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"slices"
	"strings"
)

// raw is a value as it is written in JSON, where Go would write it otherwise.
func raw(text string) json.RawMessage { return json.RawMessage(text) }

// commonMutations are for tokens of every kind.
func commonMutations() []mutation {
	return slices.Concat(
		agreedMutations(),
		showing(devMembers, stricter, member("crit", []string{"exp"}), member("crit", []string{}), member("b64", false), member("b64", true),
			member("zip", "DEF"), member("enc", "A256GCM"), member("jwk", map[string]string{"kty": "RSA"}), member("jku", "https://evil.example"),
			member("x5u", "https://evil.example"), member("x5c", []string{"AAAA"}), member("cty", "JWT"), member("cty", "application/jwt"),
			member("kid", ""), member("kid", strings.Repeat("k", 300)), member("kid", 7), member("kid", "ins\n1"), member("kid", nil)),
		showing(devClaims, stricter, claimMutations()...),
		showing(devSessionClaims, stricter, claim("act", "user_2"), claim("act", map[string]any{}), claim("act", map[string]any{"sub": ""}),
			claim("act", map[string]any{"sub": 7}), claim("act", []string{"user_2"})),
		showing(devAmbiguous, stricter, ambiguousMutations()...),
	)
}

// agreedMutations are answered alike.
func agreedMutations() []mutation {
	long := strings.Repeat("x", 600)
	return []mutation{
		{name: "nothing", apply: func(*draft) {}},
		member("kid", absent), member("kid", "other"), member("x5t", "abc"), member("foo", "bar"), member("cty", "json"),
		member("alg", "RS384"), member("alg", "RS512"), member("alg", "rs256"), member("alg", absent), member("alg", nil), member("alg", "ES256"),
		member("alg", "EdDSA"), member("alg", ""), member("alg", 256),
		{name: "PS256", apply: func(d *draft) { d.header["alg"], d.key = "PS256", "pss" }},
		{name: "PSS as RS256", apply: func(d *draft) { d.key = "pss" }},
		{name: "HS256 with the key as secret", apply: func(d *draft) { d.header["alg"], d.key = "HS256", "hmac" }},
		{name: "none", apply: func(d *draft) { d.header["alg"], d.key = "none", "none" }},
		{name: "RS256 without signature", apply: func(d *draft) { d.key = "none" }},
		{name: "another key", apply: func(d *draft) { d.key = "other" }},
		edited("a bit of the signature", func(t string) string { return flip(t, len(t)-10) }),
		edited("a bit of the claims", func(t string) string { return flip(t, strings.IndexByte(t, '.')+10) }),
		edited("the last bits of the signature", func(t string) string { return t[:len(t)-1] + "_" }),
		edited("a signature cut short", func(t string) string { return t[:len(t)-4] }),
		edited("four segments", func(t string) string { return t + ".AAAA" }),
		edited("two segments", func(t string) string { return t[:strings.LastIndexByte(t, '.')] }),
		edited("no header", func(t string) string { return t[strings.IndexByte(t, '.'):] }),
		edited("no claims", func(t string) string { return t[:strings.IndexByte(t, '.')+1] + t[strings.LastIndexByte(t, '.'):] }),
		edited("another alphabet", func(t string) string { return t[:len(t)-6] + "+/" + t[len(t)-4:] }),
		edited("the header twice", func(t string) string { h, _, _ := strings.Cut(t, "."); return h + "." + t }),
		claim("sub", absent), claim("sub", nil), claim("sub", 7), claim("sub", []string{"user_1"}), claim("sub", "ユーザー_1"), claim("sub", "a b"),
		claim("sub", long),
		claim("exp", absent), claim("exp", nil), claim("exp", "9999999999"), claim("exp", true), claim("exp", second(-600)), claim("exp", 0),
		claim("exp", -5), claim("exp", raw("1e10")), claim("exp", second(86400*365)), claim("exp", []int{1}),
		claim("nbf", absent), claim("nbf", nil), claim("nbf", "1"), claim("nbf", second(600)), claim("nbf", 0), claim("nbf", true),
		claim("iat", nil), claim("iat", "1"), claim("iat", second(600)), claim("iat", false), claim("iat", map[string]any{}),
		claim("act", absent), claim("act", map[string]any{"sub": "user_2"}), claim("act", map[string]any{"sub": "agent_1", "type": "agent"}),
		claim("act", map[string]any{"sub": "a", "act": map[string]any{"sub": "b"}}), claim("act", map[string]any{"sub": "a", "extra": 1}),
		claim("extra", long), claim("extra", map[string]any{"a": []any{1, nil, "x"}}), claim("token_use", "access"), claim("gty", 1),
	}
}

// claimMutations are identifiers, dates and audiences that cannot be.
func claimMutations() []mutation {
	return []mutation{
		claim("jti", 7), claim("jti", ""), claim("jti", []string{"a"}), claim("client_id", 7), claim("client_id", map[string]any{}),
		claim("exp", raw("1e20")), claim("exp", raw("253402300800")), claim("nbf", raw("1e20")), claim("nbf", -1), claim("nbf", -1.5),
		claim("iat", raw("1e20")), claim("iat", -1),
		claim("cnf", map[string]any{"jkt": "abc"}), claim("cnf", nil),
	}
}

// ambiguousMutations are texts that two readers could read differently, and texts that are too long.
func ambiguousMutations() []mutation {
	claims := func(name string, edit func(text string) string) mutation {
		return mutation{name: name, apply: func(d *draft) { d.rawClaims = edit }}
	}
	header := func(name string, edit func(text string) string) mutation {
		return mutation{name: name, apply: func(d *draft) { d.rawHeader = edit }}
	}
	before := func(text string) func(string) string {
		return func(object string) string { return "{" + text + "," + object[1:] }
	}
	return []mutation{
		claims("sub twice", before(`"sub":"user_2"`)), claims("an unknown claim twice", before(`"q":1,"q":2`)),
		claims("sub twice, once escaped", before(`"\u0073ub":"user_2"`)),
		claims("Sub beside sub", before(`"Sub":"user_2"`)), claims("EXP beside exp", before(`"EXP":1`)),
		claims("not UTF-8", before("\"q\":\"\xff\"")), claims("a lone surrogate", before(`"q":"\ud800"`)),
		claims("a byte order mark", func(text string) string { return "\ufeff" + text }),
		claims("too deep", before(`"q":`+strings.Repeat("[", 80)+strings.Repeat("]", 80))),
		claims("too long", before(`"q":"`+strings.Repeat("x", 8<<10)+`"`)),
		header("alg twice", before(`"alg":"none"`)), header("Alg beside alg", before(`"Alg":"none"`)),
		header("Crit", before(`"Crit":["exp"]`)), header("too long a header", before(`"q":"`+strings.Repeat("x", 3<<10)+`"`)),
		header("header not UTF-8", before("\"q\":\"\xff\"")),
	}
}

// subjectMutations are subjects that cannot be, of all but machines, which have their prefix.
func subjectMutations() []mutation {
	return showing(devClaims, stricter, claim("sub", ""), claim("sub", "user\u00001"), claim("sub", "user\u202e1"), claim("sub", strings.Repeat("x", 1025)),
		claim("sub", "user\n1"))
}

// otherMutations say that a token is not an access token: an id_token, or a security event.
func otherMutations() []mutation {
	return []mutation{claim("nonce", "n"), claim("at_hash", "h"), claim("token_use", "id"), claim("events", map[string]any{})}
}

func flip(token string, at int) string {
	to := byte('A')
	if token[at] == to {
		to = 'B'
	}
	return token[:at] + string(to) + token[at+1:]
}

// sessionMutations are for sessions of both versions, and those of the one version.
func sessionMutations(version int) []mutation {
	list := slices.Concat(
		otherMutations(),
		[]mutation{
			member("cat", catTemplate), member("cat", catMachine), member("cat", "cl_unknown"), member("cat", 1), member("cat", ""),
			member("cat", []string{catSession}),
			member("typ", "at+jwt"), member("typ", "application/at+jwt"), member("typ", "foo"), member("typ", ""), member("typ", 1), member("typ", nil),
			claim("iss", "https://evil.example.com"), claim("iss", absent), claim("iss", 7), claim("iss", issuer+"/"), claim("iss", ""),
			claim("sub", "mch_1"),
			claim("azp", absent), claim("azp", "https://evil.example.com"), claim("azp", party+"/"), claim("azp", ""), claim("azp", 7), claim("azp", []string{party}),
			claim("aud", audience), claim("aud", []string{"x", "y"}), claim("client_id", "client_1"),
			claim("sts", absent), claim("sts", "pending"), claim("iat", absent), claim("iat", second(-130)), claim("iat", second(3)),
			claim("fva", absent), claim("fva", []int{0, 0}), claim("fva", []int{-1, -1}), claim("fva", []int{5, -1}), claim("fva", []int{-1, 5}), claim("fva", []int{2000, 1}),
			claim("pla", absent), claim("pla", ""), claim("pla", "o:a, u:b"), claim("pla", "ou:x"), claim("fea", absent), claim("fea", ""),
		},
		subjectMutations(),
		showing(devAmbiguous, stricter, edited("padding", func(t string) string { return t + "==" })), // Of machines' the peer does not take it either.
		showing(devMark, stricter, member("cat", absent), member("cat", catNone), member("typ", absent), claim("sid", absent)),
		showing(devMark, laxer, member("typ", "jwt"), member("typ", "application/jwt")),
		showing(devClaims, stricter, claim("sid", ""), claim("sid", 7), claim("sid", "sess\u0001"),
			claim("aud", []string{}), claim("aud", ""), claim("aud", 7), claim("aud", []any{"a", 1}), claim("aud", []string{""}), claim("aud", nil)),
		showing(devParty, laxer, mutation{name: "no azp, aud a party", apply: func(d *draft) { delete(d.claims, "azp"); d.claims["aud"] = party }},
			mutation{name: "no azp, a party in aud", apply: func(d *draft) { delete(d.claims, "azp"); d.claims["aud"] = []string{audience, party} }}),
		showing(devSessionClaims, stricter, claim("sts", "revoked"), claim("sts", 1), claim("sts", ""), claim("sts", nil), claim("sts", "Active"),
			claim("fva", []int{0}), claim("fva", []int{0, 0, 0}), claim("fva", []string{"0", "0"}), claim("fva", []float64{0.5, 0.5}), claim("fva", []int{-2, 0}),
			claim("fva", nil), claim("fva", map[string]any{}), claim("fva", "0,0"), claim("fva", []int{1e9, 0}),
			claim("fea", "x:export"), claim("fea", "o:"), claim("fea", "o:a,U:b"), claim("fea", nil),
			claim("pla", "pro"), claim("pla", "x:pro"), claim("pla", "o:pro,"), claim("pla", []string{"o:pro"}), claim("pla", "o:"), claim("pla", 5)),
	)
	if version == 2 {
		return append(list, version2Mutations()...)
	}
	return append(list, version1Mutations()...)
}

func version2Mutations() []mutation {
	return slices.Concat(
		[]mutation{
			claim("v", 1), claim("v", 3), claim("v", "2"), claim("v", raw("2.0")), claim("v", absent), claim("v", nil), claim("v", true), claim("v", raw("2e0")),
			claim("o", absent), claim("o", map[string]any{"id": "org_1"}),
			organization("rol", absent), organization("rol", ""), organization("rol", "org:admin"), organization("rol", "org:org:admin"),
			organization("rol", "billing_manager"), organization("slg", absent), organization("slg", ""), organization("extra", 1),
			organization("fpm", "1"), organization("fpm", ""), organization("fpm", "1,x,-1,1.5,"), organization("fpm", "007, 3 ,2,1,1,1"),
			organization("fpm", absent), organization("fpm", "99999999999999999999999999"), organization("per", ""), organization("per", absent),
			organization("per", "read"), organization("per", " read , manage "),
			claim("org_id", "org_9"), claim("fea", "o:a,o:a"), claim("fea", " o:export , u:x,ou:invoices "), claim("fea", "u:a,u:b"),
		},
		// A role may come to these, and without an id that is refused.
		mixed(devSessionClaims, stricter, claim("o", map[string]any{}), claim("o", map[string]any{"per": "read", "fpm": "1"})),
		// The peer throws, but only for the sake of an organization.
		mixed(devSessionClaims, stricter, claim("fea", "export"), claim("fea", "o:a,"), claim("fea", 5), claim("fea", []string{"o:a"}),
			organization("per", 7), organization("fpm", []int{1})),
		showing(devSessionClaims, stricter, organization("rol", "org:"), organization("rol", 5), organization("id", 5), organization("slg", 5), organization("per", nil),
			organization("id", absent), organization("id", ""), organization("id", nil), claim("o", map[string]any{"slg": "acme"}),
			claim("o", map[string]any{"rol": "admin"}), claim("o", "org_1"), claim("o", []string{"org_1"}), claim("o", nil)),
	)
}

func version1Mutations() []mutation {
	return slices.Concat(
		[]mutation{
			claim("v", 1), claim("v", 3), claim("v", "2"), claim("o", map[string]any{"id": "org_9"}),
			claim("org_role", absent), claim("org_role", ""), claim("org_role", "admin"), claim("org_role", "org:org:admin"), claim("org_slug", absent),
			claim("org_permissions", absent), claim("org_permissions", []string{}), claim("org_permissions", []string{"org:a:b", "org:org:a:c"}),
		},
		// A role may come to these, and without an id that is refused.
		mixed(devSessionClaims, stricter, without("no organization", "org_id", "org_role", "org_slug", "org_permissions"),
			without("permissions alone", "org_id", "org_role", "org_slug")),
		showing(devSessionClaims, stricter, claim("org_id", absent), claim("org_id", ""), claim("org_id", 5), claim("org_id", nil), claim("org_role", 5),
			claim("org_role", "org:"), claim("org_slug", 5), claim("org_permissions", "org:a:b"), claim("org_permissions", []any{nil}),
			claim("org_permissions", []string{""}), claim("org_permissions", map[string]any{}), claim("org_permissions", []any{1}),
			claim("fea", "export"), claim("fea", "o:a,"), claim("fea", 5), claim("fea", []string{"o:a"})),
	)
}

func without(name string, claims ...string) mutation {
	return mutation{name: name, apply: func(d *draft) {
		for _, claim := range claims {
			delete(d.claims, claim)
		}
	}}
}

func oauthMutations() []mutation {
	user := mutation{name: "sub is client_id", apply: func(d *draft) { d.claims["sub"] = "client_1" }}
	return slices.Concat(
		[]mutation{
			edited("padding", func(t string) string { return t + "==" }),
			member("typ", "application/at+jwt"), member("typ", "JWT"), member("typ", absent), member("typ", ""), member("cat", catNone),
			claim("aud", absent), claim("aud", "https://evil.example.com"), claim("aud", []string{"x", audience}), claim("aud", ""), claim("aud", []string{""}),
			claim("aud", []any{audience, 1}), claim("aud", []string{}), claim("aud", 7), claim("aud", audience+"/"), claim("sub", "mch_1"),
			claim("scope", absent), claim("scope", ""), claim("scope", "read"), claim("azp", "https://evil.example.com"),
		},
		// Another scope may come beside scp, and two that differ are refused.
		mixed(devAccessToken, stricter,
			mutation{name: "scp", apply: func(d *draft) { delete(d.claims, "scope"); d.claims["scp"] = []string{"a", "b"} }},
			mutation{name: "scope and scp", apply: func(d *draft) { d.claims["scp"] = []string{"read", "write"} }}),
		showing(devMark, stricter, otherMutations()...),
		showing(devMark, stricter, member("cat", catSession), member("cat", catMachine), member("cat", catTemplate)),
		showing(devMark, laxer, member("typ", "AT+JWT"), member("typ", "Application/At+Jwt")),
		showing(devIssuer, stricter, claim("iss", "https://evil.example.com"), claim("iss", absent), claim("iss", 7), claim("iss", issuer+"/")),
		showing(devAccessToken, stricter, claim("jti", absent), claim("client_id", absent), claim("iat", absent), claim("scope", "read  write"), claim("scope", " read"),
			claim("scp", []string{"other"}), claim("scope", `a"b`)),
		showing(devAccessToken, noUser, user),
		subjectMutations(),
	)
}

func machineMutations() []mutation {
	drop := func(name string, scopes any) mutation {
		return mutation{name: name, apply: func(d *draft) { delete(d.claims, "aud"); d.claims["scopes"] = scopes }}
	}
	return slices.Concat(
		[]mutation{
			member("cat", absent), member("cat", catSession), member("cat", catTemplate), member("cat", catNone), member("cat", "cl_unknown"), member("cat", 1),
			member("typ", "at+jwt"), member("typ", "foo"), member("typ", ""), claim("sub", "MCH_1"), claim("sub", "user_1"), claim("sub", "mch_"),
			claim("aud", audience), claim("aud", "https://evil.example.com"), claim("aud", []string{"x", audience}), claim("scopes", absent), claim("scopes", "mch_2"),
			edited("padding", func(t string) string { return t + "==" }), {name: "aud another, for us by scopes", apply: func(d *draft) {
				d.claims["aud"], d.claims["scopes"] = "https://evil.example.com", "mch_2 "+audience
			}},
			claim("client_id", "client_1"), claim("jti", absent), claim("iat", absent),
		},
		mixed(devReceiver, stricter, drop("for us by scopes", "mch_2 "+audience)), // unless the scopes become others
		showing(devMark, stricter, otherMutations()...),
		showing(devMark, stricter, member("typ", absent)),
		showing(devMark, laxer, member("typ", "jwt")),
		showing(devIssuer, stricter, claim("iss", "https://evil.example.com"), claim("iss", absent), claim("iss", nil), claim("iss", issuer+"/")),
		showing(devReceiver, stricter, drop("for nobody", "mch_2 mch_3"), drop("for nobody, no scopes", nil)),
		showing(devClaims, stricter, claim("aud", []any{audience, 1}), claim("aud", 7), claim("aud", []string{audience, ""}), claim("scopes", "mch_2  mch_3"),
			claim("sub", "mch_\u0001"), claim("sub", "mch_"+strings.Repeat("x", 1025))),
	)
}
