// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Answers to a GET may be kept by caches on the way, which must not give them to another caller.
func TestGetIsPrivate(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name, method, who, message string
		status                     int
		private, vary              bool
	}{
		{"admitted", "SessionUnary", admin, `{}`, http.StatusOK, true, true},
		{"no credential", "SessionUnary", none, `{}`, http.StatusUnauthorized, true, true},
		{"bad credential", "SessionUnary", tampered, `{}`, http.StatusUnauthorized, true, true},
		{"permission", "SessionUnary", member, `{}`, http.StatusForbidden, true, true},
		{"own", "HiddenUnary", admin, `{"organizationId":"org_1"}`, http.StatusOK, true, true},
		{"hidden by the message", "HiddenUnary", admin, `{"organizationId":"org_2"}`, http.StatusNotFound, true, true},
		{"hidden by the handler", "HiddenUnary", admin, `{"organizationId":"org_1","action":"notfound"}`, http.StatusNotFound, true, true},
		{"public", "PublicUnary", none, `{}`, http.StatusOK, false, true},
		{"public, known", "PublicUnary", admin, `{}`, http.StatusOK, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			query := url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {tt.message}}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+procedure(tt.method)+"?"+query.Encode(), nil)
			must(t, err)
			if token := w.credent[tt.who]; token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			response, err := w.h2.Do(r)
			must(t, err)
			body, err := io.ReadAll(response.Body)
			must(t, err)
			must(t, response.Body.Close())
			if response.StatusCode != tt.status {
				t.Fatalf("%s %s", response.Status, body)
			}
			private := slices.Equal(response.Header.Values("Cache-Control"), []string{"private, no-store"})
			vary := strings.Contains(strings.Join(response.Header.Values("Vary"), ","), "Authorization")
			if private != tt.private || vary != tt.vary {
				t.Errorf("Cache-Control %q, Vary %q", response.Header.Values("Cache-Control"), response.Header.Values("Vary"))
			}
		})
	}
}

// A token in the query is not looked at.
func TestQueryCredential(t *testing.T) {
	w := newWorld(t)
	query := url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {"{}"}, "access_token": {w.credent[admin]}, "authorization": {"Bearer " + w.credent[admin]}}
	response, err := w.h2.Get(w.url + procedure("SessionUnary") + "?" + query.Encode())
	must(t, err)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s", response.Status)
	}
	for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodOptions, http.MethodTrace, http.MethodDelete} {
		r, err := http.NewRequestWithContext(t.Context(), method, w.url+procedure("PublicUnary"), nil)
		must(t, err)
		r.Header.Set("X-Http-Method-Override", "POST")
		response, err := w.h2.Do(r)
		must(t, err)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, response.Status)
		}
	}
	if hits, _, _ := w.gate.state("PublicUnary"); hits != 0 {
		t.Errorf("the handler ran %d times", hits)
	}
}
