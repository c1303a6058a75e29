// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens/cache"
)

func newRejections(tb testing.TB, size int, maxAge time.Duration) *cache.Rejections {
	tb.Helper()
	r, err := cache.NewRejections(size, maxAge)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Close)
	return r
}

func TestNewRejections(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		size int
		age  time.Duration
		good bool
	}{{1, 1, true}, {0, time.Second, false}, {-1, time.Second, false}, {1, 0, false}, {1, -1, false}} {
		r, err := cache.NewRejections(test.size, test.age)
		if (err == nil) != test.good || (r != nil) != test.good || err != nil && !strings.HasPrefix(err.Error(), "cache: ") {
			t.Errorf("%d for %s: %v, %v", test.size, test.age, r, err)
		}
		r.Close()
	}
}

func TestRejectionsAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, key, why := newRejections(t, 10, time.Second), cache.KeyOf("bad"), errors.New("why")
		if _, ok := r.Get(key, time.Now()); ok {
			t.Error("it was rejected before it was")
		}
		time.Sleep(time.Hour)
		r.Add(key, why)
		for _, step := range []struct {
			wait time.Duration
			ok   bool
		}{{0, true}, {time.Second - 1, true}, {1, false}, {time.Hour, false}} {
			time.Sleep(step.wait)
			if err, ok := r.Get(key, time.Now()); ok != step.ok || ok && err != why { //nolint:errorlint // The very same.
				t.Errorf("after %s: %v, %t", step.wait, err, ok)
			}
			if _, ok := r.Get(cache.KeyOf("another"), time.Now()); ok {
				t.Error("another was rejected")
			}
		}
		later := errors.New("later")
		r.Add(key, later)
		if err, ok := r.Get(key, time.Now()); !ok || err != later { //nolint:errorlint // The very same.
			t.Errorf("rejected again: %v, %t", err, ok)
		}
	})
}

// SEC-77: ten thousand strangers take no more memory than there is for them.
func TestRejectionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size = 100
		r := newRejections(t, size, time.Hour)
		for i := range 100 * size {
			r.Add(cache.KeyOf(fmt.Sprint(i)), errTest)
		}
		synctest.Wait() // what evicts has ended
		remembered := 0
		for i := range 100 * size {
			if _, ok := r.Get(cache.KeyOf(fmt.Sprint(i)), time.Now()); ok {
				remembered++
			}
		}
		if remembered == 0 || remembered > 2*size {
			t.Errorf("%d are remembered", remembered)
		}
	})
}

var errTest = errors.New("rejected")

func TestNilRejections(t *testing.T) {
	t.Parallel()
	var r *cache.Rejections
	r.Add(cache.KeyOf("a"), errTest)
	if err, ok := r.Get(cache.KeyOf("a"), time.Now()); ok || err != nil {
		t.Errorf("rejected as %v", err)
	}
	r.Close()
}
