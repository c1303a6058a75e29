// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// A Principal is the verified caller: facts that never change, and no decisions. Only [NewPrincipal] makes one.
//
// A nil *Principal is an anonymous caller: every accessor returns its zero value and [Principal.Has] is false.
type Principal struct {
	// What every call asks comes first, so that it is near together.
	kind      Kind
	owner     owner
	expiresAt int64
	skew      time.Duration
	session   *session // nil for machines
	more      *more    // nil only in the nil and the zero Principal; see rest
	scopes    []string
	id        string
	subject   string
	issuedAt  int64
	notBefore int64
}

// more holds what most API keys do not have, so that a million of them fit into memory.
type more struct {
	userID       string
	issuer       string
	clientID     string
	clientName   string
	callerName   string // empty: the subject
	claims       string
	organization Organization // without an ID: none
	actor        *Actor
}

// nothing is what those share who have no more; it is never changed.
var nothing more

// rest returns more, also of a nil and of a zero Principal.
func (p *Principal) rest() *more {
	if p == nil || p.more == nil {
		return &nothing
	}
	return p.more
}

// An owner says what the subject is, where more does not.
type owner uint8

const (
	ownerInMore owner = iota
	ownerUser
	ownerOrganization
)

// A session holds what only sessions have.
type session struct {
	permissions  []string
	features     []string
	plans        []string
	verification Verification // if verified
	verified     bool
	pending      bool
}

// Kind returns the kind of the credential.
func (p *Principal) Kind() Kind {
	if p == nil {
		return 0
	}
	return p.kind
}

// ID returns the id of the session, key or token, or "".
func (p *Principal) ID() string {
	if p == nil {
		return ""
	}
	return p.id
}

// Subject returns who the credential is about.
func (p *Principal) Subject() string {
	if p == nil {
		return ""
	}
	return p.subject
}

// UserID returns the user who calls or for whom is called, or "".
func (p *Principal) UserID() string {
	if p == nil {
		return ""
	}
	if p.owner == ownerUser {
		return p.subject
	}
	return p.rest().userID
}

// Issuer returns who issued the credential, or "".
func (p *Principal) Issuer() string { return p.rest().issuer }

// ClientID returns the OAuth client or machine that the token was issued to, or "".
func (p *Principal) ClientID() string { return p.rest().clientID }

// ClientName returns the name that rules know the client by; the client id where the verifier maps none.
func (p *Principal) ClientName() string { return p.rest().clientName }

// CallerName returns the name that rules know a machine by; the subject where the verifier maps none.
func (p *Principal) CallerName() string {
	if p == nil {
		return ""
	}
	if name := p.rest().callerName; name != "" {
		return name
	}
	return p.subject
}

// Organization returns the active organization, the role with exactly one prefix "org:". The zero Organization means none.
func (p *Principal) Organization() Organization {
	if p == nil {
		return Organization{}
	}
	if p.owner == ownerOrganization {
		return Organization{ID: p.subject}
	}
	return p.rest().organization
}

// Actor returns who acts in the subject's place; ok is false when nobody does.
func (p *Principal) Actor() (actor Actor, ok bool) {
	of := p.rest().actor
	if of == nil {
		return Actor{}, false
	}
	return *of, true
}

// Permissions returns a copy of the permissions held in the active organization.
func (p *Principal) Permissions() []string {
	if p == nil || p.session == nil {
		return nil
	}
	return slices.Clone(p.session.permissions)
}

// Features returns the features, each as "o:slug", "u:slug" or "ou:slug".
func (p *Principal) Features() []string {
	if p == nil || p.session == nil {
		return nil
	}
	return elementTexts(p.session.features)
}

// Plans returns the plans, spelled like features.
func (p *Principal) Plans() []string {
	if p == nil || p.session == nil {
		return nil
	}
	return elementTexts(p.session.plans)
}

// Scopes returns a copy of the scopes.
func (p *Principal) Scopes() []string {
	if p == nil {
		return nil
	}
	return slices.Clone(p.scopes)
}

// HasScope reports whether the scope was granted; compared byte by byte.
func (p *Principal) HasScope(scope string) bool {
	return p != nil && scope != "" && slices.Contains(p.scopes, scope)
}

// Pending reports whether the session has open tasks.
func (p *Principal) Pending() bool { return p != nil && p.session != nil && p.session.pending }

// Verification returns the ages of the factors when the credential was issued; ok is false when they are unknown.
func (p *Principal) Verification() (v Verification, ok bool) {
	if p == nil || p.session == nil || !p.session.verified {
		return Verification{}, false
	}
	return p.session.verification, true
}

// IssuedAt returns when the credential was issued, or the zero time.
func (p *Principal) IssuedAt() time.Time {
	if p == nil {
		return time.Time{}
	}
	return fromUnix(p.issuedAt)
}

// NotBefore returns when the credential begins to be valid, or the zero time.
func (p *Principal) NotBefore() time.Time {
	if p == nil {
		return time.Time{}
	}
	return fromUnix(p.notBefore)
}

// ExpiresAt returns when the credential ends, or the zero time when it does not.
func (p *Principal) ExpiresAt() time.Time {
	if p == nil {
		return time.Time{}
	}
	return fromUnix(p.expiresAt)
}

// Deadline returns when the credential counts as expired: ExpiresAt and the verifier's skew. ok is false when it never does.
func (p *Principal) Deadline() (deadline time.Time, ok bool) {
	if p == nil || p.expiresAt == 0 {
		return time.Time{}, false
	}
	return time.Unix(0, p.expiresAt).Add(p.skew), true
}

// Skew returns how far the verifier lets clocks differ.
func (p *Principal) Skew() time.Duration {
	if p == nil {
		return 0
	}
	return p.skew
}

// Expired reports whether the credential counts as expired at now: now ≥ ExpiresAt + skew (RFC 7519 §4.1.4).
func (p *Principal) Expired(now time.Time) bool {
	return p != nil && p.expiresAt != 0 && now.UnixNano() >= p.expiresAt+int64(p.skew)
}

// Claim returns a copy of the claim's JSON, as the credential carried it. Names are compared byte by byte.
func (p *Principal) Claim(name string) (value json.RawMessage, ok bool) {
	claims := p.rest().claims
	if claims == "" {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(claims))
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, false
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, false
		}
		if key == name {
			return bytes.Clone(raw), true
		}
	}
	return nil, false
}

// An Attribute is a fact about the caller that a request can be compared with.
type Attribute uint8

// The attributes.
const (
	// OrganizationID is the id of the active organization, or of the one that owns a key.
	OrganizationID Attribute = iota + 1
	// OrganizationSlug is its slug.
	OrganizationSlug
	// UserID is the id of the user.
	UserID
)

// String returns the attribute's name as the schema spells it, or "ATTRIBUTE_UNSPECIFIED".
func (a Attribute) String() string {
	switch a {
	case OrganizationID:
		return "ORGANIZATION_ID"
	case OrganizationSlug:
		return "ORGANIZATION_SLUG"
	case UserID:
		return "USER_ID"
	default:
		return "ATTRIBUTE_UNSPECIFIED"
	}
}

// Attribute returns the value of an attribute, or "" when the caller does not have it.
func (p *Principal) Attribute(a Attribute) string {
	switch a {
	case UserID:
		return p.UserID()
	case OrganizationID:
		if p != nil && p.owner == ownerOrganization {
			return p.subject
		}
		return p.rest().organization.ID
	case OrganizationSlug:
		return p.rest().organization.Slug
	default:
		return ""
	}
}

// LogValue names the caller without any claim: kind, subject, id and organization.
func (p *Principal) LogValue() slog.Value {
	if p == nil {
		return slog.StringValue("anonymous")
	}
	return slog.GroupValue(slog.String("kind", p.kind.String()), slog.String("subject", p.subject), slog.String("id", p.id),
		slog.String("organization", p.Organization().ID))
}

func fromUnix(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}
