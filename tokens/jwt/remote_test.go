// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// An endpoint is a JWKS endpoint without a network. The zero endpoint is one that cannot be reached.
type endpoint struct {
	mu      sync.Mutex
	body    []byte
	delay   time.Duration
	fetches int
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	e.fetches++
	body, delay := e.body, e.delay
	e.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if body == nil {
		return nil, errors.New("no route")
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

func (e *endpoint) serve(body []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.body = body
}

func (e *endpoint) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fetches
}

func (e *endpoint) set(tb testing.TB, opts ...jwt.RemoteKeySetOption) *jwt.RemoteKeySet {
	tb.Helper()
	opts = append(opts, jwt.WithHTTPClient(&http.Client{Transport: e}))
	return must(jwt.NewRemoteKeySet("https://issuer.example/jwks.json", opts...))
}

// jwksOf returns a set with a key for each kid.
func jwksOf(tb testing.TB, kids ...string) []byte {
	tb.Helper()
	_, key := newIssuerKeys(tb)
	keys := make([]any, 0, len(kids))
	for _, kid := range kids {
		one := maps.Clone(key)
		one["kid"] = kid
		keys = append(keys, one)
	}
	return set(keys...)
}

func has(tb testing.TB, s *jwt.RemoteKeySet, kid string, want tokens.Reason) {
	tb.Helper()
	key, err := s.Key(tb.Context(), kid, "ES256")
	if got := tokens.ReasonOf(err); got != want {
		tb.Fatalf("kid %q: %v, want %q", kid, err, want)
	}
	if err == nil && kid != "" && key.KID() != kid {
		tb.Fatalf("kid %q, want %q", key.KID(), kid)
	}
	if e, ok := errors.AsType[*tokens.Error](err); ok && want == tokens.ReasonVerifierUnavailable && e.RetryAfter <= 0 {
		tb.Fatal("no RetryAfter")
	}
}

const (
	good    = tokens.Reason("")
	invalid = tokens.ReasonTokenInvalid
	down    = tokens.ReasonVerifierUnavailable
)

// bubble runs a test with a clock of its own and a remote set, which is closed at its end.
func bubble(t *testing.T, body []byte, test func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet), opts ...jwt.RemoteKeySetOption) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{body: body}
		s := e.set(t, opts...)
		defer func() { _ = s.Close() }()
		test(t, e, s)
	})
}

func TestRemoteFetchesWhenNeeded(t *testing.T) {
	t.Parallel()
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		time.Sleep(time.Hour)
		if e.count() != 0 {
			t.Errorf("%d fetches before the first need", e.count())
		}
		has(t, s, "a", good)
		has(t, s, "a", good)
		has(t, s, "", good)
		if e.count() != 1 {
			t.Errorf("%d fetches, want 1", e.count())
		}
	})
}

// SEC-68
func TestRemoteStampede(t *testing.T) {
	t.Parallel()
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		e.delay = time.Second
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() {
				if _, err := s.Key(t.Context(), "a", "ES256"); err != nil {
					t.Errorf("error %v", err)
				}
			})
		}
		group.Wait()
		if e.count() != 1 {
			t.Errorf("%d fetches, want 1", e.count())
		}
	})
}

// SEC-69
func TestRemoteWaitersLeave(t *testing.T) {
	t.Parallel()
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		e.delay = 2 * time.Second
		first := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		go func() {
			_, err := s.Key(ctx, "a", "ES256")
			first <- err
		}()
		synctest.Wait()
		second := make(chan error, 1)
		go func() {
			_, err := s.Key(t.Context(), "a", "ES256")
			second <- err
		}()
		if err := <-first; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("error %v after %s, want that of the context after a second", err, time.Since(start))
		}
		if err := <-second; err != nil {
			t.Errorf("who stayed: %v", err)
		}
		if e.count() != 1 {
			t.Errorf("%d fetches, want 1", e.count())
		}
	})
}

// SEC-65
func TestRemoteUnknownKIDs(t *testing.T) {
	t.Parallel()
	leftOut := bytes.Replace(jwksOf(t, "a", "b"), []byte("["), []byte(`[{"kty":"oct","kid":"left out","k":"AAAA"},`), 1)
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		has(t, s, "a", good)
		storm := func(want int) {
			t.Helper()
			before := e.count()
			for i := range 100 {
				has(t, s, fmt.Sprint("x", i), invalid)
			}
			if got := e.count() - before; got != want {
				t.Errorf("%d fetches, want %d", got, want)
			}
		}
		storm(2) // The first fetch counts as well.
		storm(0)
		time.Sleep(5*time.Second - 1)
		storm(0)
		time.Sleep(1)
		storm(1)
		time.Sleep(20 * time.Second)
		storm(3)
		if e.count() != 7 {
			t.Errorf("%d fetches in all, want 7", e.count())
		}
		// A kid that is known, with an alg that is not its own, is not unknown. Nor is one of a key that was left out.
		time.Sleep(time.Minute)
		if _, err := s.Key(t.Context(), "a", "RS256"); tokens.ReasonOf(err) != invalid || e.count() != 7 {
			t.Errorf("error %v, %d fetches", err, e.count())
		}
		e.serve(leftOut)
		has(t, s, "a", good)
		has(t, s, "b", good)
		before := e.count()
		has(t, s, "left out", invalid)
		if e.count() != before {
			t.Error("a fetch for a key that was left out")
		}
	})
}

// Callers' fetches do not put off those in the background.
func TestRemoteRefreshIsNotPutOff(t *testing.T) {
	t.Parallel()
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		has(t, s, "a", good)
		time.Sleep(5*time.Minute - time.Second)
		has(t, s, "x", invalid)
		before := e.count()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if e.count() != before+1 {
			t.Errorf("%d fetches in the background, want 1", e.count()-before)
		}
	})
}

// SEC-66
func TestRemoteRotation(t *testing.T) {
	t.Parallel()
	both := jwksOf(t, "a", "b")
	only := jwksOf(t, "b")
	again := jwksOf(t, "b")
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		has(t, s, "a", good)
		e.serve(both)
		has(t, s, "b", good) // at once
		has(t, s, "a", good)
		e.serve(only)
		has(t, s, "a", good)
		time.Sleep(5*time.Minute + time.Second)
		synctest.Wait()
		before := e.count()
		has(t, s, "b", good)
		if e.count() != before {
			t.Error("a known key is fetched again")
		}
		has(t, s, "a", invalid)
		// The same kid with a new key: the new one is taken with the next fetch.
		old := must(s.Key(t.Context(), "b", "ES256"))
		e.serve(again)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if now := must(s.Key(t.Context(), "b", "ES256")); reflect.DeepEqual(old, now) {
			t.Error("the key of an old kid was not replaced")
		}
	})
}

// SEC-67
func TestRemoteDown(t *testing.T) {
	t.Parallel()
	body := jwksOf(t, "a")
	bubble(t, nil, func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		for range 100 {
			has(t, s, "a", down)
		}
		if e.count() != 3 {
			t.Errorf("%d fetches of an endpoint that is down, want 3", e.count())
		}
		e.serve(body)
		time.Sleep(5 * time.Second)
		has(t, s, "a", good)
		e.serve(nil)
		time.Sleep(time.Hour)
		has(t, s, "a", good)
		has(t, s, "", good)
		has(t, s, "b", down) // It may be a key that we could not fetch.
		e.serve([]byte("<html>"))
		time.Sleep(22*time.Hour + time.Minute) // So that no refresh is due at the moments that are looked at.
		has(t, s, "a", good)
		time.Sleep(2 * time.Hour)
		has(t, s, "a", down)
		has(t, s, "", down)
		e.serve(body)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		before := e.count()
		has(t, s, "a", good)
		if e.count() != before {
			t.Error("the set was not fetched in the background")
		}
	})
}

func TestRemoteOptions(t *testing.T) {
	t.Parallel()
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		has(t, s, "a", good)
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if e.count() != 7 {
			t.Errorf("%d fetches, want 7", e.count())
		}
		e.serve(nil)
		time.Sleep(58 * time.Second)
		has(t, s, "a", good)
		time.Sleep(10 * time.Second)
		has(t, s, "a", down)
	}, jwt.WithRefreshInterval(10*time.Second), jwt.WithMaxStale(time.Minute))
}

// SEC-60
func TestRemoteDeadline(t *testing.T) {
	t.Parallel()
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		e.delay = time.Hour
		start := time.Now()
		_, err := s.Key(t.Context(), "a", "ES256")
		if tokens.ReasonOf(err) != down || errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
	})
}

func TestRemoteClose(t *testing.T) {
	t.Parallel()
	bubble(t, jwksOf(t, "a"), func(t *testing.T, e *endpoint, s *jwt.RemoteKeySet) {
		has(t, s, "a", good)
		e.delay = time.Minute
		waiting := make(chan error, 1)
		go func() {
			_, err := s.Key(t.Context(), "b", "ES256")
			waiting <- err
		}()
		synctest.Wait()
		start := time.Now()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { _ = s.Close() })
		}
		group.Wait()
		if err := <-waiting; tokens.ReasonOf(err) != down {
			t.Errorf("who waited: %v", err)
		}
		if time.Since(start) != 0 {
			t.Errorf("closing took %s", time.Since(start))
		}
		before := e.count()
		has(t, s, "a", down)
		has(t, s, "c", down)
		if e.count() != before {
			t.Error("a closed set fetches")
		}
	})
	if err := (*jwt.RemoteKeySet)(nil).Close(); err != nil {
		t.Error(err)
	}
	if _, err := new(jwt.RemoteKeySet).Key(t.Context(), "a", "ES256"); tokens.ReasonOf(err) != down {
		t.Errorf("a zero set: %v", err)
	}
}

func TestNewRemoteKeySetRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		opts      []jwt.RemoteKeySetOption
		good      bool
	}{
		{name: "https", url: "https://issuer.example/jwks.json", good: true},
		{name: "http on 127.0.0.1", url: "http://127.0.0.1:8080/jwks.json", good: true},
		{name: "http on ::1", url: "http://[::1]:8080/jwks.json", good: true},
		{name: "http on localhost", url: "http://localhost/jwks.json", good: true},
		{name: "http", url: "http://issuer.example/jwks.json"},
		{name: "http, told so", url: "http://issuer.example/", opts: []jwt.RemoteKeySetOption{jwt.WithInsecureHTTP()}, good: true},
		{name: "http on a name like localhost", url: "http://localhost.evil.example/"},
		{name: "SEC-61 file", url: "file:///etc/passwd", opts: []jwt.RemoteKeySetOption{jwt.WithInsecureHTTP()}},
		{name: "SEC-61 ftp", url: "ftp://issuer.example/", opts: []jwt.RemoteKeySetOption{jwt.WithInsecureHTTP()}},
		{name: "no host", url: "https:///jwks.json"},
		{name: "empty"},
		{name: "junk", url: "https://a b/"},
		{name: "user", url: "https://me:secret@issuer.example/"},
		{name: "fragment", url: "https://issuer.example/#a"},
		{name: "nil option", url: "https://issuer.example/", opts: []jwt.RemoteKeySetOption{nil}},
		{name: "nil client", url: "https://issuer.example/", opts: []jwt.RemoteKeySetOption{jwt.WithHTTPClient(nil)}},
		{name: "no interval", url: "https://issuer.example/", opts: []jwt.RemoteKeySetOption{jwt.WithRefreshInterval(0)}},
		{name: "hosts", url: "https://issuer.example/", opts: []jwt.RemoteKeySetOption{jwt.WithJWKSHosts("keys.example")}},
		{name: "no stale", url: "https://issuer.example/", opts: []jwt.RemoteKeySetOption{jwt.WithMaxStale(0)}},
		{name: "algorithm", url: "https://issuer.example/", opts: []jwt.RemoteKeySetOption{jwt.WithAlgorithm("HS256")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := jwt.NewRemoteKeySet(test.url, test.opts...)
			if (err == nil) != test.good {
				t.Errorf("error %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v tells the password", err)
			}
			if s != nil {
				_ = s.Close()
			}
		})
	}
}

// SEC-70: verifying and refreshing at once, for the race detector.
func TestRemoteUnderRace(t *testing.T) {
	t.Parallel()
	first, second := tokenstest.NewIssuer(t, tokenstest.WithAlgorithm("EdDSA")), tokenstest.NewIssuer(t, tokenstest.WithAlgorithm("EdDSA"))
	var group sync.WaitGroup
	for _, iss := range []*tokenstest.Issuer{first, second} {
		v := iss.SessionVerifier()
		for range 4 {
			group.Go(func() {
				for range 20 {
					// A rotation may come between minting and verifying, and fetches for new keys are limited.
					p, err := verify(t, v, iss.Session(tokenstest.SessionClaims{}))
					if reason := tokens.ReasonOf(err); (p == nil) == (err == nil) || err != nil && reason != invalid {
						t.Errorf("error %v", err)
					}
				}
			})
		}
		group.Go(iss.RotateKey)
	}
	group.Wait()
}
