// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"slices"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/clerk"
)

// The suffixes are those that Clerk's own library makes.
func TestCookieNames(t *testing.T) {
	t.Parallel()
	for key, suffix := range map[string]string{"pk_test_Y2xlcmsuZXhhbXBsZS5jb20k": "l2OS3d9k", "pk_live_Y2xlcmsuYWNtZS5kZXYk": "vjjTxgTy"} {
		secret := "sk" + key[2:8] + "secret"
		i, err := clerk.New(key, secret, clerk.WithAuthorizedParties("https://app.example.com"))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := i.CookieNames(), []string{"__session_" + suffix, "__session"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	}
	keys, err := clerk.New("", "sk_test_secret", clerk.WithKinds(tokens.APIKey))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = keys.Close() }()
	var none *clerk.Instance
	if keys.CookieNames() != nil || none.CookieNames() != nil {
		t.Error("cookies without a publishable key")
	}
}
