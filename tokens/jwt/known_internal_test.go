// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"slices"
	"strings"
	"testing"
)

// Variants are looked for of names in lower case alone.
func TestKnownNamesAreLowerCase(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Concat(claimNames, profileClaims) {
		if strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 || r >= 'A' && r <= 'Z' }) {
			t.Errorf("%q is not lower case ASCII", name)
		}
	}
}

func TestHoldings(t *testing.T) {
	t.Parallel()
	one := holdingClaims{features: "o:holding-a,u:b,ou:c", plans: "o:pro", permissions: "read,write", masks: "1,3", role: "admin"}
	tests := []struct {
		name   string
		change func(*holdingClaims)
		want   string
	}{
		{"as it is", func(*holdingClaims) {}, "org:holding-a:read org:c:read org:c:write"},
		{"other masks", func(c *holdingClaims) { c.masks = "2,0" }, "org:holding-a:write"},
		{"other names", func(c *holdingClaims) { c.permissions = "see,do" }, "org:holding-a:see org:c:see org:c:do"},
		{"other features", func(c *holdingClaims) { c.features = "o:holding-a" }, "org:holding-a:read"},
		{"other plans", func(c *holdingClaims) { c.plans = "" }, "org:holding-a:read org:c:read org:c:write"},
		{"wide mask", func(c *holdingClaims) { c.masks = "36893488147419103233" }, "org:holding-a:read"},
		{"the widest that is not wide", func(c *holdingClaims) { c.masks = "18446744073709551615" }, "org:holding-a:read org:holding-a:write"},
		{"zeros before", func(c *holdingClaims) { c.masks = "00000000000000000000000000000002" }, "org:holding-a:write"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			said := one
			test.change(&said)
			h, err := newHolding(said)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(h.permissions, " "); got != test.want || h.role != "org:admin" || h.said != said {
				t.Errorf("permissions %q, role %q of %+v", got, h.role, h.said)
			}
			rememberHolding(h)
			if again := rememberedHolding(said); again != nil && again.said != said {
				t.Errorf("%+v is remembered for %+v", again.said, said)
			}
		})
	}
	large := one
	large.plans = strings.Repeat("o:p,", 300) + "o:p"
	if h, err := newHolding(large); err != nil {
		t.Error(err)
	} else if rememberHolding(h); rememberedHolding(large) != nil {
		t.Error("a large holding is remembered")
	}
	if _, err := newHolding(holdingClaims{features: "bad"}); err == nil {
		t.Error("a feature without scope is taken")
	}
}
