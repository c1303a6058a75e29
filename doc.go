// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package admit holds no code: it is the root of Admit, which verifies the credentials of callers of Connect and gRPC services, and
// enforces the rules that their .proto files say.
//
// Package proto/admit/v1 has the options that rules are written in, package policy decides by them, and package tokens says what a
// credential and a verified caller are; its sub-packages verify session tokens, OAuth tokens, machine tokens and API keys. Package
// interceptor puts them together, and its sub-packages connectauth and grpcauth install it in servers.
package admit
