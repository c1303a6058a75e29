// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

func google() product {
	const account = "113774264463038321964"
	return product{
		name: "google", profile: jwt.Google(), issuer: "https://accounts.google.com", audiences: []string{api},
		good: map[tokens.Kind]sample{tokens.M2MToken: {map[string]any{"typ": "JWT"}, map[string]any{
			"sub": account, "aud": api, "azp": account, "email": "ledger@acme.iam.gserviceaccount.com", "email_verified": true,
		}}},
	}
}

func TestGoogle(t *testing.T) {
	t.Parallel()
	p := google()
	machine := p.good[tokens.M2MToken]
	good := isMachine("113774264463038321964", "ledger@acme.iam.gserviceaccount.com")
	checkProfile(t, p, []profileCase{
		{"machine", machine, good},
		{"machine by its email", machine.with(map[string]any{"azp": "ledger@acme.iam.gserviceaccount.com"}), good},
		{
			"SEC-82 id_token of a user", machine.with(map[string]any{
				"email": "jo@gmail.com", "azp": "1.apps.googleusercontent.com", "hd": "example.com",
			}), nil,
		},
		{"SEC-82 id_token that a service account got as a user", machine.with(map[string]any{"azp": "1.apps.googleusercontent.com"}), nil},
		{"SEC-84 email of a look-alike", machine.with(map[string]any{"email": "jo@xgserviceaccount.com"}), nil},
		{"email as a part", machine.with(map[string]any{"email": "ledger@acme.iam.gserviceaccount.com.example.com"}), nil},
		{"email not verified", machine.with(map[string]any{"email_verified": false}), nil},
		{"email verified as a text", machine.with(map[string]any{"email_verified": "true"}), nil},
		{"nothing about the email", machine.with(map[string]any{"email_verified": nil}), nil},
		{"no email", machine.with(map[string]any{"email": nil}), nil},
		{"no azp", machine.with(map[string]any{"azp": nil}), nil},
		{"one audience in a list", machine.with(map[string]any{"aud": []string{api}}), good},
		{"two audiences", machine.with(map[string]any{"aud": []string{api, "https://other.example.com"}}), nil},
		{"no typ", machine.typed(nil), nil},
		{"typ of access tokens", machine.typed("at+jwt"), nil},
	})
}

func spiffe() product {
	return product{
		name: "spiffe", profile: jwt.SPIFFE("example.org"), issuer: "https://spire.example.org", audiences: []string{api},
		good: map[tokens.Kind]sample{tokens.M2MToken: {map[string]any{"typ": "JWT"}, map[string]any{
			"sub": "spiffe://example.org/ns/prod/sa/ledger", "aud": []string{api},
		}}},
	}
}

func TestSPIFFE(t *testing.T) {
	t.Parallel()
	p := spiffe()
	machine := p.good[tokens.M2MToken]
	const id = "spiffe://example.org/ns/prod/sa/ledger"
	subject := func(id string) sample { return machine.with(map[string]any{"sub": id}) }
	checkProfile(t, p, []profileCase{
		{"machine", machine, isMachine(id, id)},
		{"no typ", machine.typed(nil), isMachine(id, id)},
		{"typ JOSE", machine.typed("JOSE"), isMachine(id, id)},
		{"typ of access tokens", machine.typed("at+jwt"), nil},
		{"scopes are not read", machine.with(map[string]any{"scope": "admin"}), isMachine(id, id)},
		{"one segment", subject("spiffe://example.org/A-b_c.9"), isMachine("spiffe://example.org/A-b_c.9", "spiffe://example.org/A-b_c.9")},
		{"no issuer", machine.with(map[string]any{"iss": nil}), nil},
		{"other trust domain", subject("spiffe://example.com/ledger"), nil},
		{"longer trust domain", subject("spiffe://example.org.evil.example/ledger"), nil},
		{"trust domain in upper case", subject("spiffe://Example.org/ledger"), nil},
		{"other scheme", subject("https://example.org/ledger"), nil},
		{"scheme in upper case", subject("SPIFFE://example.org/ledger"), nil},
		{"no path", subject("spiffe://example.org"), nil},
		{"empty path", subject("spiffe://example.org/"), nil},
		{"slash at the end", subject("spiffe://example.org/ledger/"), nil},
		{"empty segment", subject("spiffe://example.org/ns//ledger"), nil},
		{"dot", subject("spiffe://example.org/./ledger"), nil},
		{"two dots", subject("spiffe://example.org/ns/../ledger"), nil},
		{"escaped", subject("spiffe://example.org/%6cedger"), nil},
		{"query", subject("spiffe://example.org/ledger?x"), nil},
		{"not ASCII", subject("spiffe://example.org/l\u0435dger"), nil},
	})
}

func kubernetes() product {
	return product{
		name: "kubernetes", profile: jwt.Kubernetes(), issuer: "https://oidc.eks.example.com/id/1", audiences: []string{api},
		good: map[tokens.Kind]sample{tokens.M2MToken: {nil, map[string]any{
			"sub": "system:serviceaccount:prod:ledger", "aud": []string{api}, "jti": "1",
			"kubernetes.io": map[string]any{
				"namespace": "prod", "serviceaccount": map[string]any{"name": "ledger", "uid": "u1"}, "pod": map[string]any{"name": "ledger-0", "uid": "u2"},
			},
		}}},
	}
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	p := kubernetes()
	machine := p.good[tokens.M2MToken]
	const id = "system:serviceaccount:prod:ledger"
	subject := func(id string) sample { return machine.with(map[string]any{"sub": id}) }
	about := func(namespace, account any) sample {
		return machine.with(map[string]any{"kubernetes.io": map[string]any{"namespace": namespace, "serviceaccount": account}})
	}
	named := func(name any) any { return map[string]any{"name": name} }
	checkProfile(t, p, []profileCase{
		{"machine", machine, isMachine(id, id)},
		{"machine with a typ", machine.typed("JWT"), isMachine(id, id)},
		{"typ of access tokens", machine.typed("at+jwt"), nil},
		{"token of a secret", machine.with(map[string]any{"aud": nil, "exp": nil, "kubernetes.io": nil}), nil},
		{"no claim kubernetes.io", machine.with(map[string]any{"kubernetes.io": nil}), nil},
		{"kubernetes.io is no object", machine.with(map[string]any{"kubernetes.io": "prod"}), nil},
		{"kubernetes.io in another case", machine.with(map[string]any{"Kubernetes.io": 1}), nil},
		{"other namespace", about("dev", named("ledger")), nil},
		{"other name", about("prod", named("other")), nil},
		{"no account", about("prod", nil), nil},
		{"account is no object", about("prod", "ledger"), nil},
		{"namespace is no text", about(1, named("ledger")), nil},
		{"node", subject("system:node:worker-1"), nil},
		{"user", subject("jo"), nil},
		{"subject in another case", subject("System:serviceaccount:prod:ledger"), nil},
		{"more in the subject", subject(id + ":admin"), nil},
		{"colon moved", about("prod:led", named("ger")).with(map[string]any{"sub": "system:serviceaccount:prod:led:ger"}), nil},
		{"nothing behind the prefix", about("", named("")).with(map[string]any{"sub": "system:serviceaccount::"}), nil},
	})
}
