// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package apikey makes and verifies API keys: long-lived credentials of a user or of an organization.
//
// A key is <prefix>_<id>_<secret><checksum>, such as ak_live_, 16 characters, an underscore, 43 characters and 6 characters, all of
// 0-9 A-Z a-z. The id names the key's [Record] in a [Store]; it is public. The secret is 256 random bits. The checksum is the CRC-32 of
// everything before it: it stops typing mistakes and made-up keys before the store is asked, and lets scanners recognise a leaked key. It
// is no protection, anyone can compute it.
//
// The store holds the SHA-256 [Digest] of a key, never the key. A slow hash would not help: it is for secrets that can be guessed.
//
// The package does not cache, limit rates, notice uses, or decide what a key may do. [MemoryStore] forgets everything when the process
// ends.
//
// # Failure
//
// [Verifier.Verify] returns an [tokens.Error] with [tokens.ReasonTokenInvalid] for a text that is no key of the verifier's prefixes, for
// an unknown id and for a wrong secret; the last two are the same error and cost the same work. Only after the secret matched does it
// tell more: [tokens.ReasonTokenExpired], then [tokens.ReasonTokenRevoked], then [tokens.ReasonTokenNotYetValid]. A store that cannot
// answer is [tokens.ReasonVerifierUnavailable], whose cause is the store's error, a context's end included. A record that cannot be
// right is [tokens.ReasonInternal]. No error, log value or formatted value contains a key or a key's id, unless the store's own error
// does; the store is never given more than the id.
//
// # Concurrency
//
// Every type is safe for concurrent use. All but [MemoryStore] are immutable.
package apikey
