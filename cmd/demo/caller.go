// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// The callers of the tour, by what tells them apart. An admin has verified a second factor (2FA) just now where nothing else is said; a
// member may read invoices, and nothing else.
const (
	nobody        = "nobody"
	admin         = "admin of acme"
	adminStale    = "admin of acme, 2FA an hour ago"
	adminUnknown  = "admin of acme, 2FA never"
	impersonator  = "support posing as an admin"
	reader        = "member of acme"
	globexAdmin   = "admin of globex"
	pending       = "user with an unfinished sign-in"
	expired       = "admin, token expired"
	tampered      = "admin, token tampered with"
	foreign       = "admin, token of a foreign issuer"
	garbage       = "random characters"
	application   = "OAuth app that may export"
	applicationNo = "OAuth app that may only read"
	keyAcme       = "API key of acme"
	keyReadOnly   = "API key of acme, read only"
	keyUser       = "API key of a user"
	keyRevoked    = "API key of acme, revoked"
	keyLeaked     = "leaked key"
	keyLeakedToo  = "other leaked key"
	bank          = "machine bank"
	self          = "machine invoices"
	selfNoScope   = "machine invoices, no scope"
	stray         = "machine without a name"
)

// lifetime is how long the good tokens live, so that commands that read them work for a working day.
const lifetime = 8 * time.Hour

// credentials mints a credential for each caller.
func credentials(ctx context.Context, issuer, other *tokenstest.Issuer, keys *apikey.Keys) (map[string]string, error) {
	minted := sessions(issuer)
	minted[foreign] = other.Session(sessionOfAdmin())
	for caller, scopes := range map[string][]string{application: {"invoices.export"}, applicationNo: {"invoices.read"}} {
		minted[caller] = issuer.OAuth(tokenstest.OAuthClaims{ClientID: "app_books", Scopes: scopes, Times: today()})
	}
	for caller, claims := range map[string]tokenstest.M2MClaims{
		bank:        {Machine: machineBank},
		self:        {Machine: machineInvoices, Scopes: []string{scopePost}},
		selfNoScope: {Machine: machineInvoices},
		stray:       {Machine: machineStray},
	} {
		claims.Times = today()
		minted[caller] = issuer.M2M(claims)
	}
	for caller, spec := range map[string]apikey.Spec{
		keyAcme:     {OrganizationID: acme, Scopes: []string{"invoices:read", "invoices:write"}},
		keyReadOnly: {OrganizationID: acme, Scopes: []string{"invoices:read"}},
		keyUser:     {UserID: "user_ada", Scopes: []string{"invoices:read", "invoices:write"}},
		keyRevoked:  {OrganizationID: acme, Scopes: []string{"invoices:read"}},

		keyLeaked:    {OrganizationID: acme, Scopes: []string{"invoices:write"}},
		keyLeakedToo: {OrganizationID: acme, Scopes: []string{"invoices:write"}},
	} {
		spec.Name = caller
		key, record, err := keys.Create(ctx, spec)
		if err != nil {
			return nil, err
		}
		minted[caller] = key.Reveal()
		if caller == keyRevoked {
			if _, err := keys.Revoke(ctx, record.ID, "lost"); err != nil {
				return nil, err
			}
		}
	}
	return minted, nil
}

func sessions(issuer *tokenstest.Issuer) map[string]string {
	admins := func(change func(*tokenstest.SessionClaims)) string {
		claims := sessionOfAdmin()
		change(&claims)
		return issuer.Session(claims)
	}
	hourAgo := time.Now().Add(-time.Hour)
	return map[string]string{
		nobody:  "",
		garbage: "0123456789abcdef0123456789abcdef",
		admin:   issuer.Session(sessionOfAdmin()),
		adminStale: admins(func(c *tokenstest.SessionClaims) {
			c.Verification = &tokens.Verification{First: time.Hour, Second: time.Hour}
		}),
		adminUnknown: admins(func(c *tokenstest.SessionClaims) { c.Verification = nil }),
		impersonator: admins(func(c *tokenstest.SessionClaims) { c.Actor = &tokens.Actor{Subject: "user_support"} }),
		reader: admins(func(c *tokenstest.SessionClaims) {
			c.UserID, c.Organization.Role, c.Permissions = "user_bob", "member", []string{"org:invoices:read"}
		}),
		globexAdmin: admins(func(c *tokenstest.SessionClaims) { c.UserID, c.Organization.ID = "user_eve", globex }),
		pending:     admins(func(c *tokenstest.SessionClaims) { c.Pending = true }),
		expired: admins(func(c *tokenstest.SessionClaims) {
			c.Times = tokenstest.Times{IssuedAt: hourAgo, ExpiresAt: hourAgo.Add(time.Minute)}
		}),
		tampered: issuer.Tamper(issuer.Session(sessionOfAdmin())),
	}
}

func sessionOfAdmin() tokenstest.SessionClaims {
	return tokenstest.SessionClaims{
		Times: today(), UserID: "user_ada",
		Organization: tokens.Organization{ID: acme, Role: "admin"},
		Permissions:  []string{"org:invoices:read", "org:invoices:write"},
		Verification: &tokens.Verification{},
	}
}

func today() tokenstest.Times { return tokenstest.Times{ExpiresAt: time.Now().Add(lifetime)} }
