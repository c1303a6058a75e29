// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
)

// keyed are the rules of a service that takes API keys.
var keyed = rules{"Key": standard["Key"], "Fresh": `allow { api_key {} } fresh: true`}

// A countedStore counts how often it is read, which takes a while.
type countedStore struct {
	*apikey.MemoryStore

	reads atomic.Int64
	takes time.Duration
}

func (s *countedStore) Lookup(ctx context.Context, id string) (apikey.Record, error) {
	s.reads.Add(1)
	time.Sleep(s.takes)
	return s.MemoryStore.Lookup(ctx, id)
}

// keyGuard guards a service whose keys are in the store, which is the feed of revocations too, and makes keys in it.
func keyGuard(tb testing.TB, store *countedStore, keys int) (guard *interceptor.Guard, made []string) {
	tb.Helper()
	compiled, err := policy.New(policy.Serve(fileOf(tb, keyed)))
	if err != nil {
		tb.Fatal(err)
	}
	verifier, err := apikey.NewVerifier(store)
	if err != nil {
		tb.Fatal(err)
	}
	table, err := tokens.NewVerifiers(verifier)
	if err != nil {
		tb.Fatal(err)
	}
	guard, err = interceptor.New(compiled, table, interceptor.WithRevocations(store))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(guard.Close)
	administration, err := apikey.NewKeys(store)
	if err != nil {
		tb.Fatal(err)
	}
	for range keys {
		key, _, err := administration.Create(tb.Context(), apikey.Spec{OrganizationID: "org_1", Scopes: []string{"invoices:read", "invoices:write"}})
		if err != nil {
			tb.Fatal(err)
		}
		made = append(made, key.Reveal())
	}
	return guard, made
}

// The budget of a remembered key is that of every credential, with a feed of revocations too: the call itself, and no store is read.
func TestAllocationsOfKeys(t *testing.T) { //nolint:paralleltest // Allocations are counted of the whole process.
	if raceEnabled {
		t.Skip("the race detector allocates; run without -race to check the budgets")
	}
	store := &countedStore{MemoryStore: apikey.NewMemoryStore()}
	guard, keys := keyGuard(t, store, 1)
	values := []string{"Bearer " + keys[0]}
	run := func(method string) func() {
		name := nameOf(method)
		p := guard.Procedure(name, nil)
		return func() {
			if _, refusal := guard.Begin(t.Context(), name, p, &interceptor.Request{Authorization: values, Identity: guard}); refusal != nil {
				t.Fatal(refusal)
			}
		}
	}
	run("Fresh")() // which asks the feed. What is verified before it was heard is verified again.
	if got := testing.AllocsPerRun(500, run("Key")); got > 1 {
		t.Errorf("%v allocations, and 1 at most is promised", got)
	}
	if got := store.reads.Load(); got != 1 {
		t.Errorf("the store was read %d times", got)
	}
}

// However many call at once with a key that is not remembered, over any method, the store is read once for it, and once more for each call
// that asks for a fresh answer.
func TestOneReadForManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, fresh = 1000, 3
		store := &countedStore{MemoryStore: apikey.NewMemoryStore(), takes: time.Second}
		guard, keys := keyGuard(t, store, 2)
		synctest.Wait() // The feed was heard. What is verified before that is verified again.
		var group sync.WaitGroup
		call := func(method, key string) {
			group.Go(func() {
				name := nameOf(method)
				_, refusal := guard.Begin(t.Context(), name, guard.Procedure(name, nil), &interceptor.Request{Authorization: []string{"Bearer " + key}})
				if refusal != nil {
					t.Errorf("%s: %v", method, refusal)
				}
			})
		}
		for _, step := range []struct {
			method  string
			callers int
			reads   int64
		}{{"Key", callers, 2}, {"Key", callers, 0}, {"Fresh", fresh, 2 * fresh}} {
			before := store.reads.Load()
			for range step.callers {
				for _, key := range keys {
					call(step.method, key)
				}
			}
			group.Wait()
			if got := store.reads.Load() - before; got != step.reads {
				t.Errorf("%s: %d reads for %d calls with each of %d keys, not %d", step.method, got, step.callers, len(keys), step.reads)
			}
		}
		guard.Close()
		_ = store.Close()
	})
}
