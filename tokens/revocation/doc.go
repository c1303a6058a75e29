// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package revocation ends credentials before their time, JWTs included: a key, a token, a session, or everything that was issued to a
// subject or a client up to a time.
//
// A [Ledger] keeps revocations; every store of tokens/store is one. A [Feed] tells of them in the order in which they were committed,
// and a guard that is given one with interceptor.WithRevocations refuses what was revoked. A [Follower] is what the guard has of a feed.
//
// It does not make keys or change their records, which is for package apikey, and it does not ask issuers what they have revoked.
//
// # What is promised
//
// This is for how long at most a credential is still taken after its revocation was committed, by a call that begins or a stream that is
// open:
//
//	the feed tells of changes              as soon as it tells
//	it tells of nothing any more           [Heartbeat], at which it is asked
//	no question was answered for a while   [Lease] and a second, if it then answers
//	it cannot be asked                     [Grace], counted from the last question that was answered
//	a rule with fresh                      not at all: the feed and the verifier are asked at every call
//
// When [Grace] is over, calls are refused, and streams ended, with VERIFIER_UNAVAILABLE, until the feed can be asked again; nothing need be
// restarted for that. So it is from the start of a server until its feed was heard for the first time.
//
// A revocation is never taken back: not by a batch with Reset that lacks it, and not by a feed that goes backwards, as after a restore
// from a backup. Who was verified while the news was on its way is judged by it too, however slow the verification was. What a follower
// was told it knows until it ends: after a restart it knows what the feed then has.
//
// The times are counted by a clock that stands still while the machine sleeps.
//
// # Failure
//
// A feed that fails, panics or hangs is asked again, four times a second at most; [Follower.Sync] returns its error. [Revocation.Check]
// and [ParseTarget] say what is wrong with a text that people wrote.
//
// # Concurrency
//
// Everything in this package is safe for concurrent use. A Follower has goroutines of its own, which Close ends and waits for; a feed must
// therefore return when its context ends.
package revocation
