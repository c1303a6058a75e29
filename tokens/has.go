// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/admitrpc/admit/internal/element"
)

// A Demand is one thing that [Principal.Has] asks of a session. The zero Demand is never met.
type Demand struct {
	what   what
	scope  element.Scope // of a feature or plan
	level  Level         // of a reverification
	text   string        // a role, permission or slug, as it is compared
	within time.Duration
}

type what uint8

const (
	whatRole what = iota + 1
	whatPermission
	whatFeature
	whatPlan
	whatReverification
)

// Role demands a role in the active organization. "admin" and "org:admin" are the same role.
func Role(name string) Demand { return named(whatRole, name) }

// Permission demands a permission in the active organization. "invoices:read" asks for "org:invoices:read".
func Permission(name string) Demand { return named(whatPermission, name) }

// Feature demands a feature: "slug" of user or organization, "o:slug", "org:slug" or "organization:slug", "u:slug" or "user:slug".
func Feature(name string) Demand { return billed(whatFeature, name) }

// Plan demands a plan, spelled like a feature.
func Plan(name string) Demand { return billed(whatPlan, name) }

// A Level says which factors must be fresh.
type Level uint8

// The levels.
const (
	// FirstFactor is the first factor.
	FirstFactor Level = iota + 1
	// SecondFactor is the second factor, or the first for users who have no second.
	SecondFactor
	// MultiFactor is both factors, or the first for users who have no second.
	MultiFactor
)

// String returns the level's name in lower case, or "unknown".
func (l Level) String() string {
	switch l {
	case FirstFactor:
		return "first_factor"
	case SecondFactor:
		return "second_factor"
	case MultiFactor:
		return "multi_factor"
	default:
		return "unknown"
	}
}

// Reverified demands that the factors of level were verified less than within ago. Ages count on from when the session token was issued.
func Reverified(level Level, within time.Duration) Demand {
	return Demand{what: whatReverification, level: level, within: within}
}

// Check returns why the demand can never be met, whoever asks, or nil.
func (d Demand) Check() error {
	switch d.what {
	case whatRole, whatPermission:
		if d.text == orgPrefix {
			return errors.New("it is empty, or prefixes org: alone")
		}
	case whatFeature, whatPlan:
		if d.scope == 0 {
			return errors.New("it is not slug, o:slug or u:slug")
		}
	case whatReverification:
		if d.level < FirstFactor || d.level > MultiFactor || d.within <= 0 {
			return errors.New("it needs a level and a positive time")
		}
	default:
		return errors.New("it asks nothing")
	}
	return nil
}

// Has reports whether the caller holds everything that is asked. Nothing asked is false; a machine, an anonymous caller and a demand
// that fails [Demand.Check] are false. It judges the facts alone: that a session is pending makes no difference here.
//
// Roles and permissions need an active organization; features and plans do not.
func (p *Principal) Has(demands ...Demand) bool {
	if p == nil || p.session == nil || len(demands) == 0 {
		return false
	}
	for i := range demands {
		if !p.meets(&demands[i]) {
			return false
		}
	}
	return true
}

func (p *Principal) meets(d *Demand) bool {
	switch d.what {
	case whatRole:
		return p.more.organization.ID != "" && d.text != orgPrefix && p.more.organization.Role == d.text
	case whatPermission:
		return p.more.organization.ID != "" && d.text != orgPrefix && slices.Contains(p.session.permissions, d.text)
	case whatFeature:
		return holds(p.session.features, *d)
	case whatPlan:
		return holds(p.session.plans, *d)
	case whatReverification:
		return p.reverified(d.level, d.within)
	default:
		return false
	}
}

func (p *Principal) reverified(level Level, within time.Duration) bool {
	v := p.session.verification
	if !p.session.verified || within <= 0 {
		return false
	}
	var since time.Duration // what has passed since the ages were told
	if p.issuedAt != 0 {
		since = max(0, time.Since(time.Unix(0, p.issuedAt)))
	}
	fresh := func(age time.Duration) bool { return age >= 0 && age < within-since } // age+since could overflow
	switch {
	case v.First < 0 && v.Second < 0:
		return false
	case level == FirstFactor:
		return fresh(v.First)
	case v.Second < 0:
		return (level == SecondFactor || level == MultiFactor) && fresh(v.First)
	case level == SecondFactor:
		return fresh(v.Second)
	case level == MultiFactor:
		return fresh(v.First) && fresh(v.Second)
	default:
		return false
	}
}

const orgPrefix = "org:"

// orgPrefixed gives a role or a demanded permission exactly one prefix.
func orgPrefixed(name string) string {
	if name == "" {
		return ""
	}
	bare := name
	for strings.HasPrefix(bare, orgPrefix) {
		bare = bare[len(orgPrefix):]
	}
	switch {
	case len(name) == len(bare)+len(orgPrefix):
		return name
	default:
		return orgPrefix + bare
	}
}

func named(what what, name string) Demand {
	if name == "" {
		name = orgPrefix // which no one holds
	}
	return Demand{what: what, text: orgPrefixed(name)}
}

// elementTexts returns a copy of elements in which there is one word for both scopes.
func elementTexts(elements []string) []string {
	texts := make([]string, 0, len(elements))
	for _, e := range elements {
		if slug, ok := strings.CutPrefix(e, "uo:"); ok {
			e = "ou:" + slug
		}
		texts = append(texts, e)
	}
	return texts
}

func billed(what what, name string) Demand {
	prefix, slug, qualified := strings.Cut(name, ":")
	d := Demand{what: what, scope: element.Organization | element.User, text: name}
	if qualified {
		switch prefix {
		case "o", "org", "organization":
			d.scope = element.Organization
		case "u", "user":
			d.scope = element.User
		default:
			d.scope = 0
		}
		d.text = slug
	}
	if d.text == "" || strings.Contains(d.text, ":") {
		d.scope = 0
	}
	return d
}

func holds(elements []string, d Demand) bool {
	for _, text := range elements {
		if scope, slug, ok := element.Parse(text); ok && scope&d.scope != 0 && slug == d.text {
			return true
		}
	}
	return false
}
