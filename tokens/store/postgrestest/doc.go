// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package postgrestest gives tests a PostgreSQL: the one whose URL is in the environment variable ADMIT_TEST_POSTGRES, or else a throw-away
// server, started from the binaries that are installed (Debian: postgresql) and shared by the tests of a process. It is not for production.
//
// [URL] is an empty place in it for one test; where there is no PostgreSQL the test is skipped and says why, or fails if the environment
// variable CI is "true". [Main] stops the shared server after the tests. [Launch] starts a server of one's own, to be stopped and started again.
//
// A server runs in a folder of its own below [os.TempDir], listens on a free port of the loopback interface and on a socket in its
// folder, and demands a random password. If this process runs as root, the server runs as the user postgres or nobody, because
// PostgreSQL refuses root. On Linux it ends with this process, however that ends; the folder stays if the process was killed.
package postgrestest
