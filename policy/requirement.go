// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"strings"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
)

// A Requirement is what a handler demands of its caller beyond its rule. The nil Requirement refuses.
type Requirement struct {
	procedure *Procedure
}

// NewRequirement compiles grants for a handler. They judge the caller alone, so a match is a mistake, and so is no grant at all. hides
// says that refusals are told as NotFound, as a rule with refusal: NOT_FOUND does.
func NewRequirement(hides bool, grants ...Grant) (*Requirement, error) {
	rule := Allow(grants...).message
	if mistakes := checkRule(rule); len(mistakes) > 0 {
		return nil, errors.New("policy: " + strings.Join(mistakes, "; "))
	}
	p := &Procedure{rule: rule, hides: hides}
	for i, g := range rule.GetAllow() {
		if len(g.GetMatch()) > 0 {
			return nil, errors.New("policy: a requirement cannot match the request; compare in the handler")
		}
		kinds := []tokens.Kind{kindOf(g)}
		if _, any := g.GetCredential().(*admitv1.Grant_Any); any {
			all := tokens.Kinds()
			kinds = all[:]
		}
		for _, kind := range kinds {
			p.byKind[kind] = append(p.byKind[kind], compileGrant(i+1, g))
		}
	}
	p.finish()
	return &Requirement{procedure: p}, nil
}

// DecideCall decides from the caller; a nil principal is anonymous. Its outcome is never NeedsMessage.
func (r *Requirement) DecideCall(caller *tokens.Principal) Decision {
	if r == nil {
		return Decision{Denial: ruleMissing}
	}
	return r.procedure.DecideCall(caller)
}
