// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func TestOAuthFacts(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	v := must(jwt.NewOAuthVerifier(iss.URL(), []string{"other", tokenstest.Audience}, keys))
	p := accepted(t, v, iss.OAuth(tokenstest.OAuthClaims{
		UserID: "user_9", ClientID: "client_9", Scopes: []string{"a", "b:c"}, TokenID: "tok_9", Actor: &tokens.Actor{Subject: "agent_1"},
	}))
	if p.Kind() != tokens.OAuthToken || p.UserID() != "user_9" || p.ClientID() != "client_9" || p.ClientName() != "client_9" || p.ID() != "tok_9" {
		t.Errorf("identity: %v %q %q %q %q", p.Kind(), p.UserID(), p.ClientID(), p.ClientName(), p.ID())
	}
	if !slices.Equal(p.Scopes(), []string{"a", "b:c"}) {
		t.Errorf("scopes %q", p.Scopes())
	}
	if actor, ok := p.Actor(); !ok || actor.Subject != "agent_1" {
		t.Errorf("actor %+v", actor)
	}
	alone := accepted(t, v, iss.OAuth(tokenstest.OAuthClaims{UserID: "client_9", ClientID: "client_9"}))
	if alone.UserID() != "" || alone.Subject() != "client_9" {
		t.Errorf("a client without a user has the user %q", alone.UserID())
	}
}

func TestM2MFacts(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	v := must(jwt.NewM2MVerifier(iss.URL(), []string{tokenstest.Audience}, iss.M2MClass(), keys))
	p := accepted(t, v, iss.M2M(tokenstest.M2MClaims{Machine: "mch_9", Scopes: []string{"jobs"}, TokenID: "tok_9"}))
	if p.Kind() != tokens.M2MToken || p.UserID() != "" || p.Subject() != "mch_9" || p.CallerName() != "mch_9" || p.ID() != "tok_9" {
		t.Errorf("identity: %v %q %q %q %q", p.Kind(), p.UserID(), p.Subject(), p.CallerName(), p.ID())
	}
	if !p.HasScope("jobs") {
		t.Error("no scope")
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	v := must(jwt.NewM2MVerifier(iss.URL(), []string{tokenstest.Audience}, iss.M2MClass(), keys))
	tests := []struct {
		name       string
		scope, scp any
		want       []string
		bad        bool
	}{
		{name: "none"},
		{name: "empty", scope: ""},
		{name: "text", scope: "a b", want: []string{"a", "b"}},
		{name: "array", scp: []string{"a", "b"}, want: []string{"a", "b"}},
		{name: "empty array", scp: []string{}},
		{name: "both the same", scope: "a b", scp: []string{"b", "a"}, want: []string{"a", "b"}},
		{name: "SEC-42 both differ", scope: "a", scp: []string{"a", "b"}, bad: true},
		{name: "SEC-42 empty beside one", scope: "", scp: []string{"admin"}, bad: true},
		{name: "SEC-42 two spaces", scope: "a  b", bad: true},
		{name: "SEC-42 space first", scope: " a", bad: true},
		{name: "SEC-42 space last", scope: "a ", bad: true},
		{name: "SEC-42 tab", scope: "a\tb", bad: true},
		{name: "SEC-42 unicode space", scope: "a\u00a0b", bad: true},
		{name: "SEC-42 quote", scope: `a"b`, bad: true},
		{name: "SEC-42 array as scope", scope: []string{"a"}, bad: true},
		{name: "SEC-42 text as scp", scp: "a b", bad: true},
		{name: "SEC-42 space in scp", scp: []string{"a b"}, bad: true},
		{name: "SEC-42 empty in scp", scp: []string{""}, bad: true},
		{name: "SEC-42 number in scp", scp: []any{1}, bad: true},
		{name: "SEC-42 256", scope: strings.TrimSpace(strings.Repeat("a ", 256)), want: slices.Repeat([]string{"a"}, 256)},
		{name: "SEC-42 257", scope: strings.TrimSpace(strings.Repeat("a ", 257)), bad: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			token := iss.M2M(tokenstest.M2MClaims{Extra: map[string]any{"scope": test.scope, "scp": test.scp}})
			if test.bad {
				refused(t, v, token, tokens.ReasonTokenInvalid)
				return
			}
			if got := accepted(t, v, token).Scopes(); !slices.Equal(got, test.want) {
				t.Errorf("scopes %q, want %q", got, test.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	audiences := []string{tokenstest.Audience}
	mapped := must(jwt.NewOAuthVerifier(iss.URL(), audiences, keys, jwt.WithNames(map[string]string{"client_1": "billing", "client_2": "client_1"})))
	if names := mapped.Forms()[0].Names.Known; !slices.Equal(names, []string{"billing", "client_1"}) {
		t.Errorf("known names %q", names)
	}
	for client, name := range map[string]string{"client_1": "billing", "client_2": "client_1"} {
		if p := accepted(t, mapped, iss.OAuth(tokenstest.OAuthClaims{ClientID: client})); p.ClientName() != name || p.ClientID() != client {
			t.Errorf("client %q has the name %q", p.ClientID(), p.ClientName())
		}
	}
	refused(t, mapped, iss.OAuth(tokenstest.OAuthClaims{ClientID: "billing"}), tokens.ReasonTokenInvalid)
	refused(t, mapped, iss.OAuth(tokenstest.OAuthClaims{ClientID: "client_3"}), tokens.ReasonTokenInvalid)

	machines := must(jwt.NewM2MVerifier(iss.URL(), audiences, iss.M2MClass(), keys, jwt.WithNamePrefix("eu/")))
	if p := accepted(t, machines, iss.M2M(tokenstest.M2MClaims{})); p.CallerName() != "eu/mch_1" || p.Subject() != "mch_1" {
		t.Errorf("machine %q has the name %q", p.Subject(), p.CallerName())
	}
	if prefix := machines.Forms()[0].Names.Prefix; prefix != "eu/" {
		t.Errorf("prefix %q", prefix)
	}
}

// Three verifiers of one issuer and one key: each takes the tokens of its own class only, directly and through the table.
func TestClassesAreNotConfused(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	all := []string{"same"} // party and audience alike, so that nothing but the class tells them apart
	verifiers := map[tokens.Kind]*jwt.Verifier{
		tokens.SessionToken: must(jwt.NewSessionVerifier(iss.URL(), all, iss.SessionClass(), keys)),
		tokens.OAuthToken:   must(jwt.NewOAuthVerifier(iss.URL(), all, keys)),
		tokens.M2MToken:     must(jwt.NewM2MVerifier(iss.URL(), all, iss.M2MClass(), keys)),
	}
	table := must(tokens.NewVerifiers(verifiers[tokens.SessionToken], verifiers[tokens.OAuthToken], verifiers[tokens.M2MToken]))
	now, later := dates()
	// Every claim of every class, so that only the mark is missing.
	claims := func(subject string) map[string]any {
		return map[string]any{
			"iss": iss.URL(), "sub": subject, "aud": "same", "azp": "same", "client_id": "c", "jti": "j", "iat": now, "exp": later, "sid": "s",
		}
	}
	tests := []struct {
		name  string
		token string
		kind  tokens.Kind
	}{
		{"session", iss.Sign(map[string]any{"typ": "JWT", "cat": "session"}, claims("user_1")), tokens.SessionToken},
		{"SEC-81 access token", iss.Sign(map[string]any{"typ": "at+jwt"}, claims("user_1")), tokens.OAuthToken},
		{"SEC-12 application/at+jwt", iss.Sign(map[string]any{"typ": "Application/AT+JWT"}, claims("user_1")), tokens.OAuthToken},
		{"machine", iss.Sign(map[string]any{"typ": "JWT"}, claims("mch_1")), tokens.M2MToken},
		{"SEC-82 id token", iss.Sign(map[string]any{"typ": "JWT"}, claims("user_1")), 0},
		{"SEC-12 no typ", iss.Sign(nil, claims("user_1")), 0},
		{"SEC-83 dpop proof", iss.Sign(map[string]any{"typ": "dpop+jwt"}, claims("user_1")), 0},
		{"SEC-83 logout token", iss.Sign(map[string]any{"typ": "logout+jwt"}, claims("user_1")), 0},
		{"SEC-85 other category", iss.Sign(map[string]any{"cat": "template"}, claims("user_1")), 0},
		{"SEC-85 category in another case", iss.Sign(map[string]any{"CAT": "session"}, claims("user_1")), 0},
		{"SEC-85 category is an array", iss.Sign(map[string]any{"cat": []string{"session"}}, claims("user_1")), 0},
		{"SEC-85 category among the claims", iss.Sign(nil, withClaim(claims("user_1"), "cat", "session")), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for kind, v := range verifiers {
				if kind == test.kind {
					if p := accepted(t, v, test.token); p.Kind() != kind {
						t.Errorf("kind %s", p.Kind())
					}
				} else {
					refused(t, v, test.token, tokens.ReasonTokenInvalid)
				}
			}
			form, _, ok := table.Classify(test.token)
			if test.kind != 0 && (!ok || form.Kind != test.kind) {
				t.Errorf("classified as %s %v", form, ok)
			}
		})
	}
	// SEC-84: a subject of a machine with the type of an access token. The table says machine, and so does the verifier.
	both := iss.Sign(map[string]any{"typ": "at+jwt"}, claims("mch_1"))
	if form, _, _ := table.Classify(both); form.Kind != tokens.M2MToken {
		t.Errorf("classified as %s", form)
	}
}

func withClaim(claims map[string]any, name string, value any) map[string]any {
	claims[name] = value
	return claims
}

func TestTimeBoundaries(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	tests := []struct {
		name     string
		exp, nbf time.Duration // from now
		iat      time.Duration
		skew     time.Duration
		want     tokens.Reason
	}{
		{name: "good", exp: time.Minute},
		{name: "SEC-36 exp + skew to come", exp: -4 * time.Second, iat: -time.Minute, skew: 5 * time.Second},
		{name: "SEC-36 exp + skew now", exp: -5 * time.Second, iat: -time.Minute, skew: 5 * time.Second, want: tokens.ReasonTokenExpired},
		{name: "SEC-36 exp now without skew", want: tokens.ReasonTokenExpired},
		{name: "SEC-36 nbf - skew now", exp: time.Minute, nbf: 5 * time.Second, skew: 5 * time.Second},
		{name: "SEC-36 nbf - skew to come", exp: time.Minute, nbf: 6 * time.Second, skew: 5 * time.Second, want: tokens.ReasonTokenNotYetValid},
		{name: "SEC-35 iat - skew now", exp: time.Minute, iat: 5 * time.Second, skew: 5 * time.Second},
		{name: "SEC-35 iat - skew to come", exp: time.Minute, iat: 6 * time.Second, skew: 5 * time.Second, want: tokens.ReasonTokenNotYetValid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := must(jwt.NewM2MVerifier(iss.URL(), []string{tokenstest.Audience}, iss.M2MClass(), keys, jwt.WithSkew(test.skew)))
				now := time.Now()
				token := iss.M2M(tokenstest.M2MClaims{Times: tokenstest.Times{
					IssuedAt: now.Add(test.iat), NotBefore: now.Add(test.nbf), ExpiresAt: now.Add(test.exp),
				}})
				if test.want == "" {
					if accepted(t, v, token).Expired(now) {
						t.Error("the principal is expired, which the token was not")
					}
					return
				}
				refused(t, v, token, test.want)
				// SEC: the time of a token is not told to those who cannot sign it, nor of one that is not ours.
				refused(t, v, iss.Tamper(token), tokens.ReasonTokenInvalid)
			})
		})
	}
}

func TestTimesAreToldLast(t *testing.T) {
	t.Parallel()
	iss, keys := newIssuer(t)
	v := must(jwt.NewM2MVerifier(iss.URL(), []string{tokenstest.Audience}, iss.M2MClass(), keys))
	past := tokenstest.Times{IssuedAt: time.Now().Add(-time.Hour)}
	refused(t, v, iss.M2M(tokenstest.M2MClaims{Times: past}), tokens.ReasonTokenExpired)
	refused(t, v, iss.M2M(tokenstest.M2MClaims{Times: past, Audience: "other"}), tokens.ReasonTokenInvalid)
}

func TestConstructorsRefuse(t *testing.T) {
	t.Parallel()
	_, keys := newIssuer(t)
	class, list := jwt.ClassType("x"), []string{"a"}
	session := func(issuer string, parties []string, class jwt.Class, keys jwt.KeySource, opts ...jwt.Option) error {
		_, err := jwt.NewSessionVerifier(issuer, parties, class, keys, opts...)
		return err
	}
	m2m := func(opts ...jwt.Option) error {
		_, err := jwt.NewM2MVerifier("i", list, class, keys, opts...)
		return err
	}
	tests := []struct {
		name string
		err  error
		says string
	}{
		{"no issuer", session("", list, class, keys), "iss"},
		{"issuer with a line break", session("i\n", list, class, keys), "iss"},
		{"no parties", session("i", nil, class, keys), "parties"},
		{"an empty party", session("i", []string{""}, class, keys), "parties"},
		{"SEC-39 no audience", func() error { _, err := jwt.NewOAuthVerifier("i", nil, keys); return err }(), "audiences"},
		{"zero class", session("i", list, jwt.Class{}, keys), "ClassType"},
		{"class without types", session("i", list, jwt.ClassType(), keys), "ClassType"},
		{"class with an empty type", session("i", list, jwt.ClassType("a", ""), keys), "ClassType"},
		{"class without prefix", session("i", list, jwt.ClassSubjectPrefix(""), keys), "ClassSubjectPrefix"},
		{"class without value", session("i", list, jwt.ClassHeader("cat", ""), keys), "ClassHeader"},
		{"class of alg", session("i", list, jwt.ClassHeader("alg", "RS256"), keys), "ClassHeader"},
		{"no keys", session("i", list, class, nil), "NewRemoteKeySet"},
		{"nil keys", session("i", list, class, (*jwt.KeySet)(nil)), "NewRemoteKeySet"},
		{"nil option", session("i", list, class, keys, nil), "nil option"},
		{"names of sessions", session("i", list, class, keys, jwt.WithNames(map[string]string{"a": "b"})), "sessions"},
		{"prefix of sessions", session("i", list, class, keys, jwt.WithNamePrefix("a")), "sessions"},
		{"skew below 0", m2m(jwt.WithSkew(-1)), "WithSkew"},
		{"skew above 5 minutes", m2m(jwt.WithSkew(5*time.Minute + 1)), "WithSkew"},
		{"no names", m2m(jwt.WithNames(nil)), "WithNames"},
		{"an empty name", m2m(jwt.WithNames(map[string]string{"a": ""})), "WithNames"},
		{"the name *", m2m(jwt.WithNames(map[string]string{"a": "*"})), "WithNames"},
		{"an empty prefix", m2m(jwt.WithNamePrefix("")), "WithNamePrefix"},
		{"names and a prefix", m2m(jwt.WithNames(map[string]string{"a": "b"}), jwt.WithNamePrefix("p")), "WithNamePrefix"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.err == nil || !strings.Contains(test.err.Error(), test.says) {
				t.Errorf("error %v, want one about %q", test.err, test.says)
			}
		})
	}
	all := session("", nil, jwt.Class{}, nil)
	for _, says := range []string{"iss", "parties", "ClassType", "NewRemoteKeySet"} {
		if !strings.Contains(all.Error(), says) {
			t.Errorf("%v does not tell about %q", all, says)
		}
	}
}

type sourceFunc func(ctx context.Context) error

func (f sourceFunc) Key(ctx context.Context, _, _ string) (jwt.Key, error) { return jwt.Key{}, f(ctx) }

func TestErrorsOfKeySources(t *testing.T) {
	t.Parallel()
	iss, _ := newIssuer(t)
	token := iss.M2M(tokenstest.M2MClaims{})
	verifier := func(f sourceFunc) tokens.Verifier {
		return must(jwt.NewM2MVerifier(iss.URL(), []string{tokenstest.Audience}, iss.M2MClass(), f))
	}
	refused(t, verifier(func(context.Context) error { return errors.New("down") }), token, tokens.ReasonVerifierUnavailable)
	refused(t, verifier(func(context.Context) error { return context.DeadlineExceeded }), token, tokens.ReasonVerifierUnavailable)
	refused(t, verifier(func(context.Context) error { return tokens.NewError(tokens.ReasonRateLimited, nil) }), token, tokens.ReasonRateLimited)
	refused(t, verifier(func(context.Context) error { return nil }), token, tokens.ReasonTokenInvalid) // The zero key verifies nothing.

	credential := tokens.Credential{Secret: tokens.NewSecret(token)}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := verifier(func(ctx context.Context) error { cancel(); return ctx.Err() }).Verify(ctx, credential)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v in the source, want that of the context", err)
	}
	_, err = verifier(func(context.Context) error { return nil }).Verify(ctx, credential)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v before the source, want that of the context", err)
	}
	if _, err := (*jwt.Verifier)(nil).Verify(t.Context(), credential); tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
		t.Errorf("a nil verifier: %v", err)
	}
}
