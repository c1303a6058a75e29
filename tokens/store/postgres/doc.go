// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package postgres keeps API keys and revocations in a PostgreSQL database, for servers on many hosts. It is a [store.Store]. It makes its
// tables on start, and does not create databases or roles.
//
// # Order
//
// Changes are committed one after the other, under an advisory lock that their transaction holds, so that the order of revisions is the
// order of commits, and a feed that asks for what follows a revision misses nothing. Each change tells of itself with NOTIFY in its own
// transaction. Because a connection can be lost in silence, and because some poolers drop notifications, the store also asks for the
// newest revision once a second while somebody waits.
//
// # Rights
//
// The tables are admit_state, admit_key, admit_revocation and admit_change, in the first schema of the connection's search_path. Who
// opens an empty database, or one that an older version made, needs CREATE on that schema. Who changes keys needs SELECT, INSERT, UPDATE and
// DELETE on the tables. A server that only verifies needs SELECT, and opens the store with [WithReadOnly]; one that also notes when keys
// were used needs UPDATE (last_used_at) on admit_key too, and opens it without.
//
// # Failure
//
// Errors wrap what the driver says and never contain the password of the URL. [apikey.ErrNotFound] and [apikey.ErrExists] are answers; every
// other error means that the database could not be asked, or that it refused. The store keeps nothing in memory that could be stale, and
// recovers by itself when the server is back. The first failure to listen, and its end, are logged with [slog.Default].
//
// A revocation whose Revoke returned is as durable as the database is: with asynchronous standbys a failover can lose it, so use a
// synchronous one. Connect to the primary: a hot standby cannot push, lags, and may tell less than was told before.
package postgres
