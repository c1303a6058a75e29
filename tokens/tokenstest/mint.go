// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokenstest

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

// What tokens are made of where their claims do not say otherwise.
const (
	// Party is the authorized party of sessions.
	Party = "https://app.example.com"
	// Audience is the audience of OAuth and M2M tokens.
	Audience = "https://api.example.com"
	// UserID is the user of sessions and OAuth tokens.
	UserID = "user_1"
	// SessionID is the id of sessions.
	SessionID = "sess_1"
	// ClientID is the client of OAuth tokens.
	ClientID = "client_1"
	// Machine is the subject of M2M tokens.
	Machine = "mch_1"
)

// The marks of the classes.
const (
	typeHeader    = "typ"
	sessionHeader = "cat"
	sessionValue  = "session"
	oauthType     = "at+jwt"
	machinePrefix = "mch_"
)

// SessionClass returns the class of the issuer's sessions: the header cat is session.
func (*Issuer) SessionClass() jwt.Class { return jwt.ClassHeader(sessionHeader, sessionValue) }

// M2MClass returns the class of the issuer's machine tokens: the subject begins with mch_.
func (*Issuer) M2MClass() jwt.Class { return jwt.ClassSubjectPrefix(machinePrefix) }

const lifetime = 5 * time.Minute

// Times are those of a token. Zero fields have the values that they say.
type Times struct {
	// IssuedAt is iat; zero: now.
	IssuedAt time.Time
	// NotBefore is nbf; zero: none.
	NotBefore time.Time
	// ExpiresAt is exp; zero: five minutes after IssuedAt.
	ExpiresAt time.Time
}

// SessionClaims say what a session token tells. The zero SessionClaims is an active session of [UserID] without an organization.
type SessionClaims struct {
	Times

	// UserID is sub; empty: [UserID].
	UserID string
	// SessionID is sid; empty: [SessionID].
	SessionID string
	// Party is azp; empty: [Party].
	Party string
	// Organization is the active organization, with the caller's role in it.
	Organization tokens.Organization
	// Permissions are held in the organization, such as "org:invoices:read".
	Permissions []string
	// Features are such as "o:export" or "u:dark-mode".
	Features []string
	// Plans are spelled like features.
	Plans []string
	// Verification says how long before IssuedAt each factor was verified, in full minutes; nil: unknown.
	Verification *tokens.Verification
	// Pending says that the session has open tasks.
	Pending bool
	// Actor is who acts in the user's place; nil: nobody.
	Actor *tokens.Actor
	// Extra are claims beside or instead of all these. A nil value removes a claim.
	Extra map[string]any
}

// OAuthClaims say what an OAuth 2.0 access token tells.
type OAuthClaims struct {
	Times

	// UserID is sub; empty: [UserID].
	UserID string
	// ClientID is client_id; empty: [ClientID].
	ClientID string
	// Audience is aud; empty: [Audience].
	Audience string
	// Scopes were granted.
	Scopes []string
	// TokenID is jti; empty: a new one.
	TokenID string
	// Actor is who acts in the user's place; nil: nobody.
	Actor *tokens.Actor
	// Extra are claims beside or instead of all these. A nil value removes a claim.
	Extra map[string]any
}

// M2MClaims say what a machine's token tells.
type M2MClaims struct {
	Times

	// Machine is sub, and must begin with mch_ to be of the class; empty: [Machine].
	Machine string
	// Audience is aud; empty: [Audience].
	Audience string
	// Scopes were granted.
	Scopes []string
	// TokenID is jti; empty: a new one.
	TokenID string
	// Extra are claims beside or instead of all these. A nil value removes a claim.
	Extra map[string]any
}

// Session mints a session token, with Clerk's claims of version 1.
func (i *Issuer) Session(c SessionClaims) string {
	claims := i.common(c.Times, or(c.UserID, UserID))
	claims["sid"] = or(c.SessionID, SessionID)
	claims["azp"] = or(c.Party, Party)
	claims["sts"] = "active"
	if c.Pending {
		claims["sts"] = "pending"
	}
	put(claims, "org_id", c.Organization.ID)
	put(claims, "org_slug", c.Organization.Slug)
	put(claims, "org_role", c.Organization.Role)
	put(claims, "fea", strings.Join(c.Features, ","))
	put(claims, "pla", strings.Join(c.Plans, ","))
	if len(c.Permissions) > 0 {
		claims["org_permissions"] = c.Permissions
	}
	if v := c.Verification; v != nil {
		claims["fva"] = []int64{minutes(v.First), minutes(v.Second)}
	}
	putActor(claims, c.Actor)
	return i.mint(map[string]any{typeHeader: "JWT", sessionHeader: sessionValue}, claims, c.Extra)
}

// OAuth mints an OAuth 2.0 access token (RFC 9068).
func (i *Issuer) OAuth(c OAuthClaims) string {
	claims := i.common(c.Times, or(c.UserID, UserID))
	claims["client_id"] = or(c.ClientID, ClientID)
	claims["aud"] = or(c.Audience, Audience)
	claims["jti"] = or(c.TokenID, rand.Text())
	put(claims, "scope", strings.Join(c.Scopes, " "))
	putActor(claims, c.Actor)
	return i.mint(map[string]any{typeHeader: oauthType}, claims, c.Extra)
}

// M2M mints a machine's token.
func (i *Issuer) M2M(c M2MClaims) string {
	claims := i.common(c.Times, or(c.Machine, Machine))
	claims["aud"] = or(c.Audience, Audience)
	claims["jti"] = or(c.TokenID, rand.Text())
	put(claims, "scope", strings.Join(c.Scopes, " "))
	return i.mint(map[string]any{typeHeader: "JWT"}, claims, c.Extra)
}

// Sign signs a header and claims as they are, and adds to the header only alg and kid where it has none. A nil value removes a member.
// It panics when they cannot be written as JSON.
func (i *Issuer) Sign(header, claims map[string]any) string {
	key := i.signer()
	full := map[string]any{"alg": i.algorithm, "kid": key.kid}
	merge(full, header)
	body := merge(map[string]any{}, claims)
	return i.sign(key, mustMarshal(full), mustMarshal(body))
}

// SignText signs the texts of a header and a payload, whatever they are.
func (i *Issuer) SignText(header, payload string) string {
	return i.sign(i.signer(), []byte(header), []byte(payload))
}

func (*Issuer) sign(key signingKey, header, payload []byte) string {
	input := encode(header) + "." + encode(payload)
	signature, err := key.sign([]byte(input))
	if err != nil {
		panic("tokenstest: " + err.Error()) //nolint:forbidigo // The system has no randomness.
	}
	return input + "." + encode(signature)
}

// Tamper flips a bit in the signature of a token. A text that is no token is returned with an "A" at its end.
func (*Issuer) Tamper(token string) string {
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if dot < 0 || err != nil || len(signature) == 0 {
		return token + "A"
	}
	signature[len(signature)/2] ^= 1
	return token[:dot+1] + encode(signature)
}

func (i *Issuer) common(t Times, subject string) map[string]any {
	issued := t.IssuedAt
	if issued.IsZero() {
		issued = time.Now()
	}
	expires := t.ExpiresAt
	if expires.IsZero() {
		expires = issued.Add(lifetime)
	}
	claims := map[string]any{"iss": i.url, "sub": subject, "iat": issued.Unix(), "exp": expires.Unix()}
	if !t.NotBefore.IsZero() {
		claims["nbf"] = t.NotBefore.Unix()
	}
	return claims
}

func (i *Issuer) mint(header, claims, extra map[string]any) string {
	return i.Sign(header, merge(claims, extra))
}

func merge(into, from map[string]any) map[string]any {
	maps.Copy(into, from)
	maps.DeleteFunc(into, func(_ string, value any) bool { return value == nil })
	return into
}

func put(claims map[string]any, name, value string) {
	if value != "" {
		claims[name] = value
	}
}

func putActor(claims map[string]any, actor *tokens.Actor) {
	if actor == nil {
		return
	}
	act := map[string]any{"sub": actor.Subject}
	put(act, "type", actor.Type)
	claims["act"] = act
}

// minutes returns an age as fva has it.
func minutes(age time.Duration) int64 {
	if age < 0 {
		return -1
	}
	return int64(age / time.Minute)
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
