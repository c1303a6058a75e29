// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// An exchange is a request of a browser, or of what claims to be one.
type exchange struct {
	method, path, host string
	headers            map[string]string
	body               string
}

// send returns the response, its body read, and the text of the body.
func (e exchange) send(ctx context.Context, t *testing.T, base string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, e.method, base+e.path, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = e.host
	for name, value := range e.headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

const form = "application/x-www-form-urlencoded"

func signingIn(as string) exchange {
	return exchange{
		method: http.MethodPost, path: "/page/session", body: url.Values{"caller": {as}}.Encode(),
		headers: map[string]string{"Content-Type": form, "Sec-Fetch-Site": "same-origin"},
	}
}

func TestPageSignsInAndOut(t *testing.T) {
	t.Parallel()
	d := started(t)
	for _, as := range []string{admin, expired} {
		response, text := signingIn(as).send(t.Context(), t, d.url)
		want := "__session=" + d.credentials[as] + "; Path=/; HttpOnly; SameSite=Lax"
		if got := response.Header.Values("Set-Cookie"); response.StatusCode != http.StatusNoContent || text != "" || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s, %d cookies", as, response.Status, len(got))
		}
		if response.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the headers are %v", as, response.Header)
		}
	}
	response, _ := exchange{method: http.MethodDelete, path: "/page/session"}.send(t.Context(), t, d.url)
	const gone = "__session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
	if got := response.Header.Get("Set-Cookie"); response.StatusCode != http.StatusNoContent || got != gone {
		t.Errorf("%s, %q", response.Status, got)
	}
}

// No cookie is set or deleted for another site, an allowed origin included, nor under a name that may be another's.
func TestPageSignsNobodyElseIn(t *testing.T) {
	t.Parallel()
	const allowed = "http://127.0.0.1:3000"
	d, err := start(t.Context(), "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "keys.db"), origins{allowed}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	from := func(e exchange, header, value string) exchange {
		headers := map[string]string{"Content-Type": form, header: value}
		return exchange{method: e.method, path: e.path, body: e.body, headers: headers}
	}
	in, out := signingIn(admin), exchange{method: http.MethodDelete, path: "/page/session"}
	renamed := signingIn(admin)
	renamed.host = "example.com"
	for name, test := range map[string]struct {
		exchange exchange
		want     int
	}{
		"another origin":           {from(in, "Origin", "http://127.0.0.1:1"), http.StatusForbidden},
		"an allowed origin":        {from(in, "Origin", allowed), http.StatusForbidden},
		"another site":             {from(in, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"the same site":            {from(in, "Sec-Fetch-Site", "same-site"), http.StatusForbidden},
		"another site, out":        {from(out, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"an opaque origin":         {from(in, "Origin", "null"), http.StatusForbidden},
		"another name":             {renamed, http.StatusForbidden},
		"no caller":                {signingIn(""), http.StatusNotFound},
		"nobody":                   {signingIn(nobody), http.StatusNotFound},
		"unknown":                  {signingIn("somebody"), http.StatusNotFound},
		"an API key":               {signingIn(keyAcme), http.StatusNotFound},
		"the caller's name, whole": {signingIn(cookiePrefix + admin), http.StatusNotFound},
		"long":                     {signingIn(strings.Repeat("a", maxSignIn)), http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			response, _ := test.exchange.send(t.Context(), t, d.url)
			cookies, shared := len(response.Header.Values("Set-Cookie")), response.Header.Get("Access-Control-Allow-Origin")
			if response.StatusCode != test.want || cookies > 0 || shared != "" {
				t.Errorf("%s, %d cookies, shared with %q", response.Status, cookies, shared)
			}
		})
	}
}
