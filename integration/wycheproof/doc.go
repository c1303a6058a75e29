// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package wycheproof says which version of Project Wycheproof `make wycheproof` offers to the library; the test that does so is in
// tokens/jwt. It is a module of its own, outside the workspace, since the vectors are 109 MB and demand a newer Go than the others do.
// It exports nothing.
package wycheproof
