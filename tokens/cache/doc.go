// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package cache remembers the principals of verified credentials, by the SHA-256 of the credential.
//
// It keeps identity facts, never decisions, and never the credential itself: equal digests mean equal bytes, so the digest is enough. It
// does not look at expiry or revocation either; whoever reads it must, on every call. Failures are not remembered, but for those that
// are added to [Rejections], which are apart.
//
// # Failure
//
// [Cache.Do] passes on the error of the verification, or that of the caller's context.
//
// # Concurrency
//
// A Cache is safe for concurrent use. A verification runs once however many callers wait for it, on a context of its own, so that one
// who leaves does not end it for the others; each caller leaves when its own context ends.
package cache
