// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package awaited_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/admitrpc/admit/tokens/store/internal/awaited"
)

var (
	errClosed = errors.New("closed")
	errDeaf   = errors.New("deaf")
)

// newRevision returns a revision, and how many listen for it.
func newRevision() (*awaited.Revision, *atomic.Int32) {
	var listening atomic.Int32
	return awaited.NewRevision(func(ctx context.Context) {
		listening.Add(1)
		<-ctx.Done()
		listening.Add(-1)
	}, errClosed), &listening
}

// What is heard ends a Wait, and what is not news does not.
func TestWait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		does func(r *awaited.Revision)
		ends bool
		err  error
	}{
		{"a later revision", func(r *awaited.Revision) { r.Hear(8) }, true, nil},
		{"the same", func(r *awaited.Revision) { r.Hear(7) }, false, nil},
		{"an earlier one", func(r *awaited.Revision) { r.Hear(3) }, false, nil},
		{"something may have been missed", func(r *awaited.Revision) { r.Miss(nil) }, true, nil},
		{"nothing can be heard", func(r *awaited.Revision) { r.Miss(errDeaf) }, true, errDeaf},
		{"the tables have a later one", func(r *awaited.Revision) { r.Correct(7, 9) }, true, nil},
		{"the tables have the same", func(r *awaited.Revision) { r.Correct(7, 7) }, false, nil},
		{"the tables have lost changes", func(r *awaited.Revision) { r.Correct(7, 2) }, true, nil},
		{"the tables were asked before something was heard", func(r *awaited.Revision) { r.Correct(6, 6) }, false, nil},
		{"closed", func(r *awaited.Revision) { r.Close() }, true, errClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, _ := newRevision()
				defer r.Close()
				r.Hear(7)
				ended := make(chan error, 2)
				for range 2 {
					go func() { ended <- r.Wait(t.Context(), 7) }()
				}
				synctest.Wait()
				test.does(r)
				synctest.Wait()
				if got := len(ended); got != 0 != test.ends {
					t.Fatalf("%d of 2 ended", got)
				}
				if !test.ends {
					r.Hear(8)
				}
				for range 2 {
					if err := <-ended; !errors.Is(err, test.err) {
						t.Errorf("ended with %v", err)
					}
				}
			})
		})
	}
}

// Only those get an error who waited when it was told.
func TestMissIsForThoseWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRevision()
		defer r.Close()
		r.Miss(errDeaf)
		ended := make(chan error, 1)
		go func() { ended <- r.Wait(t.Context(), 0) }()
		synctest.Wait()
		if len(ended) != 0 {
			t.Fatal(<-ended)
		}
		r.Hear(1)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A revision that turned out to be older than was heard is what later ones are held against.
func TestCorrect(t *testing.T) {
	t.Parallel()
	r, _ := newRevision()
	defer r.Close()
	r.Hear(7)
	for i, test := range []struct {
		heard, revision uint64
		news            bool
		newest          uint64
	}{
		{7, 7, false, 7},
		{7, 9, true, 9},
		{7, 8, false, 9},
		{9, 4, false, 4},
		{9, 3, false, 4},
		{4, 5, true, 5},
	} {
		if news := r.Correct(test.heard, test.revision); news != test.news || r.Newest() != test.newest {
			t.Errorf("%d: news %t, newest %d", i+1, news, r.Newest())
		}
	}
}

// One goroutine listens, from the first Wait to the end.
func TestListening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, listening := newRevision()
		ctx, cancel := context.WithCancel(t.Context())
		if r.Hear(1); r.Awaited() || len(r.Begun()) != 0 || listening.Load() != 0 {
			t.Error("something listens for nobody")
		}
		ended := make(chan error, 3)
		for range 3 {
			go func() { ended <- r.Wait(ctx, 1) }()
		}
		synctest.Wait()
		if !r.Awaited() || len(r.Begun()) != 1 || listening.Load() != 1 {
			t.Errorf("awaited %t, begun %d, %d listen", r.Awaited(), len(r.Begun()), listening.Load())
		}
		cancel()
		for range 3 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		if r.Awaited() {
			t.Error("those who have gone are awaited")
		}
		r.Close()
		r.Close()
		if got := listening.Load(); got != 0 {
			t.Errorf("%d listen behind the end", got)
		}
		if err := r.Wait(t.Context(), 0); !errors.Is(err, errClosed) {
			t.Error(err)
		}
		if synctest.Wait(); listening.Load() != 0 {
			t.Error("it listens again behind the end")
		}
	})
}

// Nothing listens for a revision that was closed before anybody waited.
func TestCloseBeforeWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, listening := newRevision()
		r.Close()
		if err := r.Wait(t.Context(), 0); !errors.Is(err, errClosed) {
			t.Error(err)
		}
		if synctest.Wait(); listening.Load() != 0 {
			t.Error("it listens")
		}
	})
}
