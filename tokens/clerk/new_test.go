// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/clerk"
)

func TestPublishableKey(t *testing.T) {
	t.Parallel()
	padded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	raw := func(text string) string { return base64.RawStdEncoding.EncodeToString([]byte(text)) }
	for name, test := range map[string]struct{ key, issuer string }{
		"without padding":    {"pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA", "https://clerk.inspired.puma-74.lcl.dev"},
		"with padding":       {"pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA==", "https://clerk.inspired.puma-74.lcl.dev"},
		"production":         {"pk_live_" + padded("clerk.example.com$"), "https://clerk.example.com"},
		"development":        {"pk_test_" + padded("foo-bar-13.clerk.accounts.dev$"), "https://foo-bar-13.clerk.accounts.dev"},
		"nothing":            {"", ""},
		"another kind":       {"sk_test_" + raw("clerk.example.com$"), ""},
		"another letter":     {"PK_test_" + raw("clerk.example.com$"), ""},
		"another world":      {"pk_prod_" + raw("clerk.example.com$"), ""},
		"no host":            {"pk_live_", ""},
		"no dollar":          {"pk_live_" + raw("clerk.example.com"), ""},
		"two dollars":        {"pk_live_" + raw("clerk.example.com$$"), ""},
		"dollar inside":      {"pk_live_" + raw("clerk.example$.com$"), ""},
		"one label":          {"pk_live_" + raw("localhost$"), ""},
		"a path":             {"pk_live_" + raw("clerk.example.com/x$"), ""},
		"a port":             {"pk_live_" + raw("clerk.example.com:8443$"), ""},
		"a user":             {"pk_live_" + raw("evil@clerk.example.com$"), ""},
		"capitals":           {"pk_live_" + raw("Clerk.example.com$"), ""},
		"an empty label":     {"pk_live_" + raw("clerk..com$"), ""},
		"a trailing dot":     {"pk_live_" + raw("clerk.example.com.$"), ""},
		"too long":           {"pk_live_" + raw(strings.Repeat("a.", 150)+"com$"), ""},
		"too long a label":   {"pk_live_" + raw(strings.Repeat("a", 64)+".com$"), ""},
		"a line break":       {"pk_live_" + raw("clerk.example.com$") + "\n", ""},
		"a break inside":     {"pk_live_" + raw("clerk.exam") + "\n" + raw("ple.com$"), ""},
		"half":               {"pk_live_" + raw("clerk.example.com$")[:13], ""},
		"half the padding":   {"pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA=", ""},
		"bits left over":     {"pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JB", ""},
		"not base64":         {"pk_live_!!!!", ""},
		"another alphabet":   {"pk_live_" + base64.RawURLEncoding.EncodeToString([]byte("clerk.example.com$\xff\xff")), ""},
		"characters unicode": {"pk_live_" + raw("clérk.example.com$"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, err := clerk.New(test.key, "sk_x", clerk.WithAuthorizedParties(origin))
			if test.issuer == "" {
				if err == nil || !strings.Contains(err.Error(), "publishable key") {
					t.Fatalf("issuer %q, error %v", i.Issuer(), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer i.Close()
			if i.Issuer() != test.issuer {
				t.Errorf("issuer %q, want %q", i.Issuer(), test.issuer)
			}
		})
	}
}

func TestIssuer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		option clerk.Option
		issuer string
	}{
		"proxy":                       {clerk.WithProxyURL("https://app.example.com/__clerk"), "https://app.example.com/__clerk"},
		"proxy on loopback":           {clerk.WithProxyURL("http://127.0.0.1:3000/__clerk"), "http://127.0.0.1:3000/__clerk"},
		"proxy without TLS":           {clerk.WithProxyURL("http://app.example.com/__clerk"), ""},
		"proxy that is a path":        {clerk.WithProxyURL("/__clerk"), ""},
		"proxy with a query":          {clerk.WithProxyURL("https://app.example.com/?"), ""},
		"proxy with a fragment":       {clerk.WithProxyURL("https://app.example.com/#"), ""},
		"proxy with a user":           {clerk.WithProxyURL("https://a:b@app.example.com"), ""},
		"proxy that is empty":         {clerk.WithProxyURL(""), ""},
		"satellite":                   {clerk.WithDomain("satellite.com"), "https://clerk.satellite.com"},
		"satellite with its prefix":   {clerk.WithDomain("clerk.satellite.com"), "https://clerk.satellite.com"},
		"satellite below a domain":    {clerk.WithDomain("app.satellite.com"), "https://clerk.app.satellite.com"},
		"satellite with a scheme":     {clerk.WithDomain("https://satellite.com"), ""},
		"satellite with a port":       {clerk.WithDomain("localhost:3001"), ""},
		"satellite with a path":       {clerk.WithDomain("satellite.com/x"), ""},
		"satellite that is empty":     {clerk.WithDomain(""), ""},
		"satellite in capital letter": {clerk.WithDomain("Satellite.com"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t)
			i, err := clerk.New(publishableKey(host), secretKey, b.all(test.option)...)
			if test.issuer == "" {
				if err == nil {
					t.Errorf("issuer %q", i.Issuer())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer i.Close()
			c := callerOf(t, i)
			if p := c.takes(t, b.session(map[string]any{"iss": test.issuer}), tokens.SessionToken); p.Issuer() != test.issuer {
				t.Errorf("issuer %q", p.Issuer())
			}
			c.refuses(t, b.session(nil), tokens.ReasonTokenInvalid)
			c.refuses(t, b.session(map[string]any{"iss": test.issuer + "/"}), tokens.ReasonTokenInvalid)
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	pk, good := publishableKey(host), clerk.WithAuthorizedParties(origin)
	for name, test := range map[string]struct {
		publishable, secret string
		opts                []clerk.Option
		want                []string
	}{
		"nothing": {"", "", nil, []string{"publishable key", "no secret key", "WithAuthorizedParties"}},
		"all at once": {
			"x", "a b", []clerk.Option{nil, clerk.WithClockSkew(-1), clerk.WithAPIURL("x"), clerk.WithAPITimeout(0), clerk.WithHTTPClient(nil)},
			[]string{"publishable key", "secret key", "nil option", "WithClockSkew", "WithAPIURL", "WithAPITimeout", "WithHTTPClient", "sessions"},
		},
		"the other order":        {secretKey, pk, []clerk.Option{good}, []string{"publishable key first"}},
		"a line break":           {pk, secretKey + "\n", []clerk.Option{good}, []string{"line break"}},
		"two environments":       {pk, "sk_live_canary", []clerk.Option{good}, []string{"live instance", "test one"}},
		"no parties":             {pk, secretKey, []clerk.Option{clerk.WithAuthorizedParties()}, []string{"WithAuthorizedParties"}},
		"an empty party":         {pk, secretKey, []clerk.Option{clerk.WithAuthorizedParties("")}, []string{"is empty"}},
		"no audience":            {pk, secretKey, []clerk.Option{good, clerk.WithAudience()}, []string{"WithAudience"}},
		"an empty audience":      {pk, secretKey, []clerk.Option{good, clerk.WithAudience(ours, "")}, []string{"WithAudience"}},
		"too much skew":          {pk, secretKey, []clerk.Option{good, clerk.WithClockSkew(tokens.MaxSkew + 1)}, []string{"WithClockSkew"}},
		"no JWT key":             {pk, secretKey, []clerk.Option{good, clerk.WithJWTKey(nil)}, []string{"WithJWTKey"}},
		"a JWT key of junk":      {pk, secretKey, []clerk.Option{good, clerk.WithJWTKey([]byte("canary"))}, []string{"WithJWTKey"}},
		"an empty machine key":   {pk, secretKey, []clerk.Option{good, clerk.WithMachineSecretKey("")}, []string{"WithMachineSecretKey"}},
		"a machine key of junk":  {pk, secretKey, []clerk.Option{good, clerk.WithMachineSecretKey("canary canary")}, []string{"WithMachineSecretKey"}},
		"no machine":             {pk, secretKey, []clerk.Option{good, clerk.WithMachineID("mch_")}, []string{"WithMachineID"}},
		"a machine that is none": {pk, secretKey, []clerk.Option{good, clerk.WithMachineID("user_1")}, []string{"WithMachineID"}},
		"two issuers": {
			pk, secretKey, []clerk.Option{good, clerk.WithDomain("satellite.com"), clerk.WithProxyURL("https://x.example")}, []string{"leave one out"},
		},
		"API without TLS":      {pk, secretKey, []clerk.Option{good, clerk.WithAPIURL("http://api.clerk.com")}, []string{"not https"}},
		"API with a query":     {pk, secretKey, []clerk.Option{good, clerk.WithAPIURL("https://api.clerk.com?x=1")}, []string{"WithAPIURL"}},
		"too long a time":      {pk, secretKey, []clerk.Option{good, clerk.WithAPITimeout(time.Hour)}, []string{"WithAPITimeout"}},
		"no kinds":             {pk, secretKey, []clerk.Option{good, clerk.WithKinds()}, []string{"WithKinds"}},
		"an unknown kind":      {pk, secretKey, []clerk.Option{good, clerk.WithKinds(7)}, []string{"WithKinds"}},
		"no client names":      {pk, secretKey, []clerk.Option{good, clerk.WithClientNames(nil)}, []string{"WithClientNames"}},
		"a machine called *":   {pk, secretKey, []clerk.Option{good, clerk.WithMachineNames(map[string]string{"mch_1": "*"})}, []string{"WithMachineNames"}},
		"a client without id":  {pk, secretKey, []clerk.Option{good, clerk.WithClientNames(map[string]string{"": "x"})}, []string{"WithClientNames"}},
		"case 22 M2M, no key":  {pk, "", []clerk.Option{clerk.WithKinds(tokens.M2MToken), clerk.WithMachineID(us)}, []string{"no secret key"}},
		"API keys, no key":     {"", "", []clerk.Option{clerk.WithKinds(tokens.APIKey)}, []string{"no secret key"}},
		"OAuth, JWT key alone": {pk, "", []clerk.Option{clerk.WithKinds(tokens.OAuthToken)}, []string{"no secret key"}},
		"sessions, no key":     {pk, "", []clerk.Option{good, clerk.WithKinds(tokens.SessionToken)}, []string{"no secret key"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, err := clerk.New(test.publishable, test.secret, test.opts...)
			if i != nil || err == nil {
				t.Fatal("it is made")
			}
			silent(t, fmt.Sprintf("%v %+v %#v", err, err, err), test.secret)
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "clerk: ") {
					t.Errorf("%q does not say where it is from", line)
				}
			}
		})
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	pem := b.publicPEM(t)
	s, o, a, m := tokens.SessionToken, tokens.OAuthToken, tokens.APIKey, tokens.M2MToken
	for name, test := range map[string]struct {
		publishable, secret string
		opts                []clerk.Option
		want                []tokens.Kind
	}{
		"all":              {publishableKey(host), secretKey, b.all(), []tokens.Kind{s, o, a, m}},
		"M2M by its key":   {publishableKey(host), secretKey, []clerk.Option{clerk.WithAudience(ours), clerk.WithMachineSecretKey(machineSecretKey)}, []tokens.Kind{s, o, a, m}},
		"no receiver":      {publishableKey(host), secretKey, []clerk.Option{clerk.WithAuthorizedParties(origin)}, []tokens.Kind{s, o, a, m}},
		"M2M for anybody":  {publishableKey(host), secretKey, []clerk.Option{clerk.WithKinds(m)}, []tokens.Kind{m}},
		"two":              {publishableKey(host), secretKey, b.all(clerk.WithKinds(a, s)), []tokens.Kind{s, a}},
		"sessions offline": {publishableKey(host), "", []clerk.Option{clerk.WithAuthorizedParties(origin), clerk.WithJWTKey(pem), clerk.WithKinds(s)}, []tokens.Kind{s}},
		"keys alone":       {"", secretKey, []clerk.Option{clerk.WithKinds(a)}, []tokens.Kind{a}},
		"M2M alone":        {"", "", []clerk.Option{clerk.WithKinds(m), clerk.WithMachineSecretKey(machineSecretKey)}, []tokens.Kind{m}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, err := clerk.New(test.publishable, test.secret, test.opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer i.Close()
			table, err := tokens.NewVerifiers(i.Verifiers()...)
			if err != nil {
				t.Fatal(err)
			}
			if got := table.Kinds(); !slices.Equal(got, test.want) || len(i.Verifiers()) != len(test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
			for _, form := range table.Forms() {
				if form.Fresh != (form.Prefix != "") {
					t.Errorf("%s: fresh is %v", form, form.Fresh)
				}
			}
		})
	}
}

// Both forms of a kind are one verifier's, so that they may have the same names; another's may not.
func TestNamesAreOneSpace(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	i := instance(t, b.all()...)
	if _, err := tokens.NewVerifiers(i.Verifiers()...); err != nil {
		t.Error(err)
	}
	for _, other := range []tokens.Form{
		{Kind: tokens.M2MToken, Prefix: "other_", Names: tokens.Names{Known: []string{"mch_them"}}},
		{Kind: tokens.M2MToken, Prefix: "other_", Names: tokens.Names{Prefix: "mch_them"}},
		{Kind: tokens.OAuthToken, Prefix: "other_", Names: tokens.Names{Known: []string{"client_1"}}},
		{Kind: tokens.APIKey, Prefix: "ak_"},
		{Kind: tokens.SessionToken, Issuer: i.Issuer()},
	} {
		if _, err := tokens.NewVerifiers(append(i.Verifiers(), formed{other})...); err == nil {
			t.Errorf("%s beside it is no mistake", other)
		}
	}
	if _, err := tokens.NewVerifiers(append(i.Verifiers(), formed{tokens.Form{Kind: tokens.M2MToken, Prefix: "other_", Names: tokens.Names{Prefix: "svc_"}}})...); err != nil {
		t.Errorf("machines that cannot have Clerk's names: %v", err)
	}
	named := instance(t, b.all(clerk.WithMachineNames(map[string]string{"mch_them": "ledger"}), clerk.WithClientNames(map[string]string{"client_1": "console"}))...)
	for _, form := range []tokens.Form{
		{Kind: tokens.M2MToken, Prefix: "other_", Names: tokens.Names{Known: []string{"mch_them"}}},
		{Kind: tokens.OAuthToken, Prefix: "other_", Names: tokens.Names{Known: []string{"client_1"}}},
	} {
		if _, err := tokens.NewVerifiers(append(named.Verifiers(), formed{form})...); err != nil {
			t.Error(err)
		}
	}
}

type formed struct{ form tokens.Form }

func (f formed) Forms() []tokens.Form { return []tokens.Form{f.form} }

func (formed) Verify(context.Context, tokens.Credential) (*tokens.Principal, error) {
	return nil, tokens.NewError(tokens.ReasonTokenInvalid, nil)
}

func TestNilInstance(t *testing.T) {
	t.Parallel()
	for _, i := range []*clerk.Instance{nil, {}} {
		if i.Verifiers() != nil || i.Issuer() != "" || i.Close() != nil {
			t.Error("it has something")
		}
	}
}

// Not parallel: it looks at what the process logs.
func TestNothingPrintsSecrets(t *testing.T) {
	var log strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	b := newBackend(t)
	opts := b.all(clerk.WithMachineSecretKey(machineSecretKey), clerk.WithInsecureLegacyClass(), clerk.WithHTTPClient(&http.Client{Transport: http.DefaultTransport}))
	i := instance(t, opts...)
	c := callerOf(t, i)
	for _, o := range opaque {
		b.says(o.token, 500, "")
		c.refuses(t, o.token, tokens.ReasonVerifierUnavailable)
	}
	c.takes(t, b.session(nil), tokens.SessionToken)
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		texts = append(texts, fmt.Sprintf(verb, i), fmt.Sprintf(verb, opts))
		for _, v := range i.Verifiers() {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
	}
	_ = i.Close() // so that nobody else uses what is printed now, which is all there is
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		texts = append(texts, fmt.Sprintf(verb, *i))
	}
	for _, text := range texts {
		silent(t, text, opaque[0].token, opaque[1].token, opaque[2].token)
		silent(t, text, fmt.Sprintf("%x", "canary"))
	}
	if !strings.Contains(log.String(), "clerk: sessions of no class are taken") {
		t.Errorf("the log does not tell what was weakened: %q", log.String())
	}
	log.Reset()
	instance(t, clerk.WithAuthorizedParties(origin), clerk.WithInsecureAnyReceiver())
	if !strings.Contains(log.String(), "clerk: M2M tokens for any machine are taken") {
		t.Errorf("the log does not tell what was weakened: %q", log.String())
	}
}
