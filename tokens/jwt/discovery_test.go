// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

// A site answers with pages, without a network. A page that it does not have is not found; an empty one never answers.
type site struct {
	mu    sync.Mutex
	pages map[string]string
	asked []string
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	address := r.URL.String()
	page, ok := s.pages[address]
	s.asked = append(s.asked, address)
	s.mu.Unlock()
	if ok && page == "" {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	status := http.StatusOK
	if !ok {
		status = http.StatusNotFound
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(page)), Request: r}, nil
}

func (s *site) put(address, page string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[address] = page
}

func (s *site) remove(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pages, address)
}

// take returns what was asked for since it was called last.
func (s *site) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *site) discovered(tb testing.TB, issuer string, opts ...jwt.RemoteKeySetOption) *jwt.RemoteKeySet {
	tb.Helper()
	return must(jwt.NewDiscoveredKeySet(issuer, append(opts, jwt.WithHTTPClient(clientOf(s)))...))
}

func clientOf(s *site) *http.Client { return &http.Client{Transport: s} }

func metadata(issuer, jwksURL string) string {
	return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, jwksURL)
}

const (
	theIssuer = "https://issuer.example"
	theOIDC   = theIssuer + "/.well-known/openid-configuration"
	theOAuth  = theIssuer + "/.well-known/oauth-authorization-server"
	theKeys   = theIssuer + "/keys"
)

// discovers runs a test with a clock of its own, a site of the issuer and its set, which is closed at the end.
func discovers(t *testing.T, test func(t *testing.T, web *site, s *jwt.RemoteKeySet), opts ...jwt.RemoteKeySetOption) {
	t.Helper()
	body := string(jwksOf(t, "a"))
	synctest.Test(t, func(t *testing.T) {
		web := &site{pages: map[string]string{theOIDC: metadata(theIssuer, theKeys), theKeys: body}}
		s := web.discovered(t, theIssuer, opts...)
		defer func() { _ = s.Close() }()
		test(t, web, s)
	})
}

func asks(tb testing.TB, web *site, want ...string) {
	tb.Helper()
	if got := web.take(); !slices.Equal(got, want) {
		tb.Errorf("asked for %q, want %q", got, want)
	}
}

// Where the metadata of an issuer is looked for (Discovery §4, RFC 8414 §3.1 and §5).
func TestDiscoveryDocuments(t *testing.T) {
	t.Parallel()
	body := string(jwksOf(t, "a"))
	const host = "https://issuer.example:8443"
	tests := []struct{ issuer, oidc, oauth string }{
		{host, host + "/.well-known/openid-configuration", host + "/.well-known/oauth-authorization-server"},
		{host + "/", host + "/.well-known/openid-configuration", host + "/.well-known/oauth-authorization-server"},
		{host + "/t", host + "/t/.well-known/openid-configuration", host + "/.well-known/oauth-authorization-server/t"},
		{host + "/t/1/", host + "/t/1/.well-known/openid-configuration", host + "/.well-known/oauth-authorization-server/t/1"},
		{host + "/a%2Fb", host + "/a%2Fb/.well-known/openid-configuration", host + "/.well-known/oauth-authorization-server/a%2Fb"},
	}
	for _, test := range tests {
		t.Run(test.issuer, func(t *testing.T) {
			t.Parallel()
			for _, style := range []string{test.oidc, test.oauth} {
				web := &site{pages: map[string]string{style: metadata(test.issuer, host+"/keys"), host + "/keys": body}}
				s := web.discovered(t, test.issuer)
				asks(t, web) // Nothing before the first need.
				has(t, s, "a", good)
				if style == test.oidc {
					asks(t, web, test.oidc, host+"/keys")
				} else {
					asks(t, web, test.oidc, test.oauth, host+"/keys")
				}
				_ = s.Close()
			}
		})
	}
}

// SEC-62: what is not believed of the metadata. The first place answers with it, and so does the second.
func TestDiscoveryRefuses(t *testing.T) {
	t.Parallel()
	body := string(jwksOf(t, "a"))
	keys := func(address string) string { return metadata(theIssuer, address) }
	tests := []struct {
		name, document string
		good           bool
		opts           []jwt.RemoteKeySetOption
	}{
		{name: "good", document: keys(theKeys), good: true},
		{name: "port told", document: keys("https://issuer.example:443/keys"), good: true},
		{name: "host in capitals", document: keys("https://ISSUER.example/keys"), good: true},
		{name: "query", document: keys(theKeys + "?v=2"), good: true},
		{name: "issuer of another", document: metadata("https://other.example", theKeys)},
		{name: "issuer with a slash", document: metadata(theIssuer+"/", theKeys)},
		{name: "issuer in capitals", document: metadata("https://Issuer.example", theKeys)},
		{name: "issuer with a port", document: metadata(theIssuer+":443", theKeys)},
		{name: "issuer with a space", document: metadata(theIssuer+" ", theKeys)},
		{name: "issuer missing", document: `{"jwks_uri":"` + theKeys + `"}`},
		{name: "issuer null", document: `{"issuer":null,"jwks_uri":"` + theKeys + `"}`},
		{name: "issuer list", document: `{"issuer":["` + theIssuer + `"],"jwks_uri":"` + theKeys + `"}`},
		{name: "issuer twice", document: `{"issuer":"https://other.example",` + keys(theKeys)[1:]},
		{name: "issuer in another case too", document: `{"Issuer":"https://other.example",` + keys(theKeys)[1:]},
		{name: "jwks_uri twice", document: `{"jwks_uri":"` + theKeys + `",` + keys(theKeys)[1:]},
		{name: "jwks_uri missing", document: `{"issuer":"` + theIssuer + `"}`},
		{name: "jwks_uri empty", document: keys("")},
		{name: "jwks_uri number", document: `{"issuer":"` + theIssuer + `","jwks_uri":1}`},
		{name: "jwks_uri relative", document: keys("/keys")},
		{name: "http", document: keys("http://issuer.example/keys")},
		{name: "http on the port of https", document: keys("http://issuer.example:443/keys")},
		{name: "http, told so", document: keys("http://issuer.example/keys"), opts: []jwt.RemoteKeySetOption{jwt.WithInsecureHTTP()}},
		{name: "SEC-61 loopback", document: keys("http://127.0.0.1/keys")},
		{name: "SEC-61 loopback, allowed", document: keys("http://127.0.0.1/keys"), opts: hosts("127.0.0.1")},
		{name: "SEC-61 metadata address", document: keys("http://169.254.169.254/keys")},
		{name: "SEC-61 file", document: keys("file:///etc/passwd")},
		{name: "user", document: keys("https://me:secret@issuer.example/keys")},
		{name: "user that looks like the host", document: keys("https://issuer.example@keys.example/keys")},
		{name: "fragment", document: keys(theKeys + "#a")},
		{name: "other host", document: keys("https://keys.example/keys")},
		{name: "host below", document: keys("https://a.issuer.example/keys")},
		{name: "other port", document: keys("https://issuer.example:8443/keys")},
		{name: "allowed", document: keys("https://keys.example/keys"), opts: hosts("a.example", "keys.example"), good: true},
		{name: "allowed, port told", document: keys("https://keys.example:443/keys"), opts: hosts("keys.example"), good: true},
		{name: "allowed with a port", document: keys("https://keys.example/keys"), opts: hosts("KEYS.example:443"), good: true},
		{name: "allowed with another port", document: keys("https://keys.example/keys"), opts: hosts("keys.example:444")},
		{name: "allowed, http", document: keys("http://keys.example/keys"), opts: append(hosts("keys.example"), jwt.WithInsecureHTTP())},
		{name: "below an allowed one", document: keys("https://a.keys.example/keys"), opts: hosts("keys.example")},
		{name: "HTML", document: "<html>"},
		{name: "null", document: "null"},
		{name: "{}", document: "{}"},
		{name: "SEC-59 large", document: keys(theKeys) + strings.Repeat(" ", 512<<10)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			web := &site{pages: map[string]string{theOIDC: test.document, theOAuth: test.document}}
			for _, address := range []string{
				theKeys, theKeys + "?v=2", "https://issuer.example:443/keys", "https://ISSUER.example/keys", "https://keys.example/keys",
				"https://keys.example:443/keys", "http://issuer.example/keys", "http://keys.example/keys", "http://127.0.0.1/keys",
				"https://other.example/keys",
			} {
				web.put(address, body)
			}
			s := web.discovered(t, theIssuer, test.opts...)
			defer func() { _ = s.Close() }()
			want := down
			if test.good {
				want = good
			}
			has(t, s, "a", want)
			asked := web.take()
			if !test.good {
				if !slices.Equal(asked, []string{theOIDC, theOAuth}) {
					t.Errorf("asked for %q", asked)
				}
				if _, err := s.Key(t.Context(), "a", "ES256"); strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v tells the password", err)
				}
			}
		})
	}
}

func hosts(names ...string) []jwt.RemoteKeySetOption {
	return []jwt.RemoteKeySetOption{jwt.WithJWKSHosts(names...)}
}

func TestNewDiscoveredKeySetRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, issuer string
		opts         []jwt.RemoteKeySetOption
		good         bool
	}{
		{name: "https", issuer: theIssuer, good: true},
		{name: "path", issuer: theIssuer + "/tenant/", good: true},
		{name: "http on 127.0.0.1", issuer: "http://127.0.0.1:80", good: true},
		{name: "http", issuer: "http://issuer.example"},
		{name: "http, told so", issuer: "http://issuer.example", opts: []jwt.RemoteKeySetOption{jwt.WithInsecureHTTP()}, good: true},
		{name: "no URL", issuer: "issuer.example"},
		{name: "no host", issuer: "https://:443"},
		{name: "opaque", issuer: "https:issuer.example"},
		{name: "empty"},
		{name: "user", issuer: "https://me:secret@issuer.example"},
		{name: "query", issuer: theIssuer + "?a"},
		{name: "query that is empty", issuer: theIssuer + "?"},
		{name: "fragment", issuer: theIssuer + "#a"},
		{name: "fragment that is empty", issuer: theIssuer + "#"},
		{name: "nil option", issuer: theIssuer, opts: []jwt.RemoteKeySetOption{nil}},
		{name: "no hosts", issuer: theIssuer, opts: hosts()},
		{name: "host empty", issuer: theIssuer, opts: hosts("")},
		{name: "host with a path", issuer: theIssuer, opts: hosts("keys.example/")},
		{name: "host with a scheme", issuer: theIssuer, opts: hosts("https://keys.example")},
		{name: "host with a user", issuer: theIssuer, opts: hosts("me@keys.example")},
		{name: "algorithm", issuer: theIssuer, opts: []jwt.RemoteKeySetOption{jwt.WithAlgorithm("HS256")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := jwt.NewDiscoveredKeySet(test.issuer, test.opts...)
			if (err == nil) != test.good || (s == nil) == test.good {
				t.Errorf("error %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v tells the password", err)
			}
			_ = s.Close()
		})
	}
}

// SEC-65: the requests of the discovery count.
func TestDiscoveryFlood(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(web *site)
		want  tokens.Reason
	}{
		{"good", func(*site) {}, invalid},
		{"RFC 8414", func(web *site) { web.put(theOAuth, metadata(theIssuer, theKeys)); web.remove(theOIDC) }, invalid},
		{"no metadata", func(web *site) { web.remove(theOIDC) }, down},
		{"no keys", func(web *site) { web.remove(theKeys) }, down},
		{"no answer", func(web *site) { web.put(theOIDC, "") }, down},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			discovers(t, func(t *testing.T, web *site, s *jwt.RemoteKeySet) {
				test.spoil(web)
				start := time.Now()
				requests := 0
				for i := 0; time.Since(start) < 25*time.Second; i++ {
					has(t, s, fmt.Sprint("x", i), test.want)
					requests += len(web.take())
					if most := 3 + int(time.Since(start)/(5*time.Second)); requests > most {
						t.Fatalf("%d requests after %s, want %d at most", requests, time.Since(start), most)
					}
					time.Sleep(100 * time.Millisecond)
				}
				if requests < 4 {
					t.Errorf("%d requests in 25s: it is not tried again", requests)
				}
			})
		})
	}
}

// SEC-68 with discovery, and a rotation right after that.
func TestDiscoveryStampede(t *testing.T) {
	t.Parallel()
	both := string(jwksOf(t, "a", "b"))
	discovers(t, func(t *testing.T, web *site, s *jwt.RemoteKeySet) {
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() { _, _ = s.Key(t.Context(), "a", "ES256") })
		}
		group.Wait()
		asks(t, web, theOIDC, theKeys)
		web.put(theKeys, both)
		has(t, s, "b", good)
		asks(t, web, theKeys)
	})
}

// The jwks_uri is read again, also during a flood, and believed no longer than keys are.
func TestDiscoveryAgain(t *testing.T) {
	t.Parallel()
	moved, last := string(jwksOf(t, "a", "b")), string(jwksOf(t, "b"))
	const other = theIssuer + "/keys/2"
	discovers(t, func(t *testing.T, web *site, s *jwt.RemoteKeySet) {
		has(t, s, "a", good)
		web.put(other, moved)
		web.put(theOIDC, metadata(theIssuer, other))
		for start := time.Now(); time.Since(start) < 5*time.Minute+6*time.Second; time.Sleep(time.Second) {
			_, _ = s.Key(t.Context(), fmt.Sprint(time.Since(start)), "ES256")
		}
		has(t, s, "b", good)

		web.take()
		web.put(theOIDC, metadata("https://other.example", theKeys))
		web.put(other, last)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		asks(t, web, theOIDC, theOAuth, other) // It fails, and keys are fetched from where they were.
		has(t, s, "a", invalid)
		time.Sleep(50 * time.Minute)
		has(t, s, "b", good)
		time.Sleep(55 * time.Minute) // For an hour after that was learned, and then for as long as the last keys are good.
		has(t, s, "b", good)
		web.take()
		time.Sleep(10 * time.Minute)
		has(t, s, "b", down)
		if asked := web.take(); slices.Contains(asked, other) {
			t.Error("a jwks_uri is believed for longer than WithMaxStale")
		}
		web.put(theOIDC, metadata(theIssuer, theKeys))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		has(t, s, "a", good)
	}, jwt.WithMaxStale(time.Hour))
}

// Metadata that is slow leaves time for keys to be fetched from where they were.
func TestDiscoverySlow(t *testing.T) {
	t.Parallel()
	both := string(jwksOf(t, "a", "b"))
	discovers(t, func(t *testing.T, web *site, s *jwt.RemoteKeySet) {
		has(t, s, "a", good)
		web.put(theOIDC, "")
		web.put(theKeys, both)
		web.take()
		time.Sleep(5*time.Minute + 3*time.Second)
		synctest.Wait()
		asks(t, web, theOIDC, theKeys)
		has(t, s, "b", good)
		asks(t, web)
	})
}

// SEC-61 over HTTP: neither request follows a redirect, and Close leaves nothing behind.
func TestDiscoveryOverHTTP(t *testing.T) {
	t.Parallel()
	body := jwksOf(t, "a")
	visited := make(chan string, 100)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for _, tenant := range []string{"good", "elsewhere"} {
		document := metadata(server.URL+"/"+tenant, server.URL+"/"+tenant+"/keys")
		mux.HandleFunc("/"+tenant+"/.well-known/openid-configuration", answers(document))
	}
	mux.HandleFunc("/good/keys", answers(body))
	mux.HandleFunc("/elsewhere/keys", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/target", http.StatusFound) })
	mux.HandleFunc("/moved/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(r.URL.Path, "moved", "good", 1), http.StatusMovedPermanently)
	})
	mux.HandleFunc("/target", func(w http.ResponseWriter, _ *http.Request) { visited <- "target"; _, _ = w.Write(body) })
	for tenant, want := range map[string]tokens.Reason{"good": good, "elsewhere": down, "moved": down, "missing": down} {
		s := must(jwt.NewDiscoveredKeySet(server.URL + "/" + tenant))
		has(t, s, "a", want)
		_ = s.Close()
		has(t, s, "a", down)
	}
	if len(visited) > 0 {
		t.Error("a redirect was followed")
	}
}
