// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"slices"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"
)

// preflightSeconds is how long a browser may remember what an origin may send.
const preflightSeconds = 7200

// An origins is the web applications that are not served by the demo and may call it from browsers, session cookies included: "https://app.example.com",
// each spelled as browsers do. Nil is none, and then only the demo's own page may.
type origins []string

// add adds an origin that a flag names.
func (o *origins) add(origin string) error {
	if err := http.NewCrossOriginProtection().AddTrustedOrigin(origin); err != nil {
		return err
	}
	*o = append(*o, origin)
	return nil
}

// protection lets calls pass that come from the demo's own origin, from these, and from what is no browser.
func (o origins) protection() (*http.CrossOriginProtection, error) {
	protection := http.NewCrossOriginProtection()
	for _, origin := range o {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	return protection, nil
}

// share lets scripts of these origins make calls and read the answers (CORS), challenges included. It does not keep others from calling
// in ways that no browser asks about beforehand: the guard does not take a cookie from them, and that is what protects.
func (o origins) share(calls http.Handler) http.Handler {
	if len(o) == 0 {
		return calls
	}
	allowed := slices.Clone(o)
	return cors.New(cors.Options{
		// Not AllowedOrigins, which takes an empty list for everybody, and * for a pattern.
		AllowOriginFunc:  func(origin string) bool { return slices.Contains(allowed, origin) },
		AllowCredentials: true,
		AllowedMethods:   connectcors.AllowedMethods(),
		AllowedHeaders:   append(connectcors.AllowedHeaders(), "Authorization"),
		ExposedHeaders:   append(connectcors.ExposedHeaders(), "WWW-Authenticate"),
		MaxAge:           preflightSeconds,
	}).Handler(calls)
}
