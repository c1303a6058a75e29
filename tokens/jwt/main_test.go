// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newIssuer returns an issuer and its keys without a network between. ES256, since its keys are made quickly.
func newIssuer(tb testing.TB) (*tokenstest.Issuer, *jwt.KeySet) {
	tb.Helper()
	iss := tokenstest.NewIssuer(tb, tokenstest.WithAlgorithm("ES256"))
	keys, err := jwt.NewKeySet(iss.Keys())
	if err != nil {
		tb.Fatal(err)
	}
	return iss, keys
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func verify(tb testing.TB, v tokens.Verifier, token string) (*tokens.Principal, error) {
	tb.Helper()
	return v.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token)})
}

func accepted(tb testing.TB, v tokens.Verifier, token string) *tokens.Principal {
	tb.Helper()
	p, err := verify(tb, v, token)
	if err != nil || p == nil {
		tb.Fatalf("refused: %v", err)
	}
	return p
}

// refused asserts the reason, and that neither the token nor a value of its claims is told.
func refused(tb testing.TB, v tokens.Verifier, token string, reason tokens.Reason) {
	tb.Helper()
	p, err := verify(tb, v, token)
	if p != nil || err == nil {
		tb.Fatalf("accepted, want %s", reason)
	}
	e, ok := errors.AsType[*tokens.Error](err)
	if !ok || e.Reason != reason {
		tb.Fatalf("error %q, want %s", err, reason)
	}
	checkSilent(tb, err, token)
}

func checkSilent(tb testing.TB, err error, token string) {
	tb.Helper()
	text := err.Error()
	segments := strings.Split(token, ".")
	for _, part := range append(segments, token) {
		if len(part) > 8 && strings.Contains(text, part) {
			tb.Errorf("the error %q has a part of the token", text)
		}
	}
	if len(segments) != 3 {
		return
	}
	for _, segment := range segments[1:2] {
		raw, _ := base64.RawURLEncoding.DecodeString(segment)
		var values map[string]any
		if json.Unmarshal(raw, &values) != nil {
			continue
		}
		for name, value := range values {
			if value, ok := value.(string); ok && len(value) > 5 && strings.Contains(text, value) {
				tb.Errorf("the error %q has the value of %s", text, name)
			}
		}
	}
}

// The times of hostile tokens that are good otherwise.
func dates() (now, later int64) { return time.Now().Unix(), time.Now().Add(time.Minute).Unix() }
