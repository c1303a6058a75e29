// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// newWorldOf is newWorld with a verifier of these forms.
func newWorldOf(tb testing.TB, of rules, forms []tokens.Form, answers map[string]answer, options ...interceptor.Option) *world {
	tb.Helper()
	compiled, err := policy.New(policy.Serve(fileOf(tb, of)))
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{verifier: &fake{answers: answers, forms: forms}, events: &recorder{}}
	table, err := tokens.NewVerifiers(w.verifier)
	if err != nil {
		tb.Fatal(err)
	}
	w.Guard, err = interceptor.New(compiled, table, append([]interceptor.Option{interceptor.WithObserver(w.events)}, options...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(w.Close)
	return w
}

// freshForms are those of a verifier that has a source of truth about keys, and none about anything else.
func freshForms() []tokens.Form {
	forms := everyForm()
	for i := range forms {
		forms[i].Fresh = forms[i].Kind == tokens.APIKey
	}
	return forms
}

// slowly answers with a good caller after a time, whatever its context says.
func slowly(takes time.Duration) answer {
	return func(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
		time.Sleep(takes)
		return tokens.NewPrincipal(factsOf(credential.Form.Kind))
	}
}

func TestWithVerifyLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		running, waiting int
		good             bool
	}{{1, 0, true}, {64, 1024, true}, {0, 1, false}, {-1, 0, false}, {1, -1, false}} {
		_, err := interceptor.New(nil, nil, interceptor.WithVerifyLimit(test.running, test.waiting))
		if told := strings.Contains(fmt.Sprint(err), "verifications at once"); told == test.good {
			t.Errorf("%d and %d: told %v", test.running, test.waiting, err)
		}
	}
}

// So many run at once, so many wait, and every other is refused at once with RATE_LIMITED and when to try again, on public procedures too.
// Those that are remembered, those that wait for the same credential, and those of another form, do not count.
func TestTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := map[string]answer{}
		for i := range 10 {
			answers[fmt.Sprint("st_", i)] = slowly(time.Second)
		}
		w := newWorld(t, standard, answers, interceptor.WithVerifyLimit(2, 3))
		w.begun(t, t.Context(), "Session", "Bearer st_good")
		began := time.Now()
		var group sync.WaitGroup
		var admitted, limited atomic.Int64
		for i := range 10 {
			group.Go(func() {
				_, refusal := w.call(t.Context(), []string{"Session", "Optional"}[i%2], "Bearer "+fmt.Sprint("st_", i))
				if refusal == nil {
					admitted.Add(1)
					return
				}
				limited.Add(1)
				if refusal.Reason() != tokens.ReasonRateLimited || refusal.Code() != code.Code_RESOURCE_EXHAUSTED || !retries(refusal) ||
					refusal.Text() != "too many attempts" || refusal.Challenge() != "" || time.Since(began) > 0 {
					t.Errorf("after %s: %v, %s", time.Since(began), refusal, refusal.Code())
				}
			})
		}
		synctest.Wait()
		w.begun(t, t.Context(), "Session", "Bearer st_good") // remembered
		w.begun(t, t.Context(), "Machine", "Bearer mt_good") // of another form
		if time.Since(began) > 0 {
			t.Error("another form, or what is remembered, had to wait")
		}
		group.Wait()
		if admitted.Load() != 5 || limited.Load() != 5 || time.Since(began) != 3*time.Second {
			t.Errorf("%d were admitted and %d limited, in %s", admitted.Load(), limited.Load(), time.Since(began))
		}
		for range 100 { // all wait for one
			group.Go(func() { w.begun(t, t.Context(), "Session", "Bearer st_0") })
		}
		group.Wait()
		// Nothing of that is remembered as bad.
		for i := range 10 {
			w.begun(t, t.Context(), "Session", "Bearer "+fmt.Sprint("st_", i))
		}
	})
}

// SEC-125: a verifier that does not heed its context keeps its place, so that callers who insist do not begin ever more of it.
func TestAStubbornVerifierKeepsItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_stubborn": slowly(time.Minute)},
			interceptor.WithVerifyLimit(1, 0), interceptor.WithVerifyTimeout(time.Second))
		began := time.Now()
		for _, step := range []struct {
			at    time.Duration
			token string
			want  tokens.Reason
		}{
			{0, "st_stubborn", tokens.ReasonVerifierUnavailable}, // after a second
			{time.Second, "st_good", tokens.ReasonRateLimited},
			{2 * time.Second, "st_stubborn", tokens.ReasonRateLimited},
			{time.Minute - 1, "st_good", tokens.ReasonRateLimited},
			{time.Minute, "st_good", ""},
		} {
			time.Sleep(time.Until(began.Add(step.at)))
			synctest.Wait()
			if _, refusal := w.call(t.Context(), "Session", "Bearer "+step.token); reasonOf(refusal) != step.want {
				t.Errorf("after %s %s: %v", step.at, step.token, refusal)
			}
		}
		if got := w.verifier.calls.Load(); got != 2 {
			t.Errorf("%d verifications", got)
		}
	})
}

// However a verification ends, it gives its place back.
func TestPlacesAreGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{
			"st_panics": func(context.Context, tokens.Credential) (*tokens.Principal, error) { panic("the verifier") },
			"st_exits":  func(context.Context, tokens.Credential) (*tokens.Principal, error) { runtime.Goexit(); return nil, nil },
			"st_fails":  refuse(errors.New("the verifier")),
			"st_waits": func(ctx context.Context, _ tokens.Credential) (*tokens.Principal, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		}, interceptor.WithVerifyLimit(1, 0))
		for range 3 {
			for _, token := range []string{"st_panics", "st_exits", "st_fails", "st_waits", "st_unknown"} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				if _, refusal := w.call(ctx, "Session", "Bearer "+token); reasonOf(refusal) == tokens.ReasonRateLimited || refusal == nil {
					t.Errorf("%s: %v", token, refusal)
				}
				cancel()
				time.Sleep(interceptor.DefaultVerifyTimeout)
			}
		}
		w.begun(t, t.Context(), "Session", "Bearer st_good")
	})
}

// Who waits for a place for longer than a verification may take is told to try again, and that it is not the credential.
func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_stubborn": slowly(time.Minute)},
			interceptor.WithVerifyLimit(1, 100), interceptor.WithVerifyTimeout(time.Second))
		var group sync.WaitGroup
		began := time.Now()
		for _, token := range []string{"st_stubborn", "st_1_good", "st_2_good", "st_3_good"} {
			group.Go(func() {
				_, refusal := w.call(t.Context(), "Session", "Bearer "+token)
				if time.Since(began) != time.Second || refusal == nil || !retries(refusal) || refusal.Code() == code.Code_UNAUTHENTICATED {
					t.Errorf("%s after %s: %v", token, time.Since(began), refusal)
				}
			})
			synctest.Wait()
		}
		group.Wait()
		time.Sleep(time.Minute)
		w.begun(t, t.Context(), "Session", "Bearer st_1_good")
	})
}

// SEC-76: only what a source of truth said of the credential itself is remembered as bad, and only for a moment.
func TestWhatIsRememberedAsBad(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err        error
		remembered bool
	}{
		{tokens.NewError(tokens.ReasonTokenInvalid, nil), true},
		{tokens.NewError(tokens.ReasonTokenExpired, nil), true},
		{fmt.Errorf("wrapped: %w", tokens.NewError(tokens.ReasonTokenRevoked, nil)), true},
		{tokens.NewError(tokens.ReasonTokenNotYetValid, nil), false},
		{tokens.NewError(tokens.ReasonVerifierUnavailable, nil), false},
		{tokens.NewError(tokens.ReasonRateLimited, nil), false},
		{tokens.NewError(tokens.ReasonInternal, nil), false},
		{tokens.NewError(tokens.ReasonCredentialMalformed, nil), false},
		{errors.New("connection refused"), false},
		{context.DeadlineExceeded, false},
	} {
		t.Run(test.err.Error(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorldOf(t, standard, freshForms(), map[string]answer{"ak_bad": refuse(test.err), "st_bad": refuse(test.err)})
				reasons := map[tokens.Reason]bool{}
				for range 10 {
					_, refusal := w.call(t.Context(), "Key", "Bearer ak_bad")
					reasons[reasonOf(refusal)] = true
				}
				want := int64(10)
				if test.remembered {
					want = 1
				}
				if got := w.verifier.calls.Load(); got != want || len(reasons) != 1 || reasons[""] {
					t.Errorf("%d verifications, told %v", got, reasons)
				}
				// A kind that is not accepted is told first.
				if _, refusal := w.call(t.Context(), "Session", "Bearer ak_bad"); reasonOf(refusal) != tokens.ReasonTokenTypeNotAccepted {
					t.Errorf("refused as %v", refusal)
				}
				// After a moment the source is asked again: it may have learned better.
				time.Sleep(5 * time.Second)
				_, _ = w.call(t.Context(), "Key", "Bearer ak_bad")
				if got := w.verifier.calls.Load(); got != want+1 {
					t.Errorf("and then %d verifications", got)
				}
				// What has no source of truth costs nothing to ask.
				w.verifier.calls.Store(0)
				for range 3 {
					_, _ = w.call(t.Context(), "Session", "Bearer st_bad")
				}
				if got := w.verifier.calls.Load(); got != 3 {
					t.Errorf("%d verifications of what has no source of truth", got)
				}
			})
		})
	}
}

// SEC-77: strangers who try keys displace nobody who has a good one.
func TestAFloodDisplacesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, standard, freshForms(), nil, interceptor.WithCache(100, time.Hour))
		for i := range 50 {
			w.begun(t, t.Context(), "Key", fmt.Sprintf("Bearer ak_%d_good", i))
		}
		for i := range 2000 {
			if _, refusal := w.call(t.Context(), "Key", fmt.Sprint("Bearer ak_", i)); reasonOf(refusal) != tokens.ReasonTokenInvalid {
				t.Fatal(refusal)
			}
		}
		w.verifier.calls.Store(0)
		for i := range 50 {
			w.begun(t, t.Context(), "Key", fmt.Sprintf("Bearer ak_%d_good", i))
		}
		if got := w.verifier.calls.Load(); got > 0 {
			t.Errorf("%d good keys were forgotten", got)
		}
	})
}
