// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package revocation ends credentials before their time, JWTs included: a key, a token, a session, or everything that was issued to a
// subject or a client up to a time.
//
// A [Ledger] keeps revocations; every store of tokens/store is one. A [Feed] tells of them in the order in which they were committed,
// and a guard that is given one with interceptor.WithRevocations refuses what was revoked.
package revocation
