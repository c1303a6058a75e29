// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

//go:build race

package jwt_test

// raceEnabled tells the tests of allocations that the race detector adds its own.
const raceEnabled = true
