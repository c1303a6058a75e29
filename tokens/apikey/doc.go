// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package apikey makes, keeps and verifies API keys: long-lived credentials of a user or of an organization.
//
// A key is <prefix>_<id>_<secret><checksum>, such as ak_live_, 16 characters, an underscore, 43 characters and 6 characters, all of
// 0-9 A-Z a-z. The id names the key's [Record] in a [Store]; it is public. The secret is 256 random bits. The checksum is the CRC-32 of
// everything before it: it stops typing mistakes and made-up keys before the store is asked, and lets scanners recognise a leaked key. It
// is no protection, anyone can compute it.
//
// The store holds the SHA-256 [Digest] of a key, never the key. A slow hash would not help: it is for secrets that can be guessed.
//
// # Administration
//
// [Keys] creates, lists, rotates, revokes and expires the keys of a store, and imports those of other systems. A store is whatever implements
// [Records]: [MemoryStore], which forgets everything when the process ends, or those of packages sqlite and postgres in tokens/store.
//
// A key is rotated when it was around for long, or may have leaked. With an overlap, usually of [DefaultOverlap], both keys work until
// its users have taken up the new one; with none the old one is dead at once. A change is told to the feeds of the store in its
// transaction, so that a guard that follows one refuses a revoked key on every server.
//
// # Keys of other systems
//
// A key that another system made is imported by its hash, which is its handle, and found by it; see [Handles] for those there are, and
// [WithImported]. Its owner notices nothing. When it is used for the first time, a [Recorder] gives its record the digest and the handle that the whole
// text has, so that in the end all are of one kind. A hash says nothing about what was hashed: import only keys that were made of at least
// 128 random bits. Slow hashes are not supported, as [Keys.Import] explains.
//
// # What it does not do
//
// The package does not cache, limit rates, or decide what a key may do. When keys were used is noted only by a verifier with a [Recorder], in
// memory, and written once a minute. It does not ask who may administer keys.
//
// # Failure
//
// [Verifier.Verify] returns an [tokens.Error] with [tokens.ReasonTokenInvalid] for a text that is no key of the verifier's prefixes, for
// an unknown id and for a wrong secret; the last two are the same error and cost the same work. Only after the secret matched does it
// tell more: [tokens.ReasonTokenExpired], then [tokens.ReasonTokenRevoked], then [tokens.ReasonTokenNotYetValid]. A store that cannot
// answer is [tokens.ReasonVerifierUnavailable], whose cause is the store's error, a context's end included. A record that cannot be
// right is [tokens.ReasonInternal]. No error, log value or formatted value contains a key or a key's id, unless the store's own error
// does; the store is never given more than the id, or the handles of a key of another system.
//
// The errors of [Keys] say what is wrong with what was asked, and otherwise are those of the store: [ErrNotFound] and [ErrExists], wrapped or
// not, or whatever kept it from answering.
//
// # Concurrency
//
// Every type is safe for concurrent use. All but [MemoryStore] and [Recorder] are immutable. A [Recorder] has one goroutine, until its Close.
package apikey
