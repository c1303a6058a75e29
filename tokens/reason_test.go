// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
)

// declaredReasons reads the constants of type Reason from the source, so that a new one cannot be forgotten.
func declaredReasons(tb testing.TB) []tokens.Reason {
	tb.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		tb.Fatal(err)
	}
	var reasons []tokens.Reason
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			tb.Error(err)
		}
		reasons = append(reasons, tokens.Reason(text))
		return true
	})
	if len(reasons) == 0 {
		tb.Fatal("no reason is declared")
	}
	return reasons
}

func TestEveryReasonIsListed(t *testing.T) {
	t.Parallel()
	if declared := declaredReasons(t); !slices.Equal(tokens.Reasons(), declared) {
		t.Errorf("listed %v, declared %v", tokens.Reasons(), declared)
	}
	tokens.Reasons()[0] = "CHANGED"
	if tokens.Reasons()[0] == "CHANGED" {
		t.Error("the list can be changed from outside")
	}
}

func TestEveryReasonHasItsOwnText(t *testing.T) {
	t.Parallel()
	word, sentence := regexp.MustCompile(`^[A-Z]+(_[A-Z0-9]+)*$`), regexp.MustCompile(`^[a-z][a-z' ]+$`)
	owner := map[string]tokens.Reason{}
	for _, reason := range tokens.Reasons() {
		text := reason.Text()
		if !word.MatchString(string(reason)) || !sentence.MatchString(text) {
			t.Errorf("%s: text %q", reason, text)
		}
		if other, taken := owner[text]; taken {
			t.Errorf("%s and %s have the same text %q", reason, other, text)
		}
		owner[text] = reason
	}
}

func TestUnknownReasonHasTheTextOfInternal(t *testing.T) {
	t.Parallel()
	for _, reason := range []tokens.Reason{"", "NEW_REASON", "internal", "token abc is bad"} {
		if got := reason.Text(); got != tokens.ReasonInternal.Text() {
			t.Errorf("%q: text %q", reason, got)
		}
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	for kind, want := range map[tokens.Kind]struct {
		name           string
		known, machine bool
	}{
		0:                   {"unknown", false, true},
		tokens.SessionToken: {"session_token", true, false},
		tokens.OAuthToken:   {"oauth_token", true, true},
		tokens.APIKey:       {"api_key", true, true},
		tokens.M2MToken:     {"m2m_token", true, true},
		5:                   {"unknown", false, true},
		255:                 {"unknown", false, true},
	} {
		if kind.String() != want.name || kind.Known() != want.known || kind.Machine() != want.machine {
			t.Errorf("%d: %s, known %t, machine %t", kind, kind, kind.Known(), kind.Machine())
		}
		if listed := slices.Contains(kinds(), kind); listed != want.known {
			t.Errorf("%s: listed %t", kind, listed)
		}
	}
}

func kinds() []tokens.Kind {
	all := tokens.Kinds()
	return all[:]
}
