// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"slices"
	"strings"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// A Source says where a procedure's rule comes from.
type Source uint8

// The sources.
const (
	// FromMethod is the method's own annotation.
	FromMethod Source = iota + 1
	// FromService is the default of the service's annotation.
	FromService
	// FromFor is a rule given with [For].
	FromFor
	// FromOverride is a rule given with [Override].
	FromOverride
	// FromUnannotated is the rule given with [Unannotated].
	FromUnannotated
)

// String returns where the rule was written, or "nowhere".
func (s Source) String() string {
	switch s {
	case FromMethod:
		return "method"
	case FromService:
		return "service default"
	case FromFor:
		return "policy.For"
	case FromOverride:
		return "policy.Override"
	case FromUnannotated:
		return "policy.Unannotated"
	default:
		return "nowhere"
	}
}

// Rules are the rules of the served services, checked but for what depends on the verifiers; see [Rules.Bind]. The nil and the zero
// Rules refuse every call.
type Rules struct {
	declared []declared // by procedure
	mistakes Mistakes
}

// declared is one procedure with the rule that applies to it.
type declared struct {
	procedure string
	method    protoreflect.MethodDescriptor
	rule      *admitv1.Rule
	source    Source
	shared    []*admitv1.Match // of the service
	place     place
}

// New reads the rules of the served services. All mistakes are in the one error.
//
// Beside an error it returns rules that refuse every call and remember the mistakes, so that interceptor.New, when it is given them,
// tells them together with those that depend on the verifiers.
func New(options ...Option) (*Rules, error) {
	b := &builder{rules: &Rules{}}
	for _, option := range options {
		if option == nil {
			b.mistake(place{file: "policy.New"}, "an option is nil")
			continue
		}
		option.apply(b)
	}
	b.build()
	return b.rules, b.rules.mistakes.err()
}

// Err returns the mistakes that [New] found, or nil. Nil rules have the mistake of being nil.
func (r *Rules) Err() error {
	if r == nil {
		return errors.New("policy: the rules are nil; make them with policy.New")
	}
	return r.mistakes.err()
}

// builder gathers what New is given.
type builder struct {
	rules       *Rules
	services    []protoreflect.ServiceDescriptor
	given       []given
	unannotated *Rule
}

// given is a rule from For or Override.
type given struct {
	by      Source
	pattern pattern
	rule    *admitv1.Rule
	used    bool
}

func (b *builder) mistake(at place, format string, args ...any) {
	b.rules.mistakes = append(b.rules.mistakes, at.mistake(format, args...))
}

func (b *builder) serve(service protoreflect.ServiceDescriptor) {
	for _, other := range b.services {
		if other.FullName() != service.FullName() {
			continue
		}
		if other != service {
			b.mistake(placeOf(service), "two different descriptors of this service are served; serve the one that its handlers were generated from")
		}
		return
	}
	b.services = append(b.services, service)
}

func (b *builder) give(by Source, text string, rule Rule) {
	at := place{file: by.String(), subject: text}
	for _, mistake := range checkRule(rule.message) {
		b.mistake(at, "%s", mistake)
	}
	p, err := parsePattern(text)
	if err != nil {
		b.mistake(at, "%v", err)
		return
	}
	if by == FromOverride && !p.exact() {
		b.mistake(at, "an override names one procedure; write /package.Service/Method")
		return
	}
	for _, other := range b.given {
		if other.pattern.same(p) {
			b.mistake(at, "the same procedures are given a rule twice; remove one")
			return
		}
	}
	b.given = append(b.given, given{by: by, pattern: p, rule: rule.message})
}

// serveLinked serves the service of a pattern that no [Serve] has named.
func (b *builder) serveLinked(at place, name string) {
	if slices.ContainsFunc(b.services, func(s protoreflect.ServiceDescriptor) bool { return string(s.FullName()) == name }) {
		return
	}
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	service, ok := found.(protoreflect.ServiceDescriptor)
	if err != nil || !ok {
		b.mistake(at, "no service %s is linked; import its generated code, or name its file in policy.Serve", name)
		return
	}
	b.serve(service)
}

func (b *builder) build() {
	for _, g := range b.given {
		if !g.pattern.anyServ {
			b.serveLinked(place{file: g.by.String(), subject: g.pattern.text}, g.pattern.service)
		}
	}
	if len(b.services) == 0 && len(b.rules.mistakes) == 0 {
		b.mistake(place{file: "policy.New"}, "no service is served; name their files in policy.Serve")
	}
	for _, service := range b.services {
		b.buildService(service)
	}
	for _, g := range b.given {
		if !g.used {
			b.mistake(place{file: g.by.String(), subject: g.pattern.text}, "the rule applies to no served procedure that needs it; remove it or mend the pattern")
		}
	}
	slices.SortFunc(b.rules.declared, func(x, y declared) int { return strings.Compare(x.procedure, y.procedure) })
}

func (b *builder) buildService(service protoreflect.ServiceDescriptor) {
	annotation, err := serviceRule(service)
	if err != nil {
		b.mistake(placeOf(service), "%v", err)
	}
	if annotation != nil {
		for _, text := range checkServiceRule(annotation) {
			b.mistake(placeOf(service), "%s", text)
		}
	}
	for i := range service.Methods().Len() {
		method := service.Methods().Get(i)
		d := declared{
			procedure: "/" + string(service.FullName()) + "/" + string(method.Name()),
			method:    method, shared: annotation.GetMatch(), place: placeOf(method),
		}
		if b.choose(&d, annotation.GetDefault()) && d.rule != nil {
			b.rules.declared = append(b.rules.declared, d)
			b.rules.mistakes = append(b.rules.mistakes, d.checkRequest()...)
		}
	}
}

// choose finds the rule that applies: an override, the method's own, the service's default, the most specific pattern, and last the rule
// for methods without one. It reports false when there is none, and has told so.
func (b *builder) choose(d *declared, byDefault *admitv1.Rule) bool {
	own, err := methodRule(d.method)
	if err != nil {
		b.mistake(d.place, "%v", err)
		return false
	}
	if own != nil {
		for _, text := range checkRule(own) {
			b.mistake(d.place, "%s", text)
		}
	}
	var best *given
	for i := range b.given {
		g := &b.given[i]
		if !g.pattern.matches(d.procedure) {
			continue
		}
		if g.by == FromOverride {
			g.used, d.rule, d.source = true, g.rule, FromOverride
			return true
		}
		if best == nil || g.pattern.specificity() > best.pattern.specificity() {
			best = g
		}
	}
	annotated := own != nil || byDefault != nil
	switch {
	case annotated && best != nil && best.pattern.exact():
		best.used = true
		b.mistake(place{file: FromFor.String(), subject: best.pattern.text}, "the method has a rule in %s; replace it with policy.Override, or remove one", d.place.file)
		return false
	case own != nil:
		d.rule, d.source = own, FromMethod
	case byDefault != nil:
		d.rule, d.source = byDefault, FromService
	case best != nil:
		best.used, d.rule, d.source = true, best.rule, FromFor
	case b.unannotated != nil:
		d.rule, d.source = b.unannotated.message, FromUnannotated
	default:
		b.mistake(d.place, "the method has no rule; add: option (admit.v1.method) = { allow: { session_token: {} } }; or another grant, or { public: {} }")
		return false
	}
	return true
}
