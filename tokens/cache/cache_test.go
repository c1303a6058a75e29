// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/cache"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newCache(tb testing.TB, size int, age, timeout time.Duration) *cache.Cache {
	tb.Helper()
	c, err := cache.New(size, age, timeout)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func principal(tb testing.TB, subject string) *tokens.Principal {
	tb.Helper()
	p, err := tokens.NewPrincipal(tokens.Facts{Kind: tokens.APIKey, Subject: subject})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// returns is a verification that is counted.
func returns(p *tokens.Principal, err error, calls *atomic.Int64) func(context.Context) (*tokens.Principal, error) {
	return func(context.Context) (*tokens.Principal, error) {
		calls.Add(1)
		return p, err
	}
}

// do is Do in the first epoch, without what is remembered beside the principal.
func do(c *cache.Cache, ctx context.Context, key cache.Key, verify func(context.Context) (*tokens.Principal, error)) (*tokens.Principal, error) { //nolint:revive // The context comes second as in a method.
	entry, err := c.Do(ctx, key, 0, verify)
	if entry == nil {
		return nil, err
	}
	return entry.Principal, err
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		size         int
		age, timeout time.Duration
		ok           bool
	}{
		{"good", 1, 1, 1, true},
		{"no size", 0, 1, 1, false},
		{"less than none", -1, 1, 1, false},
		{"no age", 1, 0, 1, false},
		{"an age of less", 1, -time.Second, 1, false},
		{"no timeout", 1, 1, 0, false},
		{"a timeout of less", 1, 1, -1, false},
		{"nothing", 0, 0, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := cache.New(test.size, test.age, test.timeout)
			if (err == nil) != test.ok || (c != nil) != test.ok {
				t.Errorf("made %v, %v", c, err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "cache: ") {
				t.Errorf("told %v", err)
			}
			c.Close()
		})
	}
}

func TestKeyOf(t *testing.T) {
	t.Parallel()
	seen := map[cache.Key]string{}
	for _, credential := range []string{
		"", "a", "b", "A", "aa", "a\x00", "\x00a", strings.Repeat("a", 55), strings.Repeat("a", 56), strings.Repeat("a", 64),
		strings.Repeat("a", tokens.MaxCredential), "ä", "a\u0308",
	} {
		key := cache.KeyOf(credential)
		if key != sha256.Sum256([]byte(credential)) {
			t.Errorf("the key of %q is not its SHA-256", credential)
		}
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q have one key", credential, other)
		}
		seen[key] = credential
	}
}

func TestOnlyPrincipalsAreRemembered(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	someone := principal(t, "user_1")
	for _, test := range []struct {
		name       string
		principal  *tokens.Principal
		err        error
		remembered bool
	}{
		{"a principal", someone, nil, true},
		{"an error", nil, failed, false},
		{"neither", nil, nil, false},
		{"both", someone, failed, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, calls := newCache(t, 10, time.Minute, time.Second), &atomic.Int64{}
			key := cache.KeyOf(test.name)
			for range 2 {
				got, err := do(c, t.Context(), key, returns(test.principal, test.err, calls))
				if got != test.principal || !errors.Is(err, test.err) {
					t.Errorf("verified %v, %v", got, err)
				}
			}
			got, ok := c.Get(key, time.Now())
			if ok != test.remembered || ok && got.Principal != test.principal {
				t.Errorf("remembered %v, %t", got, ok)
			}
			if want := map[bool]int64{true: 1, false: 2}[test.remembered]; calls.Load() != want {
				t.Errorf("%d calls, not %d", calls.Load(), want)
			}
			if _, ok := c.Get(cache.KeyOf("another"), time.Now()); ok {
				t.Error("another credential is remembered")
			}
		})
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, calls := newCache(t, 10, time.Minute, time.Second), &atomic.Int64{}
		key := cache.KeyOf("credential")
		if _, err := do(c, t.Context(), key, returns(principal(t, "user_1"), nil, calls)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, step := range []struct {
			at time.Duration
			ok bool
		}{{0, true}, {time.Minute - 1, true}, {time.Minute, false}, {time.Hour, false}, {-time.Second, true}} {
			if _, ok := c.Get(key, began.Add(step.at)); ok != step.ok {
				t.Errorf("after %s: %t", step.at, ok)
			}
		}
	})
}

func TestNilRemembersNothing(t *testing.T) {
	t.Parallel()
	var c *cache.Cache
	calls := &atomic.Int64{}
	someone := principal(t, "user_1")
	for range 2 {
		if got, err := do(c, t.Context(), cache.KeyOf("a"), returns(someone, nil, calls)); got != someone || err != nil {
			t.Errorf("verified %v, %v", got, err)
		}
	}
	if _, ok := c.Get(cache.KeyOf("a"), time.Now()); ok || c.Len() != 0 || calls.Load() != 2 {
		t.Errorf("remembered %d after %d calls", c.Len(), calls.Load())
	}
	c.Close()
}

func TestBound(t *testing.T) {
	t.Parallel()
	const size = 100
	c, calls := newCache(t, size, time.Hour, time.Minute), &atomic.Int64{}
	someone := principal(t, "user_1")
	for i := range 100 * size {
		if _, err := do(c, t.Context(), cache.KeyOf(fmt.Sprint(i)), returns(someone, nil, calls)); err != nil {
			t.Fatal(err)
		}
	}
	c.Close() // ends what evicts, after which the bound holds
	remembered := 0
	for i := range 100 * size {
		if _, ok := c.Get(cache.KeyOf(fmt.Sprint(i)), time.Now()); ok {
			remembered++
		}
	}
	if remembered == 0 || remembered > 2*size {
		t.Errorf("%d are remembered, and Len says %d", remembered, c.Len())
	}
}

func TestOneFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, 10, time.Minute, time.Minute)
		calls := map[string]*atomic.Int64{"a": {}, "b": {}}
		var group sync.WaitGroup
		for credential, count := range calls {
			someone := principal(t, credential)
			for range 1000 {
				group.Go(func() {
					got, err := do(c, t.Context(), cache.KeyOf(credential), func(context.Context) (*tokens.Principal, error) {
						count.Add(1)
						time.Sleep(time.Second)
						return someone, nil
					})
					if got != someone || err != nil {
						t.Errorf("%s verified as %v, %v", credential, got, err)
					}
				})
			}
		}
		group.Wait()
		for credential, count := range calls {
			if count.Load() != 1 {
				t.Errorf("%s was verified %d times", credential, count.Load())
			}
		}
	})
}

type valueKey struct{}

// SEC-69: a verification goes on without the caller who began it, with his values and without his end.
func TestTheFirstCallerLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, someone, key := newCache(t, 10, time.Minute, time.Minute), principal(t, "user_1"), cache.KeyOf("credential")
		first, leave := context.WithTimeout(context.WithValue(t.Context(), valueKey{}, "of the first"), time.Second)
		defer leave()
		verify := func(ctx context.Context) (*tokens.Principal, error) {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != time.Minute || ctx.Value(valueKey{}) != "of the first" {
				t.Errorf("the deadline is in %s, the value %v", time.Until(deadline), ctx.Value(valueKey{}))
			}
			time.Sleep(10 * time.Second)
			return someone, ctx.Err()
		}
		var group sync.WaitGroup
		began := time.Now()
		group.Go(func() {
			if got, err := do(c, first, key, verify); got != nil || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
				t.Errorf("after %s the first has %v, %v", time.Since(began), got, err)
			}
		})
		synctest.Wait()
		group.Go(func() {
			got, err := do(c, t.Context(), key, func(context.Context) (*tokens.Principal, error) { return nil, errors.New("a second verification") })
			if got != someone || err != nil || time.Since(began) != 10*time.Second {
				t.Errorf("after %s the second has %v, %v", time.Since(began), got, err)
			}
		})
		group.Wait()
		if _, ok := c.Get(key, time.Now()); !ok {
			t.Error("nothing is remembered")
		}
	})
}

// A cause of a caller's end is not an error of the verification.
func TestTheCauseStaysWithTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, 10, time.Minute, time.Minute)
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := tokens.NewError(tokens.ReasonTokenInvalid, nil)
		time.AfterFunc(time.Second, func() { cancel(cause) })
		_, err := do(c, ctx, cache.KeyOf("a"), func(ctx context.Context) (*tokens.Principal, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, cause) {
			t.Errorf("told %v", err)
		}
		time.Sleep(time.Minute) // the verification goes on until its own end
	})
}

// SEC-125: a verification that takes too long is left, whether it heeds its context or not, and the next one begins anew.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for name, heeds := range map[string]bool{"heeds its context": true, "heeds nothing": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, key, someone := newCache(t, 10, time.Minute, 3*time.Second), cache.KeyOf("a"), principal(t, "user_1")
				forever := make(chan struct{})
				var group sync.WaitGroup
				began := time.Now()
				for range 10 {
					group.Go(func() {
						got, err := do(c, t.Context(), key, func(ctx context.Context) (*tokens.Principal, error) {
							if heeds {
								<-ctx.Done()
								return nil, ctx.Err()
							}
							<-forever
							return someone, nil
						})
						if got != nil || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
							t.Errorf("after %s: %v, %v", time.Since(began), got, err)
						}
					})
				}
				group.Wait()
				calls := &atomic.Int64{}
				close(forever)
				synctest.Wait()
				if _, ok := c.Get(key, time.Now()); ok {
					t.Error("what came too late is remembered")
				}
				if got, err := do(c, t.Context(), key, returns(someone, nil, calls)); got != someone || err != nil || calls.Load() != 1 {
					t.Errorf("the next one has %v, %v", got, err)
				}
			})
		})
	}
}

// A verification that ends its goroutine, as t.FailNow does, leaves nobody waiting.
func TestGoexit(t *testing.T) {
	t.Parallel()
	c := newCache(t, 10, time.Minute, time.Minute)
	got, err := do(c, t.Context(), cache.KeyOf("a"), func(context.Context) (*tokens.Principal, error) {
		runtime.Goexit()
		return nil, nil
	})
	if got != nil || err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("verified %v, %v", got, err)
	}
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates; run without -race to check the budgets")
	}
	c, someone := newCache(t, 10, time.Hour, time.Second), principal(t, "user_1")
	credential := strings.Repeat("a", 1000)
	key := cache.KeyOf(credential)
	if _, err := do(c, t.Context(), key, returns(someone, nil, &atomic.Int64{})); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, budget := range map[string]struct {
		most float64
		run  func()
	}{
		"KeyOf": {0, func() { _ = cache.KeyOf(credential) }},
		"Get":   {0, func() { _, _ = c.Get(key, now) }},
		"a miss": {0, func() {
			_, _ = c.Get(cache.Key{}, now)
		}},
	} {
		if got := testing.AllocsPerRun(1000, budget.run); got > budget.most {
			t.Errorf("%s: %v allocations, not %v", name, got, budget.most)
		}
	}
	if _, ok := c.Get(key, now); !ok {
		t.Error("the budget of a hit was that of a miss")
	}
}
