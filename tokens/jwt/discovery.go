// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// discoveryRequests is how many requests a fetch may need that does not know where the set is: two for metadata, and one for the set.
const discoveryRequests = 3

// NewDiscoveredKeySet returns the set that the issuer's own metadata names as its jwks_uri. The issuer is the one that tokens have in iss,
// such as "https://issuer.example/tenant"; it must be https, or http on a loopback address, without a user, query or fragment. Nothing is
// fetched yet. Defaults are those of [NewRemoteKeySet].
//
// The metadata is read from the issuer with "/.well-known/openid-configuration" behind it (OpenID Connect Discovery 1.0 §4), or, when
// nothing of use is answered there, with "/.well-known/oauth-authorization-server" between host and path (RFC 8414 §3). It is used only
// if its issuer equals the one given, byte by byte, and its jwks_uri is https, or http where the issuer is, on the issuer's own host and
// port or on a host of [WithJWKSHosts]. It is read when keys are first needed and again with each fetch in the background; while that fails, the jwks_uri last
// read is used for as long as keys would be, see [WithMaxStale].
//
// Its requests count as those for keys do: those that callers cause are three, and then one per 5 seconds, in all.
func NewDiscoveredKeySet(issuer string, opts ...RemoteKeySetOption) (*RemoteKeySet, error) {
	s, err := newRemoteKeySet(opts)
	if err == nil {
		s.discovery, err = newDiscovery(issuer, s.config)
	}
	if err != nil {
		return nil, fmt.Errorf("jwt: NewDiscoveredKeySet: %w", err)
	}
	return s.run(), nil
}

// WithJWKSHosts names hosts that [NewDiscoveredKeySet] may fetch keys from beside the issuer's own, such as "keys.example" or
// "keys.example:8443"; without a port it is that of the scheme. There, too, only https will do, or http on a loopback address for an
// issuer that is http itself. Default: the issuer's own host alone. It is not for [NewRemoteKeySet], whose URL says the host.
func WithJWKSHosts(hosts ...string) RemoteKeySetOption {
	return remoteOption(func(c *remoteConfig) error {
		if len(hosts) == 0 {
			return errors.New("WithJWKSHosts without hosts: name them, or leave it out")
		}
		for _, host := range hosts {
			if u, err := url.Parse("https://" + host); err != nil || u.Host != host || u.Hostname() == "" {
				return fmt.Errorf("WithJWKSHosts(%q): give it a host, or host and port", host)
			}
		}
		c.jwksHosts = slices.Concat(c.jwksHosts, hosts)
		return nil
	})
}

// A discovery finds out where an issuer's JWK Set is. Only one fetch at a time uses it.
type discovery struct {
	issuer       string
	base         *url.URL
	documents    []string // where the metadata may be; that which was good last comes first
	hosts        []string
	insecureHTTP bool
}

func newDiscovery(issuer string, c remoteConfig) (*discovery, error) {
	base, err := checkURL(issuer, c.insecureHTTP)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the issuer: %w", err)
	case strings.ContainsAny(issuer, "?#"):
		return nil, errors.New("the issuer: the URL has a query or a fragment; leave it out")
	}
	warnOfHTTP(base)
	// A slash at the end of the issuer's path is left out in both ways (Discovery §4.1, RFC 8414 §3.1).
	path := strings.TrimSuffix(base.EscapedPath(), "/")
	origin := base.Scheme + "://" + base.Host
	return &discovery{
		issuer: issuer, base: base, hosts: c.jwksHosts, insecureHTTP: c.insecureHTTP,
		documents: []string{
			origin + path + "/.well-known/openid-configuration",
			origin + "/.well-known/oauth-authorization-server" + path,
		},
	}, nil
}

// find returns the jwks_uri of the first document that is good.
func (d *discovery) find(ctx context.Context, t *trip) (string, error) {
	var failed error
	for i, document := range d.documents {
		body, answered, err := t.get(ctx, document, "application/json")
		var jwksURL string
		if err == nil {
			jwksURL, err = d.read(body)
		}
		if err == nil {
			d.documents[0], d.documents[i] = d.documents[i], d.documents[0]
			return jwksURL, nil
		}
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
		if !answered { // nor will the same host answer elsewhere
			break
		}
	}
	return "", failed
}

// read returns the jwks_uri of a document (Discovery §3 and §4.3, RFC 8414 §2 and §3.3).
func (d *discovery) read(body []byte) (string, error) {
	document, err := jws.ParseObject(body, nil, "issuer", "jwks_uri")
	if err != nil {
		return "", err
	}
	if issuer, _, err := document.Member("issuer").Text(); err != nil || issuer != d.issuer {
		return "", errors.New("the document is of another issuer")
	}
	address, _, err := document.Member("jwks_uri").Text()
	if err != nil {
		return "", err
	}
	u, err := checkURL(address, d.insecureHTTP)
	if err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	if d.base.Scheme == schemeHTTPS && u.Scheme != schemeHTTPS {
		return "", errors.New("jwks_uri: not https, as the issuer is")
	}
	own := authority(u.Scheme, u.Host) == authority(d.base.Scheme, d.base.Host)
	allowed := slices.ContainsFunc(d.hosts, func(host string) bool { return authority(u.Scheme, u.Host) == authority(u.Scheme, host) })
	if !own && !allowed {
		return "", errors.New("jwks_uri: on another host than the issuer; if that is right, name it with jwt.WithJWKSHosts")
	}
	return address, nil
}

// authority returns a host with its port in one spelling.
func authority(scheme, host string) string {
	u := url.URL{Host: host}
	port := u.Port()
	switch {
	case port != "":
	case scheme == schemeHTTP:
		port = "80"
	default:
		port = "443"
	}
	return strings.ToLower(net.JoinHostPort(u.Hostname(), port))
}
