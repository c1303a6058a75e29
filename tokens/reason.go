// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

// A Reason is the machine-readable cause of a refusal: one of a closed set of words that are safe to log, to count and to send to anyone.
type Reason string

// The reasons. Their gRPC codes, HTTP statuses and texts are in package interceptor.
const (
	// ReasonCredentialMissing: no credential where one is needed.
	ReasonCredentialMissing Reason = "CREDENTIAL_MISSING"
	// ReasonCredentialMalformed: two credentials, another scheme, characters outside RFC 6750 §2.1, or more than [MaxCredential] bytes.
	ReasonCredentialMalformed Reason = "CREDENTIAL_MALFORMED"
	// ReasonTokenTypeNotAccepted: the credential is of a kind that some verifier has and no grant of the rule accepts.
	ReasonTokenTypeNotAccepted Reason = "TOKEN_TYPE_NOT_ACCEPTED"
	// ReasonTokenInvalid: unknown form, bad signature, wrong issuer, audience or party; one reason for all.
	ReasonTokenInvalid Reason = "TOKEN_INVALID"
	// ReasonTokenExpired: expired; told only after signature or secret matched.
	ReasonTokenExpired Reason = "TOKEN_EXPIRED"
	// ReasonTokenNotYetValid: not valid yet; told only after signature or secret matched.
	ReasonTokenNotYetValid Reason = "TOKEN_NOT_YET_VALID"
	// ReasonTokenRevoked: revoked; told only after signature or secret matched.
	ReasonTokenRevoked Reason = "TOKEN_REVOKED"
	// ReasonSessionPending: the session has open tasks.
	ReasonSessionPending Reason = "SESSION_PENDING"
	// ReasonPermissionMissing: a role, permission, feature or plan is not held.
	ReasonPermissionMissing Reason = "PERMISSION_MISSING"
	// ReasonScopeMissing: a scope was not granted (RFC 6750 §3.1 insufficient_scope).
	ReasonScopeMissing Reason = "SCOPE_MISSING"
	// ReasonReverificationRequired: the user must verify a factor again (RFC 9470).
	ReasonReverificationRequired Reason = "REVERIFICATION_REQUIRED"
	// ReasonCallerNotAllowed: another caller, client or owner than those named.
	ReasonCallerNotAllowed Reason = "CALLER_NOT_ALLOWED"
	// ReasonImpersonationForbidden: the session has an actor.
	ReasonImpersonationForbidden Reason = "IMPERSONATION_FORBIDDEN"
	// ReasonOrganizationMismatch: the request names another organization, or one is active that must not be.
	ReasonOrganizationMismatch Reason = "ORGANIZATION_MISMATCH"
	// ReasonResourceMismatch: the request names another user.
	ReasonResourceMismatch Reason = "RESOURCE_MISMATCH"
	// ReasonConditionFailed: a condition does not hold.
	ReasonConditionFailed Reason = "CONDITION_FAILED"
	// ReasonRuleMissing: no rule for the procedure.
	ReasonRuleMissing Reason = "RULE_MISSING"
	// ReasonRateLimited: a verifier refused to be flooded.
	ReasonRateLimited Reason = "RATE_LIMITED"
	// ReasonVerifierUnavailable: a key set, store or endpoint cannot be reached. The credential may be good.
	ReasonVerifierUnavailable Reason = "VERIFIER_UNAVAILABLE"
	// ReasonInternal: a bug, a panic, or an error without a reason.
	ReasonInternal Reason = "INTERNAL"
)

// Reasons lists every reason, in the order of the table of refusals. The slice is a copy and may be changed.
func Reasons() []Reason {
	return []Reason{
		ReasonCredentialMissing, ReasonCredentialMalformed, ReasonTokenTypeNotAccepted, ReasonTokenInvalid, ReasonTokenExpired,
		ReasonTokenNotYetValid, ReasonTokenRevoked, ReasonSessionPending, ReasonPermissionMissing, ReasonScopeMissing,
		ReasonReverificationRequired, ReasonCallerNotAllowed, ReasonImpersonationForbidden, ReasonOrganizationMismatch,
		ReasonResourceMismatch, ReasonConditionFailed, ReasonRuleMissing, ReasonRateLimited, ReasonVerifierUnavailable, ReasonInternal,
	}
}

// Text returns the one text that may be sent with the reason. It depends on the reason alone; an unknown reason has the text of
// [ReasonInternal].
func (r Reason) Text() string {
	if text, ok := texts[r]; ok {
		return text
	}
	return texts[ReasonInternal]
}

var texts = map[Reason]string{
	ReasonCredentialMissing:      "credential required",
	ReasonCredentialMalformed:    "malformed credential",
	ReasonTokenTypeNotAccepted:   "this kind of credential is not accepted here",
	ReasonTokenInvalid:           "invalid credential",
	ReasonTokenExpired:           "credential expired",
	ReasonTokenNotYetValid:       "credential not valid yet",
	ReasonTokenRevoked:           "credential revoked",
	ReasonSessionPending:         "session has open tasks",
	ReasonPermissionMissing:      "permission missing",
	ReasonScopeMissing:           "scope missing",
	ReasonReverificationRequired: "verification required again",
	ReasonCallerNotAllowed:       "caller not allowed",
	ReasonImpersonationForbidden: "impersonation not allowed",
	ReasonOrganizationMismatch:   "not in the caller's organization",
	ReasonResourceMismatch:       "not the caller's own",
	ReasonConditionFailed:        "condition not met",
	ReasonRuleMissing:            "no rule admits this call",
	ReasonRateLimited:            "too many attempts",
	ReasonVerifierUnavailable:    "verification temporarily unavailable",
	ReasonInternal:               "internal error",
}
