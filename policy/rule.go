// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"slices"
	"time"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// A Rule is a rule given in code, for services that carry none. It says what an admit.v1.Rule says and is checked like one. The zero Rule
// is a mistake wherever it is given.
type Rule struct {
	message *admitv1.Rule
}

// Public is the rule that admits anyone. A credential that a caller presents all the same is read: a good one is the principal, a bad
// one is anonymous.
func Public() Rule {
	return Rule{message: &admitv1.Rule{Public: &admitv1.Public{}}}
}

// PublicUnread is the rule that admits anyone and looks at no credential.
func PublicUnread() Rule {
	return Rule{message: &admitv1.Rule{Public: &admitv1.Public{Credential: admitv1.Public_UNREAD}}}
}

// Allow is the rule that admits callers who satisfy any one of the grants. No grant at all is a mistake.
func Allow(grants ...Grant) Rule {
	rule := &admitv1.Rule{}
	for _, g := range grants {
		rule.Allow = append(rule.Allow, g.clone())
	}
	return Rule{message: rule}
}

// FromProto is the rule that the message says; it is copied. Everything that can be written in a .proto can be given so.
func FromProto(message *admitv1.Rule) Rule {
	if message == nil {
		return Rule{}
	}
	return Rule{message: proto.CloneOf(message)}
}

// A Grant is one way to satisfy a rule. The zero Grant has no credential and is a mistake.
type Grant struct {
	message *admitv1.Grant
}

func (g Grant) clone() *admitv1.Grant {
	if g.message == nil {
		return &admitv1.Grant{}
	}
	return proto.CloneOf(g.message)
}

// GrantFromProto is the grant that the message says; it is copied.
func GrantFromProto(message *admitv1.Grant) Grant {
	if message == nil {
		return Grant{}
	}
	return Grant{message: proto.CloneOf(message)}
}

// Session grants sessions that meet every demand; without demands, every session that is not pending.
func Session(demands ...SessionDemand) Grant {
	session := &admitv1.SessionToken{}
	for _, demand := range demands {
		if demand == nil {
			demand = Role() // a mistake that is told
		}
		demand(session)
	}
	return Grant{message: &admitv1.Grant{Credential: &admitv1.Grant_SessionToken{SessionToken: session}}}
}

// OAuth grants OAuth access tokens. It needs a [Scopes] or [Clients].
func OAuth(demands ...OAuthDemand) Grant {
	token := &admitv1.OAuthToken{}
	for _, demand := range demands {
		if demand == nil {
			demand = Scopes() // a mistake that is told
		}
		demand.applyOAuth(token)
	}
	return Grant{message: &admitv1.Grant{Credential: &admitv1.Grant_OauthToken{OauthToken: token}}}
}

// Keys grants API keys that meet every demand; without demands, every key.
func Keys(demands ...KeyDemand) Grant {
	key := &admitv1.APIKey{}
	for _, demand := range demands {
		if demand == nil {
			demand = Scopes() // a mistake that is told
		}
		demand.applyKey(key)
	}
	return Grant{message: &admitv1.Grant{Credential: &admitv1.Grant_ApiKey{ApiKey: key}}}
}

// Machines grants machine-to-machine tokens. It needs a [Scopes] or [Callers].
func Machines(demands ...MachineDemand) Grant {
	token := &admitv1.M2MToken{}
	for _, demand := range demands {
		if demand == nil {
			demand = Scopes() // a mistake that is told
		}
		demand.applyMachine(token)
	}
	return Grant{message: &admitv1.Grant{Credential: &admitv1.Grant_M2MToken{M2MToken: token}}}
}

// Any grants every kind of credential that has a verifier, pending sessions excepted.
func Any() Grant {
	return Grant{message: &admitv1.Grant{Credential: &admitv1.Grant_Any{Any: &admitv1.AnyToken{}}}}
}

// Unmatched returns the grant without the matches of its rule and service.
func (g Grant) Unmatched() Grant {
	message := g.clone()
	message.Unmatched = true
	return Grant{message: message}
}

// A SessionDemand is something that [Session] demands.
type SessionDemand func(*admitv1.SessionToken)

// Role demands one of the roles in the active organization.
func Role(anyOf ...string) SessionDemand {
	return func(s *admitv1.SessionToken) { s.Roles = append(s.Roles, orEmpty(anyOf)...) }
}

// Permission demands all the permissions in the active organization.
func Permission(allOf ...string) SessionDemand {
	return func(s *admitv1.SessionToken) { s.Permissions = append(s.Permissions, orEmpty(allOf)...) }
}

// Feature demands all the features.
func Feature(allOf ...string) SessionDemand {
	return func(s *admitv1.SessionToken) { s.Features = append(s.Features, orEmpty(allOf)...) }
}

// Plan demands one of the plans.
func Plan(anyOf ...string) SessionDemand {
	return func(s *admitv1.SessionToken) { s.Plans = append(s.Plans, orEmpty(anyOf)...) }
}

// A Preset is a named strictness of [Reverified].
type Preset = admitv1.Reverification_Preset

// The presets.
const (
	// Lax is the second factor within 24 hours.
	Lax = admitv1.Reverification_LAX
	// Moderate is the second factor within 60 minutes.
	Moderate = admitv1.Reverification_MODERATE
	// Strict is the second factor within 10 minutes.
	Strict = admitv1.Reverification_STRICT
	// StrictMFA is both factors within 10 minutes.
	StrictMFA = admitv1.Reverification_STRICT_MFA
)

// Reverified demands that the user verified a factor recently.
func Reverified(preset Preset) SessionDemand {
	return func(s *admitv1.SessionToken) {
		s.Reverification = &admitv1.Reverification{Need: &admitv1.Reverification_Preset_{Preset: preset}}
	}
}

// ReverifiedWithin demands that the factors of the level were verified less than within ago, in whole minutes.
func ReverifiedWithin(level tokens.Level, within time.Duration) SessionDemand {
	minutes := uint32(max(0, within/time.Minute)) //nolint:gosec // A Duration is at most 292 years.
	return func(s *admitv1.SessionToken) {
		need := &admitv1.Reverification_Level_{Level: admitv1.Reverification_Level(level)}
		s.Reverification = &admitv1.Reverification{Need: need, Minutes: minutes}
	}
}

// AllowPending admits sessions with open tasks.
func AllowPending() SessionDemand { return func(s *admitv1.SessionToken) { s.AllowPending = true } }

// ForbidImpersonation refuses sessions with an actor.
func ForbidImpersonation() SessionDemand {
	return func(s *admitv1.SessionToken) { s.ForbidImpersonation = true }
}

// Personal demands that no organization is active.
func Personal() SessionDemand { return func(s *admitv1.SessionToken) { s.Personal = true } }

// An OAuthDemand is something that [OAuth] demands.
type OAuthDemand interface {
	applyOAuth(token *admitv1.OAuthToken)
}

// A KeyDemand is something that [Keys] demands.
type KeyDemand interface{ applyKey(key *admitv1.APIKey) }

// A MachineDemand is something that [Machines] demands.
type MachineDemand interface{ applyMachine(token *admitv1.M2MToken) }

// A ScopesDemand demands scopes, of OAuth tokens, API keys and machines alike. The zero ScopesDemand is a mistake.
type ScopesDemand struct{ scopes []string }

// Scopes demands all the scopes.
func Scopes(allOf ...string) ScopesDemand { return ScopesDemand{scopes: slices.Clone(allOf)} }

func (d ScopesDemand) applyOAuth(token *admitv1.OAuthToken) {
	token.Scopes = append(token.Scopes, orEmpty(d.scopes)...)
}

func (d ScopesDemand) applyKey(key *admitv1.APIKey) {
	key.Scopes = append(key.Scopes, orEmpty(d.scopes)...)
}

func (d ScopesDemand) applyMachine(token *admitv1.M2MToken) {
	token.Scopes = append(token.Scopes, orEmpty(d.scopes)...)
}

// Clients demands that the token belongs to one of the clients; "*" alone is any.
func Clients(anyOf ...string) OAuthDemand { return clientsDemand(orEmpty(anyOf)) }

type clientsDemand []string

func (d clientsDemand) applyOAuth(token *admitv1.OAuthToken) {
	token.Clients = append(token.Clients, d...)
}

// Callers demands that the token belongs to one of the machines; "*" alone is any.
func Callers(anyOf ...string) MachineDemand { return callersDemand(orEmpty(anyOf)) }

type callersDemand []string

func (d callersDemand) applyMachine(token *admitv1.M2MToken) {
	token.Callers = append(token.Callers, d...)
}

// OwnedByUser demands that a user owns the key.
func OwnedByUser() KeyDemand { return ownerDemand(admitv1.APIKey_USER) }

// OwnedByOrganization demands that an organization owns the key.
func OwnedByOrganization() KeyDemand { return ownerDemand(admitv1.APIKey_ORGANIZATION) }

type ownerDemand admitv1.APIKey_Owner

func (d ownerDemand) applyKey(key *admitv1.APIKey) { key.Owner = admitv1.APIKey_Owner(d) }

// orEmpty keeps a demand for nothing from being no demand: the empty string in its place is a mistake that is told.
func orEmpty(names []string) []string {
	if len(names) == 0 {
		return []string{""}
	}
	return names
}

// errNotFound is what NotFound returns; it never changes.
var errNotFound = errors.New("not found")

// NotFound is the error with which a handler says that a resource does not exist, or that its caller must not learn that it does. Guarded
// handlers answer it, however wrapped, with the same bytes as a refusal that a rule hides by refusal: NOT_FOUND.
func NotFound() error { return errNotFound }

// IsNotFound reports whether err is or wraps [NotFound].
func IsNotFound(err error) bool { return errors.Is(err, errNotFound) }
