// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// A testCase is what both sides are asked at one instant.
type testCase struct {
	group, name string
	kind        string // of question
	draft       *draft // the token; nil: the values of the header have none
	values      func(token string) []string
	accepts     []tokens.Kind
	peerAccepts any // as the peer spells it
	skew        time.Duration
	asks        []ask
	causes      []cause
	alone       bool // of one cause, which must show
}

// bearer is the value of nearly all cases.
func bearer(token string) []string { return []string{"Bearer " + token} }

// A run has both sides.
type run struct {
	keys *keys
	ours *ours
	peer *peer
	tally
}

// asked is one answer of ours, with what it was given.
type asked struct {
	now       int64
	token     string
	values    []string
	principal *tokens.Principal
	err       error
	has       []bool
}

// askOurs mints the token and asks us, all within one second, so that what the peer, whose clock stands at the beginning of that second,
// is asked has the same answer. Dates of tokens are whole seconds.
func (r *run) askOurs(c testCase) (a asked, err error) {
	for {
		a = asked{now: time.Now().Unix()}
		if c.draft != nil {
			if a.token, err = r.keys.mint(c.draft, a.now); err != nil {
				return asked{}, err
			}
		}
		a.values = c.values(a.token)
		a.principal, a.err = r.ours.authenticate(a.values, c.skew, c.accepts)
		for _, question := range c.asks {
			a.has = append(a.has, a.principal.Has(question.demands...))
		}
		if time.Now().Unix() == a.now {
			return a, nil
		}
	}
}

// compare asks both and counts.
func (r *run) compare(c testCase) error {
	a, err := r.askOurs(c)
	if err != nil {
		return err
	}
	q := question{
		Kind: c.kind, Now: a.now * 1000, Authorization: a.values, Accepts: c.peerAccepts, Skew: c.skew.Milliseconds(),
		Asks: []map[string]any{},
	}
	if c.draft != nil && c.kind != "any" {
		q.Token, q.Elapsed = &a.token, c.draft.elapsed()
	}
	for _, question := range c.asks {
		q.Asks = append(q.Asks, question.peer)
	}
	told, err := r.peer.ask(q)
	if err != nil {
		return err
	}
	r.group(c.group)
	shown := r.judge(c, a, told)
	if shown == none {
		r.agreed++
	} else {
		r.byClass[shown]++
	}
	return nil
}

// judge returns the class of the first difference, or none; a difference of no class is a mistake.
func (r *run) judge(c testCase, a asked, told answer) deviation {
	mistake := func(format string, args ...any) {
		r.mistake("%s: %s: %s", c.group, c.name, fmt.Sprintf(format, args...))
	}
	if told.Direct != nil && told.Accepted && !*told.Direct {
		mistake("the peer accepts the request and not its token")
	}
	accepted := a.err == nil
	if accepted != told.Accepted {
		effect := stricter
		if accepted {
			effect = laxer
		}
		for _, cause := range c.causes {
			if cause.effect == effect {
				return cause.class
			}
		}
		mistake("ours %v (%v), theirs %v (%s%s)", accepted, a.err, told.Accepted, told.Reason, told.Threw)
		return none
	}
	if !accepted {
		if c.alone {
			mistake("listed as a deviation, but both refuse (%v; %s%s)", a.err, told.Reason, told.Threw)
		}
		return none
	}
	if c.alone && c.causes[0].effect != noUser {
		mistake("listed as a deviation, but both accept")
	}
	shown := none
	for _, difference := range differences(a.principal, told) {
		i := slices.IndexFunc(c.causes, func(cause cause) bool { return cause.effect == noUser })
		if i < 0 || difference.field != "user" || a.principal.UserID() != "" {
			mistake("%s: ours %q, theirs %q", difference.field, difference.ours, difference.theirs)
			continue
		}
		shown = c.causes[i].class
	}
	if c.alone && c.causes[0].effect == noUser && shown == none {
		mistake("listed as a deviation, but both tell the same user")
	}
	if asked := r.judgeHas(c, a, told, mistake); shown == none {
		shown = asked
	}
	return shown
}

// judgeHas compares the answers of has(). That of reverification must be the peer's for ages that were counted on.
func (r *run) judgeHas(c testCase, a asked, told answer, mistake func(format string, args ...any)) deviation {
	shown := none
	if len(told.Has) != len(c.asks) {
		mistake("%d answers of has(), want %d", len(told.Has), len(c.asks))
		return none
	}
	for i, question := range c.asks {
		r.has++
		aged := told.Has[i]
		if told.Aged != nil {
			aged = told.Aged[i]
		}
		switch {
		case a.has[i] != aged && question.cause != none && aged:
			shown = question.cause
		case a.has[i] != aged:
			mistake("has(%s): ours %v, theirs %v", question.show(), a.has[i], aged)
		case aged != told.Has[i]:
			shown = devAges
		default:
			r.hasAgreed++
		}
	}
	return shown
}

type difference struct{ field, ours, theirs string }

// differences compares what both tell of a caller. Roles are compared as has() compares them, with one prefix. Without an organization
// there is nothing of one: the peer's object may have its permissions, which its has() never looks at.
func differences(p *tokens.Principal, told answer) []difference {
	var o object
	if err := json.Unmarshal(told.Object, &o); err != nil {
		return []difference{{"object", err.Error(), string(told.Object)}}
	}
	var list []difference
	check := func(field, ours, theirs string) {
		if ours != theirs {
			list = append(list, difference{field, ours, theirs})
		}
	}
	check("kind", p.Kind().String(), told.Type)
	check("user", p.UserID(), o.UserID)
	if p.Kind() != tokens.SessionToken {
		check("subject", p.Subject(), o.Subject)
		check("scopes", strings.Join(p.Scopes(), " "), strings.Join(o.Scopes, " "))
		if p.Kind() == tokens.OAuthToken {
			check("client", p.ClientID(), o.ClientID)
		}
		if p.Kind() == tokens.M2MToken {
			check("machine", p.Subject(), o.MachineID)
		}
		return list
	}
	check("session", p.ID(), o.SessionID)
	check("pending", fmt.Sprint(p.Pending()), fmt.Sprint(o.SessionStatus == "pending"))
	check("organization", p.Organization().ID, o.OrgID)
	if o.OrgID == "" {
		o.OrgRole, o.OrgSlug, o.OrgPermissions = "", "", nil
	}
	check("role", p.Organization().Role, oneOrg(o.OrgRole))
	check("slug", p.Organization().Slug, o.OrgSlug)
	check("permissions", strings.Join(p.Permissions(), " "), strings.Join(o.OrgPermissions, " "))
	var actor, typ string
	if o.Actor != nil {
		actor, typ = o.Actor.Subject, o.Actor.Type
	}
	ours, _ := p.Actor()
	check("actor", ours.Subject, actor)
	check("type of actor", ours.Type, typ)
	return list
}

func oneOrg(role string) string {
	if role == "" {
		return ""
	}
	for strings.HasPrefix(role, "org:") {
		role = role[len("org:"):]
	}
	return "org:" + role
}
