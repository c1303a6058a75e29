// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Command admit keeps API keys and revocations in a store that servers use at the same time: a SQLite file, or a PostgreSQL database.
//
//	export ADMIT_STORE=keys.db
//	KEY=$(admit keys create -organization org_1 -scope invoices:read -expires 720h)
//	admit keys list
//	admit keys rotate ID
//	admit keys revoke ID -reason "laptop lost"
//	admit keys import keys.csv
//	admit revoke subject user_1 -issuer https://id.example.com
//
// The secret of a key is written once, alone on stdout; with -json it is a member of one object there. It is in no argument, no error
// and no other output. If it cannot be written, the key is revoked again. What else there is to know of a new key goes to stderr.
//
// It does not create a store unless a key is put into it, does not verify keys, and does not talk to servers: they hear of a change from
// the store.
//
// # Failure
//
// The exit code is 0 when it was done, 1 when it failed, and 2 when the arguments are wrong, in which case nothing was done. An error is
// one line on stderr that begins with "admit: "; mistakes in a file to import are one such line each. The password of a PostgreSQL URL
// is never written; to keep it out of the list of processes too, leave it out of -store and set ADMIT_STORE, or PGPASSWORD, or write a
// .pgpass file.
//
// # Concurrency
//
// Any number of these commands and of servers may use one store at the same time.
package main
