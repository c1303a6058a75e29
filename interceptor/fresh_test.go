// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/revocation"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// freshRules are the same rule with fresh and without.
var freshRules = rules{
	"Fresh": `allow { api_key { scopes: "invoices:read" } } fresh: true`,
	"Key":   `allow { api_key { scopes: "invoices:read" } }`,
}

// Semantics 35: fresh travels in the credential, every call asks the source of truth, and what it says is remembered for the others.
func TestFreshReadsNoCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fresh, gone atomic.Int64
		w := newWorldOf(t, freshRules, freshForms(), map[string]answer{"ak_x": func(_ context.Context, c tokens.Credential) (*tokens.Principal, error) {
			if c.Fresh {
				fresh.Add(1)
			}
			if gone.Load() > 0 {
				return nil, tokens.NewError(tokens.ReasonTokenRevoked, nil)
			}
			return tokens.NewPrincipal(factsOf(tokens.APIKey))
		}})
		for i, step := range []struct {
			method       string
			calls, fresh int64
		}{{"Key", 1, 0}, {"Key", 1, 0}, {"Fresh", 2, 1}, {"Fresh", 3, 2}, {"Key", 3, 2}} {
			w.begun(t, t.Context(), step.method, "Bearer ak_x")
			if w.verifier.calls.Load() != step.calls || fresh.Load() != step.fresh {
				t.Errorf("step %d: %d verifications, %d of them fresh", i, w.verifier.calls.Load(), fresh.Load())
			}
		}
		// What is remembered as bad is not read either.
		gone.Store(1)
		for i := range int64(3) {
			if _, refusal := w.call(t.Context(), "Fresh", "Bearer ak_x"); reasonOf(refusal) != tokens.ReasonTokenRevoked || w.verifier.calls.Load() != 4+i {
				t.Errorf("after %d verifications: %v", w.verifier.calls.Load(), refusal)
			}
		}
		// What a fresh call learned is not believed any more by others, who would otherwise have remembered better.
		if _, refusal := w.call(t.Context(), "Key", "Bearer ak_x"); reasonOf(refusal) != tokens.ReasonTokenRevoked {
			t.Errorf("another call is told %v", refusal)
		}
		gone.Store(0)
		w.begun(t, t.Context(), "Fresh", "Bearer ak_x")
		if _, refusal := w.call(t.Context(), "Fresh", "Bearer st_good"); reasonOf(refusal) != tokens.ReasonTokenInvalid && reasonOf(refusal) != tokens.ReasonTokenTypeNotAccepted {
			t.Errorf("another kind: %v", refusal)
		}
	})
}

// Semantics 35: a fresh call joins no verification that began before it, and none joins its own.
func TestFreshJoinsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, freshRules, freshForms(), map[string]answer{"ak_x": slowly(time.Second)})
		var group sync.WaitGroup
		for range 10 {
			for _, method := range []string{"Key", "Fresh"} {
				group.Go(func() { w.begun(t, t.Context(), method, "Bearer ak_x") })
			}
			synctest.Wait()
		}
		group.Wait()
		if got := w.verifier.calls.Load(); got != 11 {
			t.Errorf("%d verifications of ten fresh calls and ten others", got)
		}
	})
}

// A fresh call is told what was revoked before it, also where the feed has not told yet; one that is not fresh is, as soon as the feed was
// asked.
func TestFreshAsksTheFeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed()
		w := newWorldOf(t, freshRules, freshForms(), nil, interceptor.WithRevocations(feed))
		synctest.Wait()
		feed.with(func(f *fakeFeed) { f.mute = true })
		time.Sleep(1500 * time.Millisecond) // it waits for news, half way to the next heartbeat
		w.begun(t, t.Context(), "Fresh", "Bearer ak_good")
		for range 2 {
			asked := feed.questions()
			w.begun(t, t.Context(), "Fresh", "Bearer ak_good")
			if feed.questions() != asked+1 {
				t.Errorf("the feed was asked %d times", feed.questions()-asked)
			}
		}
		feed.revoke(revocation.Key, "token_1")
		w.begun(t, t.Context(), "Key", "Bearer ak_good") // nobody has told yet
		if _, refusal := w.call(t.Context(), "Fresh", "Bearer ak_good"); reasonOf(refusal) != tokens.ReasonTokenRevoked {
			t.Errorf("fresh: %v", refusal)
		}
		if _, refusal := w.call(t.Context(), "Key", "Bearer ak_good"); reasonOf(refusal) != tokens.ReasonTokenRevoked {
			t.Errorf("and then: %v", refusal)
		}
	})
}

// Where the source of truth cannot be reached, or the feed, a fresh call is refused with VERIFIER_UNAVAILABLE, at once where they fail,
// though the credential is remembered.
func TestFreshFailsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed()
		var down atomic.Bool
		w := newWorldOf(t, freshRules, freshForms(), map[string]answer{"ak_x": func(context.Context, tokens.Credential) (*tokens.Principal, error) {
			if down.Load() {
				return nil, tokens.NewError(tokens.ReasonVerifierUnavailable, errors.New("down"))
			}
			return tokens.NewPrincipal(factsOf(tokens.APIKey))
		}}, interceptor.WithRevocations(feed))
		synctest.Wait()
		expect := func(step, method string, want tokens.Reason) {
			t.Helper()
			_, refusal := w.call(t.Context(), method, "Bearer ak_x")
			if reasonOf(refusal) != want || refusal != nil && (refusal.Code() != code.Code_UNAVAILABLE || !retries(refusal)) {
				t.Errorf("%s, %s: %v", step, method, refusal)
			}
		}
		expect("well", "Fresh", "")
		down.Store(true)
		expect("the store is down", "Fresh", tokens.ReasonVerifierUnavailable)
		expect("the store is down", "Key", "")
		down.Store(false)
		expect("the store is back", "Fresh", "") // an error is not remembered
		feed.with(func(f *fakeFeed) { f.down = true })
		calls := w.verifier.calls.Load()
		expect("the feed is down", "Fresh", tokens.ReasonVerifierUnavailable)
		expect("the feed is down", "Key", "")
		if w.verifier.calls.Load() != calls {
			t.Error("the verifier was asked though the feed could not be")
		}
		feed.with(func(f *fakeFeed) { f.down, f.hangs = false, true })
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, refusal := w.call(ctx, "Fresh", "Bearer ak_x"); refusal == nil || refusal.Code() != code.Code_DEADLINE_EXCEEDED {
			t.Errorf("a caller who does not wait is told %v", refusal)
		}
		began := time.Now()
		expect("the feed hangs", "Fresh", tokens.ReasonVerifierUnavailable)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		feed.with(func(f *fakeFeed) { f.hangs = false })
		expect("the feed is back", "Fresh", "")
	})
}
