// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// The cases that Clerk's own tests make of its middleware, in 81 groups, as far as they are about verification, claims, classification or
// has(). Where Admit answers otherwise, the name says so with the number of docs/clerk-deviations.md.

// A clerkCase is one group.
type clerkCase struct {
	number int
	name   string
	test   func(t *testing.T, w *clerkWorld)
}

// casesElsewhere are the groups that are not about a token and its claims.
var casesElsewhere = map[int]string{
	7:  "a kind against the kinds accepted: package interceptor asks it of the rule",
	19: "opaque tokens: package clerk",
	20: "opaque tokens: package clerk",
	21: "the secret that an opaque token is asked about with: package clerk",
	22: "missing configuration: each constructor refuses it",
	24: "a kind that is not accepted: package interceptor, TOKEN_TYPE_NOT_ACCEPTED",
	26: "several kinds accepted: package interceptor",
	27: "a kind that is not accepted: package interceptor",
	28: "cookies of machines: no cookie is read for them",
	29: "redirects to a page that refreshes the session: a procedure call has none",
	43: "opaque tokens: package clerk",
	66: "protect: rules, packages policy and interceptor",
	67: "protect: rules, packages policy and interceptor",
	68: "protect: rules, packages policy and interceptor",
	69: "protect: rules, packages policy and interceptor",
	70: "protect: rules; a grant that asks a machine for a permission cannot be written",
	71: "protect: rules; an unknown field does not start",
	72: "protect: rules, packages policy and interceptor",
	73: "headers of redirects",
	74: "a handler without the middleware: tokens.FromContext tells it, see context_test.go",
	75: "an object for the kind that was asked for: a refused call has no principal",
	76: "the middleware twice: package interceptor",
	77: "options for each request",
	78: "an object for the kind that was asked for",
	79: "patterns of paths: procedures are names, package policy",
	80: "the organization that a path names: matches, package policy",
	81: "the organization that a path names: matches, package policy",
}

func TestClerkCases(t *testing.T) {
	t.Parallel()
	w := newClerkWorld(t)
	cases := slices.Concat(clerkCredentialCases, clerkTokenCases, clerkKeyCases, clerkHasCases)
	seen := maps.Clone(casesElsewhere)
	for _, c := range cases {
		if seen[c.number] != "" {
			t.Errorf("case %d comes twice", c.number)
		}
		seen[c.number] = c.name
	}
	const groups = 81
	for number := 1; number <= groups; number++ {
		if seen[number] == "" {
			t.Errorf("case %d is neither here nor said to be elsewhere", number)
		}
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("case %d %s", c.number, c.name), func(t *testing.T) {
			t.Parallel()
			c.test(t, w)
		})
	}
}

// A clerkWorld is one instance with its key, and what verifies its tokens.
type clerkWorld struct {
	iss      *tokenstest.Issuer
	keys     *jwt.KeySet
	sessions *jwt.Verifier // with the mark of sessions alone
	all      *jwt.IssuerVerifier
	table    *tokens.Verifiers
}

const (
	catOfSessions  = "cl_B7d4PD111AAA"
	catOfTemplates = "cl_B7d4PD222AAA"
	catOfMachines  = "cl_B7d4PD333AAA"
)

func newClerkWorld(tb testing.TB) *clerkWorld {
	tb.Helper()
	w := &clerkWorld{iss: tokenstest.NewIssuer(tb)} // RS256, as Clerk's
	w.keys = must(jwt.NewKeySet(w.iss.Keys()))
	w.sessions = must(jwt.NewSessionVerifier(w.iss.URL(), []string{tokenstest.Party}, jwt.ClassHeader("cat", catOfSessions), w.keys))
	w.all = must(jwt.NewIssuerVerifier(w.iss.URL(), []string{tokenstest.Audience}, jwt.Clerk([]string{tokenstest.Party}), w.keys,
		jwt.WithNamePrefix("jwt/"))) // since opaque tokens have names too
	w.table = must(tokens.NewVerifiers(w.all, prefixed{"ak_", tokens.APIKey}, prefixed{"mt_", tokens.M2MToken}, prefixed{"oat_", tokens.OAuthToken}))
	return w
}

// A prefixed verifier is one of opaque credentials, to classify them.
type prefixed struct {
	prefix string
	kind   tokens.Kind
}

func (p prefixed) Forms() []tokens.Form {
	return []tokens.Form{{Kind: p.kind, Prefix: p.prefix, Names: tokens.Names{Prefix: "opaque/"}}}
}

// claimsOf returns the claims of a session, changed; a nil value takes a claim away.
func (w *clerkWorld) claimsOf(changes map[string]any) map[string]any {
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": w.iss.URL(), "sub": "user_1", "sid": "sess_1", "azp": tokenstest.Party, "iat": now - 1, "nbf": now - 10, "exp": now + 60,
	}
	return changed(claims, changes)
}

func changed(claims, changes map[string]any) map[string]any {
	for name, value := range changes {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	return claims
}

// session mints a session with changes to its claims.
func (w *clerkWorld) session(changes map[string]any) string {
	return w.iss.Sign(map[string]any{"typ": "JWT", "cat": catOfSessions}, w.claimsOf(changes))
}

// headed mints a session with changes to its header; a nil value takes a member away.
func (w *clerkWorld) headed(changes map[string]any) string {
	header := map[string]any{"typ": "JWT", "cat": catOfSessions}
	maps.Copy(header, changes)
	return w.iss.Sign(header, w.claimsOf(nil))
}

// oauth mints an OAuth token with changes to its claims.
func (w *clerkWorld) oauth(typ string, changes map[string]any) string {
	return w.iss.Sign(map[string]any{"typ": typ}, changed(w.claimsOf(map[string]any{
		"sid": nil, "azp": nil, "client_id": "client_1", "jti": "oat_1", "aud": tokenstest.Audience, "scope": "read write",
	}), changes))
}

// machine mints a machine's token with a category, or with none, and changes to its claims.
func (w *clerkWorld) machine(cat string, changes map[string]any) string {
	header := map[string]any{"typ": "JWT", "cat": cat}
	if cat == "" {
		delete(header, "cat")
	}
	return w.iss.Sign(header, changed(w.claimsOf(map[string]any{
		"sub": "mch_1", "sid": nil, "azp": nil, "jti": "mt_1", "aud": tokenstest.Audience, "scopes": "mch_2 mch_3",
	}), changes))
}

// classified returns the kind that the table gives a credential, the zero Kind for none.
func (w *clerkWorld) classified(credential string) tokens.Kind {
	form, _, _ := w.table.Classify(credential)
	return form.Kind
}

// verified is the way of a guard: classify once, and ask the verifier of the form.
func (w *clerkWorld) verified(tb testing.TB, credential string) (*tokens.Principal, tokens.Reason) {
	tb.Helper()
	form, verifier, ok := w.table.Classify(credential)
	if !ok {
		return nil, tokens.ReasonTokenInvalid
	}
	p, err := verifier.Verify(tb.Context(), tokens.Credential{Secret: tokens.NewSecret(credential), Form: form})
	return p, tokens.ReasonOf(err)
}

// takes asserts that a credential is verified, as of a kind.
func (w *clerkWorld) takes(tb testing.TB, credential string, kind tokens.Kind) *tokens.Principal {
	tb.Helper()
	p, reason := w.verified(tb, credential)
	if p == nil || p.Kind() != kind {
		tb.Errorf("%v %q, want a %s", p.Kind(), reason, kind)
	}
	return p
}

// refuses asserts why a credential is refused, by the whole table and by the verifier of sessions.
func (w *clerkWorld) refuses(tb testing.TB, credential string, reason tokens.Reason) {
	tb.Helper()
	if p, got := w.verified(tb, credential); p != nil || got != reason {
		tb.Errorf("the table: %v %q, want %s", p.Kind(), got, reason)
	}
	refused(tb, w.sessions, credential, reason)
}
