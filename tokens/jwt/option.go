// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/admitrpc/admit/internal/identifier"
	"github.com/admitrpc/admit/tokens"
)

const (
	defaultRefresh = 5 * time.Minute
	defaultStale   = 24 * time.Hour
)

// A RemoteKeySetOption configures [NewRemoteKeySet] and [NewDiscoveredKeySet].
type RemoteKeySetOption interface{ applyRemote(c *remoteConfig) error }

type remoteConfig struct {
	keySetConfig

	client       *http.Client
	refresh      time.Duration
	stale        time.Duration
	insecureHTTP bool
	jwksHosts    []string
}

type remoteOption func(*remoteConfig) error

func (o remoteOption) applyRemote(c *remoteConfig) error { return o(c) }

// An AlgorithmOption is what [WithAlgorithm] returns; [NewKeySet], [NewRemoteKeySet] and [NewDiscoveredKeySet] take it.
type AlgorithmOption struct{ algorithm string }

// WithAlgorithm says which algorithm RSA keys without alg are for. Default: such keys are left out. Keys that say their alg keep it.
func WithAlgorithm(algorithm string) AlgorithmOption { return AlgorithmOption{algorithm: algorithm} }

func (o AlgorithmOption) applyKeySet(c *keySetConfig) error {
	if !slices.Contains(rsaAlgorithms, o.algorithm) {
		return fmt.Errorf("WithAlgorithm(%q): RSA keys are for one of %s", o.algorithm, strings.Join(rsaAlgorithms, ", "))
	}
	c.algorithm = o.algorithm
	return nil
}

func (o AlgorithmOption) applyRemote(c *remoteConfig) error { return o.applyKeySet(&c.keySetConfig) }

var rsaAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}

// WithHTTPClient sets the client that fetches. It is copied, and its CheckRedirect is not used: redirects are always refused. Its
// transport remains the caller's to close. Default: a client of the set's own, which uses the proxy of the environment.
func WithHTTPClient(client *http.Client) RemoteKeySetOption {
	return remoteOption(func(c *remoteConfig) error {
		if client == nil {
			return errors.New("WithHTTPClient(nil): give it a client, or leave it out")
		}
		c.client = client
		return nil
	})
}

// WithRefreshInterval sets how often keys are fetched in the background. Default: 5 minutes. At least one second.
func WithRefreshInterval(interval time.Duration) RemoteKeySetOption {
	return remoteOption(func(c *remoteConfig) error {
		if interval < time.Second {
			return fmt.Errorf("WithRefreshInterval(%s): give it a second or more", interval)
		}
		c.refresh = interval
		return nil
	})
}

// WithMaxStale sets how long the last good set is used while the endpoint fails. Default: 24 hours. It counts from the last good fetch,
// so a set that must be fresh at all times needs an interval below it.
func WithMaxStale(stale time.Duration) RemoteKeySetOption {
	return remoteOption(func(c *remoteConfig) error {
		if stale < time.Second {
			return fmt.Errorf("WithMaxStale(%s): give it a second or more", stale)
		}
		c.stale = stale
		return nil
	})
}

// WithInsecureHTTP lets keys be fetched without TLS from a host that is not this one. Who can change the answers on the way can then
// sign tokens. Default: http is for loopback addresses only.
func WithInsecureHTTP() RemoteKeySetOption {
	return remoteOption(func(c *remoteConfig) error {
		c.insecureHTTP = true
		return nil
	})
}

// An Option configures a verifier.
type Option interface{ apply(c *config) error }

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

const defaultSkew = 5 * time.Second

// WithSkew sets how far the issuer's clock may differ from ours. Default: 5 seconds. From 0 to 5 minutes.
func WithSkew(skew time.Duration) Option {
	return option(func(c *config) error {
		if skew < 0 || skew > tokens.MaxSkew {
			return fmt.Errorf("WithSkew(%s): give it 0 to %s", skew, tokens.MaxSkew)
		}
		c.skew = skew
		return nil
	})
}

// WithNames gives the clients of an OAuth verifier (by client_id) or the machines of an M2M verifier (by sub) the names that rules know
// them by. A token of an id that is not in the map is refused. Default: the ids are the names, and any id is taken. Not for sessions.
func WithNames(names map[string]string) Option {
	return option(func(c *config) error {
		if len(names) == 0 {
			return errors.New("WithNames without names: give it a map from id to name, or leave it out")
		}
		c.names = make(map[string]string, len(names))
		for id, name := range names {
			if identifier.Check(id) != nil || identifier.Check(name) != nil || name == "*" {
				return fmt.Errorf("WithNames: %q with the name %q: ids and names must not be empty, \"*\", or have control characters", id, name)
			}
			c.names[id] = name
		}
		return nil
	})
}

// WithNamePrefix makes the names that rules know clients or machines by: the prefix, and then the id (client_id of an OAuth verifier, sub
// of an M2M verifier). It lets two issuers with open sets of ids stand beside each other. Default: no prefix. Not for sessions.
func WithNamePrefix(prefix string) Option {
	return option(func(c *config) error {
		if identifier.Check(prefix) != nil || strings.Contains(prefix, "*") {
			return fmt.Errorf("WithNamePrefix(%q): give it a text without control characters and \"*\"", prefix)
		}
		c.prefix = prefix
		return nil
	})
}
