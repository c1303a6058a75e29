// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"slices"
	"strings"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
)

// A Case is a rule where it applies.
type Case struct {
	Rule    *admitv1.Rule
	Service []*admitv1.Match // of the service that the method belongs to
}

// The outcomes.
const (
	Admitted     = "admitted"
	Refused      = "refused"
	NeedsMessage = "needs the message"
)

// An Answer is what is decided in one phase.
type Answer struct {
	Outcome   string
	Reason    string // of a refusal, or why a caller of a public method is anonymous
	Missing   string // metadata of PERMISSION_MISSING
	Grant     int    // the grant told, or the one that admitted, from 1
	Hidden    bool
	Anonymous bool // of a public method: the handler sees no caller
}

// order is the order in which reasons are told.
var order = []string{
	"SESSION_PENDING", "IMPERSONATION_FORBIDDEN", "CALLER_NOT_ALLOWED", "SCOPE_MISSING", "PERMISSION_MISSING", "ORGANIZATION_MISMATCH",
	"RESOURCE_MISMATCH", "CONDITION_FAILED", "REVERIFICATION_REQUIRED",
}

// denied are the reasons that refusal: NOT_FOUND hides.
var denied = []string{
	"PERMISSION_MISSING", "SCOPE_MISSING", "REVERIFICATION_REQUIRED", "CALLER_NOT_ALLOWED", "IMPERSONATION_FORBIDDEN",
	"ORGANIZATION_MISMATCH", "RESOURCE_MISMATCH", "CONDITION_FAILED",
}

// A failure is a grant with its unmet demands, each as "place in order", "reason", "place", "missing", such as "4 PERMISSION_MISSING 0 role".
type failure struct {
	grant int
	unmet []string
}

// Decide answers the call phase, and then each message until one is refused. There is no answer for messages of a call that was decided
// in the call phase.
func Decide(k Case, c *Caller, messages []Message) []Answer {
	call, survivors := k.Call(c)
	answers := []Answer{call}
	for n := range messages {
		if answers[n].Outcome == Refused || call.Outcome != NeedsMessage {
			break
		}
		answers = append(answers, k.Message(c, survivors, messages[:n+1]))
	}
	return answers
}

// Call answers the call phase. The survivors are the places of the grants that can still hold.
func (k Case) Call(c *Caller) (answer Answer, survivors []int) {
	if public := k.Rule.GetPublic(); public != nil {
		return decidePublic(public, c), nil
	}
	if c == nil {
		return Answer{Outcome: Refused, Reason: "CREDENTIAL_MISSING"}, nil
	}
	var failures []failure
	accepted := false
	for i, grant := range k.Rule.GetAllow() {
		if !accepts(grant, c.Kind) {
			continue
		}
		accepted = true
		unmet := k.unmet(grant, c)
		switch {
		case len(unmet) > 0:
			failures = append(failures, failure{i + 1, unmet})
		case len(k.matches(grant)) == 0:
			return Answer{Outcome: Admitted, Grant: i + 1}, nil
		default:
			survivors = append(survivors, i)
		}
	}
	switch {
	case !accepted:
		return Answer{Outcome: Refused, Reason: "TOKEN_TYPE_NOT_ACCEPTED"}, nil
	case len(survivors) == 0:
		return k.refuse(failures), nil
	default:
		return Answer{Outcome: NeedsMessage}, survivors
	}
}

// Message answers the last of the messages that a call has received.
func (k Case) Message(c *Caller, survivors []int, messages []Message) Answer {
	var failures []failure
	for _, i := range survivors {
		var unmet []string
		for _, m := range k.matches(k.Rule.GetAllow()[i]) {
			if !holds(m, c, messages, len(messages)-1) {
				unmet = append(unmet, ranked(mismatch(m), ""))
			}
		}
		if len(unmet) == 0 {
			return Answer{Outcome: Admitted, Grant: i + 1}
		}
		failures = append(failures, failure{i + 1, unmet})
	}
	return k.refuse(failures)
}

func decidePublic(public *admitv1.Public, c *Caller) Answer {
	switch {
	case public.GetCredential() == admitv1.Public_UNREAD, c == nil:
		return Answer{Outcome: Admitted, Anonymous: true}
	case c.Pending:
		return Answer{Outcome: Admitted, Anonymous: true, Reason: "SESSION_PENDING"}
	default:
		return Answer{Outcome: Admitted}
	}
}

// refuse tells the grant with the fewest unmet demands, of these the first declared, and of it the first reason (semantics 28).
func (k Case) refuse(failures []failure) Answer {
	slices.SortStableFunc(failures, func(a, b failure) int { return len(a.unmet) - len(b.unmet) })
	told := failures[0]
	slices.Sort(told.unmet)
	words := strings.Fields(told.unmet[0])
	answer := Answer{Outcome: Refused, Reason: words[1], Grant: told.grant}
	if len(words) == 4 {
		answer.Missing = words[3]
	}
	onlyReverification := answer.Reason == "REVERIFICATION_REQUIRED" && len(told.unmet) == 1
	answer.Hidden = k.Rule.GetRefusal() == admitv1.Rule_NOT_FOUND && slices.Contains(denied, answer.Reason) && !onlyReverification
	return answer
}

func ranked(reason, rest string) string {
	return string(rune('0'+slices.Index(order, reason))) + " " + reason + rest
}

func mismatch(m *admitv1.Match) string {
	if m.GetEquals() == admitv1.Match_USER_ID {
		return "RESOURCE_MISMATCH"
	}
	return "ORGANIZATION_MISMATCH"
}

// matches are the matches that apply to a grant (semantics 18).
func (k Case) matches(g *admitv1.Grant) []*admitv1.Match {
	var list []*admitv1.Match
	if !g.GetUnmatched() {
		list = append(list, k.Service...)
		list = append(list, k.Rule.GetMatch()...)
	}
	return append(list, g.GetMatch()...)
}

func accepts(g *admitv1.Grant, kind string) bool {
	switch g.GetCredential().(type) {
	case *admitv1.Grant_SessionToken:
		return kind == "session_token"
	case *admitv1.Grant_OauthToken:
		return kind == "oauth_token"
	case *admitv1.Grant_ApiKey:
		return kind == "api_key"
	case *admitv1.Grant_M2MToken:
		return kind == "m2m_token"
	case *admitv1.Grant_Any:
		return slices.Contains([]string{"session_token", "oauth_token", "api_key", "m2m_token"}, kind)
	default:
		return false
	}
}

// unmet lists the demands of the call phase that the caller does not meet.
func (k Case) unmet(g *admitv1.Grant, c *Caller) []string {
	var list []string
	demand := func(met bool, reason, rest string) {
		if !met {
			list = append(list, ranked(reason, rest))
		}
	}
	named := func(name string) func(string) bool {
		return func(demanded string) bool { return demanded == "*" || name != "" && demanded == name }
	}
	scope := func(s string) bool { return slices.Contains(c.Scopes, s) }
	feature := func(f string) bool { return hasElement(c.Features, f) }
	plan := func(p string) bool { return hasElement(c.Plans, p) }
	switch t := g.GetCredential().(type) {
	case *admitv1.Grant_SessionToken:
		s := t.SessionToken
		demand(!c.Pending || s.GetAllowPending(), "SESSION_PENDING", "")
		demand(!c.Impersonated || !s.GetForbidImpersonation(), "IMPERSONATION_FORBIDDEN", "")
		demand(anyOf(s.GetRoles(), c.hasRole), "PERMISSION_MISSING", " 0 role")
		demand(all(s.GetPermissions(), c.hasPermission), "PERMISSION_MISSING", " 1 permission")
		demand(all(s.GetFeatures(), feature), "PERMISSION_MISSING", " 2 feature")
		demand(anyOf(s.GetPlans(), plan), "PERMISSION_MISSING", " 3 plan")
		demand(!s.GetPersonal() || c.OrgID == "", "ORGANIZATION_MISMATCH", "")
		demand(s.GetReverification() == nil || c.verified(s.GetReverification()), "REVERIFICATION_REQUIRED", "")
	case *admitv1.Grant_OauthToken:
		demand(all(t.OauthToken.GetScopes(), scope), "SCOPE_MISSING", "")
		demand(anyOf(t.OauthToken.GetClients(), named(c.Client)), "CALLER_NOT_ALLOWED", "")
	case *admitv1.Grant_ApiKey:
		demand(all(t.ApiKey.GetScopes(), scope), "SCOPE_MISSING", "")
		demand(c.owns(t.ApiKey.GetOwner()), "CALLER_NOT_ALLOWED", "")
	case *admitv1.Grant_M2MToken:
		demand(all(t.M2MToken.GetScopes(), scope), "SCOPE_MISSING", "")
		demand(anyOf(t.M2MToken.GetCallers(), named(c.Name)), "CALLER_NOT_ALLOWED", "")
	case *admitv1.Grant_Any:
		demand(!c.Pending, "SESSION_PENDING", "")
	}
	for _, m := range k.matches(g) {
		demand(c.attribute(m.GetEquals()) != "", mismatch(m), "") // semantics 21
	}
	return list
}

// owns tells whether the caller's key is of such an owner (semantics 12).
func (c *Caller) owns(owner admitv1.APIKey_Owner) bool {
	switch owner {
	case admitv1.APIKey_USER:
		return c.UserID != "" && c.Subject == c.UserID
	case admitv1.APIKey_ORGANIZATION:
		return c.OrgID != "" && c.Subject == c.OrgID
	default:
		return true
	}
}
