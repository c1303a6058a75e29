// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/clerk"
)

// The numbers are those of the sections in which we wrote down what Clerk's middleware does with machines' tokens: 8.1 what goes over the
// wire, 8.2 what errors mean, 8.3 tokens that are JWTs. 8.4 is about getting tokens, which verifiers do not do.

func TestSection8_1Wire(t *testing.T) {
	t.Parallel()
	for _, o := range opaque {
		for name, opts := range map[string][]clerk.Option{"secret key": nil, "machine secret key": {clerk.WithMachineSecretKey(machineSecretKey)}} {
			t.Run(fmt.Sprintf("§8.1 %s with the %s", o.kind, name), func(t *testing.T) {
				t.Parallel()
				b := newBackend(t)
				b.says(o.token, 200, object(o.good))
				callerOf(t, instance(t, b.all(opts...)...)).takes(t, o.token, o.kind)
				requests := b.requests(o.path)
				if len(requests) != 1 {
					t.Fatalf("%d requests", len(requests))
				}
				r := requests[0]
				key := secretKey
				if opts != nil {
					key = o.key
				}
				for header, want := range map[string]string{
					"Authorization": "Bearer " + key, "Clerk-API-Version": "2026-05-12", "Content-Type": "application/json", "User-Agent": "admit",
					"Idempotency-Key": "",
				} {
					if got := strings.Join(r.header.Values(header), "; "); got != want {
						t.Errorf("%s is %q, want %q", header, got, want)
					}
				}
				if want := fmt.Sprintf("{%q:%q}", o.member, o.token); r.method != http.MethodPost || r.body != want {
					t.Errorf("%s %s, want POST %s", r.method, r.body, want)
				}
			})
		}
	}
}

func TestSection8_1Answers(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	c := callerOf(t, instance(t, b.all()...))
	future := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	tests := []struct {
		name    string
		changes map[string]any
		want    tokens.Reason
	}{
		{"good", nil, ""},
		{"without what nobody reads", map[string]any{"object": absent, "updated_at": absent, "revocation_reason": absent}, ""},
		{"with what nobody knows", map[string]any{"new": map[string]any{"a": []any{1, "x", nil}}}, ""},
		{"expires later", map[string]any{"expiration": future.UnixMilli()}, ""},
		{"no claims", map[string]any{"claims": nil}, ""},
		{"revoked", map[string]any{"revoked": true}, tokens.ReasonTokenRevoked},
		{"expired", map[string]any{"expired": true}, tokens.ReasonTokenExpired},
		{"expired and revoked", map[string]any{"expired": true, "revoked": true}, tokens.ReasonTokenExpired},
		{"expiration has come", map[string]any{"expiration": time.Now().UnixMilli()}, tokens.ReasonTokenExpired},
		{"expiration in 1970", map[string]any{"expiration": 0}, tokens.ReasonTokenExpired},
		{"another object", map[string]any{"object": "user"}, tokens.ReasonVerifierUnavailable},
		{"no id", map[string]any{"id": absent}, tokens.ReasonVerifierUnavailable},
		{"an empty id", map[string]any{"id": ""}, tokens.ReasonVerifierUnavailable},
		{"an id in other case", map[string]any{"id": absent, "ID": "x"}, tokens.ReasonVerifierUnavailable},
		{"no subject", map[string]any{"subject": nil}, tokens.ReasonVerifierUnavailable},
		{"a subject of another type", map[string]any{"subject": 1}, tokens.ReasonVerifierUnavailable},
		{"a subject with a line break", map[string]any{"subject": "mch_them\n"}, tokens.ReasonVerifierUnavailable},
		{"revoked is missing", map[string]any{"revoked": absent}, tokens.ReasonVerifierUnavailable},
		{"revoked is a text", map[string]any{"revoked": "false"}, tokens.ReasonVerifierUnavailable},
		{"expired is null", map[string]any{"expired": nil}, tokens.ReasonVerifierUnavailable},
		{"expiration is a text", map[string]any{"expiration": "never"}, tokens.ReasonVerifierUnavailable},
		{"expiration before 1970", map[string]any{"expiration": -1}, tokens.ReasonVerifierUnavailable},
		{"expiration after the year 9999", map[string]any{"expiration": 253402300800000}, tokens.ReasonVerifierUnavailable},
		{"expiration is no date", map[string]any{"expiration": 1e20}, tokens.ReasonVerifierUnavailable},
		{"scopes are a text", map[string]any{"scopes": us}, tokens.ReasonVerifierUnavailable},
		{"an empty scope", map[string]any{"scopes": []string{us, ""}}, tokens.ReasonVerifierUnavailable},
		{"a scope that is null", map[string]any{"scopes": []any{us, nil}}, tokens.ReasonVerifierUnavailable},
		{"too many scopes", map[string]any{"scopes": slices.Repeat([]string{us}, 257)}, tokens.ReasonVerifierUnavailable},
		{"claims are a list", map[string]any{"claims": []int{1}}, tokens.ReasonVerifierUnavailable},
	}
	for _, o := range opaque {
		for n, test := range tests {
			t.Run(fmt.Sprintf("§8.1 %s %s", o.kind, test.name), func(t *testing.T) {
				t.Parallel()
				token := fmt.Sprintf("%s_a%d", strings.Split(o.token, "_")[0], n)
				b.says(token, 200, object(o.good, test.changes))
				if test.want != "" {
					c.refuses(t, token, test.want)
					return
				}
				p := c.takes(t, token, o.kind)
				if p.Subject() != o.identity || p.Issuer() != "https://"+host || p.IssuedAt().UnixMilli() != 1767225600000 {
					t.Errorf("%v from %q at %v", p, p.Issuer(), p.IssuedAt())
				}
				if _, expires := test.changes["expiration"]; expires {
					if deadline, _ := p.Deadline(); !deadline.Equal(future) {
						t.Errorf("until %v, want %v", deadline, future)
					}
				} else if _, ends := p.Deadline(); ends {
					t.Error("it ends")
				}
			})
		}
	}
}

func TestSection8_1Bodies(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	c := callerOf(t, instance(t, b.all()...))
	good := object(goodKey)
	for name, body := range map[string]string{
		"empty": "", "a page": "<html>", "null": "null", "a list": "[]", "a text": `"x"`, "half": good[:len(good)-2],
		"two":                        good + good,
		"a member twice":             `{"revoked":true,` + good[1:],
		"a member twice, escaped":    `{"\u0072evoked":true,` + good[1:],
		"a member twice, deeper":     strings.Replace(good, `{"foo":"bar"}`, `{"foo":1,"foo":2}`, 1),
		"not UTF-8":                  strings.Replace(good, "CI", "\xff", 1),
		"half a pair in the subject": strings.Replace(good, "user_1", `user_\ud800`, 1),
		"too deep":                   `{"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "," + good[1:],
		"too large behind its end":   good + strings.Repeat(" ", 64<<10),
		"too large":                  `{"x":"` + strings.Repeat("x", 64<<10) + `",` + good[1:],
	} {
		t.Run("§8.1 "+name, func(t *testing.T) {
			t.Parallel()
			token := "ak_" + strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "")
			b.says(token, 200, body)
			c.refuses(t, token, tokens.ReasonVerifierUnavailable)
		})
	}
}

func TestSection8_1Principals(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	c := callerOf(t, instance(t, b.all()...))
	for subject, want := range map[string]struct{ user, organization string }{
		"user_1": {user: "user_1"}, "org_1": {organization: "org_1"}, "mch_1": {}, "users": {},
	} {
		b.says("ak_"+subject, 200, object(goodKey, map[string]any{"subject": subject}))
		p := c.takes(t, "ak_"+subject, tokens.APIKey)
		foo, _ := p.Claim("foo")
		if p.ID() != "ak_id" || p.UserID() != want.user || p.Organization().ID != want.organization || string(foo) != `"bar"` ||
			!slices.Equal(p.Scopes(), []string{"read:invoices", "write:invoices"}) {
			t.Errorf("%s: %v, user %q, organization %q, scopes %q, foo %s", subject, p, p.UserID(), p.Organization().ID, p.Scopes(), foo)
		}
	}
	for name, test := range map[string]struct {
		changes      map[string]any
		user, client string
		actor        tokens.Actor
		want         tokens.Reason
	}{
		"user":              {nil, "user_1", "client_1", tokens.Actor{}, ""},
		"client for itself": {map[string]any{"subject": "client_1"}, "", "client_1", tokens.Actor{}, ""},
		"actor": {
			map[string]any{"act": map[string]any{"sub": "agent_1", "type": "agent", "iss": "x"}}, "user_1", "client_1",
			tokens.Actor{Subject: "agent_1", Type: "agent"}, "",
		},
		"no client":                {map[string]any{"client_id": absent}, "", "", tokens.Actor{}, tokens.ReasonVerifierUnavailable},
		"actor without a subject":  {map[string]any{"act": map[string]any{}}, "", "", tokens.Actor{}, tokens.ReasonVerifierUnavailable},
		"actor of another type":    {map[string]any{"act": "agent_1"}, "", "", tokens.Actor{}, tokens.ReasonVerifierUnavailable},
		"actor's type is a number": {map[string]any{"act": map[string]any{"sub": "a", "type": 1}}, "", "", tokens.Actor{}, tokens.ReasonVerifierUnavailable},
	} {
		token := "oat_" + strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), "'", "")
		b.says(token, 200, object(goodOAuth, test.changes))
		if test.want != "" {
			c.refuses(t, token, test.want)
			continue
		}
		p := c.takes(t, token, tokens.OAuthToken)
		if actor, _ := p.Actor(); p.UserID() != test.user || p.ClientID() != test.client || p.ClientName() != test.client || actor != test.actor {
			t.Errorf("%s: user %q, client %q, actor %v", name, p.UserID(), p.ClientID(), actor)
		}
	}
	b.says("mt_a", 200, object(goodMachine))
	if p := c.takes(t, "mt_a", tokens.M2MToken); p.CallerName() != "mch_them" || p.UserID() != "" || !slices.Equal(p.Scopes(), []string{us, "mch_other"}) {
		t.Errorf("%v is called %q, scopes %q", p, p.CallerName(), p.Scopes())
	}
	b.says("mt_b", 200, object(goodMachine, map[string]any{"subject": "user_1"}))
	c.refuses(t, "mt_b", tokens.ReasonVerifierUnavailable)
}

func TestSection8_2Errors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status     int
		retry      string
		want       tokens.Reason
		retryAfter time.Duration
		asked      int // when presented twice
	}{
		{401, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{404, "", tokens.ReasonTokenInvalid, 0, 1},
		{400, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{403, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{409, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{422, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{429, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{429, "12", tokens.ReasonVerifierUnavailable, 12 * time.Second, 2},
		{429, "3600", tokens.ReasonVerifierUnavailable, time.Minute, 2},
		{429, "99999999999999999999", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{429, "-1", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{429, "Fri, 31 Dec 9999 23:59:59 GMT", tokens.ReasonVerifierUnavailable, time.Minute, 2},
		{429, "Thu, 01 Jan 1970 00:00:00 GMT", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{500, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{502, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{503, "7", tokens.ReasonVerifierUnavailable, 7 * time.Second, 2},
		{302, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
		{204, "", tokens.ReasonVerifierUnavailable, 5 * time.Second, 2},
	} {
		for _, o := range opaque {
			t.Run(fmt.Sprintf("§8.2 %d %s %s", test.status, test.retry, o.kind), func(t *testing.T) {
				t.Parallel()
				b := newBackend(t)
				b.does(o.token, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", test.retry)
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(test.status)
				})
				c := callerOf(t, instance(t, b.all()...))
				for range 2 {
					_, err := c.present(t, o.token)
					e, ok := err.(*tokens.Error)
					if !ok || e.Reason != test.want || e.RetryAfter != test.retryAfter {
						t.Errorf("%v after %v, want %s after %v", err, e.RetryAfter, test.want, test.retryAfter)
					}
					if test.status == 401 && !strings.Contains(err.Error(), "secret key") || test.status == 404 && !strings.Contains(err.Error(), o.notFound) {
						t.Errorf("%v does not say what is wrong", err)
					}
				}
				if got := len(b.requests(o.path)); got != test.asked {
					t.Errorf("asked %d times, want %d", got, test.asked)
				}
				if len(b.requests("/elsewhere")) != 0 {
					t.Error("a redirect was followed")
				}
			})
		}
	}
}

func TestSection8_2NetworkFailure(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]http.HandlerFunc{
		"no answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write([]byte("{"))
		},
		"a closed server": nil,
	} {
		for _, o := range opaque {
			t.Run("§8.2 "+name+" "+o.kind.String(), func(t *testing.T) {
				t.Parallel()
				b := newBackend(t)
				b.does(o.token, fail)
				i := instance(t, b.all()...)
				if fail == nil {
					b.Server.Close()
				}
				callerOf(t, i).refuses(t, o.token, tokens.ReasonVerifierUnavailable)
			})
		}
	}
}

// What is wrong with our own key is not the caller's fault.
func TestSection8_2WrongSecretKey(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	i, err := clerk.New(publishableKey(host), "sk_test_canaryOfAnotherKey", b.all(clerk.WithMachineSecretKey("ak_canaryOfAnotherMachine"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	c := callerOf(t, i)
	for _, o := range opaque {
		b.says(o.token, 200, object(o.good))
		_, err := c.present(t, o.token)
		if tokens.ReasonOf(err) != tokens.ReasonVerifierUnavailable || !strings.Contains(err.Error(), "refuses our") ||
			strings.Contains(err.Error(), "machine secret key") != (o.kind == tokens.M2MToken) {
			t.Errorf("%s: %v", o.kind, err)
		}
	}
	for _, token := range []string{b.session(nil), b.oauth(nil), b.machine(catOfMachines, nil)} {
		c.refuses(t, token, tokens.ReasonVerifierUnavailable)
	}
}

func TestSection8_3Signed(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	all := callerOf(t, instance(t, b.all()...))
	networkless := callerOf(t, instance(t, b.all(clerk.WithJWTKey(b.publicPEM(t)), clerk.WithAPIURL("http://127.0.0.1:1"))...))
	tests := []struct {
		name  string
		token string
		want  tokens.Kind // 0: refused
	}{
		{"machine", b.machine(catOfMachines, nil), tokens.M2MToken},
		{"machine without cat", b.machine(nil, nil), tokens.M2MToken},
		{"machine, cat of sessions", b.machine(catOfSessions, nil), 0},
		{"machine, cat of templates", b.machine(catOfTemplates, nil), 0},
		{"machine, cat that says nothing", b.machine(catOfNothing, nil), 0},
		{"machine for another", b.machine(catOfMachines, map[string]any{"aud": "mch_other"}), 0},
		{"machine for nobody", b.machine(catOfMachines, map[string]any{"aud": nil}), 0},
		{"machine for us by scopes", b.machine(catOfMachines, map[string]any{"aud": nil, "scopes": us}), tokens.M2MToken},
		{"machine for another by scopes", b.machine(catOfMachines, map[string]any{"aud": nil, "scopes": "mch_other"}), 0},
		{"machine, our audience is not our machine", b.machine(catOfMachines, map[string]any{"aud": ours}), 0},
		{"machine of another issuer", b.machine(catOfMachines, map[string]any{"iss": "https://clerk.other.example"}), 0},
		{"machine, azp is not asked", b.machine(catOfMachines, map[string]any{"azp": "https://elsewhere.example"}), tokens.M2MToken},
		{"application", b.oauth(nil), tokens.OAuthToken},
		{"application, azp is not asked", b.oauth(map[string]any{"azp": "https://elsewhere.example"}), tokens.OAuthToken},
		{"application for another audience", b.oauth(map[string]any{"aud": "https://other.example"}), 0},
		{"application for no audience", b.oauth(map[string]any{"aud": nil}), 0},
		{"application, subject of a machine", b.oauth(map[string]any{"sub": "mch_them"}), 0},
		{"neither", b.sign(map[string]any{"typ": "JWT"}, map[string]any{"sub": "user_1"}, nil), 0},
	}
	for _, test := range tests {
		t.Run("§8.3 "+test.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range []caller{all, networkless} {
				if test.want == 0 {
					c.refuses(t, test.token, tokens.ReasonTokenInvalid)
				} else {
					c.takes(t, test.token, test.want)
				}
			}
		})
	}
}

// The mapping of claims, which must be that of opaque tokens.
func TestSection8_3SameCallers(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	names := []clerk.Option{
		clerk.WithClientNames(map[string]string{"client_1": "console"}), clerk.WithMachineNames(map[string]string{"mch_them": "ledger"}),
	}
	c := callerOf(t, instance(t, b.all(names...)...))
	b.says("mt_a", 200, object(goodMachine))
	b.says("oat_a", 200, object(goodOAuth))
	b.says("mt_b", 200, object(goodMachine, map[string]any{"subject": "mch_stranger"}))
	b.says("oat_b", 200, object(goodOAuth, map[string]any{"client_id": "stranger"}))
	for _, token := range []string{"mt_a", b.machine(catOfMachines, nil)} {
		p := c.takes(t, token, tokens.M2MToken)
		if p.CallerName() != "ledger" || p.Subject() != "mch_them" || p.ID() != "mt_id" || !slices.Equal(p.Scopes(), []string{us, "mch_other"}) {
			t.Errorf("%v is called %q, scopes %q", p, p.CallerName(), p.Scopes())
		}
	}
	for _, token := range []string{"oat_a", b.oauth(nil)} {
		if p := c.takes(t, token, tokens.OAuthToken); p.ClientName() != "console" || p.ClientID() != "client_1" || p.UserID() != "user_1" {
			t.Errorf("%v by %q", p, p.ClientName())
		}
	}
	for _, token := range []string{
		"mt_b", "oat_b", b.machine(catOfMachines, map[string]any{"sub": "mch_stranger"}), b.oauth(map[string]any{"client_id": "stranger"}),
	} {
		c.refuses(t, token, tokens.ReasonTokenInvalid)
	}
	p := c.takes(t, b.machine(catOfMachines, map[string]any{"scopes": us + " a", "aud": us}), tokens.M2MToken)
	if !slices.Equal(p.Scopes(), []string{us, "a"}) {
		t.Errorf("scopes are preferred to aud: %q", p.Scopes())
	}
}

func TestSection8_3Audience(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	strict := callerOf(t, instance(t, b.all()...))
	lax := callerOf(t, instance(t, clerk.WithAPIURL(b.URL), clerk.WithAuthorizedParties(origin)))
	for n, test := range []struct {
		aud  any
		want tokens.Reason
	}{
		{ours, ""}, {[]string{"x", ours}, ""},
		{absent, tokens.ReasonTokenInvalid}, {nil, tokens.ReasonTokenInvalid}, {[]string{}, tokens.ReasonTokenInvalid},
		{"https://other.example", tokens.ReasonTokenInvalid}, {ours + "/", tokens.ReasonTokenInvalid}, {ours[:9], tokens.ReasonTokenInvalid},
		{1, tokens.ReasonVerifierUnavailable}, {"", tokens.ReasonVerifierUnavailable},
	} {
		token := fmt.Sprintf("oat_%d", n)
		b.says(token, 200, object(goodOAuth, map[string]any{"aud": test.aud}))
		if _, err := strict.present(t, token); err == nil && test.want != "" || err != nil && tokens.ReasonOf(err) != test.want {
			t.Errorf("aud %v: %v, want %q", test.aud, err, test.want)
		}
		if test.want == tokens.ReasonTokenInvalid {
			lax.takes(t, token, tokens.OAuthToken)
		}
	}
	// Expired tells something of a token that is good otherwise, and this one is not.
	b.says("oat_x", 200, object(goodOAuth, map[string]any{"aud": nil, "expired": true, "revoked": true}))
	strict.refuses(t, "oat_x", tokens.ReasonTokenInvalid)
	// Without an audience no JWT of an application can be meant for us.
	lax.refuses(t, b.oauth(nil), tokens.ReasonTokenInvalid)
}

func TestSection8_3Receiver(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.says("mt_us", 200, object(goodMachine))
	b.says("mt_other", 200, object(goodMachine, map[string]any{"scopes": []string{"mch_other"}}))
	b.says("mt_nobody", 200, object(goodMachine, map[string]any{"scopes": nil}))
	for name, test := range map[string]struct {
		opts []clerk.Option
		want map[string]bool
	}{
		"machine id":         {[]clerk.Option{clerk.WithMachineID(us)}, map[string]bool{"mt_us": true, "mt_other": false, "mt_nobody": false}},
		"machine secret key": {[]clerk.Option{clerk.WithMachineSecretKey(machineSecretKey)}, map[string]bool{"mt_us": true, "mt_other": true}},
		"both": {
			[]clerk.Option{clerk.WithMachineSecretKey(machineSecretKey), clerk.WithMachineID(us)}, map[string]bool{"mt_us": true, "mt_other": false},
		},
		"any":               {[]clerk.Option{clerk.WithInsecureAnyReceiver()}, map[string]bool{"mt_us": true, "mt_other": true, "mt_nobody": true}},
		"any and ours":      {[]clerk.Option{clerk.WithInsecureAnyReceiver(), clerk.WithMachineID(us)}, map[string]bool{"mt_us": true, "mt_other": false}},
		"nothing, as Clerk": {nil, map[string]bool{"mt_us": true, "mt_other": true, "mt_nobody": true, "mt_unknown": false}},
	} {
		c := callerOf(t, instance(t, append(test.opts, clerk.WithAPIURL(b.URL), clerk.WithAuthorizedParties(origin))...))
		for token, taken := range test.want {
			if taken {
				c.takes(t, token, tokens.M2MToken)
			} else {
				c.refuses(t, token, tokens.ReasonTokenInvalid)
			}
		}
		signed := map[string]bool{"us": name == "machine id" || strings.Contains(name, "any") || name == "both", "mch_other": name == "any", "": name == "any"}
		for receiver, taken := range signed {
			changes := map[string]any{"aud": receiver}
			switch receiver {
			case "us":
				changes = nil
			case "":
				changes["aud"] = nil
			}
			if taken {
				c.takes(t, b.machine(catOfMachines, changes), tokens.M2MToken)
			} else {
				c.refuses(t, b.machine(catOfMachines, changes), tokens.ReasonTokenInvalid)
			}
		}
		for _, wrong := range []map[string]any{{"iss": "https://clerk.other.example"}, {"aud": 1}, {"aud": []any{us, 1}}, {"exp": 1}} {
			if p, err := c.present(t, b.machine(catOfMachines, wrong)); err == nil {
				t.Errorf("%s, %v: taken as %v", name, wrong, p)
			}
		}
	}
}

// A server that would answer must not be asked where a machine's key alone is known: it opens no key set.
func TestSection8_3MachineSecretAlone(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.says("mt_us", 200, object(goodMachine))
	i, err := clerk.New("", "", clerk.WithKinds(tokens.M2MToken), clerk.WithMachineSecretKey(machineSecretKey), clerk.WithMachineID(us), clerk.WithAPIURL(b.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	c := callerOf(t, i)
	c.takes(t, "mt_us", tokens.M2MToken)
	c.refuses(t, b.machine(catOfMachines, nil), tokens.ReasonTokenInvalid)
	if len(b.requests("/v1/jwks")) != 0 || i.Issuer() != "" {
		t.Errorf("keys were asked for, or the issuer is %q", i.Issuer())
	}
}
