// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// A call is one request that both sides are asked about.
type call struct {
	group      string
	site       int
	shape      shape
	httpMethod string // "": POST
	how        presentation
	header     *credential // nil: the values of how have none
	cookies    []cookie
	// uat and suffixedUat are __client_uat and its suffixed form: seconds from now, or a text; nil: absent.
	uat, suffixedUat any
	from             origin
	target           target
	times            int // 0: once
	number           int // of its opaque tokens
}

// A cookie is a session cookie.
type cookie struct {
	suffixed   bool
	credential credential
}

// A target is an organization that a request is about.
type target struct{ path, name string }

// An origin is from where a browser calls.
type origin struct {
	name    string
	headers [][2]string
	foreign bool
}

var origins = []origin{
	{name: "no origin"},
	{name: "the application", headers: [][2]string{{"Origin", party}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Dest", "empty"}}},
	{name: "the server itself", headers: [][2]string{{"Origin", "https://" + host}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Dest", "empty"}}},
	{name: "the server itself, long ago", headers: [][2]string{{"Origin", "https://" + host}}},
	{name: "a page that was opened", headers: [][2]string{{"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Dest", "document"}, {"Accept", "text/html"}}},
	{name: "elsewhere", headers: [][2]string{{"Origin", "https://evil.example.com"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Dest", "empty"}}, foreign: true},
	{name: "elsewhere, long ago", headers: [][2]string{{"Origin", "https://evil.example.com"}}, foreign: true},
	{name: "a sibling", headers: [][2]string{{"Origin", "https://other.example.com"}, {"Sec-Fetch-Site", "same-site"}}, foreign: true},
	{name: "nowhere", headers: [][2]string{{"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}}, foreign: true},
}

// name says what the call is, without anything secret.
func (c *call) name() string {
	parts := []string{c.shape.name, c.method()}
	if c.site != siteOfPEM {
		parts = append(parts, "site "+strconv.Itoa(c.site))
	}
	if c.header != nil {
		parts = append(parts, fmt.Sprintf("header %q: %s", c.how.name, c.header.name))
	} else if c.how.name != "" {
		parts = append(parts, fmt.Sprintf("header %q", c.how.name))
	}
	for _, cookie := range c.cookies {
		parts = append(parts, cookie.name("")+": "+cookie.credential.name)
	}
	if c.uat != nil || c.suffixedUat != nil {
		parts = append(parts, fmt.Sprintf("uat %v %v", c.uat, c.suffixedUat))
	}
	if c.from.name != "" {
		parts = append(parts, "from "+c.from.name)
	}
	if c.target.path != "" {
		parts = append(parts, "about "+c.target.path)
	}
	return strings.Join(parts, "; ")
}

func (c *call) method() string {
	if c.httpMethod == "" {
		return http.MethodPost
	}
	return c.httpMethod
}

func (c cookie) name(suffix string) string {
	if c.suffixed {
		return sessionCookie + "_" + suffix
	}
	return sessionCookie
}

const sessionCookie, uatCookie = "__session", "__client_uat"

// headersOf writes the headers of a call, and makes the tokens in them.
func (w *world) headersOf(c *call, now int64) ([][2]string, error) {
	headers, token := [][2]string{}, ""
	if c.header != nil {
		text, err := c.header.mint(w.keys, now, c.number)
		if err != nil {
			return nil, err
		}
		token = text
	}
	if c.how.values != nil {
		for _, value := range c.how.values(token) {
			headers = append(headers, [2]string{"Authorization", value})
		}
	}
	var pairs []string
	for _, cookie := range c.cookies {
		text, err := cookie.credential.mint(w.keys, now, c.number)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, cookie.name(w.suffix)+"="+text)
	}
	for name, value := range map[string]any{uatCookie: c.uat, uatCookie + "_" + w.suffix: c.suffixedUat} {
		switch value := value.(type) {
		case second:
			pairs = append(pairs, name+"="+strconv.FormatInt(now+int64(value), 10))
		case string:
			pairs = append(pairs, name+"="+value)
		}
	}
	if len(pairs) > 0 {
		headers = append(headers, [2]string{"Cookie", strings.Join(pairs, "; ")})
	}
	return append(headers, c.from.headers...), nil
}

// A request is a line to the peer.
type request struct {
	Now     int64       `json:"now"` // milliseconds
	Site    int         `json:"site"`
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Headers [][2]string `json:"headers"`
	Accepts any         `json:"accepts"`
}

// A verdict is what both sides say of one call.
type verdict struct {
	ours, theirs outcome
	principal    *tokens.Principal
	answer       answer
	asked        [sides]requests
}

// ask asks both sides at the same time, as often as the call says, and returns each verdict.
func (w *world) ask(ctx context.Context, c *call) ([]verdict, error) {
	now := time.Now().Unix()
	headers, err := w.headersOf(c, now)
	if err != nil {
		return nil, err
	}
	path := c.target.path
	if path == "" {
		path = procedureOf(c.shape.method)
	}
	var list []verdict
	for range max(c.times, 1) {
		before, v := w.backend.requests(), verdict{}
		done := make(chan error, 1)
		go func() {
			done <- w.peer.exchange(request{
				Now: now * 1000, Site: c.site, Method: c.method(), Path: path, Headers: headers, Accepts: c.shape.peer,
			}, &v.answer)
		}()
		var refused tokens.Reason
		var failed error
		if !c.shape.nobody() {
			v.principal, refused, failed = w.sites[c.site].call(ctx, c.method(), c.shape.method, c.target.name, headers)
		}
		if err := <-done; err != nil {
			return nil, err
		}
		if failed != nil {
			return nil, failed
		}
		v.ours, v.theirs = outcome(refused), theirOutcome(v.answer)
		switch {
		case c.shape.nobody():
			v.ours = noRule
		case v.principal != nil:
			v.ours = signedIn
		}
		for by, after := range w.backend.requests() {
			v.asked[by] = requests{after.tokens - before[by].tokens, after.keys - before[by].keys}
		}
		list = append(list, v)
	}
	return list, nil
}

func theirOutcome(a answer) outcome {
	switch {
	case a.Threw != "":
		return threw
	case a.Accepted:
		return signedIn
	case a.Reason == "":
		return outcome("signed out (" + a.Status + ")")
	default:
		return outcome(a.Reason)
	}
}
