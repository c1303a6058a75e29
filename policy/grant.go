// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A grant is one grant of a rule for one kind, compiled.
type grant struct {
	number  int32 // from 1, as declared
	demands []demand
	matches []match
	notes   []string // what is granted without a demand, for people
	text    string
}

// A demand is about the caller alone.
type demand struct {
	met    func(*tokens.Principal) bool
	denial *Denial
}

// A match compares the request with the caller.
type match struct {
	path      *path
	pattern   *resource
	attribute tokens.Attribute
	absent    admitv1.Match_Absent
	later     uint64 // the bit of this match among those that later messages may leave absent
	denial    *Denial
}

// caller judges the demands about the caller, and that it has the attributes which the matches compare.
func (g *grant) caller(p *tokens.Principal) (v verdict) {
	for _, demand := range g.demands {
		if !demand.met(p) {
			v.miss(demand.denial)
		}
	}
	for i := range g.matches {
		if p.Attribute(g.matches[i].attribute) == "" {
			v.miss(g.matches[i].denial)
		}
	}
	return v
}

// message judges one message. met are the matches that the first message met; the result has those that this one meets.
func (g *grant) message(p *tokens.Principal, m protoreflect.Message, met uint64, first bool) (v verdict, meets uint64) {
	for i := range g.matches {
		match := &g.matches[i]
		switch match.path.compare(m, p.Attribute(match.attribute), match.pattern) {
		case foundOwn:
			meets |= match.later
			continue
		case foundAbsent:
			if match.absent == admitv1.Match_ADMITTED || !first && match.later&met != 0 {
				continue
			}
		case foundOther:
		}
		v.miss(match.denial)
	}
	return v, meets
}

// compileGrant compiles what a grant demands of the caller.
func compileGrant(number int, g *admitv1.Grant) *grant {
	c := &grant{number: int32(number)} //nolint:gosec // A rule has at most maxGrants.
	switch credential := g.GetCredential().(type) {
	case *admitv1.Grant_SessionToken:
		c.session(credential.SessionToken)
	case *admitv1.Grant_OauthToken:
		c.clients(credential.OauthToken.GetClients())
		c.scopes(credential.OauthToken.GetScopes())
	case *admitv1.Grant_ApiKey:
		c.owner(credential.ApiKey.GetOwner())
		c.scopes(credential.ApiKey.GetScopes())
	case *admitv1.Grant_M2MToken:
		c.callers(credential.M2MToken.GetCallers())
		c.scopes(credential.M2MToken.GetScopes())
	case *admitv1.Grant_Any:
		c.notPending()
	}
	return c
}

func (g *grant) demand(reason tokens.Reason, metadata map[string]string, text string, met func(*tokens.Principal) bool) {
	g.demands = append(g.demands, demand{met: met, denial: &Denial{Reason: reason, Metadata: metadata, Demand: text}})
}

func (g *grant) notPending() {
	g.demand(tokens.ReasonSessionPending, nil, "a session without open tasks", func(p *tokens.Principal) bool { return !p.Pending() })
}

func (g *grant) session(s *admitv1.SessionToken) {
	if !s.GetAllowPending() {
		g.notPending()
	}
	if s.GetForbidImpersonation() {
		g.demand(tokens.ReasonImpersonationForbidden, nil, "no actor", func(p *tokens.Principal) bool {
			_, acts := p.Actor()
			return !acts
		})
	}
	held := func(what string, all bool, names []string, of func(string) tokens.Demand) {
		if len(names) == 0 {
			return
		}
		demands := make([]tokens.Demand, 0, len(names))
		for _, name := range names {
			demands = append(demands, of(name))
		}
		met := func(p *tokens.Principal) bool { return p.Has(demands...) }
		text := what + " " + strings.Join(names, " and ")
		if !all {
			met = func(p *tokens.Principal) bool {
				return slices.ContainsFunc(demands, func(d tokens.Demand) bool { return p.Has(d) })
			}
			text = what + " " + strings.Join(names, " or ")
		}
		g.demand(tokens.ReasonPermissionMissing, map[string]string{"missing": what}, text, met)
	}
	held("role", false, s.GetRoles(), tokens.Role)
	held("permission", true, s.GetPermissions(), tokens.Permission)
	held("feature", true, s.GetFeatures(), tokens.Feature)
	held("plan", false, s.GetPlans(), tokens.Plan)
	if s.GetPersonal() {
		g.demand(tokens.ReasonOrganizationMismatch, map[string]string{"personal": "true"}, "no active organization",
			func(p *tokens.Principal) bool { return p.Organization().ID == "" })
	}
	if s.GetReverification() != nil {
		g.reverification(s.GetReverification())
	}
}

// maxMinutes are the most that a Duration holds, which are fewer than a uint32.
const maxMinutes = int64(math.MaxInt64 / time.Minute)

func (g *grant) reverification(r *admitv1.Reverification) {
	level, minutes := tokens.Level(r.GetLevel()), r.GetMinutes() //nolint:gosec // Levels are checked, and spelled alike on both sides.
	if _, ok := r.GetNeed().(*admitv1.Reverification_Preset_); ok {
		switch r.GetPreset() { //nolint:exhaustive // The zero preset is a mistake that was told.
		case admitv1.Reverification_LAX:
			level, minutes = tokens.SecondFactor, 24*60
		case admitv1.Reverification_MODERATE:
			level, minutes = tokens.SecondFactor, 60
		case admitv1.Reverification_STRICT:
			level, minutes = tokens.SecondFactor, 10
		case admitv1.Reverification_STRICT_MFA:
			level, minutes = tokens.MultiFactor, 10
		}
	}
	demanded := tokens.Reverified(level, time.Duration(min(int64(minutes), maxMinutes))*time.Minute)
	metadata := map[string]string{"level": level.String(), "minutes": strconv.FormatUint(uint64(minutes), 10)}
	g.demand(tokens.ReasonReverificationRequired, metadata, fmt.Sprintf("%s within %d minutes", inWords(level.String()), minutes),
		func(p *tokens.Principal) bool { return p.Has(demanded) })
}

func (g *grant) scopes(scopes []string) {
	if len(scopes) == 0 {
		return
	}
	all := strings.Join(scopes, " ")
	g.demand(tokens.ReasonScopeMissing, map[string]string{"scopes": all}, "scope "+strings.Join(scopes, " and "), func(p *tokens.Principal) bool {
		for _, scope := range scopes {
			if !p.HasScope(scope) {
				return false
			}
		}
		return true
	})
	g.demands[len(g.demands)-1].denial.Scopes = scopes
}

func (g *grant) clients(names []string) {
	g.oneOf("client", names, (*tokens.Principal).ClientName)
}

func (g *grant) callers(names []string) {
	g.oneOf("caller", names, (*tokens.Principal).CallerName)
}

func (g *grant) oneOf(what string, names []string, of func(*tokens.Principal) string) {
	if len(names) == 1 && names[0] == "*" {
		g.notes = append(g.notes, "any "+what)
		return
	}
	if len(names) == 0 {
		return
	}
	g.demand(tokens.ReasonCallerNotAllowed, nil, what+" "+strings.Join(names, " or "), func(p *tokens.Principal) bool {
		name := of(p)
		return name != "" && slices.Contains(names, name)
	})
}

func (g *grant) owner(owner admitv1.APIKey_Owner) {
	switch owner {
	case admitv1.APIKey_USER:
		g.demand(tokens.ReasonCallerNotAllowed, nil, "a key of a user", func(p *tokens.Principal) bool { return p.UserID() == p.Subject() })
	case admitv1.APIKey_ORGANIZATION:
		g.demand(tokens.ReasonCallerNotAllowed, nil, "a key of an organization", func(p *tokens.Principal) bool {
			return p.Organization().ID == p.Subject()
		})
	case admitv1.APIKey_OWNER_UNSPECIFIED:
	}
}
