// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A pattern names procedures: "/package.Service/Method", "/package.Service/*" or "/package.*", each also with a method behind.
type pattern struct {
	text    string
	service string // a full name, or a package and a dot when anyService
	method  string // "" is any
	anyServ bool
}

func parsePattern(text string) (pattern, error) {
	p := pattern{text: text}
	rest, slash := strings.CutPrefix(text, "/")
	if !slash {
		return p, fmt.Errorf("pattern %q does not begin with a slash; write /package.Service/Method", text)
	}
	service, method, hasMethod := strings.Cut(rest, "/")
	if hasMethod && method != "*" {
		if !protoreflect.Name(method).IsValid() {
			return p, fmt.Errorf("pattern %q: %q is neither the name of a method nor *", text, method)
		}
		p.method = method
	}
	p.service = service
	if pkg, ok := strings.CutSuffix(service, ".*"); ok {
		p.anyServ, p.service = true, pkg+"."
		service = pkg
	}
	if !protoreflect.FullName(service).IsValid() {
		return p, fmt.Errorf("pattern %q: * stands for one whole segment: /package.*, /package.Service/* or /package.*/Method", text)
	}
	if !hasMethod && !p.anyServ {
		return p, fmt.Errorf("pattern %q has no method; write %s/* for all of them", text, text)
	}
	return p, nil
}

// exact reports whether the pattern names one procedure.
func (p pattern) exact() bool { return !p.anyServ && p.method != "" }

// specificity orders the patterns that match one procedure; the greater wins. Two different patterns of the same specificity never match
// the same procedure.
func (p pattern) specificity() int {
	s := 0
	if !p.anyServ {
		s += 2
	}
	if p.method != "" {
		s++
	}
	return s
}

func (p pattern) matches(procedure string) bool {
	service, method, ok := strings.Cut(strings.TrimPrefix(procedure, "/"), "/")
	if !ok || len(procedure) == 0 || procedure[0] != '/' || method == "" || strings.Contains(method, "/") {
		return false
	}
	if p.method != "" && p.method != method {
		return false
	}
	if !p.anyServ {
		return service == p.service
	}
	name, ok := strings.CutPrefix(service, p.service)
	return ok && name != "" && !strings.Contains(name, ".")
}

// same reports whether two patterns name the same procedures.
func (p pattern) same(q pattern) bool {
	return p.service == q.service && p.method == q.method && p.anyServ == q.anyServ
}

// A Matcher says whether a procedure is one of those that its patterns name. The nil Matcher matches nothing.
type Matcher struct {
	patterns []pattern
}

// NewMatcher makes a matcher for users' own code, of the patterns that [For] takes. No pattern at all is an error.
func NewMatcher(patterns ...string) (*Matcher, error) {
	if len(patterns) == 0 {
		return nil, errors.New("policy: a matcher needs a pattern")
	}
	m := &Matcher{}
	for _, text := range patterns {
		p, err := parsePattern(text)
		if err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		m.patterns = append(m.patterns, p)
	}
	return m, nil
}

// Match reports whether a pattern names the procedure, "/package.Service/Method". The procedure should be the descriptor's, as handlers
// and interceptors know it; the path of an HTTP request may be spelled otherwise.
func (m *Matcher) Match(procedure string) bool {
	if m == nil {
		return false
	}
	for _, p := range m.patterns {
		if p.matches(procedure) {
			return true
		}
	}
	return false
}
