// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A side is who asks.
type side int

const (
	oursSide side = iota
	peerSide
	sides
)

const (
	ourMachine = "mch_us"
	// slowness is longer than ours waits for the Backend API. The peer waits for ever.
	slowness   = 3 * time.Second
	apiTimeout = 2 * time.Second
)

// A keysAnswer is what the backend answers who asks for keys with a secret key.
type keysAnswer int

const (
	keysGood keysAnswer = iota
	keysRefused
	keysDown
	keysNone
)

// A backend is a Backend API that both sides ask. What it answers of an opaque token stands in the token itself, so that neither side
// can be told anything else; see [opaqueToken].
type backend struct {
	*httptest.Server

	jwks   []byte
	answer map[string]keysAnswer // by secret key

	mu      sync.Mutex
	machine map[string]bool        // the secret keys that are machines'
	times   map[string]*[sides]int // that a token was asked about
	asked   [sides]requests
}

// requests are how often a side has asked.
type requests struct{ tokens, keys int }

func startBackend(k *keys) (*backend, error) {
	text := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	jwks, err := json.Marshal(map[string]any{"keys": []map[string]any{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "ins_1", "n": text(k.own.N), "e": text(big.NewInt(int64(k.own.E))),
	}}})
	if err != nil {
		return nil, err
	}
	b := &backend{jwks: jwks, answer: map[string]keysAnswer{}, machine: map[string]bool{}, times: map[string]*[sides]int{}}
	b.Server = httptest.NewServer(b)
	return b, nil
}

// admit makes the backend know a secret key. It must be called before anybody asks.
func (b *backend) admit(secret string, answer keysAnswer, machine bool) {
	b.answer[secret] = answer
	b.machine[secret] = machine
}

// requests returns how often each side has asked until now.
func (b *backend) requests() [sides]requests {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	by := peerSide
	if r.UserAgent() == "admit" {
		by = oursSide
	}
	secret := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	keys, known := b.answer[secret]
	if r.URL.Path == "/v1/jwks" {
		b.mu.Lock()
		b.asked[by].keys++
		b.mu.Unlock()
		switch {
		case !known || keys == keysRefused:
			refuse(w, http.StatusUnauthorized, "clerk_key_invalid")
		case keys == keysDown:
			refuse(w, http.StatusServiceUnavailable, "unavailable")
		case keys == keysNone:
			write(w, http.StatusOK, `{"keys":[]}`)
		default:
			write(w, http.StatusOK, string(b.jwks))
		}
		return
	}
	token := tokenOf(r)
	b.mu.Lock()
	if b.times[token] == nil {
		b.times[token] = &[sides]int{}
	}
	b.times[token][by]++
	b.asked[by].tokens++
	times := b.times[token][by]
	b.mu.Unlock()
	if !known || keys == keysRefused {
		refuse(w, http.StatusUnauthorized, "clerk_key_invalid")
		return
	}
	b.verify(w, r, token, times, b.machine[secret])
}

// tokenOf reads the one member of a request.
func tokenOf(r *http.Request) string {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	var members map[string]string
	if err != nil || json.Unmarshal(body, &members) != nil || len(members) != 1 {
		return ""
	}
	return slices.Collect(maps.Values(members))[0]
}

// opaqueToken returns a token of a prefix about which the backend gives these answers, one after the other to each side, the last for ever.
// The number keeps it apart from others.
func opaqueToken(prefix, answers string, number int) string {
	return prefix + strings.ReplaceAll(answers, " ", "~") + "_" + strconv.Itoa(number)
}

// verify answers about a token.
func (b *backend) verify(w http.ResponseWriter, r *http.Request, token string, times int, machine bool) {
	prefix, rest, _ := strings.Cut(token, "_")
	answers, _, _ := strings.Cut(rest, "_")
	list := strings.Split(answers, "~")
	answer := list[min(times, len(list))-1]
	object, ok := objects()[prefix]
	if !ok || endpoints[prefix] != r.URL.Path {
		refuse(w, http.StatusNotFound, "resource_not_found")
		return
	}
	if status, err := strconv.Atoi(answer); err == nil {
		refuse(w, status, "code_"+answer)
		return
	}
	switch answer {
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>proxy</title>")
		return
	case "list":
		write(w, http.StatusOK, "[]")
		return
	case "nothing":
		write(w, http.StatusOK, "{}")
		return
	case "drop":
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	case "slow":
		select {
		case <-time.After(slowness):
		case <-r.Context().Done():
			return
		}
	}
	if !changeObject(object, answer) || machine && answer == "elsewhere" {
		refuse(w, http.StatusNotFound, "resource_not_found")
		return
	}
	body, err := json.Marshal(object)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal")
		return
	}
	write(w, http.StatusOK, string(body))
}

// changeObject makes of a good object the one that an answer stands for; false: there is none.
func changeObject(object map[string]any, answer string) bool {
	now := time.Now()
	changes := map[string]map[string]any{
		"ok": {}, "slow": {},
		"later":     {"expiration": now.Add(time.Hour).UnixMilli()},
		"past":      {"expiration": now.Add(-time.Hour).UnixMilli()},
		"expired":   {"expired": true, "expiration": now.Add(-time.Hour).UnixMilli()},
		"revoked":   {"revoked": true, "revocation_reason": "leaked"},
		"both":      {"revoked": true, "expired": true},
		"org":       {"subject": "org_1"},
		"somebody":  {"subject": "thing_1"},
		"scopeless": {"scopes": []string{}},
		"client":    {"subject": "client_1"},
		"elsewhere": {"scopes": []string{"mch_2"}},
		"audience":  {"aud": []string{"https://other.example.com"}},
		"strange":   {"object": "something_else"},
		"nameless":  {"subject": nil},
	}
	change, ok := changes[answer]
	maps.Copy(object, change)
	return ok
}

// endpoints are those of the prefixes.
var endpoints = map[string]string{"ak": "/api_keys/verify", "oat": "/oauth_applications/access_tokens/verify", "mt": "/m2m_tokens/verify"}

// objects are what the backend knows of tokens that are good, by prefix.
func objects() map[string]map[string]any {
	of := func(object map[string]any) map[string]any {
		all := map[string]any{
			"revoked": false, "revocation_reason": nil, "expired": false, "expiration": nil, "created_at": 1767225600000, "updated_at": 1767225600000,
			"claims": nil,
		}
		maps.Copy(all, object)
		return all
	}
	return map[string]map[string]any{
		"ak": of(map[string]any{
			"object": "api_key", "id": "key_1", "type": "api_key", "subject": "user_1", "name": "n", "scopes": []string{"read", "write"}, "created_by": nil,
			"description": nil, "last_used_at": nil,
		}),
		"oat": of(map[string]any{
			"object": "clerk_idp_oauth_access_token", "id": "oat_1", "type": "oauth:access_token", "subject": "user_1", "client_id": "client_1",
			"scopes": []string{"email"}, "aud": []string{audience},
		}),
		"mt": of(map[string]any{
			"object": "machine_to_machine_token", "id": "mt_1", "subject": "mch_1", "scopes": []string{ourMachine, "mch_2"},
		}),
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	write(w, status, `{"errors":[{"code":"`+code+`","message":"`+code+`","long_message":""}]}`)
}

func write(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
