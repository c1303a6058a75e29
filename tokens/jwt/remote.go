// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	maxJWKS      = 512 << 10
	// retryInterval is how long after a failed fetch the next one in the background follows, if the interval is not shorter.
	retryInterval = 30 * time.Second
	// Fetches that callers cause: this many at once, and then one per period.
	burst  = 3
	period = 5 * time.Second
)

// A RemoteKeySet is a JWK Set that is fetched over HTTP when the first token needs it, and again and again after that.
//
// A token with a kid that the set does not have causes a fetch at once, so that a rotation is noticed; such fetches are limited to three
// and then one per 5 seconds, whatever callers send. All who wait for keys share one fetch, which no caller's context ends; each leaves
// when its own context ends. A fetch has 5 seconds and 512 KiB in all (after decompression), follows no redirect, and is used only if
// [NewKeySet] would take its body. A good fetch replaces the set: keys that are gone are no longer believed. A failed one leaves the last
// good set in use for a time; see [WithMaxStale].
//
// It is safe for concurrent use. Close it when it is no longer used.
type RemoteKeySet struct {
	config  remoteConfig
	url     string
	own     *http.Transport // nil when the client is the caller's
	current atomic.Pointer[snapshot]

	ctx    context.Context //nolint:containedctx // It is the life of the set, and of no call.
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	// fetched tells refresh that a fetch has ended.
	fetched chan struct{}

	mu      sync.Mutex
	flight  chan struct{} // guarded by mu; closed when the fetch under way ends, nil when there is none
	closed  bool          // guarded by mu
	cold    budget        // guarded by mu; of fetches without a set
	unknown budget        // guarded by mu; of fetches for a kid that the set does not have
}

// A snapshot is what is known after a fetch. It is immutable.
type snapshot struct {
	keys *KeySet   // the last good set; nil when there never was one
	good time.Time // when it was fetched
	err  error     // of the last fetch
}

// NewRemoteKeySet returns the set at a URL. Nothing is fetched yet. It must be https, or http on a loopback address; it must not have a
// user or a fragment. Defaults: a refresh 5 minutes after each fetch (30 seconds after one that failed), and 24 hours for which the last
// good set is kept.
func NewRemoteKeySet(jwksURL string, opts ...RemoteKeySetOption) (*RemoteKeySet, error) {
	s := &RemoteKeySet{
		url: jwksURL, config: remoteConfig{refresh: defaultRefresh, stale: defaultStale}, fetched: make(chan struct{}, 1),
	}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("jwt: NewRemoteKeySet: a nil option; leave it out")
		}
		if err := o.applyRemote(&s.config); err != nil {
			return nil, fmt.Errorf("jwt: NewRemoteKeySet: %w", err)
		}
	}
	if err := s.checkURL(); err != nil {
		return nil, fmt.Errorf("jwt: NewRemoteKeySet: %w", err)
	}
	client := http.Client{}
	if s.config.client != nil {
		client = *s.config.client
	} else {
		s.own = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: fetchTimeout, MaxResponseHeaderBytes: 64 << 10,
			// Fetches are minutes apart, so that keeping a connection would save nothing.
			DisableKeepAlives: true,
		}
		client.Transport = s.own
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.config.client = &client
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.tasks.Go(s.refresh)
	return s, nil
}

func (s *RemoteKeySet) checkURL() error {
	u, err := url.Parse(s.url)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the URL cannot be read; give it the issuer's jwks_uri, such as https://issuer.example/jwks.json")
	case u.User != nil || u.Fragment != "":
		return errors.New("the URL has a user or a fragment; leave it out")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return errors.New("the URL is not https")
	case isLoopback(u.Hostname()):
		return nil
	case s.config.insecureHTTP:
		slog.Warn("jwt: keys are fetched without TLS; who can change the answers can sign tokens", "host", u.Host)
		return nil
	default:
		return errors.New("the URL is http on a host that is not loopback; give it https, or add jwt.WithInsecureHTTP()")
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Key returns the key with a kid and an algorithm, and fetches the set if that may help.
func (s *RemoteKeySet) Key(ctx context.Context, kid, algorithm string) (Key, error) {
	if s == nil || s.ctx == nil {
		return Key{}, unavailable(errors.New("jwt: this key set was not made by NewRemoteKeySet"))
	}
	seen := s.current.Load()
	if keys := seen.usable(s.config.stale); keys.answers(kid) && s.ctx.Err() == nil {
		return keys.Key(ctx, kid, algorithm)
	}
	select {
	case <-s.fetchAfter(seen):
	case <-ctx.Done():
		return Key{}, fmt.Errorf("jwt: keys: %w", ctx.Err())
	}
	now := s.current.Load()
	switch keys := now.usable(s.config.stale); {
	case s.ctx.Err() != nil:
		return Key{}, unavailable(errors.New("jwt: the key set is closed"))
	case keys.answers(kid):
		return keys.Key(ctx, kid, algorithm)
	case keys == nil || now.err != nil:
		// The endpoint might know a key that we do not, so the token may be good.
		return Key{}, unavailable(fmt.Errorf("jwt: keys: %w", now.cause()))
	default:
		return Key{}, errNoKey
	}
}

// answers reports whether no other set could know better about a token with this kid.
func (s *KeySet) answers(kid string) bool {
	if s == nil {
		return false
	}
	_, known := s.byKID[kid]
	return known || kid == ""
}

// usable returns the keys unless they are missing or too old.
func (n *snapshot) usable(stale time.Duration) *KeySet {
	if n == nil || time.Since(n.good) >= stale {
		return nil
	}
	return n.keys
}

func (n *snapshot) cause() error {
	if n == nil || n.err == nil {
		return errors.New("no good set")
	}
	return n.err
}

// Close ends the fetches and waits until they have ended. From then on the set has no keys. It may be called more than once, by many at
// once, and always returns nil.
func (s *RemoteKeySet) Close() error {
	if s == nil || s.ctx == nil {
		return nil
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.tasks.Wait()
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
	return nil
}

var ended = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// fetchAfter returns when the set that a caller has seen is replaced, by a fetch that it starts or joins. The channel is closed already
// if it was replaced since, or must not be fetched again so soon.
func (s *RemoteKeySet) fetchAfter(seen *snapshot) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.current.Load() != seen {
		return ended
	}
	if s.flight != nil {
		return s.flight
	}
	allowance := &s.unknown
	if seen.usable(s.config.stale) == nil {
		allowance = &s.cold
	}
	if !allowance.take(time.Now()) {
		return ended
	}
	return s.start()
}

// start starts a fetch, or joins the one under way. Callers hold mu, and have seen that the set is not closed.
func (s *RemoteKeySet) start() <-chan struct{} {
	if s.flight == nil {
		s.flight = make(chan struct{})
		s.tasks.Go(s.fetch)
	}
	return s.flight
}

// fetch replaces the snapshot. Only one fetch is under way at a time.
func (s *RemoteKeySet) fetch() {
	keys, err := s.load()
	next := &snapshot{keys: keys, good: time.Now(), err: err}
	if err != nil {
		if last := s.current.Load(); last != nil {
			next.keys, next.good = last.keys, last.good
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.Store(next)
	close(s.flight)
	s.flight = nil
	select {
	case s.fetched <- struct{}{}:
	default: // refresh has not seen the fetch before this one yet, and will see both
	}
}

func (s *RemoteKeySet) load() (*KeySet, error) {
	ctx, cancel := context.WithTimeout(s.ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := s.config.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%v", err) //nolint:errorlint // The fetch's deadline must not look like the caller's.
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the endpoint answered %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxJWKS+1))
	if err != nil {
		return nil, fmt.Errorf("%v", err) //nolint:errorlint // As above.
	}
	if len(body) > maxJWKS {
		return nil, fmt.Errorf("the JWK Set is larger than %d bytes", maxJWKS)
	}
	keys, err := parseKeySet(body, s.config.algorithm)
	if err != nil {
		return nil, fmt.Errorf("JWK Set: %w", err)
	}
	return keys, nil
}

// refresh fetches again and again, once the set was needed.
func (s *RemoteKeySet) refresh() {
	var due <-chan time.Time // never, until a first fetch has ended
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.fetched:
			wait := s.config.refresh
			if s.current.Load().err != nil {
				wait = min(wait, retryInterval)
			}
			due = time.After(wait)
		case <-due:
			s.mu.Lock()
			if !s.closed {
				s.start()
			}
			s.mu.Unlock()
		}
	}
}

// A budget lets a burst pass and then one per period, by the generic cell rate algorithm. The zero budget is full.
type budget struct{ due time.Time }

func (b *budget) take(now time.Time) bool {
	if b.due.Sub(now) > (burst-1)*period {
		return false
	}
	if b.due.Before(now) {
		b.due = now
	}
	b.due = b.due.Add(period)
	return true
}
