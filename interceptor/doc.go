// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package interceptor is the way of a call, without a transport: a [Guard] takes the credential, has it verified, and decides by the rule
// of the procedure.
//
// Services install a guard with package connectauth or grpcauth. Their handlers need three things of this package: [Require] and
// [Settled], for what a rule leaves to the handler, and the table of refusals ([Refusal]) to know what callers are told. Transports use
// the rest: [Guard.Begin] decides the call phase from the headers alone, [Call.Message] and [Stream] decide messages, and [Call.Finish]
// has the last word about the error that goes out.
//
// A guard of [New] verifies with one table of verifiers, one of [NewForTenants] with that of each call's [Tenant]. [WithRevocations] ends what
// was revoked, [WithSessionCookie] reads sessions of browsers, and [WithVerifyLimit] bounds what strangers can make verifiers do.
//
// # Failure
//
// Everything that is not an admission is a [Refusal]. What is sent depends on its reason and on the rule alone; causes go to the
// [Observer]. A panic of a verifier, a nil principal, an error without a reason and the zero or nil Guard are refused with INTERNAL.
//
// # Concurrency
//
// A Guard is safe for concurrent use. A [Call] belongs to one call, and a [Stream] follows the rules of its transport: one goroutine may
// receive while another sends.
package interceptor
