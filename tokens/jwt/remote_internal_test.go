// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Who comes late, with what was known before the fetch that has just ended, must not cause another one. It takes an unlucky moment to
// meet this from outside.
func TestFetchAfterIsNotLate(t *testing.T) {
	t.Parallel()
	fetches := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetches++ }))
	defer server.Close()
	s, err := NewRemoteKeySet(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	seen := s.current.Load()
	<-s.fetchAfter(seen)
	<-s.fetchAfter(seen)
	if fetches != 1 {
		t.Errorf("%d fetches, want 1", fetches)
	}
	<-s.fetchAfter(s.current.Load())
	if fetches != 2 {
		t.Errorf("%d fetches, want 2", fetches)
	}
}
