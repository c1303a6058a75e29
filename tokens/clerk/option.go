// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/admitrpc/admit/internal/identifier"
	"github.com/admitrpc/admit/tokens"
)

const (
	defaultAPI     = "https://api.clerk.com"
	defaultTimeout = 5 * time.Second
	defaultSkew    = 5 * time.Second
	maxTimeout     = time.Minute
)

// An Option configures [New]. They have the names that the options of Clerk's middleware have, where there is one.
type Option interface{ apply(c *config) error }

type config struct {
	kinds         []tokens.Kind // nil: all
	parties       []string
	audiences     []string
	skew          time.Duration
	jwtKey        []byte
	machineSecret tokens.Secret // empty: none
	machineID     string
	anyReceiver   bool
	legacy        bool
	domain        string // the issuer that it makes
	proxy         string
	api           string
	client        *http.Client
	timeout       time.Duration
	clients       map[string]string
	machines      map[string]string
}

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

// WithAuthorizedParties names the origins of the applications whose sessions are taken, such as "https://app.example.com": a session's azp
// must be one of them, byte by byte. A session without azp, as a native application's, is taken if its aud has one of [WithAudience], or,
// without that option, one of these. They do not concern the other kinds. Sessions need this option, [WithAudience], or both.
func WithAuthorizedParties(origins ...string) Option {
	origins = slices.Clone(origins)
	return option(func(c *config) error {
		c.parties = origins
		return checkTexts("WithAuthorizedParties", origins)
	})
}

// WithAudience names our audiences. An OAuth token must have one of them in aud, opaque or not. A session that has aud must have one of them
// there, and without [WithAuthorizedParties] every session must have aud. They do not concern M2M tokens (see [WithMachineID]) and API keys.
// Default: none; then opaque OAuth tokens of the instance are taken whatever their audience, and OAuth tokens that are JWTs are refused.
func WithAudience(audiences ...string) Option {
	audiences = slices.Clone(audiences)
	return option(func(c *config) error {
		c.audiences = audiences
		return checkTexts("WithAudience", audiences)
	})
}

// WithClockSkew sets how far Clerk's clock may differ from ours, for JWTs. Default: 5 seconds. From 0 to 5 minutes. What the Backend API
// says is judged without it.
func WithClockSkew(skew time.Duration) Option {
	return option(func(c *config) error {
		if skew < 0 || skew > tokens.MaxSkew {
			return fmt.Errorf("WithClockSkew(%s): give it 0 to %s", skew, tokens.MaxSkew)
		}
		c.skew = skew
		return nil
	})
}

// WithJWTKey verifies JWTs with the instance's public key, a PEM text with its BEGIN and END lines, instead of asking the Backend API for
// keys. When Clerk rotates the key, the new one must be given. Default: the keys of the Backend API.
func WithJWTKey(pem []byte) Option {
	pem = bytes.Clone(pem)
	return option(func(c *config) error {
		if len(pem) == 0 {
			return errors.New("WithJWTKey without a key; give it the PEM public key, or leave it out")
		}
		c.jwtKey = pem
		return nil
	})
}

// WithMachineSecretKey has the Backend API verify opaque M2M tokens for the machine with this secret key: it refuses those that are not for
// that machine. Default: they are verified with the instance's secret key, and without [WithMachineID] taken whichever machine they are for.
func WithMachineSecretKey(key string) Option {
	return option(func(c *config) error {
		if !tokens.ValidBearer(key) {
			return errors.New("WithMachineSecretKey: the key is empty or has characters that no key has; copy it from the machine's page")
		}
		c.machineSecret = tokens.NewSecret(key)
		return nil
	})
}

// WithMachineID says which machine we are, such as "mch_…": M2M tokens must be for it. Opaque ones must have it in scopes, JWTs in aud, or in
// scopes where there is no aud. Default: none; then M2M tokens that are JWTs are refused, and opaque ones are taken whichever
// machine they are for, unless [WithMachineSecretKey] says which we are.
func WithMachineID(id string) Option {
	return option(func(c *config) error {
		if !strings.HasPrefix(id, machineSubject) || len(id) == len(machineSubject) || identifier.Check(id) != nil {
			return fmt.Errorf("WithMachineID(%q): give it the id of the machine, which begins with %s", id, machineSubject)
		}
		c.machineID = id
		return nil
	})
}

// WithInsecureAnyReceiver also takes M2M tokens that are JWTs whichever machine they are for, as Clerk's middleware does. Each service that is
// sent such a token can then call us with it in the sender's name. It changes nothing where [WithMachineID] is given. Default: without
// WithMachineID, M2M tokens that are JWTs are refused.
func WithInsecureAnyReceiver() Option {
	return option(func(c *config) error {
		c.anyReceiver = true
		return nil
	})
}

// WithInsecureLegacyClass also takes sessions whose header cat is missing or says nothing, as Clerk made them before it wrote that. What a
// JWT template made at that time, and gave a sid, passes for a session then. Default: cat must be that of sessions.
func WithInsecureLegacyClass() Option {
	return option(func(c *config) error {
		c.legacy = true
		return nil
	})
}

// WithDomain says that we serve a satellite application on this domain, such as "satellite.com": the issuer is then
// "https://clerk.satellite.com". Default: the issuer is "https://" and the host in the publishable key.
func WithDomain(domain string) Option {
	return option(func(c *config) error {
		host := "clerk." + strings.TrimPrefix(domain, "clerk.")
		if domain == "" || !validHost(host) {
			return fmt.Errorf("WithDomain(%q): give it a domain in lower case, without a scheme, port or path, such as satellite.com", domain)
		}
		c.domain = "https://" + host
		return nil
	})
}

// WithProxyURL says that the Frontend API is behind a proxy of ours, such as "https://app.example.com/__clerk": that is then the issuer,
// byte by byte. It must be https, or http on a loopback address. Default: the issuer is "https://" and the host in the publishable key.
func WithProxyURL(proxy string) Option {
	return option(func(c *config) error {
		if err := checkURL(proxy); err != nil {
			return fmt.Errorf("WithProxyURL: %w", err)
		}
		c.proxy = proxy
		return nil
	})
}

// WithAPIURL sets where the Backend API is, for tests and proxies. It must be https, or http on a loopback address: it is sent the secret
// key, and believed. Default: https://api.clerk.com.
func WithAPIURL(base string) Option {
	return option(func(c *config) error {
		if err := checkURL(base); err != nil {
			return fmt.Errorf("WithAPIURL: %w", err)
		}
		c.api = strings.TrimRight(base, "/")
		return nil
	})
}

// WithHTTPClient sets the client that asks the Backend API. It is copied; its CheckRedirect and Jar are not used. Its transport is sent the
// secret key and remains the caller's to close. Default: a client of the instance's own, which uses the proxy of the environment.
func WithHTTPClient(client *http.Client) Option {
	return option(func(c *config) error {
		if client == nil {
			return errors.New("WithHTTPClient(nil): give it a client, or leave it out")
		}
		c.client = client
		return nil
	})
}

// WithAPITimeout sets how long a verification by the Backend API may take. Default: 5 seconds. At most a minute.
func WithAPITimeout(timeout time.Duration) Option {
	return option(func(c *config) error {
		if timeout <= 0 || timeout > maxTimeout {
			return fmt.Errorf("WithAPITimeout(%s): give it more than 0 and at most %s", timeout, maxTimeout)
		}
		c.timeout = timeout
		return nil
	})
}

// WithKinds says which kinds get a verifier. Default: all four. What New needs for kinds that are left out, it then does not need.
func WithKinds(kinds ...tokens.Kind) Option {
	kinds = slices.Clone(kinds)
	return option(func(c *config) error {
		if len(kinds) == 0 {
			return errors.New("WithKinds without kinds; name one, or leave it out")
		}
		for _, kind := range kinds {
			if !kind.Known() {
				return errors.New("WithKinds: one is no kind; name those of tokens.Kinds")
			}
		}
		c.kinds = kinds
		return nil
	})
}

// WithClientNames gives the clients of OAuth tokens, by their ids, the names that rules know them by. A token of another client is refused.
// Default: the ids are the names, and any client is taken.
func WithClientNames(names map[string]string) Option {
	names = maps.Clone(names)
	return option(func(c *config) error {
		c.clients = names
		return checkNames("WithClientNames", names)
	})
}

// WithMachineNames gives the machines that call, by their ids such as "mch_…", the names that rules know them by, so that one rule holds for
// the instances of all environments. A token of another machine is refused. Default: the ids are the names, and any machine is taken.
func WithMachineNames(names map[string]string) Option {
	names = maps.Clone(names)
	return option(func(c *config) error {
		c.machines = names
		return checkNames("WithMachineNames", names)
	})
}

func checkTexts(option string, texts []string) error {
	if len(texts) == 0 {
		return fmt.Errorf("%s without a value; name those that are ours, or leave it out", option)
	}
	for _, text := range texts {
		if err := identifier.Check(text); err != nil {
			return fmt.Errorf("%s: one of them %w", option, err)
		}
	}
	return nil
}

func checkNames(option string, names map[string]string) error {
	if len(names) == 0 {
		return fmt.Errorf("%s without names; give it a map from id to name, or leave it out", option)
	}
	for id, name := range names {
		if identifier.Check(id) != nil || identifier.Check(name) != nil || name == "*" {
			return fmt.Errorf("%s: %q with the name %q: ids and names must not be empty, \"*\", or have control characters", option, id, name)
		}
	}
	return nil
}
