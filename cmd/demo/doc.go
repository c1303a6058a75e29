// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Demo serves an invoicing service whose callers are guarded by the rules in its .proto files, and calls it in every way that the rules
// speak of.
//
// It prints the policy, a tour of real calls with what was expected of each and what became of it, and commands to paste, and serves
// until it is interrupted. "go run ./cmd/demo -h" lists its flags. Everything is in memory and on the loopback interface; the issuer of
// its tokens, tokenstest.Issuer, asks nobody for a password and must not guard anything real.
//
// Where to look first: policy.go makes the guard, server.go installs it, and invoices.go is a service that knows who calls.
package main
