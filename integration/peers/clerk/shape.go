// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"slices"
	"strings"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
)

// A shape is what a request accepts: acceptsToken as the peer is told, and the method of ours whose rule says the same.
type shape struct {
	name   string
	peer   any // a text or a list of texts
	method string
	kinds  []tokens.Kind
	alone  bool // one kind, not in a list
}

func (s *shape) accepts(kind tokens.Kind) bool { return slices.Contains(s.kinds, kind) }

func (s *shape) list() bool { _, ok := s.peer.([]string); return ok }

// nobody reports whether the list admits no kind, which no rule can say.
func (s *shape) nobody() bool { return len(s.kinds) == 0 }

// grants are the grants that ask no more than the kind.
var grants = map[tokens.Kind]string{
	tokens.SessionToken: `allow { session_token {} }`,
	tokens.OAuthToken:   `allow { oauth_token { clients: "*" } }`,
	tokens.APIKey:       `allow { api_key {} }`,
	tokens.M2MToken:     `allow { m2m_token { callers: "*" } }`,
}

// matching are the rules about the organization of a request. The field "name" names it.
var matching = map[string]string{
	"OfOrganization": `allow { session_token {} match { field: "name" equals: ORGANIZATION_ID } }`,
	"OfSlug":         `allow { session_token {} match { field: "name" equals: ORGANIZATION_SLUG } }`,
	"OfPerson":       `allow { session_token { personal: true } }`,
}

// shapes returns all there are: each kind alone, each list of kinds, any, and lists that admit nobody.
func shapes() []shape {
	kinds := tokens.Kinds()
	list := []shape{{name: "any", peer: "any", method: "Any", kinds: kinds[:]}}
	for subset := 1; subset < 1<<len(kinds); subset++ {
		s := shape{method: "Accepts"}
		names := []string{}
		for i, kind := range kinds {
			if subset>>i&1 == 1 {
				s.kinds, names = append(s.kinds, kind), append(names, kind.String())
				s.method += "_" + kind.String()
			}
		}
		s.name, s.peer = "["+strings.Join(names, ", ")+"]", names
		list = append(list, s)
		if len(names) == 1 {
			s.name, s.peer, s.alone = names[0], names[0], true
			list = append(list, s)
		}
	}
	return append(list, shape{name: "[]", peer: []string{}}, shape{name: "[any]", peer: []string{"any"}})
}

// rules returns the rule of each method.
func rules() (map[string]*admitv1.Rule, error) {
	texts := map[string]string{"Any": "allow { any {} }"}
	for _, s := range shapes() {
		if s.method == "" || s.method == "Any" {
			continue
		}
		texts[s.method] = ""
		for _, kind := range s.kinds {
			texts[s.method] += grants[kind] + " "
		}
	}
	maps.Copy(texts, matching)
	list := map[string]*admitv1.Rule{}
	for method, text := range texts {
		rule, err := parseRule(text)
		if err != nil {
			return nil, err
		}
		list[method] = rule
	}
	return list, nil
}
