// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// A credential is one that replicas take, and how it is revoked.
type credential struct {
	what   string
	secret string
	id     string // of an API key; empty: it is a JWT
	revoke func(ctx context.Context) error
}

// A maker makes a credential.
type maker func(ctx context.Context, c *cluster) (credential, error)

// makers are of everything that is revoked, each in its own way.
var makers = []maker{newKey, newSession, newToken, newKeyOfSubject, newSubject, newMachine}

// newKey makes an API key that is revoked by its id, in its record.
func newKey(ctx context.Context, c *cluster) (credential, error) {
	key, record, err := c.keys.Create(ctx, apikey.Spec{UserID: "user_1"})
	return credential{what: "API key", secret: key.Reveal(), id: record.ID, revoke: func(ctx context.Context) error {
		_, err := c.keys.Revoke(ctx, record.ID, "leaked")
		return err
	}}, err
}

// newKeyOfSubject makes an API key that is revoked with all that its owner has.
func newKeyOfSubject(ctx context.Context, c *cluster) (credential, error) {
	owner := "user_" + rand.Text()
	key, record, err := c.keys.Create(ctx, apikey.Spec{UserID: owner})
	made := c.dated("API key of a subject", key.Reveal(), revocation.Subject, owner)
	made.id = record.ID
	return made, err
}

// newSession makes a session that is revoked by its id.
func newSession(_ context.Context, c *cluster) (credential, error) {
	id := "sess_" + rand.Text()
	secret := c.issuer.Session(tokenstest.SessionClaims{Times: lasting(), SessionID: id})
	return c.named("session", secret, revocation.Session, id), nil
}

// newSubject makes a session that is revoked with all that its user has.
func newSubject(_ context.Context, c *cluster) (credential, error) {
	id := "user_" + rand.Text()
	secret := c.issuer.Session(tokenstest.SessionClaims{Times: lasting(), UserID: id, SessionID: "sess_" + rand.Text()})
	return c.dated("session of a subject", secret, revocation.Subject, id), nil
}

// newToken makes an OAuth token that is revoked by its id, with its issuer named.
func newToken(_ context.Context, c *cluster) (credential, error) {
	id := "jti_" + rand.Text()
	secret := c.issuer.OAuth(tokenstest.OAuthClaims{Times: lasting(), TokenID: id})
	made := c.named("OAuth token", secret, revocation.Token, id)
	made.revoke = func(ctx context.Context) error {
		_, err := c.store.Revoke(ctx, revocation.Revocation{
			Target: revocation.Token, Value: id, Issuer: c.issuer.URL(), Until: time.Now().Add(lifetime), Reason: "logged out",
		})
		return err
	}
	return made, nil
}

// newMachine makes a machine's token that is revoked by its id.
func newMachine(_ context.Context, c *cluster) (credential, error) {
	id := "jti_" + rand.Text()
	secret := c.issuer.M2M(tokenstest.M2MClaims{Times: lasting(), Machine: "mch_robot", TokenID: id})
	return c.named("machine token", secret, revocation.Token, id), nil
}

const lifetime = time.Hour

// lasting are times of a token that outlives the run.
func lasting() tokenstest.Times { return tokenstest.Times{ExpiresAt: time.Now().Add(lifetime)} }

func (c *cluster) named(what, secret string, target revocation.Target, value string) credential {
	return credential{what: what, secret: secret, revoke: func(ctx context.Context) error {
		_, err := c.store.Revoke(ctx, revocation.Revocation{Target: target, Value: value, Until: time.Now().Add(lifetime), Reason: "leaked"})
		return err
	}}
}

func (c *cluster) dated(what, secret string, target revocation.Target, value string) credential {
	return credential{what: what, secret: secret, revoke: func(ctx context.Context) error {
		_, err := c.store.Revoke(ctx, revocation.Revocation{Target: target, Value: value, Before: time.Now(), Reason: "dismissed"})
		return err
	}}
}

// makeAll makes n credentials of all sorts, in turns.
func (c *cluster) makeAll(ctx context.Context, n int) ([]credential, error) {
	all := make([]credential, 0, n)
	for i := range n {
		made, err := makers[i%len(makers)](ctx, c)
		if err != nil {
			return nil, fmt.Errorf("making a credential: %w", err)
		}
		all = append(all, made)
	}
	return all, nil
}
