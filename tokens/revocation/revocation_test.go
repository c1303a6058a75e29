// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/revocation"
)

func TestTargets(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, target := range revocation.Targets() {
		name := target.String()
		if got, err := revocation.ParseTarget(name); got != target || err != nil || seen[name] {
			t.Errorf("%q is parsed as %d, %v", name, got, err)
		}
		seen[name] = true
	}
	if len(seen) != 5 || revocation.Target(0).String() != "unknown" || revocation.Target(9).String() != "unknown" {
		t.Errorf("the targets are %v, and others %s", seen, revocation.Target(9))
	}
	for _, name := range []string{"", "unknown", "Key", "key ", "user"} {
		if got, err := revocation.ParseTarget(name); got != 0 || err == nil || !strings.Contains(err.Error(), "session") {
			t.Errorf("%q is parsed as %d, %v", name, got, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	now, long := time.Now(), strings.Repeat("a", revocation.MaxValue)
	for _, test := range []struct {
		name       string
		revocation revocation.Revocation
		want       []string // parts of what is told; none: it is good
	}{
		{"a key", revocation.Revocation{Target: revocation.Key, Value: "k"}, nil},
		{"a token, with all it may have", revocation.Revocation{Target: revocation.Token, Value: long, Issuer: long, Until: now, Reason: "lost"}, nil},
		{"a session", revocation.Revocation{Target: revocation.Session, Value: "s"}, nil},
		{"a subject", revocation.Revocation{Target: revocation.Subject, Value: "u", Before: now}, nil},
		{"a client", revocation.Revocation{Target: revocation.Client, Value: "c", Before: now.Add(time.Hour)}, nil},
		{"nothing", revocation.Revocation{}, []string{"no target", "the value is empty"}},
		{"no such target", revocation.Revocation{Target: 6, Value: "x"}, []string{"no target"}},
		{"no value", revocation.Revocation{Target: revocation.Session}, []string{"which session? the value is empty"}},
		{"a subject without a time", revocation.Revocation{Target: revocation.Subject, Value: "u"}, []string{"a subject needs a time up to which"}},
		{"a client without a time", revocation.Revocation{Target: revocation.Client, Value: "u"}, []string{"a client needs a time up to which"}},
		{"a key up to a time", revocation.Revocation{Target: revocation.Key, Value: "k", Before: now}, []string{"a key is revoked for good"}},
		{"a session up to a time", revocation.Revocation{Target: revocation.Session, Value: "s", Before: now}, []string{"a session is revoked for good"}},
		{"a long value", revocation.Revocation{Target: revocation.Key, Value: long + "a"}, []string{"longer than 1024 bytes"}},
		{"a long issuer", revocation.Revocation{Target: revocation.Key, Value: "k", Issuer: long + "a"}, []string{"longer than 1024 bytes"}},
		{
			"everything at once", revocation.Revocation{Target: revocation.Subject, Issuer: long + "a"},
			[]string{"the value is empty", "longer than 1024 bytes", "needs a time"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.revocation.Check()
			if (err == nil) != (len(test.want) == 0) {
				t.Fatalf("told %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("told %q, without %q", err, want)
				}
			}
		})
	}
}
