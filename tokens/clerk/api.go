// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

const (
	// apiVersion is the version of the API whose answers are read here.
	apiVersion = "2026-05-12"
	userAgent  = "admit"

	maxAnswer  = 64 << 10
	maxDrained = 4 << 10
	maxAsked   = 256 // verifications at once
	retryAfter = 5 * time.Second
	maxRetry   = time.Minute
)

// An api is the Backend API of one instance.
type api struct {
	base    string
	client  *http.Client
	own     *http.Transport // nil: the transport is the caller's
	timeout time.Duration

	ctx    context.Context //nolint:containedctx // It is the life of the instance, and of no call.
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu     sync.Mutex
	asked  int  // guarded by mu; verifications under way
	closed bool // guarded by mu
}

func newAPI(c *config) *api {
	a := &api{base: c.api, timeout: c.timeout}
	var client http.Client
	if c.client != nil {
		client = *c.client
	} else {
		a.own = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: c.timeout, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second,
		}
		client.Transport = a.own
	}
	client.Jar = nil
	// What is sent has keys in it, which are for no other address.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a.client = &client
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// keys returns the key set that the API has for a secret key.
func (a *api) keys(secret tokens.Secret) (*jwt.RemoteKeySet, error) {
	client := *a.client
	client.Transport = authorized{under: a.client.Transport, secret: secret}
	// Keys of instances are for RS256, also where they do not say so.
	return jwt.NewRemoteKeySet(a.base+"/v1/jwks", jwt.WithHTTPClient(&client), jwt.WithAlgorithm("RS256"))
}

// authorized sends a secret key with every request.
type authorized struct {
	under  http.RoundTripper // nil: the default
	secret tokens.Secret
}

func (t authorized) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context()) // which a RoundTripper must not change
	setHeaders(request, t.secret)
	if t.under == nil {
		return http.DefaultTransport.RoundTrip(request)
	}
	return t.under.RoundTrip(request)
}

func setHeaders(request *http.Request, secret tokens.Secret) {
	request.Header.Set("Authorization", "Bearer "+secret.Reveal())
	request.Header.Set("Clerk-Api-Version", apiVersion)
	request.Header.Set("User-Agent", userAgent)
}

// begin counts a verification. Who gets no error must call end.
func (a *api) begin() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return errClosed
	}
	if a.asked >= maxAsked {
		e := tokens.NewError(tokens.ReasonRateLimited, fmt.Errorf("clerk: %d verifications by the Backend API are under way", maxAsked))
		e.RetryAfter = time.Second
		return e
	}
	a.asked++
	a.tasks.Add(1)
	return nil
}

func (a *api) end() {
	a.mu.Lock()
	a.asked--
	a.mu.Unlock()
	a.tasks.Done()
}

func (a *api) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	a.tasks.Wait()
	if a.own != nil {
		a.own.CloseIdleConnections()
	}
}

// An endpoint verifies the opaque tokens of one kind.
type endpoint struct {
	kind   tokens.Kind
	prefix string // of the tokens
	path   string
	member string // of the request, that has the token
	object string // what answers say that they are
	what   string // it is that the API may not know
	key    string // that the API is asked with, in words
}

var (
	apiKeyEndpoint = endpoint{
		kind: tokens.APIKey, prefix: "ak_", path: "/api_keys/verify", member: "secret", object: "api_key", what: "API key", key: secretKeyName,
	}
	oauthEndpoint = endpoint{
		kind: tokens.OAuthToken, prefix: "oat_", path: "/oauth_applications/access_tokens/verify", member: "access_token",
		object: "clerk_idp_oauth_access_token", what: "OAuth token", key: secretKeyName,
	}
	m2mEndpoint = endpoint{
		kind: tokens.M2MToken, prefix: "mt_", path: "/m2m_tokens/verify", member: "token",
		object: "machine_to_machine_token", what: "M2M token", key: secretKeyName,
	}
)

const secretKeyName = "secret key"

// ask sends a token to the API and returns the body of a good answer.
func (a *api) ask(ctx context.Context, e *endpoint, secret tokens.Secret, token string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{e.member: token})
	if err != nil {
		return nil, invalid(errors.New("clerk: the token cannot be written as JSON"))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+e.path, bytes.NewReader(body))
	if err != nil {
		return nil, unavailable(errors.New("clerk: the address of the Backend API cannot be read"))
	}
	setHeaders(request, secret)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	// Not sent: it says that a request may be sent again when the connection that was kept turns out to be closed.
	request.Header["Idempotency-Key"] = []string{}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, unavailable(fmt.Errorf("clerk: the Backend API: %v", err)) //nolint:errorlint // Our deadline must not look like the caller's.
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		// So that the connection can be used again.
		_, _ = io.CopyN(io.Discard, response.Body, maxDrained)
		return nil, e.refusal(response)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, unavailable(fmt.Errorf("clerk: the Backend API: %v", err)) //nolint:errorlint // As above.
	}
	if len(answer) > maxAnswer {
		return nil, unavailable(fmt.Errorf("clerk: the answer of the Backend API is larger than %d bytes", maxAnswer))
	}
	return answer, nil
}

// refusal says what a status means. Only one of them is about the token.
func (e *endpoint) refusal(response *http.Response) error {
	switch status := response.StatusCode; status {
	case http.StatusNotFound:
		return invalid(fmt.Errorf("clerk: %s: %w", e.what, errUnknown))
	case http.StatusUnauthorized, http.StatusForbidden:
		refused := unavailable(fmt.Errorf("clerk: the Backend API answered %d: it refuses our %s; see that it is that of the instance", status, e.key))
		refused.RetryAfter = retryOf(response)
		return refused
	default:
		failed := unavailable(fmt.Errorf("clerk: the Backend API answered %d", status))
		failed.RetryAfter = retryOf(response)
		return failed
	}
}

// errUnknown says for certain that there is no such token.
var errUnknown = errors.New("the Backend API knows no such token")

// retryOf reads Retry-After (RFC 9110 §10.2.3), which is a number of seconds or a date.
func retryOf(response *http.Response) time.Duration {
	text := response.Header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = time.Until(at)
	}
	if wait <= 0 {
		return retryAfter
	}
	return min(wait, maxRetry)
}

var errClosed = unavailable(errors.New("clerk: the instance is closed"))

func invalid(cause error) *tokens.Error { return tokens.NewError(tokens.ReasonTokenInvalid, cause) }

func unavailable(cause error) *tokens.Error {
	e := tokens.NewError(tokens.ReasonVerifierUnavailable, cause)
	e.RetryAfter = retryAfter
	return e
}
