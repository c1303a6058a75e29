// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokenstest

import (
	"errors"
	"fmt"

	"github.com/admitrpc/admit/tokens/jwt"
)

// SessionVerifier returns a verifier of the issuer's sessions, for parties; none means [Party] alone.
func (i *Issuer) SessionVerifier(parties ...string) *jwt.Verifier {
	return must(jwt.NewSessionVerifier(i.url, defaulted(parties, Party), i.SessionClass(), i.RemoteKeys()))
}

// OAuthVerifier returns a verifier of the issuer's access tokens, for audiences; none means [Audience] alone.
func (i *Issuer) OAuthVerifier(audiences ...string) *jwt.Verifier {
	return must(jwt.NewOAuthVerifier(i.url, defaulted(audiences, Audience), i.RemoteKeys()))
}

// M2MVerifier returns a verifier of the issuer's machine tokens, for audiences; none means [Audience] alone.
func (i *Issuer) M2MVerifier(audiences ...string) *jwt.Verifier {
	return must(jwt.NewM2MVerifier(i.url, defaulted(audiences, Audience), i.M2MClass(), i.RemoteKeys()))
}

// RemoteKeys returns the issuer's keys, fetched over HTTP. The set is one for all verifiers, and closed with the issuer. It panics when
// the issuer is closed.
func (i *Issuer) RemoteKeys() *jwt.RemoteKeySet {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		panic(errors.New("tokenstest: the issuer is closed")) //nolint:forbidigo // A mistake of the test.
	}
	if i.remote == nil {
		i.remote = must(jwt.NewRemoteKeySet(i.url + jwksPath))
	}
	return i.remote
}

func defaulted(values []string, value string) []string {
	if len(values) == 0 {
		return []string{value}
	}
	return values
}

// must is for what can fail by a mistake of the test only, such as an empty audience.
func must[T any](value T, err error) T {
	if err != nil {
		panic(fmt.Errorf("tokenstest: %w", err)) //nolint:forbidigo // A mistake of the test.
	}
	return value
}
