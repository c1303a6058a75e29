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
type demand func(h *jws.Header, c claims) error

// plain returns a claim that is a string, and "" for every other.
func (c claims) plain(name claim) string { return textOf(c.Known(name)) }

func textOf(v jws.Value) string {
	text, _, err := v.Text()
	if err != nil {
		return ""
	}
	return text
}

// accessToken refuses tokens that say that they are others: id_tokens (OpenID Connect Core §2, §3.3.2.11) have hashes of what they were
// issued with, or the nonce of a log-in; logout tokens and security events (RFC 8417) have events; Amazon Cognito and Keycloak say it
// outright.
func accessToken(_ *jws.Header, c claims) error {
	for _, name := range []claim{claimAtHash, claimCHash, claimSHash, claimNonce, claimEvents} {
		if c.has(name) {
			return fmt.Errorf("%s: not an access token", claimTexts[name])
		}
	}
	if c.has(claimTokenUse) && c.plain(claimTokenUse) != "access" {
		return errors.New("token_use: not an access token")
	}
	for _, other := range []string{"ID", "Serialized-ID", "Refresh", "Offline", "Logout"} {
		if strings.EqualFold(c.plain(claimTyp), other) {
			return errors.New("claim typ: not an access token")
		}
	}
	return nil
}

// lacks demands that claims are not there.
func lacks(names ...claim) demand {
	return func(_ *jws.Header, c claims) error {
		for _, name := range names {
			if c.has(name) {
				return fmt.Errorf("%s: not a token of the class", claimTexts[name])
			}
		}
		return nil
	}
}

// requires demands that claims are there, as texts.
func requires(names ...claim) demand {
	return func(_ *jws.Header, c claims) error {
		for _, name := range names {
			if _, err := c.required(name); err != nil {
				return err
			}
		}
		return nil
	}
}

// oneOf demands that a claim is one of the values, "" being a claim that is not there.
func oneOf(name claim, values ...string) demand {
	return func(_ *jws.Header, c claims) error {
		if value := c.plain(name); !slices.Contains(values, value) || value == "" && c.has(name) {
			return fmt.Errorf("%s is not that of the class", claimTexts[name])
		}
		return nil
	}
}

// not turns a demand about one claim round.
func not(name claim, is func(value string) bool) demand {
	return func(_ *jws.Header, c claims) error {
		if is(c.plain(name)) {
			return fmt.Errorf("%s is that of another class", claimTexts[name])
		}
		return nil
	}
}

// subjectIsNot demands that sub is not the text of a claim.
func subjectIsNot(name claim) demand {
	return func(_ *jws.Header, c claims) error {
		if c.plain(claimSub) == c.plain(name) {
			return fmt.Errorf("sub is %s: a client that acts for itself", claimTexts[name])
		}
		return nil
	}
}

// texts reads a claim that is a text with one space between two elements, or an array.
func (c claims) texts(name claim) ([]string, error) {
	if list, ok, err := c.Known(name).Texts(); err == nil || !ok {
		return list, nil
	}
	text, _, err := c.Known(name).Text()
	if err != nil {
		return nil, fmt.Errorf("%s is not a text or an array of texts", claimTexts[name])
	}
	if text == "" {
		return nil, nil
	}
	return strings.Split(text, " "), nil
}
