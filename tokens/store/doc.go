// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package store is what a store of API keys and revocations is. Package sqlite keeps them in a file that the processes of one host share,
// package postgres in a database for many hosts, and package storetest is the contract that every other store can be held to.
package store

import (
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
)

// A Store keeps API keys and revocations. It is safe for concurrent use, by several processes too.
type Store interface {
	apikey.Records
	revocation.Ledger

	// Close ends what the store started, waits for that, and ends every Wait with an error.
	Close() error
}
