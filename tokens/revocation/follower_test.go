// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens/revocation"
)

// Nobody is admitted before the feed was heard, and the first call after it can be asked is.
func TestUnknownUntilHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		feed.with(func(f *fake) { f.down = true })
		f, p := follow(t, feed, nil), key(t, "k")
		for range 10 {
			expect(t, f, p, f.Epoch(), revocation.Unknown)
			if f.Current(f.Epoch(), time.Now()) {
				t.Fatal("what was never heard is current")
			}
			time.Sleep(10 * time.Second)
		}
		feed.with(func(f *fake) { f.down = false })
		expect(t, f, p, f.Epoch(), revocation.Changed) // it was verified before anything was heard
		expect(t, f, p, f.Epoch(), revocation.Good)
		if !f.Current(f.Epoch(), time.Now()) {
			t.Error("what was heard is not current")
		}
	})
}

// SEC-79: how soon what was revoked is known, in each way in which a feed can be silent.
func TestHowSoonItIsKnown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		state func(f *fake)
		most  time.Duration
		asked int // at most, in ten seconds
	}{
		{"healthy", func(*fake) {}, 10 * time.Millisecond, 15},
		{"pushes are lost in silence", func(f *fake) { f.mute = true }, revocation.Heartbeat, 15},
		{"pushes fail", func(f *fake) { f.deaf = true }, revocation.Heartbeat / 4, 45},
		{"pushes without news", func(f *fake) { f.eager = true }, 10 * time.Millisecond, 2010},
		{"answers take a second", func(f *fake) { f.slow, f.mute = time.Second, true }, 2*revocation.Heartbeat + time.Second, 15},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed := newFake()
				feed.with(test.state)
				var told atomic.Int64
				f, p := follow(t, feed, func() { told.Add(1) }), key(t, "k")
				time.Sleep(10 * time.Second)
				if asked := feed.questions(); asked > test.asked {
					t.Errorf("asked %d times in ten seconds", asked)
				}
				verified, before := f.Epoch(), told.Load()
				expect(t, f, p, verified, revocation.Good)
				feed.revoke(revocation.Key, "k")
				time.Sleep(test.most)
				synctest.Wait()
				if verdict, _ := f.Known(p, verified); verdict != revocation.Revoked || told.Load() == before || f.Current(verified, time.Now()) {
					t.Errorf("after %s it is judged %d, and told %d times", test.most, verdict, told.Load()-before)
				}
			})
		})
	}
}

// A feed that cannot be asked any more is believed for the grace and not longer, whether it fails or hangs. Whoever has streams is told of
// that at once, since nobody may call.
func TestGrace(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]func(f *fake, is bool){
		"it fails":  func(f *fake, is bool) { f.down, f.deaf = is, is },
		"it hangs":  func(f *fake, is bool) { f.hangs, f.mute = is, is },
		"it panics": func(f *fake, is bool) { f.panic = is },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed, news := newFake(), make(chan time.Time, 100)
				feed.revoke(revocation.Key, "other")
				f, p := follow(t, feed, func() { news <- time.Now() }), key(t, "k")
				heard, verified := time.Now(), f.Epoch()
				<-news
				feed.with(func(f *fake) { state(f, true) })
				feed.revoke(revocation.Key, "k") // which nobody hears of
				time.Sleep(revocation.Grace - 1)
				if verdict, _ := f.Known(p, verified); verdict != revocation.Good {
					t.Errorf("a moment before the grace ends it is judged %d", verdict)
				}
				if at := <-news; at.Sub(heard) != revocation.Grace {
					t.Errorf("told after %s", at.Sub(heard))
				}
				expect(t, f, p, verified, revocation.Unknown)
				if time.Sleep(10 * time.Minute); len(news) > 0 {
					t.Errorf("told %d times more", len(news))
				}
				expect(t, f, p, verified, revocation.Unknown)

				feed.with(func(f *fake) { state(f, false) })
				time.Sleep(5 * time.Second)
				expect(t, f, p, verified, revocation.Revoked)
				expect(t, f, key(t, "good"), f.Epoch(), revocation.Good)
			})
		})
	}
}

// What a slow answer tells is as old as the question: the grace begins with that.
func TestASlowAnswerIsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		feed.with(func(f *fake) { f.slow, f.mute = 3*time.Second, true })
		began := time.Now()
		f, p := follow(t, feed, nil), key(t, "k")
		time.Sleep(3*time.Second + time.Millisecond)
		feed.with(func(f *fake) { f.down, f.deaf = true, true })
		verified := f.Epoch()
		time.Sleep(time.Until(began.Add(revocation.Grace - 1)))
		expect(t, f, p, verified, revocation.Good)
		time.Sleep(1)
		expect(t, f, p, verified, revocation.Unknown)
	})
}

// When the lease has run out a call asks, one in a second, and waits no longer than that; the others lose no time.
func TestLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		f, p := follow(t, feed, nil), key(t, "k")
		verified, heard := f.Epoch(), time.Now()
		feed.with(func(f *fake) { f.hangs, f.mute = true, true })
		for _, step := range []struct {
			at      time.Duration
			current bool
			waits   time.Duration
		}{
			{revocation.Lease - 1, true, 0},
			{revocation.Lease, false, time.Second},
			{revocation.Lease + 2*time.Second, false, time.Second},
			{revocation.Grace, false, time.Second},
		} {
			time.Sleep(time.Until(heard.Add(step.at)))
			if f.Current(verified, time.Now()) != step.current {
				t.Errorf("after %s: current is not %t", step.at, step.current)
			}
			var group sync.WaitGroup
			var waited atomic.Int64
			began := time.Now()
			for range 100 {
				group.Go(func() {
					_, _ = f.Judge(t.Context(), p, verified)
					if time.Since(began) > 0 {
						waited.Add(1)
					}
				})
			}
			group.Wait()
			if took := time.Since(began); took != step.waits || waited.Load() > 1 {
				t.Errorf("after %s: %d calls waited, %s", step.at, waited.Load(), took)
			}
		}
	})
}

// What was committed before Sync is known after it, also when a question that is under way has read before the commit.
func TestSyncJoinsNoEarlierQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		feed.with(func(f *fake) { f.slow, f.mute = 100*time.Millisecond, true })
		f, p := follow(t, feed, nil), key(t, "k")
		time.Sleep(150 * time.Millisecond)
		synctest.Wait()
		var group sync.WaitGroup
		group.Go(func() { _ = f.Sync(t.Context()) }) // reads now, and answers later
		time.Sleep(time.Millisecond)
		feed.revoke(revocation.Key, "k")
		asked, began := feed.questions(), time.Now()
		for range 1000 {
			group.Go(func() {
				if err := f.Sync(t.Context()); err != nil || time.Since(began) != 199*time.Millisecond {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
				if verdict, _ := f.Known(p, f.Epoch()); verdict != revocation.Revoked {
					t.Errorf("judged %d", verdict)
				}
			})
		}
		group.Wait()
		if more := feed.questions() - asked; more != 1 {
			t.Errorf("a thousand callers asked %d times", more)
		}
	})
}

func TestSyncFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		f := follow(t, feed, nil)
		feed.with(func(f *fake) { f.down = true })
		if err := f.Sync(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("of a feed that is down: %v", err)
		}
		feed.with(func(f *fake) { f.down, f.panic = false, true })
		if err := f.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "panicked with a string") {
			t.Errorf("of a feed that panics: %v", err)
		}
		feed.with(func(f *fake) { f.panic, f.hangs = false, true })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.Sync(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("of a caller who leaves: %v", err)
		}
		began := time.Now()
		if err := f.Sync(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
			t.Errorf("of a feed that hangs, after %s: %v", time.Since(began), err)
		}
		feed.with(func(f *fake) { f.hangs = false })
		if err := f.Sync(t.Context()); err != nil {
			t.Errorf("of a feed that is well again: %v", err)
		}
	})
}

// A feed in which nothing was ever committed answers every question with everything, which is nothing. That is no reason to read every
// credential again once a second.
func TestAnEmptyFeedChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		var told atomic.Int64
		f, p := follow(t, feed, func() { told.Add(1) }), key(t, "k")
		verified := f.Epoch()
		expect(t, f, p, verified, revocation.Good)
		before := told.Load()
		time.Sleep(time.Minute)
		if !f.Current(verified, time.Now()) || told.Load() != before {
			t.Errorf("epoch %d became %d, told %d times", verified, f.Epoch(), told.Load()-before)
		}
		expect(t, f, p, verified, revocation.Good)
		feed.revoke(revocation.Key, "k")
		time.Sleep(time.Second)
		expect(t, f, p, verified, revocation.Revoked)
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]func(f *fake){
		"at rest": func(*fake) {}, "hanging": func(f *fake) { f.hangs = true }, "down": func(f *fake) { f.down, f.deaf = true, true },
		"busy": func(f *fake) { f.eager = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed := newFake()
				f, p := follow(t, feed, nil), key(t, "k")
				verified, began := f.Epoch(), time.Now()
				feed.with(state)
				time.Sleep(1500 * time.Millisecond)
				var group sync.WaitGroup
				for range 10 {
					group.Go(func() { _ = f.Sync(t.Context()) })
				}
				for range 3 {
					group.Go(f.Close)
				}
				group.Wait()
				if took := time.Since(began); took != 1500*time.Millisecond {
					t.Errorf("Close took %s", took-1500*time.Millisecond)
				}
				asked := feed.questions()
				if err := f.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "closed") {
					t.Errorf("a closed follower answers %v", err)
				}
				expect(t, f, p, verified, revocation.Good)
				time.Sleep(revocation.Grace)
				expect(t, f, p, verified, revocation.Unknown)
				if feed.questions() != asked {
					t.Error("a closed follower asks")
				}
			})
		})
	}
}

// Many ask at once while the feed tells. It is the race detector that is asked here.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	feed, p, q := newFake(), key(t, "k"), key(t, "q")
	f := revocation.Follow(feed, keep, nil)
	defer f.Close()
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for n := range 200 {
				switch (i + n) % 4 {
				case 0:
					feed.tell(revocation.Change{Record: "k"}, revocation.Change{Revocation: revocation.Revocation{Target: revocation.Key, Value: "q"}})
				case 1:
					_ = f.Sync(t.Context())
				default:
					epoch := f.Epoch()
					verdict, judged := f.Judge(t.Context(), p, epoch)
					if verdict == revocation.Revoked || verdict == revocation.Good && judged < epoch {
						t.Errorf("judged %d in %d, verified in %d", verdict, judged, epoch)
					}
					_ = f.Current(epoch, time.Now())
					_, _ = f.Ends(p, epoch)
				}
			}
		})
	}
	group.Wait()
	if err := f.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, f, q, f.Epoch(), revocation.Revoked)
	expect(t, f, p, f.Epoch(), revocation.Good)
}
