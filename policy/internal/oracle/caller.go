// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"slices"
	"strings"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
)

// A Caller is what is known of a caller, in plain texts. A nil Caller is anonymous.
type Caller struct {
	Kind         string // "session_token", "oauth_token", "api_key" or "m2m_token"
	Subject      string
	UserID       string
	OrgID        string
	OrgSlug      string
	Role         string
	Permissions  []string
	Features     []string // "o:slug", "u:slug", "ou:slug" or "uo:slug"
	Plans        []string
	Scopes       []string
	Client       string
	Name         string
	Pending      bool
	Impersonated bool
	Ages         *Ages
}

// Ages are how many minutes ago each factor was verified; -1 is never.
type Ages struct {
	First, Second int
}

func (c *Caller) attribute(a admitv1.Match_Attribute) string {
	switch a {
	case admitv1.Match_USER_ID:
		return c.UserID
	case admitv1.Match_ORGANIZATION_ID:
		return c.OrgID
	case admitv1.Match_ORGANIZATION_SLUG:
		if c.OrgID != "" { // semantics 9
			return c.OrgSlug
		}
	case admitv1.Match_ATTRIBUTE_UNSPECIFIED:
	}
	return ""
}

// one gives a text exactly one prefix "org:" (semantics 10).
func one(text string) string {
	for strings.HasPrefix(text, "org:") {
		text = strings.TrimPrefix(text, "org:")
	}
	return "org:" + text
}

func (c *Caller) hasRole(role string) bool {
	return c.OrgID != "" && c.Role != "" && one(c.Role) == one(role)
}

func (c *Caller) hasPermission(permission string) bool {
	return c.OrgID != "" && slices.Contains(c.Permissions, one(permission))
}

// hasElement looks for a demanded feature or plan among those held.
func hasElement(held []string, demanded string) bool {
	var want []string
	switch scope, slug, scoped := strings.Cut(demanded, ":"); {
	case !scoped:
		want = []string{"o:" + demanded, "u:" + demanded, "ou:" + demanded, "uo:" + demanded}
	case scope == "o", scope == "org", scope == "organization":
		want = []string{"o:" + slug, "ou:" + slug, "uo:" + slug}
	case scope == "u", scope == "user":
		want = []string{"u:" + slug, "ou:" + slug, "uo:" + slug}
	}
	for _, w := range want {
		if slices.Contains(held, w) {
			return true
		}
	}
	return false
}

// verified tells whether the factors that r asks for are fresh. A user without a second factor is asked for the first in its place.
func (c *Caller) verified(r *admitv1.Reverification) bool {
	level, minutes := r.GetLevel(), int(r.GetMinutes())
	switch r.GetPreset() {
	case admitv1.Reverification_LAX:
		level, minutes = admitv1.Reverification_SECOND_FACTOR, 24*60
	case admitv1.Reverification_MODERATE:
		level, minutes = admitv1.Reverification_SECOND_FACTOR, 60
	case admitv1.Reverification_STRICT:
		level, minutes = admitv1.Reverification_SECOND_FACTOR, 10
	case admitv1.Reverification_STRICT_MFA:
		level, minutes = admitv1.Reverification_MULTI_FACTOR, 10
	case admitv1.Reverification_PRESET_UNSPECIFIED:
	}
	if c.Ages == nil {
		return false
	}
	first := c.Ages.First >= 0 && c.Ages.First < minutes
	second := c.Ages.Second >= 0 && c.Ages.Second < minutes
	hasSecond := c.Ages.Second >= 0
	switch level {
	case admitv1.Reverification_FIRST_FACTOR:
		return first
	case admitv1.Reverification_SECOND_FACTOR:
		return hasSecond && second || !hasSecond && first
	case admitv1.Reverification_MULTI_FACTOR:
		return hasSecond && first && second || !hasSecond && first
	case admitv1.Reverification_LEVEL_UNSPECIFIED:
	}
	return false
}

func all(demanded []string, held func(string) bool) bool {
	for _, d := range demanded {
		if !held(d) {
			return false
		}
	}
	return true
}

// anyOf holds when nothing is demanded, too.
func anyOf(demanded []string, held func(string) bool) bool {
	return len(demanded) == 0 || slices.ContainsFunc(demanded, held)
}
