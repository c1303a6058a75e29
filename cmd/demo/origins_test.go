// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// whoAmI is a call as a browser makes it from an origin, "" for none.
func whoAmI(origin string, headers map[string]string) exchange {
	all := map[string]string{"Content-Type": "application/json"}
	if origin != "" {
		all["Origin"] = origin
	}
	maps.Copy(all, headers)
	return exchange{method: http.MethodPost, path: "/" + invoicing + "/WhoAmI", body: "{}", headers: all}
}

func preflight(origin, path string) exchange {
	return exchange{method: http.MethodOptions, path: path, headers: map[string]string{
		"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,connect-protocol-version,content-type",
	}}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	const allowed, other = "http://127.0.0.1:3000", "http://127.0.0.1:4000"
	d, err := start(t.Context(), "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "keys.db"), origins{"https://app.example.com", allowed}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	cookie := map[string]string{"Cookie": "__session=" + d.credentials[admin]}
	const path = "/" + invoicing + "/WhoAmI"
	for name, test := range map[string]struct {
		exchange exchange
		says     string // in the body
		origin   string // that may read the answer
	}{
		"own origin":                 {whoAmI(d.url, cookie), "user_ada", ""},
		"no browser":                 {whoAmI("", cookie), "user_ada", ""},
		"allowed":                    {whoAmI(allowed, cookie), "user_ada", allowed},
		"allowed, refused":           {whoAmI(allowed, nil), "CREDENTIAL_MISSING", allowed},
		"allowed, asks first":        {preflight(allowed, path), "", allowed},
		"the other allowed":          {whoAmI("https://app.example.com", cookie), "user_ada", "https://app.example.com"},
		"foreign":                    {whoAmI(other, cookie), "CREDENTIAL_MISSING", ""},
		"foreign, asks first":        {preflight(other, path), "", ""},
		"an allowed one's beginning": {whoAmI(allowed+"0", cookie), "CREDENTIAL_MISSING", ""},
		"opaque":                     {whoAmI("null", cookie), "CREDENTIAL_MISSING", ""},
		"the page, from an allowed":  {exchange{method: http.MethodGet, path: "/page/data.json", headers: map[string]string{"Origin": allowed}}, "callers", ""},
		"the page's session":         {preflight(allowed, "/page/session"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			response, text := test.exchange.send(t.Context(), t, d.url)
			got := response.Header
			if !strings.Contains(text, test.says) || got.Get("Access-Control-Allow-Origin") != test.origin {
				t.Errorf("%s, shared with %q, and %q in the body: %t", response.Status, got.Get("Access-Control-Allow-Origin"), test.says, strings.Contains(text, test.says))
			}
			if shared := test.origin != ""; shared != (got.Get("Access-Control-Allow-Credentials") == "true") {
				t.Errorf("credentials: %v", got)
			}
			exposed := strings.Split(strings.ToLower(got.Get("Access-Control-Expose-Headers")), ", ")
			if test.origin != "" && test.exchange.method == http.MethodPost && (!slices.Contains(exposed, "www-authenticate") || !slices.Contains(exposed, "grpc-status")) {
				t.Errorf("exposed are %q", exposed)
			}
			if test.says == "CREDENTIAL_MISSING" && got.Get("WWW-Authenticate") == "" {
				t.Errorf("no challenge in %v", got)
			}
		})
	}
}

// Without the flag no origin is told anything, and a preflight is the method not allowed that it always was.
func TestNoOrigins(t *testing.T) {
	t.Parallel()
	d := started(t)
	for _, e := range []exchange{
		whoAmI("http://127.0.0.1:3000", nil), whoAmI(d.url, nil), preflight("http://127.0.0.1:3000", "/"+invoicing+"/WhoAmI"),
	} {
		response, _ := e.send(t.Context(), t, d.url)
		for name := range response.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s answers with %s", e.method, name)
			}
		}
		if e.method == http.MethodOptions && response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s answers %s", e.method, response.Status)
		}
	}
}

func TestOriginFlag(t *testing.T) {
	t.Parallel()
	c, err := parse([]string{"-origin", "http://localhost:3000", "-origin", "https://app.example.com"}, io.Discard)
	if err != nil || !slices.Equal(c.origins, origins{"http://localhost:3000", "https://app.example.com"}) {
		t.Errorf("%v, %v", c, err)
	}
	for _, bad := range []string{"", "*", "null", "localhost:3000", "http://localhost:3000/", "https://app.example.com/app"} {
		if _, err := parse([]string{"-origin", bad}, io.Discard); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
