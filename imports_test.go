// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package admit_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	module   = "github.com/admitrpc/admit"
	grpc     = "google.golang.org/grpc"
	connect  = "connectrpc.com/connect"
	protobuf = "google.golang.org/protobuf"
)

// What each package may depend on, indirectly too: services that use one transport must not carry the other, and whoever writes a
// verifier needs neither.
var imports = []struct {
	pkg    string
	only   []string // beside the standard library and its own module; nil: anything but what is banned
	banned []string
}{
	{pkg: "/tokens", only: []string{}, banned: []string{module + "/tokens/", module + "/policy", module + "/interceptor", module + "/proto"}},
	{pkg: "/tokens/jwt", banned: []string{grpc, connect, protobuf, module + "/policy", module + "/interceptor"}},
	{pkg: "/tokens/apikey", banned: []string{grpc, connect, protobuf, module + "/policy", module + "/interceptor"}},
	{pkg: "/tokens/cache", banned: []string{grpc, connect, protobuf, module + "/policy", module + "/interceptor"}},
	{pkg: "/tokens/revocation", only: []string{}, banned: []string{module + "/tokens/apikey", module + "/tokens/jwt", module + "/policy", module + "/interceptor"}},
	{pkg: "/tokens/store/sqlite", banned: []string{grpc, connect, protobuf, "github.com/jackc", module + "/policy", module + "/interceptor"}},
	{pkg: "/tokens/store/postgres", banned: []string{grpc, connect, protobuf, "modernc.org", module + "/policy", module + "/interceptor"}},
	{pkg: "/tokens/clerk", banned: []string{grpc, connect, protobuf, module + "/policy", module + "/interceptor"}},
	{pkg: "/tokens/tokenstest", banned: []string{grpc, connect, protobuf, module + "/policy", module + "/interceptor"}},
	{pkg: "/policy", only: []string{protobuf}, banned: []string{grpc, connect, module + "/interceptor", module + "/tokens/"}},
	{pkg: "/interceptor", banned: []string{grpc, connect}},
	{pkg: "/interceptor/connectauth", banned: []string{grpc}},
	{pkg: "/interceptor/grpcauth", banned: []string{connect}},
	{pkg: "/proto/admit/v1", only: []string{protobuf}, banned: []string{module + "/tokens", module + "/policy", module + "/interceptor"}},
	{pkg: "", only: []string{}, banned: []string{module + "/"}},
}

func TestImports(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it runs the go command, which takes a while; run without -short")
	}
	for _, test := range imports {
		t.Run("admit"+test.pkg, func(t *testing.T) {
			t.Parallel()
			found := dependencies(t, module+test.pkg)
			if len(found) == 0 {
				t.Fatal("the package itself is not listed")
			}
			for _, dependency := range found {
				if dependency == module+test.pkg {
					continue
				}
				for _, banned := range test.banned {
					if under(dependency, banned) {
						t.Errorf("depends on %s", dependency)
					}
				}
				if test.only != nil && !under(dependency, module) && !underAny(dependency, test.only) {
					t.Errorf("depends on %s, beside the standard library and %v", dependency, test.only)
				}
			}
		})
	}
}

// dependencies are the packages that a package depends on and itself, the standard library's left out.
func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg)
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return strings.Fields(string(output))
}

// under reports whether a package is the other or inside; a prefix that ends in a slash is inside alone.
func under(pkg, prefix string) bool {
	return pkg == prefix || strings.HasPrefix(pkg, strings.TrimSuffix(prefix, "/")+"/")
}

func underAny(pkg string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if under(pkg, prefix) {
			return true
		}
	}
	return false
}

// With a replace in a go.mod, go install of a command at a version fails, and consumers do not get what we tested.
func TestModulesReplaceNothing(t *testing.T) {
	t.Parallel()
	replace := regexp.MustCompile(`(?m)^\s*replace\b|=>`)
	found := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.Name() != "go.mod":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found++
		if line := replace.FindString(string(text)); line != "" {
			t.Errorf("%s replaces a module", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 2 {
		t.Errorf("only %d modules were found", found)
	}
}
