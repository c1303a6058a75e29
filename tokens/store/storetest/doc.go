// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest is the contract of stores of API keys and revocations, as tests that every store can run. They hold a store to what
// [apikey.Records], [revocation.Feed] and [revocation.Ledger] say, each as one of several processes that share it would see it:
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Place {
//			file := filepath.Join(t.TempDir(), "keys.db")
//			return storetest.Place{Open: func(t *testing.T) store.Store { return open(t, file) }}
//		})
//	}
//
// It does not measure, does not kill processes, and does not cut connections: what a store promises then is its own to test.
//
// # Failure
//
// What fails is a sentence of the contract, named by the subtest. A test that hears nothing for a minute fails too.
//
// # Concurrency
//
// Subtests run in parallel, each in a place of its own.
package storetest
