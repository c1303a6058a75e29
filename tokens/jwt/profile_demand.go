// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// A demand is what must hold of a token for it to be of a class. It is asked only when the signature matched.
type demand func(h jws.Header, c claims) error

// plain returns a claim that is a string, and "" for every other.
func (c claims) plain(name string) string {
	value, _, err := c.String(name)
	if err != nil {
		return ""
	}
	return value
}

// accessToken refuses tokens that say that they are others: id_tokens (OpenID Connect Core §2, §3.3.2.11) have hashes of what they were
// issued with, or the nonce of a log-in; logout tokens and security events (RFC 8417) have events; Amazon Cognito and Keycloak say it
// outright.
func accessToken(_ jws.Header, c claims) error {
	for _, name := range []string{"at_hash", "c_hash", "s_hash", "nonce", "events"} {
		if c.Has(name) {
			return fmt.Errorf("%s: not an access token", name)
		}
	}
	if c.Has("token_use") && c.plain("token_use") != "access" {
		return errors.New("token_use: not an access token")
	}
	for _, other := range []string{"ID", "Serialized-ID", "Refresh", "Offline", "Logout"} {
		if strings.EqualFold(c.plain("typ"), other) {
			return errors.New("claim typ: not an access token")
		}
	}
	return nil
}

// lacks demands that claims are not there.
func lacks(names ...string) demand {
	return func(_ jws.Header, c claims) error {
		for _, name := range names {
			if c.Has(name) {
				return fmt.Errorf("%s: not a token of the class", name)
			}
		}
		return nil
	}
}

// requires demands that claims are there, as texts.
func requires(names ...string) demand {
	return func(_ jws.Header, c claims) error {
		for _, name := range names {
			if _, err := c.required(name); err != nil {
				return err
			}
		}
		return nil
	}
}

// oneOf demands that a claim is one of the values, "" being a claim that is not there.
func oneOf(name string, values ...string) demand {
	return func(_ jws.Header, c claims) error {
		if value := c.plain(name); !slices.Contains(values, value) || value == "" && c.Has(name) {
			return fmt.Errorf("%s is not that of the class", name)
		}
		return nil
	}
}

// not turns a demand about one claim round.
func not(name string, is func(value string) bool) demand {
	return func(_ jws.Header, c claims) error {
		if is(c.plain(name)) {
			return fmt.Errorf("%s is that of another class", name)
		}
		return nil
	}
}

// subjectIsNot demands that sub is not the text of a claim.
func subjectIsNot(name string) demand {
	return func(_ jws.Header, c claims) error {
		if c.plain("sub") == c.plain(name) {
			return fmt.Errorf("sub is %s: a client that acts for itself", name)
		}
		return nil
	}
}

// texts reads a claim that is a text with one space between two elements, or an array.
func (c claims) texts(name string) ([]string, error) {
	if list, ok, err := c.Strings(name); err == nil || !ok {
		return list, nil
	}
	text, _, err := c.String(name)
	if err != nil {
		return nil, fmt.Errorf("%s is not a text or an array of texts", name)
	}
	if text == "" {
		return nil, nil
	}
	return strings.Split(text, " "), nil
}
