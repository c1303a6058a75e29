// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// retryInterval is how long after a first failure the next fetch in the background follows, if the interval is not shorter.
const retryInterval = 30 * time.Second

// A RemoteKeySet is a JWK Set that is fetched over HTTP when the first token needs it, and again and again after that.
//
// A token with a kid that the set does not have causes a fetch at once, so that a rotation is noticed. All requests that callers cause are
// limited to three and then one per 5 seconds, whatever callers send; until then the set that was fetched last, 5 seconds ago or less, says
// which kids exist. A kid that the set has never causes a fetch, however many signatures do not match, nor does a token without kid. All
// who wait for keys share one fetch, which no caller's context ends; each leaves when its own context ends.
//
// A fetch has 5 seconds and 512 KiB in all (after decompression), follows no redirect, and is used only if [NewKeySet] would take its
// body. A good fetch replaces the set: keys that are gone are no longer believed, and a key that came under an old kid replaces the one
// before. A failed one leaves the last good set in use for a time; see [WithMaxStale]. Meanwhile tokens with a kid that it does not have
// are answered with [tokens.ReasonVerifierUnavailable], since they may be good; after that time, and before the first good fetch, all are.
//
// The first failure, the end of failures, and private keys in the set are logged with [slog.Default].
//
// Which addresses may be dialed is not checked: where a URL is told by somebody who is not trusted, do so in the Control of the dialer of
// [WithHTTPClient].
//
// It is safe for concurrent use. Close it when it is no longer used; a nil or zero RemoteKeySet has no keys, and need not be closed.
type RemoteKeySet struct {
	config    remoteConfig
	url       string     // of the JWK Set; "" if it is discovered
	discovery *discovery // nil if it is not
	own       *http.Transport
	current   atomic.Pointer[snapshot]

	ctx    context.Context //nolint:containedctx // It is the life of the set, and of no call.
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	// fetched tells refresh that a fetch has ended.
	fetched chan struct{}

	mu      sync.Mutex
	flight  chan struct{} // guarded by mu; closed when the fetch under way ends, nil when there is none
	closed  bool          // guarded by mu
	callers budget        // guarded by mu; of requests that callers cause
}

// A snapshot is what is known after a fetch. It is immutable.
type snapshot struct {
	keys *KeySet   // the last good set; nil when there never was one
	good time.Time // when it was fetched
	err  error     // of the last fetch

	url   string    // where the set is, "" when that is not known
	found time.Time // when that was discovered
}

// NewRemoteKeySet returns the set at a URL. Nothing is fetched yet. It must be https, or http on a loopback address; it must not have a
// user or a fragment. Defaults: a refresh in the background every 5 minutes (30 seconds after a fetch failed), and 24 hours for which the
// last good set is kept.
func NewRemoteKeySet(jwksURL string, opts ...RemoteKeySetOption) (*RemoteKeySet, error) {
	s, err := newRemoteKeySet(opts)
	if err != nil {
		return nil, fmt.Errorf("jwt: NewRemoteKeySet: %w", err)
	}
	u, err := checkURL(jwksURL, s.config.insecureHTTP)
	if err != nil {
		return nil, fmt.Errorf("jwt: NewRemoteKeySet: %w", err)
	}
	if len(s.config.jwksHosts) > 0 {
		return nil, errors.New("jwt: NewRemoteKeySet: WithJWKSHosts is for NewDiscoveredKeySet; the URL says the host, so leave it out")
	}
	warnOfHTTP(u)
	s.url = jwksURL
	return s.run(), nil
}

// newRemoteKeySet returns a set that does not run yet, and does not know where its keys are.
func newRemoteKeySet(opts []RemoteKeySetOption) (*RemoteKeySet, error) {
	s := &RemoteKeySet{config: remoteConfig{refresh: defaultRefresh, stale: defaultStale}, fetched: make(chan struct{}, 1)}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("a nil option; leave it out")
		}
		if err := o.applyRemote(&s.config); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *RemoteKeySet) run() *RemoteKeySet {
	s.config.client, s.own = newClient(s.config.client)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.tasks.Go(s.refresh)
	return s
}

// Key returns the key with a kid and an algorithm, and fetches the set if that may help.
func (s *RemoteKeySet) Key(ctx context.Context, kid, algorithm string) (Key, error) {
	if s == nil || s.ctx == nil {
		return Key{}, unavailable(errors.New("jwt: this key set was not made by a constructor"))
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
	_, left := s.leftOut[kid]
	return kid == "" || left || s.named(kid) != nil
}

// usable returns the keys unless they are missing or too old.
func (n *snapshot) usable(stale time.Duration) *KeySet {
	if n == nil || time.Since(n.good) >= stale {
		return nil
	}
	return n.keys
}

// located reports whether it is known where the set is, and not too old.
func (n *snapshot) located(stale time.Duration) bool {
	return n != nil && n.url != "" && time.Since(n.found) < stale
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
	cost := 1
	if s.discovery != nil && !seen.located(s.config.stale) {
		cost = discoveryRequests
	}
	if !s.callers.take(time.Now(), cost) {
		return ended
	}
	s.start(false, cost)
	return s.flight
}

// start starts a fetch that counts for callers as a number of requests. Callers hold mu, and have seen that the set is not closed and no
// fetch is under way.
func (s *RemoteKeySet) start(rediscover bool, cost int) {
	s.flight = make(chan struct{})
	s.tasks.Go(func() { s.fetch(rediscover, cost) })
}

// fetch replaces the snapshot. Only one fetch is under way at a time.
func (s *RemoteKeySet) fetch(rediscover bool, cost int) {
	last := s.current.Load()
	next := &snapshot{}
	if last != nil {
		*next = *last
	}
	t := trip{client: s.config.client}
	next.err = s.renew(next, &t, rediscover)
	if s.ctx.Err() == nil {
		s.report(last, next)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callers.giveBack(max(0, cost-t.requests))
	s.current.Store(next)
	close(s.flight)
	s.flight = nil
	select {
	case s.fetched <- struct{}{}:
	default: // refresh has not seen the fetch before this one yet, and will see both
	}
}

// renew fetches the set into a snapshot that nobody else has seen yet.
func (s *RemoteKeySet) renew(next *snapshot, t *trip, rediscover bool) (err error) {
	// No guard could catch it here, and it would end the process.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(s.ctx, fetchTimeout)
	defer cancel()
	if err := s.locate(ctx, next, t, rediscover); err != nil {
		return err
	}
	body, _, err := t.get(ctx, next.url, "application/jwk-set+json, application/json")
	if err != nil {
		return err
	}
	keys, err := parseKeySet(body, s.config.algorithm)
	if err != nil {
		return fmt.Errorf("JWK Set: %w", err)
	}
	next.keys, next.good = keys, time.Now()
	return nil
}

// locate finds out where the set is.
func (s *RemoteKeySet) locate(ctx context.Context, next *snapshot, t *trip, rediscover bool) error {
	known := next.located(s.config.stale)
	switch {
	case s.discovery == nil:
		next.url = s.url
		return nil
	case known && !rediscover:
		return nil
	case known: // so that time is left for the keys
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, fetchTimeout/2)
		defer cancel()
	}
	address, err := s.discovery.find(ctx, t)
	switch {
	case err == nil:
		next.url, next.found = address, time.Now()
	case !known:
		return fmt.Errorf("discovery: %w", err)
	case s.ctx.Err() == nil:
		slog.Warn("jwt: discovery failed; keys are fetched from where they were", "issuer", s.discovery.issuer, "error", err)
	}
	return nil
}

// report logs what has changed for the operator.
func (s *RemoteKeySet) report(last, next *snapshot) {
	source := s.url
	if s.discovery != nil {
		source = s.discovery.issuer
	}
	failed := last != nil && last.err != nil
	switch {
	case next.err != nil && !failed:
		slog.Warn("jwt: keys cannot be fetched; the last good set, if there is one, stays in use for a time", "source", source, "error", next.err)
	case next.err == nil && failed:
		slog.Info("jwt: keys are fetched again", "source", source)
	}
	if next.err == nil && next.keys.private && (last == nil || last.keys == nil || !last.keys.private) {
		slog.Warn("jwt: the JWK Set has a private key or a shared secret; whoever reads it can sign tokens", "source", source)
	}
}

// refresh fetches again and again, once the set was needed. Fetches that callers cause do not put it off, or a flood could keep the
// discovery from being read.
func (s *RemoteKeySet) refresh() {
	var due <-chan time.Time // never, until a first fetch has ended
	failing := false
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.fetched:
			if now := s.current.Load().err != nil; due == nil || now != failing {
				failing = now
				wait := s.config.refresh
				if failing {
					wait = min(wait, retryInterval)
				}
				due = time.After(wait)
			}
		case <-due:
			due = nil
			s.startOwn()
		}
	}
}

// startOwn starts a fetch that no caller caused, after the one under way.
func (s *RemoteKeySet) startOwn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.flight != nil {
		flight := s.flight
		s.mu.Unlock()
		<-flight
		s.mu.Lock()
	}
	if !s.closed {
		s.start(true, 0)
	}
}
