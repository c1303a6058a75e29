// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/revocation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// What was revoked is refused, remembered or not, and nobody else is.
func TestRevokedCredentials(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		target revocation.Target
		value  string
		ends   []string // of the credentials of the first holder
	}{
		{revocation.Key, "id_1", []string{"ak_1"}},
		{revocation.Token, "id_1", []string{"oat_1", "mt_1"}},
		{revocation.Session, "id_1", []string{"st_1"}},
		{revocation.Subject, "subject_1", []string{"ak_1", "oat_1", "mt_1", "st_1"}},
		{revocation.Client, "client_1", []string{"oat_1"}},
	} {
		t.Run(test.target.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed, answers := newFeed(), holders()
				w := newWorld(t, standard, answers, interceptor.WithRevocations(feed))
				synctest.Wait()
				for token := range answers {
					w.begun(t, t.Context(), "Any", "Bearer "+token)
				}
				feed.revoke(test.target, test.value)
				time.Sleep(soon)
				for token := range answers {
					want := tokens.Reason("")
					for _, ended := range test.ends {
						if token == ended {
							want = tokens.ReasonTokenRevoked
						}
					}
					_, refusal := w.call(t.Context(), "Any", "Bearer "+token)
					if reasonOf(refusal) != want {
						t.Errorf("%s: %v", token, refusal)
					}
					if refusal == nil {
						continue
					}
					if refusal.Code() != code.Code_UNAUTHENTICATED || refusal.Text() != "credential revoked" || strings.Contains(refusal.Error(), token) ||
						!strings.Contains(refusal.Challenge(), "invalid_token") {
						t.Errorf("%s is told %s %q %q", token, refusal.Code(), refusal.Text(), refusal.Challenge())
					}
					if call := w.begun(t, t.Context(), "Optional", "Bearer "+token); call.Principal() != nil || tokens.ReasonFromContext(call) != want {
						t.Errorf("%s: the handler of a public procedure reads %v and %q", token, call.Principal(), tokens.ReasonFromContext(call))
					}
					if call := w.begun(t, t.Context(), "Unread", "Bearer "+token); call.Principal() != nil || tokens.ReasonFromContext(call) != "" {
						t.Errorf("%s was read", token)
					}
				}
				if got := w.verifier.calls.Load(); got != int64(len(answers)) {
					t.Errorf("%d verifications of %d credentials: one that is revoked need not be verified again", got, len(answers))
				}

				// Nor is it taken where nothing is remembered.
				cold := newWorld(t, standard, answers, interceptor.WithRevocations(feed))
				for _, token := range test.ends {
					if _, refusal := cold.call(t.Context(), "Any", "Bearer "+token); reasonOf(refusal) != tokens.ReasonTokenRevoked {
						t.Errorf("%s, verified for the first time: %v", token, refusal)
					}
				}
			})
		})
	}
}

// Semantics 2: kind, expiry and revocation are told in this order, and before what the rule demands; nothing of them is hidden.
func TestTheOrderOfRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed()
		facts := factsOf(tokens.SessionToken)
		facts.ExpiresAt = time.Now().Add(time.Minute)
		w := newWorld(t, standard, map[string]answer{"st_ends": believe(facts)}, interceptor.WithRevocations(feed))
		for _, step := range []struct {
			name            string
			change          func()
			hidden, session tokens.Reason
		}{
			{"good", func() {}, tokens.ReasonPermissionMissing, ""},
			{"revoked", func() { feed.revoke(revocation.Session, "sess_1") }, tokens.ReasonTokenRevoked, tokens.ReasonTokenRevoked},
			{"revoked and expired", func() { time.Sleep(time.Minute) }, tokens.ReasonTokenExpired, tokens.ReasonTokenExpired},
		} {
			step.change()
			time.Sleep(soon)
			for method, want := range map[string]tokens.Reason{
				"Session": step.session, "Hidden": step.hidden, "Key": tokens.ReasonTokenTypeNotAccepted,
			} {
				_, refusal := w.call(t.Context(), method, "Bearer st_ends")
				if reasonOf(refusal) != want || refusal != nil && refusal.Hidden() != (want == tokens.ReasonPermissionMissing) {
					t.Errorf("%s, %s: %v", step.name, method, refusal)
				}
			}
			if call := w.begun(t, t.Context(), "Optional", "Bearer st_ends"); tokens.ReasonFromContext(call) != step.session {
				t.Errorf("%s: the handler reads %q", step.name, tokens.ReasonFromContext(call))
			}
		}
	})
}

// The store of revocations is down: who is remembered is admitted while the grace lasts, then nobody is, and all are when it is back. Nobody
// is told that his credential is bad.
func TestTheFeedIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed()
		w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed), interceptor.WithCache(10, time.Hour))
		expect := func(step, method string, want tokens.Reason) {
			t.Helper()
			_, refusal := w.call(t.Context(), method, "Bearer st_1")
			if reasonOf(refusal) != want {
				t.Errorf("%s, %s: %v", step, method, refusal)
			}
			if refusal != nil && (refusal.Code() != code.Code_UNAVAILABLE || !retries(refusal)) {
				t.Errorf("%s, %s: told %s and %v", step, method, refusal.Code(), refusal.Details(false))
			}
		}
		feed.with(func(f *fakeFeed) { f.down = true })
		expect("never heard", "Session", tokens.ReasonVerifierUnavailable)
		expect("never heard", "Optional", tokens.ReasonVerifierUnavailable)
		feed.with(func(f *fakeFeed) { f.down = false })
		time.Sleep(time.Second)
		expect("heard", "Session", "")
		feed.with(func(f *fakeFeed) { f.down = true })
		time.Sleep(revocation.Grace - 2*time.Second)
		expect("in the grace", "Session", "")
		time.Sleep(3 * time.Second)
		expect("after the grace", "Session", tokens.ReasonVerifierUnavailable)
		expect("after the grace", "Optional", tokens.ReasonVerifierUnavailable)
		expect("after the grace", "Unread", "")
		feed.with(func(f *fakeFeed) { f.down = false })
		time.Sleep(time.Second)
		expect("back", "Session", "")
		if got := w.verifier.calls.Load(); got != 1 {
			t.Errorf("%d verifications", got)
		}
	})
}

// retries reports whether a refusal says when to try again.
func retries(r *interceptor.Refusal) bool {
	for _, detail := range r.Details(false) {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration() > 0
		}
	}
	return false
}

// A verification that read before a revocation, and answers after it, brings nothing back; one that read of a record before its change is
// made again. Neither is remembered as good.
func TestASlowVerificationIsJudged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change revocation.Change
		want   tokens.Reason
		calls  int64
	}{
		{"revoked", revocation.Change{Revocation: revocation.Revocation{Target: revocation.Key, Value: "token_1"}}, tokens.ReasonTokenRevoked, 1},
		{"changed", revocation.Change{Record: "token_1"}, "", 2},
		{"another's", revocation.Change{Record: "token_2"}, "", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed, read, proceed := newFeed(), make(chan struct{}, 100), make(chan struct{})
				w := newWorld(t, standard, map[string]answer{"ak_slow": func(context.Context, tokens.Credential) (*tokens.Principal, error) {
					p, err := tokens.NewPrincipal(factsOf(tokens.APIKey)) // what the store said
					read <- struct{}{}
					<-proceed
					return p, err
				}}, interceptor.WithRevocations(feed))
				synctest.Wait()
				var group sync.WaitGroup
				for range 50 {
					group.Go(func() {
						if _, refusal := w.call(t.Context(), "Key", "Bearer ak_slow"); reasonOf(refusal) != test.want {
							t.Errorf("refused as %v", refusal)
						}
					})
				}
				<-read
				feed.tell(test.change)
				time.Sleep(soon)
				close(proceed)
				group.Wait()
				if _, refusal := w.call(t.Context(), "Key", "Bearer ak_slow"); reasonOf(refusal) != test.want {
					t.Errorf("and then refused as %v", refusal)
				}
				if got := w.verifier.calls.Load(); got != test.calls {
					t.Errorf("%d verifications", got)
				}
			})
		})
	}
}

// A record that changes faster than it can be read is not taken for good, and not for bad.
func TestARecordThatNeverRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed()
		w := newWorld(t, standard, map[string]answer{"ak_busy": func(context.Context, tokens.Credential) (*tokens.Principal, error) {
			p, err := tokens.NewPrincipal(factsOf(tokens.APIKey))
			feed.tell(revocation.Change{Record: "token_1"})
			time.Sleep(soon)
			return p, err
		}}, interceptor.WithRevocations(feed))
		synctest.Wait()
		if _, refusal := w.call(t.Context(), "Key", "Bearer ak_busy"); reasonOf(refusal) != tokens.ReasonVerifierUnavailable || w.verifier.calls.Load() != 3 {
			t.Errorf("after %d verifications: %v", w.verifier.calls.Load(), refusal)
		}
	})
}

// A changed record is read again once, and the stream of its key ends when the key now does, or before.
func TestChangedRecords(t *testing.T) {
	t.Parallel()
	const skew = 5 * time.Second
	for _, test := range []struct {
		name       string
		first, now time.Duration // when the key ends; 0: never
		ends       time.Duration
	}{
		{"it ends sooner", time.Hour, time.Minute, time.Minute + skew},
		{"it ends at last", 0, time.Minute, time.Minute + skew},
		{"it has ended", 0, -time.Minute, soon},
		{"it ends later, which its open streams do not learn", time.Minute, time.Hour, time.Minute + skew},
		{"it does not end any more, which they do not learn either", time.Minute, 0, time.Minute + skew},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed, began := newFeed(), time.Now()
				var ends atomic.Int64
				ends.Store(int64(test.first))
				w := newWorld(t, standard, map[string]answer{"ak_ends": func(context.Context, tokens.Credential) (*tokens.Principal, error) {
					facts := factsOf(tokens.APIKey)
					facts.Skew = skew
					if end := time.Duration(ends.Load()); end != 0 {
						facts.ExpiresAt = began.Add(end)
					}
					return tokens.NewPrincipal(facts)
				}}, interceptor.WithRevocations(feed), interceptor.WithCache(10, time.Hour))
				synctest.Wait()
				call, transport := w.begun(t, t.Context(), "Key", "Bearer ak_ends"), newWire()
				stream := call.Stream(transport.receive)
				defer stream.Close()
				ends.Store(int64(test.now))
				change := revocation.Change{Record: "token_1"}
				if test.now != 0 {
					change.ExpiresAt = began.Add(test.now)
				}
				feed.tell(change)
				err := stream.Receive(request(t, call, ""))
				if at := time.Since(began); refusalIn(t, err).Reason() != tokens.ReasonTokenExpired || at > test.ends || at < test.ends-soon {
					t.Errorf("ended after %s with %v", at, err)
				}
				_, refusal := w.call(t.Context(), "Key", "Bearer ak_ends")
				if admitted := test.now == 0 || test.now > test.ends; (refusal == nil) != admitted || w.verifier.calls.Load() != 2 {
					t.Errorf("after %d verifications a call is told %v", w.verifier.calls.Load(), refusal)
				}
				close(transport.broken)
			})
		})
	}
}

// SEC-80: when the feed has lost the thread, every API key that is remembered is verified again, once. Of other credentials a feed tells
// nothing but revocations, and those it has told anew.
func TestAResetVerifiesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed()
		w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed), interceptor.WithCache(10, time.Hour))
		synctest.Wait()
		for round, calls := range []int64{2, 3} {
			for range 3 {
				w.begun(t, t.Context(), "Key", "Bearer ak_1")
				w.begun(t, t.Context(), "Session", "Bearer st_1")
				time.Sleep(2 * time.Second)
			}
			if got := w.verifier.calls.Load(); got != calls {
				t.Errorf("round %d: %d verifications", round, got)
			}
			feed.with(func(f *fakeFeed) { f.resets = true })
			time.Sleep(2 * time.Second)
		}
	})
}

// What is remembered is verified once while nothing is told, also where nothing ever was.
func TestAQuietFeedCostsNothing(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]*fakeFeed{"one with a past": newFeed(), "a new one": {news: make(chan struct{})}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				of.with(func(f *fakeFeed) { f.news = make(chan struct{}) })
				w := newWorld(t, standard, holders(), interceptor.WithRevocations(of), interceptor.WithCache(10, time.Hour))
				synctest.Wait()
				for range 100 {
					w.begun(t, t.Context(), "Session", "Bearer st_1")
					time.Sleep(time.Second)
				}
				if got := w.verifier.calls.Load(); got != 1 {
					t.Errorf("%d verifications", got)
				}
			})
		})
	}
}

// SEC-79: without a feed, what is remembered of a credential is believed as long as the option says, and not longer.
func TestWithoutAFeedAgeIsTheBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var revoked atomic.Bool
		w := newWorld(t, standard, map[string]answer{"st_x": func(context.Context, tokens.Credential) (*tokens.Principal, error) {
			if revoked.Load() {
				return nil, tokens.NewError(tokens.ReasonTokenRevoked, nil)
			}
			return tokens.NewPrincipal(factsOf(tokens.SessionToken))
		}})
		w.begun(t, t.Context(), "Session", "Bearer st_x")
		revoked.Store(true)
		time.Sleep(interceptor.DefaultCacheAge - 1)
		w.begun(t, t.Context(), "Session", "Bearer st_x")
		time.Sleep(1)
		if _, refusal := w.call(t.Context(), "Session", "Bearer st_x"); reasonOf(refusal) != tokens.ReasonTokenRevoked {
			t.Errorf("refused as %v", refusal)
		}
	})
}

// A guard can be closed, more than once, whatever its feed does and with streams open; it leaves nothing behind.
func TestCloseWithRevocations(t *testing.T) {
	t.Parallel()
	states := map[string]func(f *fakeFeed){
		"at rest": func(*fakeFeed) {}, "down": func(f *fakeFeed) { f.down = true }, "hanging": func(f *fakeFeed) { f.hangs, f.mute = true, true },
	}
	for name := range maps.Keys(states) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed := newFeed()
				w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed))
				stream := w.begun(t, t.Context(), "Session", "Bearer st_1").Stream(newWire().receive)
				feed.with(states[name])
				time.Sleep(time.Second)
				began := time.Now()
				var group sync.WaitGroup
				for range 3 {
					group.Go(w.Close)
				}
				group.Wait()
				if took := time.Since(began); took > 0 {
					t.Errorf("Close took %s", took)
				}
				asked := feed.questions()
				w.begun(t, t.Context(), "Session", "Bearer st_1")
				time.Sleep(revocation.Grace)
				if _, refusal := w.call(t.Context(), "Session", "Bearer st_1"); reasonOf(refusal) != tokens.ReasonVerifierUnavailable {
					t.Errorf("after the grace a closed guard tells %v", refusal)
				}
				if got := feed.questions(); got != asked {
					t.Errorf("a closed guard asked %d times", got-asked)
				}
				stream.Close()
			})
		})
	}
}

func TestWithRevocationsNeedsAFeed(t *testing.T) {
	t.Parallel()
	_, err := interceptor.New(nil, nil, interceptor.WithRevocations(nil))
	if err == nil || !strings.Contains(err.Error(), "the feed of revocations is nil") {
		t.Errorf("told %v", fmt.Sprint(err))
	}
}
