// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/tokens/tokenstest"
)

// latency is what the endpoint takes to answer.
const latency = 20 * time.Millisecond

// A world is an issuer, an endpoint that serves its keys, and a library's key set at that endpoint.
type world struct {
	issuer  *tokenstest.Issuer
	server  *httptest.Server
	fetches atomic.Int64
	down    atomic.Bool
	verify  verify
	close   func()

	random atomic.Int64 // how many kids were made up
}

func newWorld(ctx context.Context, l library) (*world, error) {
	issuer, err := tokenstest.StartIssuer(tokenstest.WithAlgorithm("ES256"))
	if err != nil {
		return nil, err
	}
	w := &world{issuer: issuer}
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	ctx, cancel := context.WithCancel(ctx)
	v, done, err := l.open(ctx, issuer.URL(), w.server.URL)
	w.verify = v
	w.close = func() {
		if done != nil {
			done()
		}
		cancel()
		w.server.Close()
		_ = issuer.Close()
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// serve answers as the issuer would, but later.
func (w *world) serve(out http.ResponseWriter, r *http.Request) {
	w.fetches.Add(1)
	select {
	case <-time.After(latency):
	case <-r.Context().Done():
		return
	}
	if w.down.Load() {
		out.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	out.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = out.Write(w.issuer.Keys())
}

// believes reports whether the library believes a token, within 10 seconds.
func (w *world) believes(ctx context.Context, token string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return w.verify(ctx, token) == nil
}

// token mints a token that is good.
func (w *world) token() string { return w.issuer.OAuth(tokenstest.OAuthClaims{}) }

// bogus returns a token with a kid that nobody has used before.
func (w *world) bogus(token string) string {
	return withKID(token, fmt.Sprint("bogus-", w.random.Add(1)))
}

// withKID returns a token with another kid, whose signature no longer matches.
func withKID(token, kid string) string {
	segment, rest, _ := strings.Cut(token, ".")
	var header map[string]any
	raw, err := base64.RawURLEncoding.DecodeString(segment)
	if err == nil {
		err = json.Unmarshal(raw, &header)
	}
	if err != nil {
		panic(err)
	}
	header["kid"] = kid
	raw, err = json.Marshal(header)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw) + "." + rest
}
