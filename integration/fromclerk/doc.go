// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package fromclerk has the runnable examples of docs/from-clerk.md, and the tests that hold the guide to what there is.
//
// It exports nothing. Its examples call a guarded service over HTTP, whose callers are verified by [github.com/admitrpc/admit/tokens/clerk]
// against a fake of Clerk's Backend API.
//
// # Failure
//
// A test fails when the guide names something of Admit that does not exist or that no test uses, when it leaves out an option or a
// helper of Clerk's middleware, and when its code does not compile.
//
// # Concurrency
//
// There is nothing to share.
package fromclerk
