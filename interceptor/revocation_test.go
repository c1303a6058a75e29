// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
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

// A fakeFeed is a feed in memory that can be made to fail.
type fakeFeed struct {
	mutex   sync.Mutex
	changes []revocation.Change // guarded by mutex, as what follows
	news    chan struct{}       // closed at the next change
	asked   int
	down    bool // Since fails
	hangs   bool // Since answers only when its context ends
	mute    bool // Wait hears of nothing
	resets  bool // Since answers with everything
}

// newFeed has one change, so that it need not tell everything at the next one.
func newFeed() *fakeFeed {
	f := &fakeFeed{news: make(chan struct{})}
	f.revoke(revocation.Key, "somebody else's")
	return f
}

func (f *fakeFeed) with(change func(f *fakeFeed)) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	change(f)
}

func (f *fakeFeed) tell(c revocation.Change) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	c.Revision = uint64(len(f.changes) + 1)
	f.changes = append(f.changes, c)
	close(f.news)
	f.news = make(chan struct{})
}

func (f *fakeFeed) revoke(target revocation.Target, value string) {
	r := revocation.Revocation{Target: target, Value: value}
	if target == revocation.Subject || target == revocation.Client {
		r.Before = time.Now()
	}
	f.tell(revocation.Change{Revocation: r})
}

func (f *fakeFeed) questions() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.asked
}

func (f *fakeFeed) Since(ctx context.Context, after uint64) (revocation.Batch, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.asked++
	batch := revocation.Batch{Revision: uint64(len(f.changes)), Reset: after == 0 || f.resets}
	f.resets = false
	for _, c := range f.changes {
		if c.Revision > after && !batch.Reset || batch.Reset && c.Record == "" {
			batch.Changes = append(batch.Changes, c)
		}
	}
	switch {
	case f.down:
		return revocation.Batch{}, errors.New("the test's feed is down")
	case f.hangs:
		f.mutex.Unlock()
		<-ctx.Done()
		f.mutex.Lock()
		return revocation.Batch{}, ctx.Err()
	}
	return batch, nil
}

func (f *fakeFeed) Wait(ctx context.Context, after uint64) error {
	f.mutex.Lock()
	news, known := f.news, uint64(len(f.changes)) > after
	if f.mute {
		news, known = nil, false
	}
	f.mutex.Unlock()
	if known {
		return nil
	}
	select {
	case <-news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// soon is time enough for what a feed tells to be known.
const soon = 20 * time.Millisecond

// holders are credentials that a revocation can name, by their tokens.
func holders() map[string]answer {
	all := map[string]answer{}
	for prefix, kind := range map[string]tokens.Kind{"st": tokens.SessionToken, "oat": tokens.OAuthToken, "ak": tokens.APIKey, "mt": tokens.M2MToken} {
		for _, who := range []string{"1", "2"} {
			facts := factsOf(kind)
			facts.ID, facts.Subject, facts.UserID = "id_"+who, "subject_"+who, ""
			if kind == tokens.OAuthToken {
				facts.ClientID = "client_" + who
			}
			all[prefix+"_"+who] = func(context.Context, tokens.Credential) (*tokens.Principal, error) {
				facts := facts
				facts.IssuedAt = time.Now().Add(-time.Minute)
				return tokens.NewPrincipal(facts)
			}
		}
	}
	return all
}

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

// Semantics 34, SEC-79: the open streams of a revoked credential end at once, also while their handlers are blocked in Receive, and those of
// others go on.
func TestStreamsEndWithRevocation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method, token string
		target              revocation.Target
		value               string
	}{
		{"a session", "Session", "st_1", revocation.Session, "id_1"},
		{"a session whose messages are decided", "Matched", "st_1", revocation.Subject, "subject_1"},
		{"a session on a public procedure", "Optional", "st_1", revocation.Session, "id_1"},
		{"a key", "Key", "ak_1", revocation.Key, "id_1"},
		{"a machine that may outlive its token", "Any", "mt_1", revocation.Token, "id_1"},
		{"a client", "Any", "oat_1", revocation.Client, "client_1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed := newFeed()
				w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed))
				call, transport := w.begun(t, t.Context(), test.method, "Bearer "+test.token), newWire("org_1")
				if call.Bare() {
					t.Error("the call needs no holding")
				}
				stream := call.Stream(transport.receive)
				other := w.begun(t, t.Context(), test.method, "Bearer "+strings.Replace(test.token, "1", "2", 1)).Stream(newWire().receive)
				anonymous := w.begun(t, t.Context(), "Optional").Stream(newWire().receive)
				if err := stream.Receive(request(t, call, "")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				revoked := time.Now()
				time.AfterFunc(time.Second, func() {
					revoked = time.Now()
					feed.revoke(test.target, test.value)
				})
				err := stream.Receive(request(t, call, ""))
				refusal := refusalIn(t, err)
				if took := time.Since(revoked); took > soon || refusal.Reason() != tokens.ReasonTokenRevoked || refusal.Text() != "credential revoked" {
					t.Errorf("ended after %s with %v", took, refusal)
				}
				if context.Cause(stream.Context()) != err { //nolint:errorlint // The very same.
					t.Errorf("the handler's context ended for %v", context.Cause(stream.Context()))
				}
				for name, got := range map[string]error{"Receive": stream.Receive(request(t, call, "")), "Send": stream.Send(), "Finish": stream.Finish(nil)} {
					if got != err { //nolint:errorlint // The very same.
						t.Errorf("%s is told %v", name, got)
					}
				}
				if event := w.events.last(t); event.Refusal != refusal || !event.Message || event.Principal != call.Principal() {
					t.Errorf("the event is %+v", event)
				}
				if other.Context().Err() != nil || anonymous.Context().Err() != nil {
					t.Error("another's stream has ended")
				}
				for _, s := range []*interceptor.Stream{stream, other, anonymous} {
					s.Close()
				}
				events := len(w.events.all())
				feed.revoke(revocation.Subject, "subject_2") // whose stream is closed
				time.Sleep(time.Minute)
				if got := len(w.events.all()); got != events {
					t.Error("a closed stream was told to end")
				}
				close(transport.broken)
			})
		})
	}
}

// A stream that begins after its call was decided is judged by what was told between.
func TestStreamsThatBeginAfterTheNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed()
		w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed))
		call := w.begun(t, t.Context(), "Session", "Bearer st_1")
		feed.revoke(revocation.Session, "id_1")
		time.Sleep(time.Second)
		stream := call.Stream(newWire("org_1").receive)
		defer stream.Close()
		if err := stream.Receive(request(t, call, "")); err == nil || refusalIn(t, err).Reason() != tokens.ReasonTokenRevoked {
			t.Errorf("told %v", err)
		}
	})
}

// Streams that begin, end and are revoked at once. It is the race detector that is asked here, and that no stream of a revoked credential
// is left open.
func TestStreamsWhileNewsArrives(t *testing.T) {
	t.Parallel()
	feed := newFeed()
	w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed))
	var group sync.WaitGroup
	var left sync.Map
	for range 4 {
		group.Go(func() {
			for n := range 100 {
				call, refusal := w.call(t.Context(), "Session", "Bearer st_1")
				if refusal != nil {
					if reasonOf(refusal) != tokens.ReasonTokenRevoked {
						t.Error(refusal)
					}
					return
				}
				if stream := call.Stream(newWire().receive); n%2 == 0 {
					stream.Close()
				} else {
					left.Store(stream, true)
				}
			}
		})
	}
	group.Go(func() { feed.revoke(revocation.Session, "id_1") })
	group.Wait()
	left.Range(func(stream, _ any) bool {
		s, _ := stream.(*interceptor.Stream)
		select {
		case <-s.Context().Done():
		case <-time.After(10 * time.Second):
			t.Error("a stream of a revoked credential is open")
		}
		s.Close()
		return true
	})
}

// When the feed has not been heard for the grace, all streams end at that moment, however many, and whether the feed fails or hangs.
func TestStreamsEndWithTheGrace(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]func(f *fakeFeed){
		"it fails": func(f *fakeFeed) { f.down = true },
		"it hangs": func(f *fakeFeed) { f.hangs, f.mute = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed := newFeed()
				w := newWorld(t, standard, holders(), interceptor.WithRevocations(feed))
				synctest.Wait()
				heard := time.Now()
				feed.with(state)
				var open []*interceptor.Stream
				var late atomic.Int64
				for range 500 {
					stream := w.begun(t, t.Context(), "Session", "Bearer st_1").Stream(newWire().receive)
					context.AfterFunc(stream.Context(), func() {
						if time.Since(heard) != revocation.Grace {
							late.Add(1)
						}
					})
					open = append(open, stream)
				}
				time.Sleep(revocation.Grace + time.Minute)
				if late.Load() > 0 {
					t.Errorf("%d streams ended at another time", late.Load())
				}
				for _, stream := range open {
					if err := stream.Finish(nil); err == nil || refusalIn(t, err).Reason() != tokens.ReasonVerifierUnavailable {
						t.Fatalf("a stream ended with %v", err)
					}
					stream.Close()
				}
			})
		})
	}
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
