// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/admitrpc/admit/internal/checked"
	"github.com/admitrpc/admit/internal/element"
)

// Facts are what a verifier learned of a caller, to be made a [Principal] by [NewPrincipal]. Empty fields are facts that the caller does
// not have.
type Facts struct {
	// Kind is the kind of the credential. Required.
	Kind Kind
	// ID is the id of the session, key or token.
	ID string
	// Subject is who the credential is about (RFC 7519 §4.1.2). Required.
	Subject string
	// UserID is the user who calls, or for whom is called.
	UserID string
	// Organization is the active organization of a session, or the one that owns a key.
	Organization Organization
	// Permissions are held in the active organization, spelled as they are compared: "org:invoices:read". Sessions only.
	Permissions []string
	// Features are elements "o:slug", "u:slug", "ou:slug" or "uo:slug". Sessions only.
	Features []string
	// Plans are spelled like Features. Sessions only.
	Plans []string
	// Scopes were granted to the token or key.
	Scopes []string
	// ClientID is the OAuth client or machine that the token was issued to.
	ClientID string
	// ClientName is the name that rules know the client by. Empty: ClientID.
	ClientName string
	// CallerName is the name that rules know a machine by. Empty: Subject.
	CallerName string
	// Issuer is who issued the credential.
	Issuer string
	// Actor is who acts in the subject's place, an impersonator or an agent; nil when nobody does.
	Actor *Actor
	// IssuedAt is when the credential was issued. Verification ages count from here.
	IssuedAt time.Time
	// NotBefore is when the credential begins to be valid; zero: always was.
	NotBefore time.Time
	// ExpiresAt is when the credential ends; zero: never.
	ExpiresAt time.Time
	// Skew is how far the verifier lets clocks differ: the credential counts as expired at ExpiresAt + Skew. At most [MaxSkew].
	Skew time.Duration
	// Verification says when the user last verified each factor; nil: unknown, which no reverification demand admits.
	Verification *Verification
	// Pending says that the session has open tasks. Sessions only.
	Pending bool
	// Claims is a JSON object with the claims as the credential carried them; nil: none.
	Claims json.RawMessage
	// Checked is Claims that a package of this module has read to the end, which is then not done again. With it, slices are taken over
	// and not copied. Only packages of this module can make one; all others leave it out.
	Checked checked.Object
}

// MaxSkew is the most that a verifier may let clocks differ.
const MaxSkew = 5 * time.Minute

// An Organization is the active organization of a session, or the owner of a key. Without an ID there is no organization.
type Organization struct {
	// ID is the organization's id.
	ID string
	// Slug is its name in URLs.
	Slug string
	// Role is the caller's role in it, with or without the prefix "org:". Sessions only.
	Role string
}

// An Actor is who acts in the subject's place (RFC 8693 §4.1).
type Actor struct {
	// Subject is who acts.
	Subject string
	// Type is what acts, such as "agent"; empty: a person.
	Type string
}

// A Verification says how long before the credential was issued each factor was verified.
type Verification struct {
	// First is the age of the first factor; negative: it never was verified.
	First time.Duration
	// Second is the age of the second factor; negative: the user has none.
	Second time.Duration
}

// NewPrincipal makes a principal of facts, and refuses those that cannot be: an unknown kind, no subject, a role or slug without an
// organization, roles, permissions, features, plans or open tasks of a machine, an element of a list that is empty or misspelled, more
// skew than [MaxSkew], claims that are not a JSON object or come twice. Slices and claims are copied.
//
// A verifier that passes such an error on ends the call with [ReasonInternal]; where the facts came from the credential,
// [ReasonTokenInvalid] is the honest answer.
func NewPrincipal(facts Facts) (*Principal, error) {
	if err := facts.check(); err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	claims := facts.Checked.Text()
	if claims == "" {
		claims = string(facts.Claims)
		facts.Scopes, facts.Permissions = slices.Clone(facts.Scopes), slices.Clone(facts.Permissions)
		facts.Features, facts.Plans = slices.Clone(facts.Features), slices.Clone(facts.Plans)
	}
	p := newPrincipal(&facts, claims)
	p.kind, p.id, p.subject, p.scopes, p.skew = facts.Kind, facts.ID, facts.Subject, facts.Scopes, facts.Skew
	p.issuedAt, p.notBefore, p.expiresAt = unix(facts.IssuedAt), unix(facts.NotBefore), unix(facts.ExpiresAt)
	if s := p.session; s != nil {
		s.permissions, s.features, s.plans, s.pending = facts.Permissions, facts.Features, facts.Plans, facts.Pending
		if facts.Verification != nil {
			s.verified, s.verification = true, *facts.Verification
		}
	}
	return p, nil
}

// newPrincipal allocates a principal at once, and no more of it than the facts need.
func newPrincipal(facts *Facts, claims string) *Principal {
	if owner := facts.ownerAlone(claims); owner != ownerInMore {
		return &Principal{more: &nothing, owner: owner}
	}
	var p *Principal
	if facts.Kind == SessionToken {
		all := &struct {
			Principal
			more
			session
		}{}
		p, all.Principal.more, all.Principal.session = &all.Principal, &all.more, &all.session
	} else {
		both := &struct {
			Principal
			more
		}{}
		p, both.Principal.more = &both.Principal, &both.more
	}
	m := p.more
	m.userID, m.issuer, m.clientID, m.clientName, m.callerName = facts.UserID, facts.Issuer, facts.ClientID, facts.ClientName, facts.CallerName
	m.claims = claims
	if m.clientName == "" {
		m.clientName = m.clientID
	}
	if org := facts.Organization; org.ID != "" {
		org.Role = orgPrefixed(org.Role)
		m.organization = org
	}
	if facts.Actor != nil {
		actor := *facts.Actor
		m.actor = &actor
	}
	return p
}

// ownerAlone returns who owns an API key of which nothing else is known that a principal keeps in more, or ownerInMore.
func (f *Facts) ownerAlone(claims string) owner {
	bare := f.Kind == APIKey && claims == "" && f.Issuer == "" && f.ClientID == "" && f.ClientName == "" && f.CallerName == "" && f.Actor == nil
	switch {
	case bare && f.UserID == f.Subject && f.Organization == Organization{}:
		return ownerUser
	case bare && f.UserID == "" && f.Organization == Organization{ID: f.Subject}:
		return ownerOrganization
	default:
		return ownerInMore
	}
}

func (f *Facts) check() error {
	switch {
	case !f.Kind.Known():
		return errors.New("a principal needs a kind")
	case f.Subject == "":
		return errors.New("a principal needs a subject")
	case f.Organization.ID == "" && (f.Organization.Role != "" || f.Organization.Slug != ""):
		return errors.New("a role or slug without an organization id")
	case f.Organization.Role != "" && orgPrefixed(f.Organization.Role) == orgPrefix:
		return errors.New("a role of prefixes alone")
	case f.Kind.Machine() && (f.Organization.Role != "" || len(f.Permissions) > 0 || len(f.Features) > 0 || len(f.Plans) > 0):
		return fmt.Errorf("a %s has no role, permission, feature or plan", f.Kind)
	case f.Kind.Machine() && (f.Pending || f.Verification != nil):
		return fmt.Errorf("a %s has no session tasks and no verification ages", f.Kind)
	case f.Skew < 0 || f.Skew > MaxSkew:
		return fmt.Errorf("a skew of %s is not between 0 and %s", f.Skew, MaxSkew)
	case slices.Contains(f.Permissions, "") || slices.Contains(f.Scopes, ""):
		return errors.New("an empty permission or scope")
	case f.Claims != nil && (f.Checked != checked.Object{} || !isObject(f.Claims)):
		return errors.New("the claims are not a JSON object, or come twice")
	}
	if !element.Are(f.Features) || !element.Are(f.Plans) {
		return errors.New("a feature or plan is not o:, u:, ou: or uo: and a slug")
	}
	return nil
}

func isObject(raw json.RawMessage) bool {
	return json.Valid(raw) && bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{"))
}

// unix packs a time into nanoseconds since 1970, where 0 is no time at all. A time that does not fit, before 1678 or after 2261, becomes
// the nearest that does, with room for a skew: "9999-12-31" must not wrap round to the past. An end at 1970 itself must not become "never".
func unix(t time.Time) int64 {
	const first, last = math.MinInt64, math.MaxInt64 - int64(MaxSkew)
	seconds := t.Unix()
	switch {
	case seconds > 0 && seconds < last/int64(time.Second): // as nearly all do
		return seconds*int64(time.Second) + int64(t.Nanosecond())
	case t.IsZero():
		return 0
	case t.Before(time.Unix(0, first)):
		return first
	case t.After(time.Unix(0, last)):
		return last
	case t.UnixNano() == 0:
		return 1
	default:
		return t.UnixNano()
	}
}
