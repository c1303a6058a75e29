// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokenstest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/admitrpc/admit/tokens/jwt"
)

// TB is what [NewIssuer] needs of a *testing.T, *testing.B or *testing.F. The package does not import testing, so that programs can use
// it.
type TB interface {
	Helper()
	Cleanup(cleanup func())
	Fatalf(format string, args ...any)
}

// An Issuer mints tokens and serves the keys to verify them with. Only [StartIssuer] and [NewIssuer] make one.
type Issuer struct {
	algorithm string
	url       string
	server    *http.Server
	tasks     sync.WaitGroup

	mu      sync.Mutex
	keys    []signingKey      // guarded by mu; tokens are signed with the last
	count   int               // guarded by mu; keys made so far
	status  int               // guarded by mu; what the key endpoint answers, 0 for the keys
	fetches int               // guarded by mu
	remote  *jwt.RemoteKeySet // guarded by mu; made when first needed
	closed  bool              // guarded by mu
}

// An Option configures an [Issuer].
type Option interface{ apply(i *Issuer) error }

type option func(*Issuer) error

func (o option) apply(i *Issuer) error { return o(i) }

// WithAlgorithm sets what tokens are signed with: RS256 (the default), ES256 or EdDSA.
func WithAlgorithm(algorithm string) Option {
	return option(func(i *Issuer) error {
		if _, ok := makers[algorithm]; !ok {
			return fmt.Errorf("WithAlgorithm(%q): give it RS256, ES256 or EdDSA", algorithm)
		}
		i.algorithm = algorithm
		return nil
	})
}

// NewIssuer starts an issuer that is closed when the test ends.
func NewIssuer(tb TB, opts ...Option) *Issuer {
	tb.Helper()
	issuer, err := StartIssuer(opts...)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(func() { _ = issuer.Close() })
	return issuer
}

// StartIssuer starts an issuer on a free port of 127.0.0.1. Close it when it is no longer needed.
func StartIssuer(opts ...Option) (*Issuer, error) {
	i := &Issuer{algorithm: "RS256"}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("tokenstest: a nil option; leave it out")
		}
		if err := o.apply(i); err != nil {
			return nil, fmt.Errorf("tokenstest: %w", err)
		}
	}
	if err := i.addKey(false); err != nil {
		return nil, fmt.Errorf("tokenstest: %w", err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("tokenstest: %w", err)
	}
	i.url = "http://" + listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+jwksPath, i.serveKeys)
	i.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	i.tasks.Go(func() { _ = i.server.Serve(listener) })
	return i, nil
}

const jwksPath = "/.well-known/jwks.json"

// URL returns the issuer's name, which its tokens have in iss.
func (i *Issuer) URL() string { return i.url }

// JWKSURL returns where the keys are served.
func (i *Issuer) JWKSURL() string { return i.url + jwksPath }

// Close ends the server and the keys of the verifiers that the issuer made. It may be called more than once, and always returns nil.
func (i *Issuer) Close() error {
	i.mu.Lock()
	i.closed = true
	remote := i.remote
	i.mu.Unlock()
	_ = remote.Close()
	_ = i.server.Close()
	i.tasks.Wait()
	return nil
}

// RotateKey replaces the key: tokens are signed with a new one from now on, and only the new one is served.
func (i *Issuer) RotateKey() {
	if err := i.addKey(true); err != nil {
		panic(err) //nolint:forbidigo // The system has no randomness.
	}
}

// AddKey adds a key beside those that are served, and signs with it from now on.
func (i *Issuer) AddKey() {
	if err := i.addKey(false); err != nil {
		panic(err) //nolint:forbidigo // The system has no randomness.
	}
}

// Fail makes the key endpoint answer with an HTTP status from now on; 0 makes it serve the keys again.
func (i *Issuer) Fail(status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status = status
}

// Fetches returns how many times the key endpoint was asked.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// Keys returns the JWK Set as it is served.
func (i *Issuer) Keys() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	return marshalKeys(i.keys)
}

func (i *Issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	i.fetches++
	status, body := i.status, marshalKeys(i.keys)
	i.mu.Unlock()
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(body)
}

func (i *Issuer) addKey(alone bool) error {
	public, sign, err := makers[i.algorithm]()
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count++
	if alone {
		i.keys = nil
	}
	kid := fmt.Sprintf("key-%d", i.count)
	public["kid"], public["use"], public["alg"] = kid, "sig", i.algorithm
	i.keys = append(i.keys, signingKey{kid: kid, public: public, sign: sign})
	return nil
}

func (i *Issuer) signer() signingKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1]
}
