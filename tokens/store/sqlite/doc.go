// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package sqlite keeps API keys and revocations in a SQLite file, which servers and the command admit of one host share while they run. It
// is a [store.Store], and makes the file and its tables on start. For many hosts there is package postgres.
//
//	keys, err := sqlite.Open(ctx, "/var/lib/invoices/keys.db")
//
// The file is for this store alone. Beside it SQLite keeps two more, with -wal and -shm after the name; copy a file that is in use with the
// command VACUUM INTO, not with cp. It must be on a local disk: locks of network file systems do not keep what they promise.
//
// # Order and durability
//
// Changes are committed one after the other, by whatever process, and each takes its revision from a row in the same transaction, so the order
// of revisions is the order of commits. The journal is a write-ahead log, and every connection has PRAGMA synchronous = FULL: what was
// committed is on the disk when a method returns, so that killing the process loses nothing, and a crash of the machine only what the disk
// itself loses.
//
// While somebody waits for changes, the store looks every 20 ms whether another process made one; its own are known at once. Changes are
// told one by one for a day, the newest 100,000 at most; a feed that is further behind is told all that is in force.
//
// # Rights
//
// A new file can be read and written by its owner alone. A server that only verifies can open it with [WithReadOnly], and then cannot change it
// by mistake; but as long as no other process has the file open, it needs the right to make the two files beside it.
//
// # Failure
//
// [Open] says what is wrong with the file: that it is no database, or that of something else, or of a newer version of this package.
// [apikey.ErrNotFound] and [apikey.ErrExists] are answers; every other error means that the file could not be asked, or that it refused.
// A writer waits at most 10 seconds for others. If the file is removed or replaced while the store is open, every method returns
// an error: what others change is no longer what the store sees. Errors contain the path and no more of what is in the file.
//
// # Concurrency
//
// A [Store] is safe for concurrent use, and any number of processes can open the file. It has one connection that writes, a few that read,
// and one goroutine, from the first Wait to Close.
package sqlite
