// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens/jwt"
)

// A panicking transport is an endpoint that is down.
func TestRemotePanic(t *testing.T) {
	t.Parallel()
	s := must(jwt.NewRemoteKeySet("https://issuer.example/", jwt.WithHTTPClient(&http.Client{Transport: panicking{}})))
	defer func() { _ = s.Close() }()
	has(t, s, "a", down)
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("no") }

// An endless body is one that counts what is read of it.
type endless struct{ read atomic.Int64 }

func (e *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(e), Request: r}, nil
}

func (e *endless) Read(p []byte) (int, error) {
	if e.read.Add(int64(len(p))) > 1<<20 {
		return 0, io.EOF
	}
	return copy(p, bytes.Repeat([]byte(" "), len(p))), nil
}

// SEC-59
func TestRemoteReadsNoMore(t *testing.T) {
	t.Parallel()
	e := &endless{}
	s := must(jwt.NewRemoteKeySet("https://issuer.example/", jwt.WithHTTPClient(&http.Client{Transport: e})))
	defer func() { _ = s.Close() }()
	has(t, s, "a", down)
	if n := e.read.Load(); n > 512<<10+1 {
		t.Errorf("%d bytes were read", n)
	}
}

// Close waits for a fetch that takes a while to notice.
func TestRemoteCloseWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		web := &lingering{}
		s := must(jwt.NewRemoteKeySet("https://issuer.example/", jwt.WithHTTPClient(&http.Client{Transport: web})))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = s.Key(ctx, "a", "ES256")
		_ = s.Close()
		if !web.left.Load() {
			t.Error("a fetch goes on after Close")
		}
	})
}

type lingering struct{ left atomic.Bool }

func (l *lingering) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	time.Sleep(time.Second)
	l.left.Store(true)
	return nil, r.Context().Err()
}
