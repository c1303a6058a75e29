// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgrestest

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// ErrNotInstalled says that no PostgreSQL server was found, and what to do about it.
var ErrNotInstalled = errors.New("no PostgreSQL server is installed (Debian: apt-get install postgresql), " +
	"and ADMIT_TEST_POSTGRES has no URL of a database whose role may create schemas")

// The binaries that are needed.
const (
	creator = "initdb"
	program = "postgres"
)

// folders are where packages for various systems put the binaries, besides PATH.
var folders = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/lib/postgresql*/bin", "/usr/libexec/postgresql*", "/usr/local/pgsql/bin",
	"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
}

// find returns the folder of a server's binaries: the one in PATH, or else the newest.
func find() (string, error) {
	if initdb, err := exec.LookPath(creator); err == nil {
		if resolved, err := filepath.EvalSymlinks(initdb); err == nil && complete(filepath.Dir(resolved)) {
			return filepath.Dir(resolved), nil
		}
	}
	var found []string
	for _, folder := range folders {
		matches, _ := filepath.Glob(folder) // the patterns are right
		found = append(found, slices.DeleteFunc(matches, func(dir string) bool { return !complete(dir) })...)
	}
	if len(found) == 0 {
		return "", ErrNotInstalled
	}
	return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) }), nil
}

func complete(dir string) bool {
	for _, name := range []string{creator, program} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}

var digits = regexp.MustCompile(`[0-9]+`)

// version is the first number in the name of a folder; 0: none.
func version(dir string) int {
	n, _ := strconv.Atoi(digits.FindString(dir)) // 0 will do
	return n
}
