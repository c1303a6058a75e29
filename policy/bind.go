// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
)

// maxLater bounds the matches of a procedure that later messages may leave absent, so that those met fit into a word.
const maxLater = 64

// Bound are rules bound to the verifiers there are. The nil and the zero Bound serve nothing.
type Bound struct {
	procedures map[string]*Procedure
}

// Bind checks the rules against the forms that verifiers declared: every accepted kind needs one, a match needs an attribute that every
// form of the kind has, fresh a source of truth behind every form of the kind, and any stands for one grant of each kind there is. All
// mistakes, those of [New] included, are in the one error.
func (r *Rules) Bind(forms []tokens.Form, options ...BindOption) (*Bound, error) {
	if r == nil {
		return nil, r.Err()
	}
	mistakes := slices.Clone(r.mistakes)
	bound := &Bound{procedures: map[string]*Procedure{}}
	var c bindConfig
	for _, option := range options {
		option(&c)
	}
	for i := range r.declared {
		d := &r.declared[i]
		p, wrong := d.bind(forms, c)
		mistakes = append(mistakes, wrong...)
		bound.procedures[d.procedure] = p
	}
	if err := mistakes.err(); err != nil {
		return nil, err
	}
	return bound, nil
}

// A BindOption says more about what rules are bound to.
type BindOption func(*bindConfig)

type bindConfig struct{ revocable bool }

// WithRevocations says that there is a feed of revocations, which ends the streams of a revoked credential. Without it a rule cannot let a
// stream outlive a session token.
func WithRevocations() BindOption { return func(c *bindConfig) { c.revocable = true } }

// Procedure returns the procedure of that name, "/package.Service/Method", or nil when it is not served.
func (b *Bound) Procedure(name string) *Procedure {
	if b == nil {
		return nil
	}
	return b.procedures[name]
}

// Procedures returns every procedure, by name.
func (b *Bound) Procedures() []*Procedure {
	if b == nil {
		return nil
	}
	all := make([]*Procedure, 0, len(b.procedures))
	for _, p := range b.procedures {
		all = append(all, p)
	}
	slices.SortFunc(all, func(x, y *Procedure) int { return strings.Compare(x.name, y.name) })
	return all
}

var attributes = map[admitv1.Match_Attribute]tokens.Attribute{
	admitv1.Match_ORGANIZATION_ID: tokens.OrganizationID, admitv1.Match_ORGANIZATION_SLUG: tokens.OrganizationSlug,
	admitv1.Match_USER_ID: tokens.UserID,
}

func kindOf(g *admitv1.Grant) tokens.Kind {
	switch g.GetCredential().(type) {
	case *admitv1.Grant_SessionToken:
		return tokens.SessionToken
	case *admitv1.Grant_OauthToken:
		return tokens.OAuthToken
	case *admitv1.Grant_ApiKey:
		return tokens.APIKey
	case *admitv1.Grant_M2MToken:
		return tokens.M2MToken
	default:
		return 0
	}
}

// bind compiles the rule for one procedure.
func (d *declared) bind(forms []tokens.Form, c bindConfig) (*Procedure, Mistakes) {
	b := &binder{declared: d, config: c, forms: forms, procedure: &Procedure{
		name: d.procedure, method: d.method, input: d.method.Input(), source: d.source, rule: d.rule,
		hides: d.rule.GetRefusal() == admitv1.Rule_NOT_FOUND, fresh: d.rule.GetFresh(),
		outlive: d.rule.GetStream().GetOutlive().AsDuration(),
	}}
	if public := d.rule.GetPublic(); public != nil {
		b.procedure.public = OptionalCredential
		if public.GetCredential() == admitv1.Public_UNREAD {
			b.procedure.public = UnreadCredential
		}
	}
	for i, g := range d.rule.GetAllow() {
		if _, any := g.GetCredential().(*admitv1.Grant_Any); any {
			b.bindAny(i+1, g)
			continue
		}
		b.bindKind(i+1, g, kindOf(g))
	}
	b.procedure.finish()
	return b.procedure, b.mistakes
}

type binder struct {
	*declared

	config    bindConfig
	forms     []tokens.Form
	procedure *Procedure
	mistakes  Mistakes
	later     int // matches with ADMITTED_LATER so far
}

func (b *binder) add(format string, args ...any) {
	b.mistakes = append(b.mistakes, b.place.mistake(format, args...))
}

func (b *binder) formsOf(kind tokens.Kind) []tokens.Form {
	var of []tokens.Form
	for _, form := range b.forms {
		if form.Kind == kind {
			of = append(of, form)
		}
	}
	return of
}

func (b *binder) bindAny(number int, g *admitv1.Grant) {
	some := false
	for _, kind := range tokens.Kinds() {
		if len(b.formsOf(kind)) > 0 {
			some = true
			b.bindKind(number, g, kind)
		}
	}
	if !some {
		b.add("grant %d: any admits nobody, since there is no verifier; give one to tokens.NewVerifiers", number)
	}
}

func (b *binder) bindKind(number int, g *admitv1.Grant, kind tokens.Kind) {
	if kind == 0 {
		return // told already
	}
	forms := b.formsOf(kind)
	if len(forms) == 0 {
		b.add("grant %d: %s has no verifier; give one to tokens.NewVerifiers, or remove the grant", number, kind)
	}
	if b.outlivesUnrevoked(kind) {
		b.add("stream.outlive with %s needs a feed of revocations; give one with interceptor.WithRevocations, or remove it", kind)
	}
	b.bindFresh(number, forms)
	compiled := compileGrant(number, g)
	for _, m := range b.matchesOf(g) {
		if compiledMatch, ok := b.bindMatch(number, m, kind, forms); ok {
			compiled.matches = append(compiled.matches, compiledMatch)
		}
	}
	compiled.text = describeGrant(kind, compiled)
	b.procedure.byKind[kind] = append(b.procedure.byKind[kind], compiled)
}

func (b *binder) outlivesUnrevoked(kind tokens.Kind) bool {
	return kind == tokens.SessionToken && b.procedure.outlive > 0 && !b.config.revocable
}

// bindFresh checks that there is a source of truth to ask about every form of the kind.
func (b *binder) bindFresh(number int, forms []tokens.Form) {
	if !b.procedure.fresh {
		return
	}
	for _, form := range forms {
		if !form.Fresh {
			b.add("grant %d: fresh, but there is no source of truth to ask about %s; remove fresh or the grant", number, form)
		}
	}
}

func (b *binder) bindMatch(number int, m *admitv1.Match, kind tokens.Kind, forms []tokens.Form) (match, bool) {
	p, err := parsePath(b.method.Input(), m.GetField())
	attribute := attributes[m.GetEquals()]
	if err != nil || attribute == 0 {
		return match{}, false // told already
	}
	for _, form := range forms {
		if !form.Has(attribute) {
			b.add("grant %d: %s has no %s to match field %q with; write unmatched: true in the grant, or remove the match", number, kind, attribute, m.GetField())
			return match{}, false
		}
	}
	compiled := match{path: p, attribute: attribute, absent: m.GetAbsent()}
	if m.Pattern != nil {
		if compiled.pattern, err = parseResource(m.GetPattern()); err != nil {
			return match{}, false // told already
		}
	}
	if m.GetAbsent() == admitv1.Match_ADMITTED_LATER {
		if b.later == maxLater {
			b.add("the rule has more than %d matches with absent: ADMITTED_LATER", maxLater)
			return match{}, false
		}
		compiled.later = 1 << b.later
		b.later++
	}
	reason := tokens.ReasonOrganizationMismatch
	if attribute == tokens.UserID {
		reason = tokens.ReasonResourceMismatch
	}
	text := fmt.Sprintf("the caller's %s in %s", inWords(attribute.String()), m.GetField())
	if m.Pattern != nil {
		text += fmt.Sprintf(" (%s)", m.GetPattern())
	}
	compiled.denial = &Denial{Reason: reason, Metadata: map[string]string{"field": m.GetField()}, Demand: text}
	return compiled, true
}

// Outlive returns how long a stream of the procedure may outlive its credential.
func (p *Procedure) Outlive() time.Duration {
	if p == nil {
		return 0
	}
	return p.outlive
}
