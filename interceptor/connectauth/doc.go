// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package connectauth installs a guard in handlers of connectrpc.com/connect (v1): the Connect, gRPC and gRPC-Web protocols, unary calls
// and streams.
//
// [Protect] is the one option to give to each generated handler. A call that is refused for its caller is refused before anything of its
// body is read. [Handler] is optional; around the mux it lets challenges reach gRPC callers as headers, and lets streams over HTTP/1.1
// end on time.
//
// # Failure
//
// Handlers answer a refusal with its code, its fixed text, and a google.rpc.ErrorInfo; clients read the reason back with [ReasonOf]. An
// error of a handler that is or wraps policy.NotFound or an error of interceptor.Require is answered as such; any other is left alone.
//
// # Concurrency
//
// Everything is safe for concurrent use.
package connectauth
