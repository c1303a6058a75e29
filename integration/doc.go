// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package integration holds tests of Admit with real counterparties: connect clients over Connect, gRPC and gRPC-Web, grpc-go's own
// client and server, sockets, and tokens that are fetched and verified over HTTP. It exports nothing.
package integration
