// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package tokenstest has fakes for tests of services that are guarded by admit, and for demonstrations.
//
// An [Issuer] is a small issuer of JWTs on the loopback interface: it serves its keys, mints tokens of three kinds, good and bad, and
// makes verifiers that take them. It asks nobody for a password and keeps no records; it must not be used to guard anything.
//
// # Failure
//
// [NewIssuer] fails the test that it was given; [StartIssuer] returns an error. Minting cannot fail for claims that JSON can express.
// Claims that it cannot express, such as a channel given to [Issuer.Sign], panic.
//
// # Concurrency
//
// An Issuer is safe for concurrent use.
package tokenstest
