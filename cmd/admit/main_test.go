// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

// role says what a process of the test binary is: empty, a run of the tests.
const role = "ADMIT_TEST_ROLE"

func TestMain(m *testing.M) {
	_ = os.Unsetenv(storeVariable)
	switch as := os.Getenv(role); as {
	case "":
		os.Exit(postgrestest.Main(m).Run())
	case "admit":
		main()
	case "server":
		os.Exit(serve(os.Args[1], os.Stdin, os.Stdout))
	default:
		fmt.Fprintf(os.Stderr, "no role %q\n", as)
		os.Exit(2)
	}
}
