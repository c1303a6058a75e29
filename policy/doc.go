// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package policy turns the rules that a service declares in its .proto into decisions.
//
// [New] reads the options of the services that a program serves, together with rules given in code for services that carry none, and
// checks them. [Rules.Bind] checks them against the verifiers there are and yields one [Procedure] for each method. A Procedure decides
// a call in two phases: [Procedure.DecideCall] from the principal alone, before anything of the request is read, and
// [Procedure.DecideMessage] for each received message, when a grant compares the request with the caller.
//
// Deciding is pure: no I/O, no clock but that of reverification, no transport, no allocation. The package verifies no credential.
//
// # Failure
//
// [New] and [Rules.Bind] tell all mistakes at once, in one error of type [Mistakes]; each names the file, the method and what to write.
// Rules with mistakes refuse every call. At call time nothing fails: a decision that is not an admission is a refusal, and the zero
// [Decision], the nil [Procedure] and the zero [Rule] refuse.
//
// # Concurrency
//
// Everything is immutable once made and safe for concurrent use.
package policy
