// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package oracle decides rules a second time, slowly and plainly, for the tests of package policy to be compared with.
//
// It was written from the description of a decision, not from package policy, and shares no code with it: it knows the messages of
// admit.v1 and the standard library. It builds lists of texts, sorts them, and keeps nothing from one decision to the next. It checks no
// rule: a rule that does not start has no answer here.
//
// # Failure
//
// Nothing fails. A credential that the oracle does not know is accepted by no grant.
//
// # Concurrency
//
// Its functions are pure and safe for concurrent use.
package oracle
