// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package differential compares the library's answers to tokens with those of other libraries. It exports nothing.
package differential
