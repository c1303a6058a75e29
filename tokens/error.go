// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"errors"
	"time"
)

// An Error is a verifier's refusal of a credential. It is the only error of a verifier that means more than [ReasonInternal].
//
// Error() is for operators: it names the cause. What is sent to callers is [Reason.Text], which depends on the reason alone.
type Error struct {
	// Reason is why. The zero Reason means [ReasonInternal].
	Reason Reason
	// RetryAfter is how long the caller should wait before it tries again. Zero: the transport's default. Only
	// [ReasonVerifierUnavailable] and [ReasonRateLimited] are sent with it.
	RetryAfter time.Duration

	cause error
}

// NewError makes an Error. The cause is for operators and must not contain the credential; nil means that there is none to tell.
func NewError(reason Reason, cause error) *Error { return &Error{Reason: reason, cause: cause} }

// Error returns the reason and the cause.
func (e *Error) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = ReasonInternal
	}
	if e.cause == nil {
		return string(reason)
	}
	return string(reason) + ": " + e.cause.Error()
}

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.cause }

// ReasonOf returns the reason of the first [Error] in the tree of err, [ReasonInternal] for any other error, and "" for nil.
// It does not read errors of a transport; packages connectauth and grpcauth have a ReasonOf for their clients.
func ReasonOf(err error) Reason {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok && e != nil && e.Reason != "" {
		return e.Reason
	}
	return ReasonInternal
}
