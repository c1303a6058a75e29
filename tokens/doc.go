// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package tokens says what a credential is, recognises its kind, and describes the verified caller.
//
// A credential is what a caller presents, not yet believed. [ParseBearer] takes exactly one from the authorization headers, a table of
// [Verifiers] classifies it by the forms that each [Verifier] declared, and that verifier, and no other, turns it into a [Principal].
// Handlers read the principal with [FromContext] and ask it with [Principal.Has].
//
// The package does no I/O and no cryptography, and imports the standard library only. Verifiers live in its sub-packages and in users'
// own code; deciding who may call what is the work of package policy.
//
// # Failure
//
// An [Error] carries a [Reason] from a closed set that is safe to show to anyone, and a cause that is for operators. An error of a
// verifier that is not an [Error] means [ReasonInternal]. No error, log value or formatted value contains a credential.
//
// # Concurrency
//
// Every type is immutable after construction and safe for concurrent use.
package tokens
