// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	maxBody      = 512 << 10

	schemeHTTP  = "http"
	schemeHTTPS = "https"
)

// newClient returns the client that fetches, and its transport if that is not the caller's.
func newClient(given *http.Client) (*http.Client, *http.Transport) {
	var client http.Client
	var own *http.Transport
	if given != nil {
		client = *given
	} else {
		own = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: fetchTimeout, MaxResponseHeaderBytes: 64 << 10,
			// Fetches are minutes apart, so that keeping a connection would save nothing.
			DisableKeepAlives: true,
		}
		client.Transport = own
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client, own
}

// checkURL reads a URL that keys, or what names them, may be fetched from.
func checkURL(text string, insecureHTTP bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("the URL cannot be read; give it one such as https://issuer.example/jwks.json")
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("the URL has a user or a fragment; leave it out")
	case u.Scheme == schemeHTTPS:
		return u, nil
	case u.Scheme != schemeHTTP:
		return nil, errors.New("the URL is not https")
	case isLoopback(u.Hostname()) || insecureHTTP:
		return u, nil
	default:
		return nil, errors.New("the URL is http on a host that is not loopback; give it https, or add jwt.WithInsecureHTTP()")
	}
}

// warnOfHTTP says once, when a key source is made, that its keys are not protected on their way.
func warnOfHTTP(u *url.URL) {
	if u.Scheme == schemeHTTP && !isLoopback(u.Hostname()) {
		slog.Warn("jwt: keys are fetched without TLS; who can change the answers can sign tokens", "host", u.Host)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// A trip is the HTTP requests of one fetch.
type trip struct {
	client   *http.Client
	requests int // that were made
}

// get returns the body of a good answer. answered tells an answer that is not good from none.
func (t *trip) get(ctx context.Context, address, accept string) (body []byte, answered bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, false, err
	}
	request.Header.Set("Accept", accept)
	t.requests++
	response, err := t.client.Do(request)
	if err != nil {
		return nil, false, fmt.Errorf("%v", err) //nolint:errorlint // The fetch's deadline must not look like the caller's.
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, true, fmt.Errorf("the endpoint answered %d", response.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, false, fmt.Errorf("%v", err) //nolint:errorlint // As above.
	}
	if len(body) > maxBody {
		return nil, true, fmt.Errorf("the answer is larger than %d bytes", maxBody)
	}
	return body, true, nil
}
