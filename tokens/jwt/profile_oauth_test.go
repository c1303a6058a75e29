// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

func rfc9068() product {
	access := map[string]any{"typ": "at+jwt"}
	return product{
		name: "rfc9068", profile: jwt.RFC9068(), issuer: "https://as.example.com", audiences: []string{api},
		good: map[tokens.Kind]sample{
			tokens.OAuthToken: {access, map[string]any{
				"sub": "user_1", "client_id": "client_1", "aud": api, "jti": "1", "scope": "invoices:read invoices:write",
			}},
			tokens.M2MToken: {access, map[string]any{
				"sub": "client_2", "client_id": "client_2", "aud": []string{api}, "jti": "2", "scope": "jobs:run",
			}},
		},
	}
}

func TestRFC9068(t *testing.T) {
	t.Parallel()
	p := rfc9068()
	user, machine := p.good[tokens.OAuthToken], p.good[tokens.M2MToken]
	checkProfile(t, p, []profileCase{
		{"user", user, isUser("user_1", "client_1", "invoices:read", "invoices:write")},
		{"user with a media type", user.typed("application/AT+JWT"), isUser("user_1", "client_1", "invoices:read", "invoices:write")},
		{"machine", machine, isMachine("client_2", "client_2", "jobs:run")},
		{"no typ", user.typed(nil), nil},
		{"SEC-82 typ of id_tokens", user.typed("JWT"), nil},
		{"machine with the typ of id_tokens", machine.typed("JWT"), nil},
		{"no client", user.with(map[string]any{"client_id": nil}), nil},
		{"client in azp alone", user.with(map[string]any{"client_id": nil, "azp": "client_1"}), nil},
		{"no jti", user.with(map[string]any{"jti": nil}), nil},
		{"no iat", machine.with(map[string]any{"iat": nil}), nil},
		{"client is no text", user.with(map[string]any{"client_id": 1}), nil},
	})
}

func auth0() product {
	plain := map[string]any{"typ": "JWT"}
	return product{
		name: "auth0", profile: jwt.Auth0(), issuer: "https://tenant.auth0.com/", audiences: []string{api},
		good: map[tokens.Kind]sample{
			tokens.OAuthToken: {plain, map[string]any{
				"sub": "auth0|6553da60a54af58e29493993", "aud": []string{api, "https://tenant.auth0.com/userinfo"}, "azp": "K1AUPhZq8mRi",
				"scope": "openid read:invoices", "permissions": []string{"read:invoices", "delete:invoices"},
			}},
			tokens.M2MToken: {plain, map[string]any{
				"sub": "awZfdIir8YFd@clients", "aud": api, "azp": "awZfdIir8YFd", "gty": "client-credentials", "scope": "run:jobs",
			}},
		},
	}
}

func TestAuth0(t *testing.T) {
	t.Parallel()
	p := auth0()
	user, machine := p.good[tokens.OAuthToken], p.good[tokens.M2MToken]
	rfc := map[string]any{"azp": nil, "gty": nil, "client_id": "awZfdIir8YFd", "jti": "1"}
	checkProfile(t, p, []profileCase{
		{"user, without what only permissions allow", user, isUser("auth0|6553da60a54af58e29493993", "K1AUPhZq8mRi", "openid", "read:invoices")},
		{"user in the dialect of RFC 9068", user.with(rfc).typed("at+jwt"), isUser("auth0|6553da60a54af58e29493993", "awZfdIir8YFd", "openid", "read:invoices")},
		{"user with a password", user.with(map[string]any{"gty": "password", "scope": nil}), isUser("auth0|6553da60a54af58e29493993", "K1AUPhZq8mRi")},
		{"machine", machine, isMachine("awZfdIir8YFd@clients", "awZfdIir8YFd", "run:jobs")},
		{"machine in the dialect of RFC 9068", machine.with(rfc).typed("at+jwt"), isMachine("awZfdIir8YFd@clients", "awZfdIir8YFd", "run:jobs")},
		{
			"SEC-82 id_token", sample{user.header, map[string]any{"sub": "auth0|1", "aud": "K1AUPhZq8mRi", "name": "Jo"}}, nil,
		},
		{"SEC-82 id_token whose client is the audience", user.with(map[string]any{"aud": []string{api, "K1AUPhZq8mRi"}}), nil},
		{"SEC-82 id_token with azp", user.with(map[string]any{"scope": nil, "permissions": nil}), nil},
		{"machine whose client is the audience", machine.with(map[string]any{"aud": []string{api, "awZfdIir8YFd"}}), nil},
		{"no client", user.with(map[string]any{"azp": nil}), nil},
		{"client is no text", user.with(map[string]any{"azp": 1}), nil},
		{"two clients", user.with(map[string]any{"client_id": "other"}), nil},
		{"no typ", user.typed(nil), nil},
		{"user with a machine's grant", user.with(map[string]any{"gty": "client-credentials"}), nil},
		{"user with a machine's grant among others", user.with(map[string]any{"gty": []string{"password", "client-credentials"}}), nil},
		{"machine without a grant", machine.with(map[string]any{"gty": nil}), nil},
		{"machine with a user's grant", machine.with(map[string]any{"gty": "password"}), nil},
		{"machine with a user's grant in the dialect of RFC 9068", machine.with(map[string]any{"gty": "password"}).typed("at+jwt"), nil},
		{"SEC-84 user who chose a machine's name", user.with(map[string]any{"sub": "auth0|awZfdIir8YFd@clients"}), nil},
		{"machine with another client", machine.with(map[string]any{"azp": "other"}), nil},
		{"machine that is only the suffix", machine.with(map[string]any{"sub": "@clients"}), nil},
	})
}

func okta() product {
	return product{
		name: "okta", profile: jwt.Okta(), issuer: "https://org.okta.com/oauth2/default", audiences: []string{api},
		good: map[tokens.Kind]sample{
			tokens.OAuthToken: {nil, map[string]any{
				"ver": 1, "jti": "AT.1", "sub": "jo@example.com", "uid": "00u1", "cid": "0oa1", "aud": api, "scp": []string{"openid", "read"},
			}},
			tokens.M2MToken: {nil, map[string]any{
				"ver": 1, "jti": "AT.2", "sub": "0oa2", "cid": "0oa2", "aud": api, "scp": []string{"jobs"},
			}},
		},
	}
}

func TestOkta(t *testing.T) {
	t.Parallel()
	p := okta()
	user, machine := p.good[tokens.OAuthToken], p.good[tokens.M2MToken]
	checkProfile(t, p, []profileCase{
		{"user", user, isUser("00u1", "0oa1", "openid", "read")},
		{"user with a type of its own", user.typed("application/okta-internal-at+jwt"), isUser("00u1", "0oa1", "openid", "read")},
		{"user with the type of RFC 9068", user.typed("at+jwt"), isUser("00u1", "0oa1", "openid", "read")},
		{"machine", machine, isMachine("0oa2", "0oa2", "jobs")},
		{
			"SEC-82 id_token for an API that is the client", sample{nil, map[string]any{
				"ver": 1, "jti": "ID.1", "sub": "00u1", "aud": api, "name": "Jo", "amr": []string{"pwd"}, "idp": "00o1", "auth_time": 1,
			}}, nil,
		},
		{"typ of other JWTs", user.typed("JWT"), nil},
		{"no scopes", user.with(map[string]any{"scp": nil}), nil},
		{"empty scopes", machine.with(map[string]any{"scp": []string{}}), nil},
		{"scopes as a text", user.with(map[string]any{"scp": "openid read"}), nil},
		{"a scope that is none", user.with(map[string]any{"scp": []string{"a b"}}), nil},
		{"no client", user.with(map[string]any{"cid": nil}), nil},
		{"no user", user.with(map[string]any{"uid": nil}), nil},
		{"machine with a user", machine.with(map[string]any{"uid": "00u1"}), nil},
		{"machine with another client", machine.with(map[string]any{"cid": "0oa1"}), nil},
		{"SEC-84 user who logs in as a client", user.with(map[string]any{"sub": "0oa1"}), nil},
	})
}

func entra() product {
	plain := map[string]any{"typ": "JWT"}
	const tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	return product{
		name: "entra", profile: jwt.Entra(), issuer: "https://login.microsoftonline.com/" + tenant + "/v2.0", audiences: []string{api},
		good: map[tokens.Kind]sample{
			tokens.OAuthToken: {plain, map[string]any{
				"ver": "2.0", "tid": tenant, "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "oid": "user-oid", "aud": api, "azp": "client-1",
				"azpacr": "0", "scp": "Invoices.Read Invoices.Write", "roles": []string{"Admin"},
			}},
			tokens.M2MToken: {plain, map[string]any{
				"ver": "2.0", "tid": tenant, "sub": "app-oid", "oid": "app-oid", "aud": api, "azp": "client-2", "azpacr": "1",
				"idtyp": "app", "roles": []string{"Jobs.Run"},
			}},
		},
	}
}

func TestEntra(t *testing.T) {
	t.Parallel()
	p := entra()
	user, machine := p.good[tokens.OAuthToken], p.good[tokens.M2MToken]
	first := map[string]any{"ver": "1.0", "azp": nil, "appid": "client-3"}
	isGoodUser := isUser("user-oid", "client-1", "Invoices.Read", "Invoices.Write")
	checkProfile(t, p, []profileCase{
		{"user", user, isGoodUser},
		{"user that says so", user.with(map[string]any{"idtyp": "user"}), isGoodUser},
		{"user of an API that is its own client", user.with(map[string]any{"aud": []string{api, "client-1"}}), isGoodUser},
		{"user of version 1.0", user.with(first), isUser("user-oid", "client-3", "Invoices.Read", "Invoices.Write")},
		{"machine", machine, isMachine("app-oid", "client-2", "Jobs.Run")},
		{"machine of version 1.0", machine.with(first), isMachine("app-oid", "client-3", "Jobs.Run")},
		{"machine without roles", machine.with(map[string]any{"roles": nil}), isMachine("app-oid", "client-2")},
		{"machine by its roles", machine.with(map[string]any{"idtyp": nil}), isMachine("app-oid", "client-2", "Jobs.Run")},
		{"neither idtyp nor roles", machine.with(map[string]any{"idtyp": nil, "roles": nil}), nil},
		{"neither idtyp nor the subject of an application", machine.with(map[string]any{"idtyp": nil, "sub": "other"}), nil},
		{
			"SEC-82 id_token with roles for an API that is its own client",
			user.with(map[string]any{"scp": nil, "azp": nil, "azpacr": nil, "name": "Jo", "preferred_username": "jo@example.com"}), nil,
		},
		{"SEC-82 id_token that has a client", user.with(map[string]any{"scp": nil}), nil},
		{"user and machine", machine.with(map[string]any{"scp": "Invoices.Read"}), nil},
		{"user said to be a machine", user.with(map[string]any{"idtyp": "app"}), nil},
		{"machine said to be a user", machine.with(map[string]any{"idtyp": "user"}), nil},
		{"machine said to be a device", machine.with(map[string]any{"idtyp": "device"}), nil},
		{"empty scopes", user.with(map[string]any{"scp": ""}), nil},
		{"no client", user.with(map[string]any{"azp": nil}), nil},
		{"machine without a client", machine.with(map[string]any{"azp": nil}), nil},
		{"client of the other version", user.with(map[string]any{"ver": "1.0"}), nil},
		{"unknown version", user.with(map[string]any{"ver": "3.0"}), nil},
		{"no version", user.with(map[string]any{"ver": nil}), nil},
		{"other tenant", user.with(map[string]any{"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"}), nil},
		{"a part of the tenant", user.with(map[string]any{"tid": "72f988bf"}), nil},
		{"no tenant", machine.with(map[string]any{"tid": nil}), nil},
		{"no oid", user.with(map[string]any{"oid": nil}), nil},
		{"no typ", user.typed(nil), nil},
	})
}

func keycloak() product {
	plain := map[string]any{"typ": "JWT"}
	return product{
		name: "keycloak", profile: jwt.Keycloak(), issuer: "https://id.example.com/realms/acme", audiences: []string{api},
		good: map[tokens.Kind]sample{
			tokens.OAuthToken: {plain, map[string]any{
				"typ": "Bearer", "jti": "1", "sub": "3ec4b1f5", "aud": []string{api, "account"}, "azp": "web", "sid": "s1", "acr": "1",
				"scope": "openid invoices", "preferred_username": "jo", "realm_access": map[string]any{"roles": []string{"admin"}},
			}},
			tokens.M2MToken: {plain, map[string]any{
				"typ": "Bearer", "jti": "2", "sub": "5f6d1c5a", "aud": api, "azp": "Ledger", "client_id": "Ledger", "clientHost": "127.0.0.1",
				"scope": "jobs", "preferred_username": "service-account-ledger",
			}},
		},
	}
}

func TestKeycloak(t *testing.T) {
	t.Parallel()
	p := keycloak()
	user, machine := p.good[tokens.OAuthToken], p.good[tokens.M2MToken]
	isGoodUser := func(p *tokens.Principal) bool {
		return isUser("3ec4b1f5", "web", "openid", "invoices")(p) && !p.Has(tokens.Role("admin"))
	}
	checkProfile(t, p, []profileCase{
		{"user, without the roles of the realm", user, isGoodUser},
		{"user with the type of RFC 9068", user.typed("at+jwt"), isGoodUser},
		{"user whose client is an audience", user.with(map[string]any{"aud": []string{api, "web"}}), isGoodUser},
		{"user without a name", user.with(map[string]any{"preferred_username": nil}), isGoodUser},
		{"machine", machine, isMachine("5f6d1c5a", "Ledger", "jobs")},
		{"machine in its own case", machine.with(map[string]any{"preferred_username": "service-account-Ledger"}), isMachine("5f6d1c5a", "Ledger", "jobs")},
		{"SEC-82 id_token", user.with(map[string]any{"typ": "ID", "auth_time": 1}), nil},
		{"SEC-83 refresh token", user.with(map[string]any{"typ": "Refresh"}), nil},
		{"SEC-83 logout token", user.with(map[string]any{"typ": "Logout"}), nil},
		{"claim typ in another case", user.with(map[string]any{"typ": "bearer"}), nil},
		{"no claim typ", user.with(map[string]any{"typ": nil}), nil},
		{"machine without claim typ", machine.with(map[string]any{"typ": nil}), nil},
		{"no header typ", user.typed(nil), nil},
		{"no client", user.with(map[string]any{"azp": nil}), nil},
		{"SEC-84 user who chose the name of a service account", user.with(map[string]any{"preferred_username": "service-account-web"}), nil},
		{"SEC-84 and has a client_id", user.with(map[string]any{"preferred_username": "service-account-ledger", "client_id": "web"}), nil},
		{"machine with two clients", machine.with(map[string]any{"azp": "web"}), nil},
		{"machine without azp", machine.with(map[string]any{"azp": nil}), nil},
		{"machine with the name of another", machine.with(map[string]any{"preferred_username": "service-account-web"}), nil},
	})
}
