// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package grpcauth installs a guard in servers of google.golang.org/grpc, unary calls and streams.
//
// [NewServer] makes a server on which every service that is registered is guarded. A call that is refused for its caller is refused
// before its message is received, decompressed or decoded, which an ordinary unary interceptor comes too late for.
//
// # Failure
//
// Calls are answered with the refusal's code, its fixed text, and a google.rpc.ErrorInfo; clients read the reason back with [ReasonOf].
// The challenge goes into the response headers, never into trailers. An error of a handler that is or wraps policy.NotFound or an error
// of interceptor.Require is answered as such; any other is left alone.
//
// # Concurrency
//
// Everything is safe for concurrent use, as far as grpc.Server is.
package grpcauth
