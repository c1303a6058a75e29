// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/admitrpc/admit/tokens"
)

// An Outcome is what a phase of a decision ends in. The zero Outcome refuses.
type Outcome uint8

// The outcomes.
const (
	// Refused ends the call.
	Refused Outcome = iota
	// Admitted lets the call, or this message, through.
	Admitted
	// NeedsMessage says that a grant can still hold: every received message must be decided.
	NeedsMessage
)

// String returns "refused", "admitted" or "needs message".
func (o Outcome) String() string {
	switch o {
	case Admitted:
		return "admitted"
	case NeedsMessage:
		return "needs message"
	default:
		return "refused"
	}
}

// A Decision is the result of a phase. The zero Decision refuses.
type Decision struct {
	Ruling

	// Denial is what is told. Only with Refused; nil is then a bug, to be answered with [tokens.ReasonInternal].
	Denial *Denial

	survivors uint64 // grants of the kind that the caller satisfies but for messages, by place
	met       uint64 // matches that the first message met, of those that later messages may leave absent
}

// A Ruling is what a phase ended in. It is apart so that a [Decision] has four fields and four words, and is returned in registers and not
// through memory: every call and every message gets one.
type Ruling struct {
	// Outcome is what the phase ended in.
	Outcome Outcome
	// Hidden says that the caller must be told NotFound and nothing else. Only with Refused.
	Hidden bool
	kind   tokens.Kind // of the caller
	// Grant is the number, from 1, of the grant that admitted, or whose refusal is told; 0 when no grant is for the caller's kind.
	Grant int32
}

// A Denial is why a rule refuses. It never changes, and depends on the rule alone.
type Denial struct {
	// Reason is why.
	Reason tokens.Reason
	// Metadata names what the rule demands; it must not be changed. It may be nil.
	Metadata map[string]string
	// Scopes are those that the rule demands, for the challenge of RFC 6750 §3. Only with [tokens.ReasonScopeMissing].
	Scopes []string
	// Demand says in words what is not met, for operators.
	Demand string
}

// reasonOrder is the order in which the unmet demands of a grant are told.
var reasonOrder = map[tokens.Reason]int{
	tokens.ReasonSessionPending: 1, tokens.ReasonImpersonationForbidden: 2, tokens.ReasonCallerNotAllowed: 3, tokens.ReasonScopeMissing: 4,
	tokens.ReasonPermissionMissing: 5, tokens.ReasonOrganizationMismatch: 6, tokens.ReasonResourceMismatch: 7,
	tokens.ReasonConditionFailed: 8, tokens.ReasonReverificationRequired: 9,
}

// Hideable reports whether a rule with refusal: NOT_FOUND hides the reason: it is about what an authenticated caller may do.
func Hideable(reason tokens.Reason) bool {
	return reasonOrder[reason] > reasonOrder[tokens.ReasonSessionPending]
}

// A verdict is what one grant makes of a caller or of a message.
type verdict struct {
	unmet int
	first *Denial // the unmet demand that is told
}

func (v *verdict) miss(denial *Denial) {
	v.unmet++
	if v.first == nil || reasonOrder[denial.Reason] < reasonOrder[v.first.Reason] {
		v.first = denial
	}
}

// closer reports whether v is told rather than best: fewer unmet demands, and the first declared among equals.
func (v *verdict) closer(best *verdict) bool { return best.first == nil || v.unmet < best.unmet }
