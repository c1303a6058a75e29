// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"time"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A PublicMode says whether a procedure is public, and what becomes of a credential there.
type PublicMode uint8

// The modes.
const (
	// NotPublic procedures need a grant.
	NotPublic PublicMode = iota
	// OptionalCredential procedures admit anyone and read a credential that is there.
	OptionalCredential
	// UnreadCredential procedures admit anyone and look at no credential.
	UnreadCredential
)

// A Procedure is one served method with its rule. The nil Procedure refuses with [tokens.ReasonRuleMissing].
type Procedure struct {
	name     string
	method   protoreflect.MethodDescriptor
	input    protoreflect.MessageDescriptor
	rule     *admitv1.Rule
	source   Source
	public   PublicMode
	hides    bool
	fresh    bool
	outlive  time.Duration
	byKind   [tokens.M2MToken + 1][]*grant
	accepted string
	others   *Denial // for kinds that no grant accepts
}

var (
	ruleMissing       = &Denial{Reason: tokens.ReasonRuleMissing, Demand: "a rule"}
	credentialMissing = &Denial{Reason: tokens.ReasonCredentialMissing, Demand: "a credential"}
)

// finish derives what follows from the grants.
func (p *Procedure) finish() {
	var accepted []string
	for _, kind := range tokens.Kinds() {
		if len(p.byKind[kind]) > 0 {
			accepted = append(accepted, kind.String())
		}
	}
	p.accepted = strings.Join(accepted, " ")
	p.others = &Denial{
		Reason: tokens.ReasonTokenTypeNotAccepted, Metadata: map[string]string{"accepted": p.accepted},
		Demand: "one of " + strings.Join(accepted, ", "),
	}
}

// Name returns "/package.Service/Method".
func (p *Procedure) Name() string {
	if p == nil {
		return ""
	}
	return p.name
}

// Method returns the descriptor that the rule was read from; nil for the nil Procedure.
func (p *Procedure) Method() protoreflect.MethodDescriptor {
	if p == nil {
		return nil
	}
	return p.method
}

// Source returns where the rule comes from.
func (p *Procedure) Source() Source {
	if p == nil {
		return 0
	}
	return p.source
}

// Rule returns a copy of the rule as it was written; nil for the nil Procedure.
func (p *Procedure) Rule() *admitv1.Rule {
	if p == nil {
		return nil
	}
	return proto.CloneOf(p.rule)
}

// Public returns whether the procedure is public.
func (p *Procedure) Public() PublicMode {
	if p == nil {
		return NotPublic
	}
	return p.public
}

// Handler returns what the handler still decides, in words; "" when the rule is complete.
func (p *Procedure) Handler() string {
	if p == nil {
		return ""
	}
	return p.rule.GetHandler()
}

// Fresh reports whether the credential of every call must be asked about at its source.
func (p *Procedure) Fresh() bool { return p != nil && p.fresh }

// Hides reports whether refusals of authenticated callers are told as NotFound.
func (p *Procedure) Hides() bool { return p != nil && p.hides }

// Accepts reports whether some grant is for the kind. A public procedure accepts every kind, unless it leaves credentials unread.
func (p *Procedure) Accepts(kind tokens.Kind) bool {
	if p == nil || !kind.Known() {
		return false
	}
	return p.public == OptionalCredential || len(p.byKind[kind]) > 0
}

// NotAccepted returns the decision about a credential of a kind that no grant is for.
func (p *Procedure) NotAccepted() Decision {
	if p == nil {
		return Decision{Denial: ruleMissing}
	}
	return Decision{Denial: p.others}
}

// DecideCall decides from the caller alone; a nil principal is anonymous. A grant that needs no message admits; otherwise those that can
// still hold survive, and every received message must be decided with [Procedure.DecideMessage]. The facts are judged as they are: that
// the credential has expired is the guard's to see.
func (p *Procedure) DecideCall(caller *tokens.Principal) Decision {
	switch {
	case p == nil:
		return Decision{Denial: ruleMissing}
	case p.public != NotPublic:
		return Decision{Ruling: Ruling{Outcome: Admitted}}
	case caller == nil:
		return Decision{Denial: credentialMissing}
	}
	kind := caller.Kind()
	if !p.Accepts(kind) {
		return p.NotAccepted()
	}
	var survivors uint64
	var best verdict
	var closest int32
	for i, g := range p.byKind[kind] {
		v := g.caller(caller)
		switch {
		case v.unmet == 0 && len(g.matches) == 0:
			return Decision{Ruling: Ruling{Outcome: Admitted, Grant: g.number, kind: kind}}
		case v.unmet == 0:
			survivors |= 1 << i
		case v.closer(&best):
			best, closest = v, g.number
		}
	}
	if survivors != 0 {
		return Decision{Ruling: Ruling{Outcome: NeedsMessage, kind: kind}, survivors: survivors}
	}
	return p.refuse(closest, best, best.unmet == 1)
}

// DecideMessage decides one received message by the grants that survived the call phase, which d tells of: the decision of DecideCall
// for the first message, and the last decision about a message of the same call for each further one. Its outcome is never NeedsMessage.
// The message must be of the method's input type, from the same descriptor; anything else is refused with [tokens.ReasonInternal].
func (p *Procedure) DecideMessage(d Decision, caller *tokens.Principal, message proto.Message) Decision {
	if p == nil || caller == nil || d.survivors == 0 || d.kind != caller.Kind() {
		return Decision{Denial: internal}
	}
	if message == nil {
		return Decision{Denial: internal}
	}
	reflected := message.ProtoReflect()
	if reflected.Descriptor() != p.input {
		return Decision{Denial: internal}
	}
	first := d.Outcome == NeedsMessage // which the decision about a message never is
	met, admitted := d.met, int32(0)
	var best verdict
	var closest int32
	for i, g := range p.byKind[d.kind] {
		if d.survivors&(1<<i) == 0 {
			continue
		}
		v, meets := g.message(caller, reflected, d.met, first)
		if first {
			met |= meets
		}
		switch {
		case admitted != 0:
		case v.unmet == 0:
			admitted = g.number
		case v.closer(&best):
			best, closest = v, g.number
		}
	}
	if admitted != 0 {
		return Decision{Ruling: Ruling{Outcome: Admitted, Grant: admitted, kind: d.kind}, survivors: d.survivors, met: met}
	}
	return p.refuse(closest, best, false)
}

var internal = &Denial{Reason: tokens.ReasonInternal, Demand: "a message that the rule was made for"}

// refuse tells the first unmet demand of the closest grant, whose number is given too. A reverification that alone is missing is told even
// where refusals are hidden, since the user can do something about it.
func (p *Procedure) refuse(closest int32, best verdict, alone bool) Decision {
	d := Decision{Ruling: Ruling{Outcome: Refused, Grant: closest}, Denial: best.first}
	if best.first != nil {
		reason := best.first.Reason
		told := alone && reason == tokens.ReasonReverificationRequired
		d.Hidden = p.hides && Hideable(reason) && !told
	}
	return d
}
