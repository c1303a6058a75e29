// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package fromclerk_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/admitrpc/admit/"

// packages are those that the guide names, by the names that it gives them. A caller is a principal, of which methods are named.
var packages = map[string]string{
	"tokens": "tokens", "caller": "tokens", "clerk": "tokens/clerk", "policy": "policy", "interceptor": "interceptor",
	"connectauth": "interceptor/connectauth", "grpcauth": "interceptor/grpcauth",
}

// named finds what is named of Admit in a text.
var named = regexp.MustCompile(`\b(tokens|caller|clerk|policy|interceptor|connectauth|grpcauth)\.([A-Z]\w*)`)

// exportedBy returns the exported names of a package, or the methods of a principal.
func exportedBy(tb testing.TB, name string) map[string]bool {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(root, packages[name], "*.go"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no files of %s: %v", name, err)
	}
	exported := map[string]bool{}
	add := func(ident *ast.Ident) {
		if ident.IsExported() {
			exported[ident.Name] = true
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, declaration := range parse(tb, file).Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if ofPrincipal(d) == (name == "caller") && (d.Recv == nil) == (name != "caller") {
					add(d.Name)
				}
			case *ast.GenDecl:
				if name == "caller" {
					continue
				}
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						add(s.Name)
					case *ast.ValueSpec:
						for _, ident := range s.Names {
							add(ident)
						}
					}
				}
			}
		}
	}
	return exported
}

func ofPrincipal(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	star, ok := d.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	ident, ok := star.X.(*ast.Ident)
	return ok && ident.Name == "Principal"
}

// usedByTests returns what the tests and examples of the whole repository use, as the guide names it.
func usedByTests(tb testing.TB) map[string]bool {
	tb.Helper()
	used := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(path, "_test.go"):
			uses(parse(tb, path), used)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return used
}

// uses adds what a file uses. A method counts for a principal's where it is called in a file that knows package tokens.
func uses(file *ast.File, used map[string]bool) {
	names := map[string]string{} // of imports, to those of the guide
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		for name, folder := range packages {
			if path == module+folder && name != "caller" {
				local := name
				if spec.Name != nil {
					local = spec.Name.Name
				}
				names[local] = name
			}
		}
	}
	knowsTokens := slices.ContainsFunc(file.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == strconv.Quote(module+"tokens") })
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if ident, ok := n.X.(*ast.Ident); ok && names[ident.Name] != "" {
				used[names[ident.Name]+"."+n.Sel.Name] = true
			}
		case *ast.CallExpr:
			if selector, ok := n.Fun.(*ast.SelectorExpr); ok && knowsTokens {
				if ident, ok := selector.X.(*ast.Ident); !ok || names[ident.Name] == "" {
					used["caller."+selector.Sel.Name] = true
				}
			}
		}
		return true
	})
}

func parse(tb testing.TB, path string) *ast.File {
	tb.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		tb.Fatal(err)
	}
	return file
}
