// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
)

// pageFiles is what the page is made of; page.js is bundled from page/src, see integration/peers/web.
//
//go:embed page/index.html page/page.js page/page.js.LEGAL.txt page/style.css page/icon.svg
var pageFiles embed.FS

// A page is the demo in a browser: who may call what, and a box to call it with. It gives away the credentials of the demo's callers,
// which open nothing but the demo. It is safe for concurrent use.
type page struct {
	guard       *interceptor.Guard
	verifiers   *tokens.Verifiers
	credentials map[string]string
	descriptors []byte
	template    *template.Template
	mux         *http.ServeMux // that the page is mounted on, and that tells what can be called
}

// newPage makes a page about the guard's rules. The verifiers are those of the guard, and tell what a caller holds whatever the rule.
func newPage(guard *interceptor.Guard, verifiers *tokens.Verifiers, credentials map[string]string) (*page, error) {
	descriptors, err := descriptorSet(guard.Rules().Procedures())
	if err != nil {
		return nil, err
	}
	index, err := template.ParseFS(pageFiles, "page/index.html")
	if err != nil {
		return nil, err
	}
	return &page{guard: guard, verifiers: verifiers, credentials: credentials, descriptors: descriptors, template: index}, nil
}

// mount mounts the page at "/" and "/page/", and nowhere else: a procedure's path has a service where these have nothing or "page". Mount
// the services before anybody asks for the page, which says what it finds on the mux.
func (p *page) mount(mux *http.ServeMux) {
	p.mux = mux
	own := http.NewServeMux()
	own.HandleFunc("GET /{$}", p.index)
	own.HandleFunc("GET /page/data.json", p.data)
	own.HandleFunc("GET /page/explain.json", p.explain)
	own.HandleFunc("GET /page/descriptors.binpb", func(w http.ResponseWriter, _ *http.Request) {
		give(w, "application/octet-stream", p.descriptors)
	})
	own.HandleFunc("GET /page/{file}", file)
	own.HandleFunc("POST /page/session", p.signIn)
	own.HandleFunc("DELETE /page/session", p.signOut)
	hardened := harden(http.NewCrossOriginProtection().Handler(own)) // nobody but the page signs in and out
	for _, pattern := range []string{"GET /{$}", "GET /page/", "POST /page/session", "DELETE /page/session"} {
		mux.Handle(pattern, hardened)
	}
}

// pageHeaders go with everything of the page: only what the page brings runs, and no other site frames it or reads it.
var pageHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
}

// harden sets the headers, and answers only under a name that no other site can have pointed at this machine (DNS rebinding): the page
// has credentials in it.
func harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range pageHeaders {
			w.Header().Set(name, value)
		}
		if !isOwnName(r.Host) {
			http.Error(w, "the page has credentials in it; ask for it as localhost or by an IP address", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOwnName reports whether a Host header names a machine by address, or as the one that asks.
func isOwnName(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || net.ParseIP(name) != nil
}

var pageTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

// file gives an embedded file; the template is none of those.
func file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	as, known := pageTypes[path.Ext(name)]
	content, err := pageFiles.ReadFile("page/" + name)
	if !known || err != nil {
		http.NotFound(w, r)
		return
	}
	give(w, as, content)
}

func (p *page) index(w http.ResponseWriter, r *http.Request) {
	var text bytes.Buffer
	if err := p.template.Execute(&text, p.contents(r.Context())); err != nil {
		http.Error(w, "the page is broken", http.StatusInternalServerError)
		return
	}
	give(w, "text/html; charset=utf-8", text.Bytes())
}

func (p *page) data(w http.ResponseWriter, r *http.Request) { giveJSON(w, p.contents(r.Context())) }

func giveJSON(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the page is broken", http.StatusInternalServerError)
		return
	}
	give(w, "application/json", text)
}

// give answers. That the browser has gone is nothing to be done about.
func give(w http.ResponseWriter, contentType string, content []byte) {
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(content)
}
