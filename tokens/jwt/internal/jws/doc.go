// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package jws reads and verifies signed JWTs in the compact form (RFC 7515 §7.1, RFC 7519), strictly, on the standard library's cryptography.
//
// It knows JSON, base64url, algorithms and keys. It does not know what claims mean, where keys come from or what time it is.
//
// # Failure
//
// Errors have fixed texts, or texts with the names of members. They never contain a token, a member's value or a key id. None of them
// needs to be told from another: a token that fails here is no good.
//
// # Concurrency
//
// Every type is immutable after construction and safe for concurrent use.
//
// The package remembers what at most 64 headers of good tokens say, for as long as the process runs.
package jws
