// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"strings"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
)

// cookiePrefix begins the names under which the page has callers whose credential goes as a session cookie.
const cookiePrefix = "cookie: "

// maxSignIn is how many bytes a sign-in may have.
const maxSignIn = 1 << 10

// A presented is what a caller of the page presents, and how.
type presented struct {
	credential string // "": none
	asCookie   bool
}

// presented returns what a caller presents, by the name that the page has for them.
func (p *page) presented(name string) (what presented, known bool) {
	caller, asCookie := strings.CutPrefix(name, cookiePrefix)
	credential, known := p.credentials[caller]
	if asCookie && !p.isSession(credential) {
		return presented{}, false
	}
	return presented{credential: credential, asCookie: asCookie}, known
}

// isSession reports whether a credential has the form of a session token; whether it is believed is another matter.
func (p *page) isSession(credential string) bool {
	form, _, ok := p.verifiers.Classify(credential)
	return ok && form.Kind == tokens.SessionToken
}

// request is what the guard is shown of a call that presents this; nil is nothing.
func (what presented) request() *interceptor.Request {
	switch {
	case what.credential == "":
		return nil
	case what.asCookie:
		return &interceptor.Request{Cookies: true, Header: http.Header{
			"Cookie":         {interceptor.SessionCookie + "=" + what.credential},
			"Sec-Fetch-Site": {"same-origin"},
		}}
	default:
		return &interceptor.Request{Authorization: []string{"Bearer " + what.credential}}
	}
}

// signIn sets the session cookie of a caller: the form field caller has their name, without prefix.
func (p *page) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSignIn)
	credential := p.credentials[r.PostFormValue("caller")]
	if !p.isSession(credential) {
		http.Error(w, "no such caller with a session", http.StatusNotFound)
		return
	}
	http.SetCookie(w, sessionCookie(credential))
	w.WriteHeader(http.StatusNoContent)
}

// signOut deletes the session cookie.
func (p *page) signOut(w http.ResponseWriter, _ *http.Request) {
	gone := sessionCookie("")
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	w.WriteHeader(http.StatusNoContent)
}

// sessionCookie is a cookie that goes when the browser is closed. To SameSite a site is a scheme and a host with any port, so that web
// applications on other ports of this host can call with it, and those of other hosts cannot, whatever -origin says: for them it would have
// to be SameSite=None, which browsers take only with Secure. Cookies have no port either: a cookie of this name that something else on
// this host has set is replaced.
func sessionCookie(credential string) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // The demo is served without TLS, and not every browser takes a Secure cookie from it.
		Name: interceptor.SessionCookie, Value: credential, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
