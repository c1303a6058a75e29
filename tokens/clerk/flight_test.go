// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/clerk"
)

// answers is a Backend API without a network, so that it can be asked where the clock is not the real one.
type answers func(r *http.Request) (status int, body string)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := a(r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// about returns the token that a request is about.
func about(r *http.Request) string {
	var members map[string]string
	_ = json.NewDecoder(r.Body).Decode(&members)
	for _, token := range members {
		return token
	}
	return ""
}

// inMemory returns a caller of an instance whose API answers so, and what closes the instance.
func inMemory(tb testing.TB, a http.RoundTripper, opts ...clerk.Option) (caller, *clerk.Instance) {
	tb.Helper()
	i := instance(tb, append(opts, clerk.WithKinds(tokens.APIKey, tokens.M2MToken), clerk.WithHTTPClient(&http.Client{Transport: a}))...)
	return callerOf(tb, i), i
}

func (c caller) freshly(tb testing.TB, token string) (*tokens.Principal, error) {
	tb.Helper()
	return c.presentAs(tb, tokens.Credential{Secret: tokens.NewSecret(token), Fresh: true})
}

func TestUnknownIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		c, i := inMemory(t, answers(func(*http.Request) (int, string) { asked.Add(1); return 404, "{}" }))
		defer i.Close()
		for _, step := range []struct {
			wait time.Duration
			want int64
		}{{0, 1}, {0, 1}, {10*time.Second - 1, 1}, {1, 2}, {5 * time.Second, 2}, {5 * time.Second, 3}} {
			time.Sleep(step.wait)
			c.refuses(t, "ak_x", tokens.ReasonTokenInvalid)
			if asked.Load() != step.want {
				t.Errorf("after %v more: asked %d times, want %d", step.wait, asked.Load(), step.want)
			}
		}
		c.refuses(t, "ak_y", tokens.ReasonTokenInvalid)
		c.refuses(t, "mt_x", tokens.ReasonTokenInvalid)
		if asked.Load() != 5 {
			t.Errorf("another token is taken for it: asked %d times", asked.Load())
		}
		for range 2 {
			if _, err := c.freshly(t, "ak_x"); tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
				t.Error(err)
			}
		}
		if asked.Load() != 7 {
			t.Errorf("fresh: asked %d times", asked.Load())
		}
	})
}

// Only that there is no such token is remembered, and no principal.
func TestNothingElseIsRemembered(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		want   tokens.Reason
	}{
		"good":    {200, object(goodKey), ""},
		"revoked": {200, object(goodKey, map[string]any{"revoked": true}), tokens.ReasonTokenRevoked},
		"expired": {200, object(goodKey, map[string]any{"expired": true}), tokens.ReasonTokenExpired},
		"junk":    {200, "{", tokens.ReasonVerifierUnavailable},
		"401":     {401, "{}", tokens.ReasonVerifierUnavailable},
		"429":     {429, "{}", tokens.ReasonVerifierUnavailable},
		"500":     {500, "{}", tokens.ReasonVerifierUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			c, _ := inMemory(t, answers(func(*http.Request) (int, string) { asked++; return test.status, test.body }))
			for range 3 {
				if _, err := c.present(t, "ak_x"); tokens.ReasonOf(err) != test.want {
					t.Errorf("%v, want %q", err, test.want)
				}
			}
			if asked != 3 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

func TestUnknownIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		c, i := inMemory(t, answers(func(r *http.Request) (int, string) { asked[about(r)]++; return 404, "{}" }))
		defer i.Close()
		const most = 1024
		for n := range most + 1 {
			c.refuses(t, fmt.Sprintf("ak_%d", n), tokens.ReasonTokenInvalid)
		}
		for _, n := range []int{most, most - 1, 1} { // the last ones are remembered
			c.refuses(t, fmt.Sprintf("ak_%d", n), tokens.ReasonTokenInvalid)
			if asked[fmt.Sprintf("ak_%d", n)] != 1 {
				t.Errorf("%d was forgotten", n)
			}
		}
		c.refuses(t, "ak_0", tokens.ReasonTokenInvalid) // and the first is not
		c.refuses(t, "ak_1", tokens.ReasonTokenInvalid) // which has taken the place of the next
		if asked["ak_0"] != 2 || asked["ak_1"] != 2 {
			t.Errorf("asked %d and %d times", asked["ak_0"], asked["ak_1"])
		}
		time.Sleep(time.Minute)
		for range 2 {
			for n := range most {
				c.refuses(t, fmt.Sprintf("ak_%d", n), tokens.ReasonTokenInvalid)
			}
		}
		if asked["ak_500"] != 2 || asked["ak_2"] != 2 {
			t.Errorf("asked %d and %d times after a minute", asked["ak_500"], asked["ak_2"])
		}
	})
}

func TestOneFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		release := make(chan struct{})
		c, i := inMemory(t, answers(func(*http.Request) (int, string) {
			asked.Add(1)
			<-release
			return 200, object(goodKey)
		}))
		defer i.Close()
		const callers = 20
		var taken atomic.Int64
		var wait sync.WaitGroup
		for n := range callers {
			wait.Go(func() {
				if _, err := c.presentAs(t, tokens.Credential{Secret: tokens.NewSecret("ak_x"), Fresh: n < 3}); err == nil {
					taken.Add(1)
				}
			})
		}
		synctest.Wait()
		if asked.Load() != 4 {
			t.Errorf("asked %d times, want once for each that is fresh and once for all others", asked.Load())
		}
		// One who leaves takes nobody along.
		ctx, leave := context.WithCancel(t.Context())
		form, v, _ := c.table.Classify("ak_x")
		left := make(chan error, 1)
		go func() {
			_, err := v.Verify(ctx, tokens.Credential{Secret: tokens.NewSecret("ak_x"), Form: form})
			left <- err
		}()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		close(release)
		wait.Wait()
		if taken.Load() != callers {
			t.Errorf("%d of %d were taken", taken.Load(), callers)
		}
	})
}

// The first caller's end is not that of those who joined, nor is its context used.
func TestFlightOutlivesItsFirstCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c, i := inMemory(t, answers(func(*http.Request) (int, string) { <-release; return 200, object(goodKey) }))
		defer i.Close()
		form, v, _ := c.table.Classify("ak_x")
		credential := tokens.Credential{Secret: tokens.NewSecret("ak_x"), Form: form}
		first, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		results := make(chan error, 2)
		go func() { _, err := v.Verify(first, credential); results <- err }()
		synctest.Wait()
		go func() { _, err := v.Verify(t.Context(), credential); results <- err }()
		if err := <-results; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the first: %v", err)
		}
		close(release)
		if err := <-results; err != nil {
			t.Errorf("the second: %v", err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := v.Verify(ended, credential); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who is gone: %v", err)
		}
	})
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts  []clerk.Option
		fresh bool
		after time.Duration
	}{
		"default":        {nil, false, 5 * time.Second},
		"default, fresh": {nil, true, 5 * time.Second},
		"given":          {[]clerk.Option{clerk.WithAPITimeout(time.Second)}, false, time.Second},
		"given, fresh":   {[]clerk.Option{clerk.WithAPITimeout(time.Second)}, true, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, i := inMemory(t, answers(func(r *http.Request) (int, string) { <-r.Context().Done(); return 0, "" }), test.opts...)
				defer i.Close()
				began := time.Now()
				_, err := c.presentAs(t, tokens.Credential{Secret: tokens.NewSecret("ak_x"), Fresh: test.fresh})
				if tokens.ReasonOf(err) != tokens.ReasonVerifierUnavailable || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
				if took := time.Since(began); took != test.after {
					t.Errorf("after %v, want %v", took, test.after)
				}
				form, v, _ := c.table.Classify("ak_x")
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				_, err = v.Verify(ctx, tokens.Credential{Secret: tokens.NewSecret("ak_x"), Form: form, Fresh: test.fresh})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the caller's deadline: %v", err)
				}
			})
		})
	}
}

func TestCloseEndsFlights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, i := inMemory(t, answers(func(r *http.Request) (int, string) { <-r.Context().Done(); return 0, "" }))
		results := make(chan error, 2)
		for _, fresh := range []bool{false, true} {
			go func() {
				_, err := c.presentAs(t, tokens.Credential{Secret: tokens.NewSecret("ak_x"), Fresh: fresh})
				results <- err
			}()
		}
		synctest.Wait()
		began := time.Now()
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() { _ = i.Close() })
		}
		wait.Wait()
		for range 2 {
			if err := <-results; tokens.ReasonOf(err) != tokens.ReasonVerifierUnavailable {
				t.Errorf("%v", err)
			}
		}
		if time.Since(began) != 0 {
			t.Errorf("after %v", time.Since(began))
		}
		if _, err := c.present(t, "ak_x"); tokens.ReasonOf(err) != tokens.ReasonVerifierUnavailable || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%v", err)
		}
		if _, err := c.freshly(t, "ak_y"); tokens.ReasonOf(err) != tokens.ReasonVerifierUnavailable {
			t.Errorf("fresh: %v", err)
		}
	})
}

func TestFloodIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c, i := inMemory(t, answers(func(*http.Request) (int, string) { <-release; return 404, "{}" }))
		defer i.Close()
		const most = 256
		var wait sync.WaitGroup
		for n := range most {
			wait.Go(func() {
				token := [...]string{"ak_", "mt_"}[n%2] + fmt.Sprint(n)
				if _, err := c.presentAs(t, tokens.Credential{Secret: tokens.NewSecret(token), Fresh: n%3 == 0}); tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
					t.Errorf("%v", err)
				}
			})
		}
		synctest.Wait()
		for _, fresh := range []bool{false, true} {
			_, err := c.presentAs(t, tokens.Credential{Secret: tokens.NewSecret("ak_x"), Fresh: fresh})
			if e, ok := err.(*tokens.Error); !ok || e.Reason != tokens.ReasonRateLimited || e.RetryAfter != time.Second {
				t.Errorf("%v", err)
			}
		}
		close(release)
		wait.Wait()
		c.refuses(t, "ak_x", tokens.ReasonTokenInvalid)
	})
}

// What nobody could have been given is not asked about.
func TestJunkAsksNobody(t *testing.T) {
	t.Parallel()
	c, _ := inMemory(t, answers(func(*http.Request) (int, string) { t.Error("asked"); return 404, "{}" }))
	for _, token := range []string{"ak_", "mt_", "ak_a b", "ak_\n", "ak_é", "ak_" + strings.Repeat("x", tokens.MaxCredential)} {
		for _, prefix := range []string{"ak_", "mt_"} {
			form, v, _ := c.table.Classify(prefix)
			_, err := v.Verify(t.Context(), tokens.Credential{Secret: tokens.NewSecret(token), Form: form})
			if tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
				t.Errorf("%q: %v", token, err)
			}
		}
	}
}

type panics struct{}

func (panics) RoundTrip(*http.Request) (*http.Response, error) { panic("canary") }

func TestPanicEndsNoProcess(t *testing.T) {
	t.Parallel()
	c, _ := inMemory(t, panics{})
	for range 2 { // the second has a flight of its own
		c.refuses(t, "ak_x", tokens.ReasonInternal)
	}
}

// A client that would follow redirects, and keeps cookies, does not here.
func TestClientIsTamed(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.does("ak_x", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "x", Value: "y"})
		w.Header().Set("Location", b.URL+"/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	jar := cookies{}
	given := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
	c := callerOf(t, instance(t, b.all(clerk.WithHTTPClient(given))...))
	c.refuses(t, "ak_x", tokens.ReasonVerifierUnavailable)
	if len(b.requests("/elsewhere")) != 0 || len(jar) != 0 || given.Jar == nil {
		t.Error("a redirect was followed, a cookie kept, or the client changed")
	}
	c.takes(t, b.session(nil), tokens.SessionToken)
}

type cookies map[string]int

func (c cookies) SetCookies(u *url.URL, _ []*http.Cookie) { c[u.Host]++ }
func (cookies) Cookies(*url.URL) []*http.Cookie           { return nil }
