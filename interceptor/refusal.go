// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Domain is the domain of the google.rpc.ErrorInfo of every refusal.
const Domain = "github.com/admitrpc/admit"

// defaultRetryAfter is what callers are told to wait where a verifier does not say.
const defaultRetryAfter = time.Second

// hiddenText is the text of a hidden refusal, and of policy.NotFound in a handler.
const hiddenText = "not found"

// A Refusal is the end of a call that was not admitted, and the only error that transports answer with more than a code. Its exported
// methods, Error excepted, tell what may be sent; Error and Unwrap are for operators.
type Refusal struct {
	reason     tokens.Reason
	code       code.Code
	hidden     bool
	denial     *policy.Denial
	retryAfter time.Duration
	metadata   string // URL of the protected-resource metadata
	cause      error
}

// codes is the table of refusals.
var codes = map[tokens.Reason]code.Code{
	tokens.ReasonCredentialMissing:      code.Code_UNAUTHENTICATED,
	tokens.ReasonCredentialMalformed:    code.Code_UNAUTHENTICATED,
	tokens.ReasonTokenTypeNotAccepted:   code.Code_UNAUTHENTICATED,
	tokens.ReasonTokenInvalid:           code.Code_UNAUTHENTICATED,
	tokens.ReasonTokenExpired:           code.Code_UNAUTHENTICATED,
	tokens.ReasonTokenNotYetValid:       code.Code_UNAUTHENTICATED,
	tokens.ReasonTokenRevoked:           code.Code_UNAUTHENTICATED,
	tokens.ReasonSessionPending:         code.Code_UNAUTHENTICATED,
	tokens.ReasonPermissionMissing:      code.Code_PERMISSION_DENIED,
	tokens.ReasonScopeMissing:           code.Code_PERMISSION_DENIED,
	tokens.ReasonReverificationRequired: code.Code_PERMISSION_DENIED,
	tokens.ReasonCallerNotAllowed:       code.Code_PERMISSION_DENIED,
	tokens.ReasonImpersonationForbidden: code.Code_PERMISSION_DENIED,
	tokens.ReasonOrganizationMismatch:   code.Code_PERMISSION_DENIED,
	tokens.ReasonResourceMismatch:       code.Code_PERMISSION_DENIED,
	tokens.ReasonConditionFailed:        code.Code_PERMISSION_DENIED,
	tokens.ReasonRuleMissing:            code.Code_PERMISSION_DENIED,
	tokens.ReasonRateLimited:            code.Code_RESOURCE_EXHAUSTED,
	tokens.ReasonVerifierUnavailable:    code.Code_UNAVAILABLE,
	tokens.ReasonInternal:               code.Code_INTERNAL,
}

// CodeOf returns the gRPC code of a reason; INTERNAL for one that is not in the table.
func CodeOf(reason tokens.Reason) code.Code {
	if c, ok := codes[reason]; ok {
		return c
	}
	return code.Code_INTERNAL
}

// newRefusal makes a refusal with a reason of the table.
func newRefusal(reason tokens.Reason, cause error) *Refusal {
	if _, ok := codes[reason]; !ok {
		reason = tokens.ReasonInternal
	}
	r := &Refusal{reason: reason, code: codes[reason], cause: cause}
	if reason == tokens.ReasonRateLimited || reason == tokens.ReasonVerifierUnavailable {
		r.retryAfter = defaultRetryAfter
	}
	return r
}

// refusalOf makes a refusal of a decision.
func refusalOf(d policy.Decision) *Refusal {
	if d.Denial == nil {
		return newRefusal(tokens.ReasonInternal, errors.New("a decision without a denial"))
	}
	r := newRefusal(d.Denial.Reason, nil)
	r.denial, r.hidden = d.Denial, d.Hidden
	if r.hidden {
		r.code = code.Code_NOT_FOUND
	}
	return r
}

// notFound is the refusal that a handler's policy.NotFound becomes.
func notFound() *Refusal {
	return &Refusal{code: code.Code_NOT_FOUND, hidden: true}
}

// gone is the refusal of a caller who went away.
func gone(err error) *Refusal {
	r := &Refusal{code: code.Code_CANCELLED, cause: err}
	if errors.Is(err, context.DeadlineExceeded) {
		r.code = code.Code_DEADLINE_EXCEEDED
	}
	return r
}

// Reason returns why, for operators: it is the true reason where the refusal is hidden. It is "" for a caller who went away and for a
// handler's own policy.NotFound.
func (r *Refusal) Reason() tokens.Reason { return r.reason }

// Hidden reports whether the caller is told NotFound instead of the reason.
func (r *Refusal) Hidden() bool { return r.hidden }

// Demand says in words what the rule demands and the caller does not meet, for operators; "" where no rule refused.
func (r *Refusal) Demand() string {
	if r.denial == nil {
		return ""
	}
	return r.denial.Demand
}

// Error returns the reason and the cause, for operators.
func (r *Refusal) Error() string {
	text := string(r.reason)
	if text == "" {
		text = r.Text()
	}
	if demand := r.Demand(); demand != "" {
		text += ": needs " + demand
	}
	if r.cause == nil {
		return text
	}
	if cause := r.cause.Error(); strings.HasPrefix(cause, text) {
		return cause // an error of a verifier begins with its reason, too
	}
	return text + ": " + r.cause.Error()
}

// Unwrap returns the cause, for operators; it may be nil.
func (r *Refusal) Unwrap() error { return r.cause }

// Code returns the gRPC code to answer with.
func (r *Refusal) Code() code.Code { return r.code }

// Text returns the text to answer with.
func (r *Refusal) Text() string {
	switch {
	case r.hidden:
		return hiddenText
	case r.code == code.Code_CANCELLED:
		return "canceled"
	case r.code == code.Code_DEADLINE_EXCEEDED:
		return "deadline exceeded"
	default:
		return r.reason.Text()
	}
}

// Details returns the details to answer with: a google.rpc.ErrorInfo and, where it makes sense to try again, a google.rpc.RetryInfo. A
// hidden refusal has none. withChallenge adds the challenge to the ErrorInfo, for transports that cannot set a response header.
func (r *Refusal) Details(withChallenge bool) []proto.Message {
	if r.hidden || r.reason == "" {
		return nil
	}
	info := &errdetails.ErrorInfo{Reason: string(r.reason), Domain: Domain}
	if r.denial != nil {
		info.Metadata = maps.Clone(r.denial.Metadata)
	}
	if challenge := r.Challenge(); withChallenge && challenge != "" {
		if info.Metadata == nil {
			info.Metadata = map[string]string{}
		}
		info.Metadata["www-authenticate"] = challenge
	}
	details := []proto.Message{info}
	if r.retryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(r.retryAfter)})
	}
	return details
}

// RefusalOf returns the refusal that err is or wraps, what a handler's policy.NotFound becomes, or nil.
func RefusalOf(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		if r == nil { // a nil *Refusal is an error all the same, once it is one
			return newRefusal(tokens.ReasonInternal, errors.New("the error is a nil refusal"))
		}
		return r
	}
	if policy.IsNotFound(err) {
		return notFound()
	}
	return nil
}

// ReasonOf returns the reason in the details of an error that a client received, or "". Packages connectauth and grpcauth have a
// ReasonOf that takes the error itself.
func ReasonOf(details []proto.Message) tokens.Reason {
	for _, detail := range details {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == Domain {
			return tokens.Reason(info.GetReason())
		}
	}
	return ""
}
