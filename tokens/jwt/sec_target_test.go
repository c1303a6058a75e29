// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// deep is an array in arrays.
func deep(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

// A target is a verifier, and what makes tokens good and bad for it.
type target struct {
	name    string
	iss     *tokenstest.Issuer
	v       tokens.Verifier
	marks   map[string]any // of the header
	own     map[string]any // claims beyond those of all tokens
	subject string
}

// newTarget is the verifier of access tokens.
func newTarget(tb testing.TB) target {
	tb.Helper()
	iss, keys := newIssuer(tb)
	return accessTarget(iss, keys)
}

func accessTarget(iss *tokenstest.Issuer, keys jwt.KeySource) target {
	return target{
		name: "access tokens", iss: iss, v: must(jwt.NewOAuthVerifier(iss.URL(), []string{tokenstest.Audience}, keys)),
		marks: map[string]any{"typ": "at+jwt"}, own: map[string]any{"client_id": "client_1"}, subject: "user_1",
	}
}

// newTargets are verifiers of every kind of JWT, each with a constructor or profile of its own.
func newTargets(tb testing.TB, algorithm string) []target {
	tb.Helper()
	iss := tokenstest.NewIssuer(tb, tokenstest.WithAlgorithm(algorithm))
	keys := must(jwt.NewKeySet(iss.Keys()))
	access := accessTarget(iss, keys)
	audiences := []string{tokenstest.Audience}
	issuer := func(profile jwt.Profile) tokens.Verifier {
		return must(jwt.NewIssuerVerifier(iss.URL(), audiences, profile, keys))
	}
	of9068, session, clerk, machine := access, access, access, access
	of9068.name, of9068.v = "profile of RFC 9068", issuer(jwt.RFC9068())
	session.name, session.v = "sessions", must(jwt.NewSessionVerifier(iss.URL(), audiences, iss.SessionClass(), keys))
	session.marks = map[string]any{"typ": "JWT", "cat": "session"}
	clerk.name, clerk.v = "profile of Clerk", issuer(jwt.Clerk(audiences))
	clerk.marks, clerk.own = map[string]any{"typ": "JWT", "cat": "cl_B7d4PD111AAA"}, map[string]any{"sid": "sess_1"}
	machine.name, machine.v = "machines", must(jwt.NewM2MVerifier(iss.URL(), audiences, iss.M2MClass(), keys))
	machine.marks, machine.subject = map[string]any{"typ": "JWT"}, "mch_1"
	return []target{access, of9068, session, clerk, machine}
}

// claims are those of a good token, with changes.
func (g target) claims(changes map[string]any) map[string]any {
	now, later := dates()
	claims := map[string]any{
		"iss": g.iss.URL(), "sub": g.subject, "aud": tokenstest.Audience, "jti": "token_1", "iat": now, "exp": later,
	}
	maps.Copy(claims, g.own)
	maps.Copy(claims, changes)
	return claims
}

// header is a good token with changes to its header; nil removes a member.
func (g target) header(changes map[string]any) string {
	header := maps.Clone(g.marks)
	maps.Copy(header, changes)
	return g.iss.Sign(header, g.claims(nil))
}

// claim is a good token with another claim; nil removes it.
func (g target) claim(name string, value any) string {
	return g.iss.Sign(g.marks, g.claims(map[string]any{name: value}))
}

// head is the JSON of a good header, with more members before the others.
func (g target) head(more string) string {
	first, _, _ := strings.Cut(g.header(nil), ".")
	text := must(base64.RawURLEncoding.DecodeString(first))
	return "{" + more + string(text[1:])
}

func (g target) payload() string { return string(must(json.Marshal(g.claims(nil)))) }

// raw is a good token in whose payload the text old is replaced, or which the text follows if old is "".
func (g target) raw(old, replacement string) string {
	text := g.payload()
	if old == "" {
		return g.iss.SignText(g.head(""), text+replacement)
	}
	if !strings.Contains(text, old) {
		panic(old)
	}
	return g.iss.SignText(g.head(""), strings.Replace(text, old, replacement, 1))
}

func (g target) rawHeader(text string) string { return g.iss.SignText(text, g.payload()) }

// date is a good token with a text for a date.
func (g target) date(name, text string) string {
	claims := g.claims(nil)
	delete(claims, name)
	payload := must(json.Marshal(claims))
	return g.iss.SignText(g.head(""), fmt.Sprintf(`{%q:%s,%s`, name, text, payload[1:]))
}

// hmacToken signs with a text that everyone knows as the secret.
func (g target) hmacToken(secret []byte) string {
	input := b64(`{"alg":"HS256","kid":"key-1","typ":"at+jwt"}`) + "." + b64(g.payload())
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
