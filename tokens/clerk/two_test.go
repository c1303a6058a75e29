// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// Two instances whose keys have the same kid, whose issuer even has the same name, and who are shown the same opaque tokens: none of them
// ever learns what the other knows, however many ask both at once.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	type tenant struct {
		*backend

		c    caller
		name string
	}
	var tenants [2]tenant
	for n, iss := range []*tokenstest.Issuer{issuer, tokenstest.NewIssuer(t)} {
		b := newBackendWithKeys(t, iss)
		tenants[n] = tenant{b, callerOf(t, instance(t, b.all()...)), fmt.Sprintf("tenant%d", n)}
		b.says("ak_same", 200, object(goodKey, map[string]any{"subject": "user_" + tenants[n].name}))
		b.says("oat_same", 200, object(goodOAuth, map[string]any{"subject": "user_" + tenants[n].name}))
		b.says("mt_same", 200, object(goodMachine, map[string]any{"subject": "mch_" + tenants[n].name}))
		b.says(fmt.Sprintf("ak_only%d", n), 200, object(goodKey, map[string]any{"subject": "user_" + tenants[n].name}))
	}
	var wait sync.WaitGroup
	for worker := range 16 {
		wait.Go(func() {
			for round := range 8 {
				n := (worker + round) % 2
				mine, other := tenants[n], tenants[1-n]
				for _, token := range []string{"ak_same", "oat_same", "mt_same", fmt.Sprintf("ak_only%d", n)} {
					p, err := mine.c.presentAs(t, tokens.Credential{Secret: tokens.NewSecret(token), Fresh: round%3 == 0})
					if err != nil || p.Subject() != "user_"+mine.name && p.Subject() != "mch_"+mine.name {
						t.Errorf("%s at %s: %v %v", token, mine.name, p, err)
					}
				}
				if p, err := mine.c.present(t, fmt.Sprintf("ak_only%d", 1-n)); tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
					t.Errorf("the other's key at %s: %v %v", mine.name, p, err)
				}
				for _, mint := range []func(*backend) string{
					func(b *backend) string { return b.session(map[string]any{"sub": "user_" + b.URL}) },
					func(b *backend) string { return b.oauth(map[string]any{"sub": "user_" + b.URL}) },
				} {
					if p, err := mine.c.present(t, mint(mine.backend)); err != nil || p.UserID() != "user_"+mine.URL {
						t.Errorf("a JWT at %s: %v %v", mine.name, p, err)
					}
					if p, err := mine.c.present(t, mint(other.backend)); tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
						t.Errorf("the other's JWT at %s: %v %v", mine.name, p, err)
					}
				}
			}
		})
	}
	wait.Wait()
	if string(tenants[0].iss.Keys()) == string(tenants[1].iss.Keys()) {
		t.Error("both have the same key")
	}
}
