// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// countingKeys has no key and calls itself each time that it is asked for one.
type countingKeys func()

func (k countingKeys) Key(context.Context, string, string) (jwt.Key, error) {
	k()
	return jwt.Key{}, errors.New("no key")
}

// remoteSessions verifies sessions with keys from the instance's endpoint.
func (w *clerkWorld) remoteSessions(tb testing.TB, iss *tokenstest.Issuer) *jwt.Verifier {
	tb.Helper()
	keys := must(jwt.NewRemoteKeySet(iss.JWKSURL()))
	tb.Cleanup(func() { _ = keys.Close() })
	return must(jwt.NewSessionVerifier(iss.URL(), []string{tokenstest.Party}, jwt.ClassHeader("cat", catOfSessions), keys))
}

// clerkKeyCases are those of key sets.
var clerkKeyCases = []clerkCase{
	{15, "an endpoint without keys is down, and nobody is told that the token is bad", func(t *testing.T, _ *clerkWorld) {
		synctest.Test(t, func(t *testing.T) {
			e := &endpoint{body: []byte("{}")}
			s := e.set(t)
			defer func() { _ = s.Close() }()
			if _, err := s.Key(t.Context(), "ins_1", "RS256"); tokens.ReasonOf(err) != tokens.ReasonVerifierUnavailable {
				t.Errorf("%v", err)
			}
		})
	}},
	{44, "a key is fetched once", func(t *testing.T, w *clerkWorld) {
		own := newClerkWorld(t)
		v := w.remoteSessions(t, own.iss)
		for range 3 {
			accepted(t, v, own.session(nil))
		}
		if own.iss.Fetches() != 1 {
			t.Errorf("%d fetches", own.iss.Fetches())
		}
	}},
	{45, "an endpoint that fails", func(t *testing.T, w *clerkWorld) {
		own := newClerkWorld(t)
		own.iss.Fail(http.StatusServiceUnavailable)
		refused(t, w.remoteSessions(t, own.iss), own.session(nil), tokens.ReasonVerifierUnavailable)
	}},
	{46, "an unknown kid, and no word about those that are known", func(t *testing.T, w *clerkWorld) {
		own := newClerkWorld(t)
		v := w.remoteSessions(t, own.iss)
		accepted(t, v, own.session(nil))
		_, err := verify(t, v, own.headed(map[string]any{"kid": "ins_other"}))
		if tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
			t.Fatalf("%v", err)
		}
		if strings.Contains(err.Error(), "key-1") || strings.Contains(err.Error(), "ins_other") {
			t.Errorf("the error %q names a kid", err)
		}
	}},
	{47, "the keys of one instance are not another's, though their kids are the same", func(t *testing.T, w *clerkWorld) {
		a, b := newClerkWorld(t), newClerkWorld(t)
		ofA, ofB := w.remoteSessions(t, a.iss), w.remoteSessions(t, b.iss)
		accepted(t, ofA, a.session(nil))
		accepted(t, ofB, b.session(nil))
		refused(t, ofA, b.session(nil), tokens.ReasonTokenInvalid)
		refused(t, ofA, b.session(map[string]any{"iss": a.iss.URL()}), tokens.ReasonTokenInvalid)
		refused(t, ofB, a.session(map[string]any{"iss": b.iss.URL()}), tokens.ReasonTokenInvalid)
	}},
	{48, "another PEM with the same kid is another key", func(t *testing.T, w *clerkWorld) {
		other, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		der := must(x509.MarshalPKIXPublicKey(other.Public()))
		key := must(jwt.NewPEMKey("RS256", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
		v := must(jwt.NewSessionVerifier(w.iss.URL(), []string{tokenstest.Party}, jwt.ClassHeader("cat", catOfSessions), key))
		token := w.session(nil)
		accepted(t, w.sessions, token)
		refused(t, v, token, tokens.ReasonTokenInvalid)
	}},
}
