// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// The secret is alone on stdout; everything else about a new key is on stderr.
func Example_keys() {
	dir, err := os.MkdirTemp("", "admit-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store := filepath.Join(dir, "keys.db")

	var secret bytes.Buffer
	create := []string{"keys", "create", "-store", store, "-organization", "org_1", "-prefix", "ak_live", "-scope", "invoices:read"}
	code := run(context.Background(), create, strings.NewReader(""), &secret, io.Discard)
	fmt.Println(code, secret.Len(), secret.String()[:8])

	code = run(context.Background(), []string{"revoke", "subject", "user_1", "-before", "2027-01-31T00:00:00Z", "-store", store},
		strings.NewReader(""), os.Stdout, os.Stderr)
	fmt.Println(code)
	// Output:
	// 0 75 ak_live_
	// revoked every credential of subject user_1 issued up to 2027-01-31T00:00:00Z
	// 0
}
