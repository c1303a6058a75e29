// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
)

// withCookies reads the cookies of these names; none: the usual one.
func withCookies(names ...string) interceptor.Option {
	return interceptor.WithSessionCookie(http.NewCrossOriginProtection(), names...)
}

// fromBrowser is a request of a browser. Headers are names and values in turn; a cookie has a name of its own for each line.
func fromBrowser(headers ...string) interceptor.Request {
	header := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	return interceptor.Request{
		Authorization: header["Authorization"], Header: header, Cookies: true,
		Authority: func(_ context.Context, h http.Header) string { return h.Get("X-Test-Host") },
	}
}

func (w *world) from(ctx context.Context, method string, r interceptor.Request) (*interceptor.Call, *interceptor.Refusal) {
	name := nameOf(method)
	return w.Begin(ctx, name, w.Procedure(name, nil), &r)
}

// A cookieCase is a request, and what becomes of it on a procedure for sessions and on a public one. Ends are told as a reason, and
// "admitted" where the caller is known.
type cookieCase struct {
	name    string
	headers []string
	session tokens.Reason
	public  tokens.Reason // why the handler is told that there is no caller, or with refused why there is no call
	refused bool
}

const admitted = tokens.Reason("admitted")

func (c cookieCase) check(t *testing.T, w *world) {
	t.Helper()
	for range 2 { // the second time there may be something remembered
		switch call, refusal := w.from(t.Context(), "Session", fromBrowser(c.headers...)); {
		case refusal != nil:
			if refusal.Reason() != c.session {
				t.Errorf("refused as %v, want %s", refusal, c.session)
			}
		case c.session != admitted:
			t.Errorf("admitted %v, want %s", call.Principal(), c.session)
		case call.Principal().Kind() != tokens.SessionToken:
			t.Errorf("the caller is %v", call.Principal())
		}
		switch call, refusal := w.from(t.Context(), "Optional", fromBrowser(c.headers...)); {
		case refusal != nil:
			if !c.refused || refusal.Reason() != c.public {
				t.Errorf("the public procedure refuses: %v, want %s", refusal, c.public)
			}
		case c.refused:
			t.Errorf("the public procedure takes %v", call.Principal())
		case call.Principal() != nil:
			if c.public != admitted {
				t.Errorf("the public procedure knows %v, want %q", call.Principal(), c.public)
			}
		case tokens.ReasonFromContext(call) != c.public:
			t.Errorf("the public procedure reads %q, want %q", tokens.ReasonFromContext(call), c.public)
		}
		call, refusal := w.from(t.Context(), "Unread", fromBrowser(c.headers...))
		if refusal != nil || call.Principal() != nil || tokens.ReasonFromContext(call) != "" {
			t.Errorf("the unread procedure: %v", refusal)
		}
	}
}

const (
	missing   = tokens.ReasonCredentialMissing
	malformed = tokens.ReasonCredentialMalformed
	invalid   = tokens.ReasonTokenInvalid
	another   = tokens.ReasonTokenTypeNotAccepted
)

// SEC-97, SEC-99: what is read of cookies, and how.
func TestCookiesThatAreRead(t *testing.T) {
	t.Parallel()
	long := "st_" + strings.Repeat("x", tokens.MaxCredential)
	for _, test := range []cookieCase{
		{"none", nil, missing, "", false},
		{"another", []string{"Cookie", "theme=dark; lang=de"}, missing, "", false},
		{"the usual", []string{"Cookie", "__session=st_good"}, admitted, admitted, false},
		{"among others", []string{"Cookie", `a="b"; __session=st_good; c=d=e;;f`}, admitted, admitted, false},
		{"on a second line", []string{"Cookie", "a=b", "Cookie", "__session=st_good"}, admitted, admitted, false},
		{"not believed", []string{"Cookie", "__session=st_bad"}, invalid, invalid, false},
		{"of no known form", []string{"Cookie", "__session=whatever"}, invalid, invalid, false},
		{"suffixed before plain", []string{"Cookie", "__session=st_bad; __session_ab12=st_good"}, admitted, admitted, false},
		{"suffixed is bad, plain is good", []string{"Cookie", "__session=st_good; __session_ab12=st_bad"}, invalid, invalid, false},
		{"suffixed is empty, plain is good", []string{"Cookie", "__session=st_good; __session_ab12="}, missing, "", false},
		{"suffixed twice, plain is good", []string{"Cookie", "__session_ab12=st_good; __session=st_good; __session_ab12=st_good"}, malformed, malformed, true},
		{"a name in another case", []string{"Cookie", "__Session=st_good; __SESSION_AB12=st_good"}, missing, "", false},
		{"a name that goes on", []string{"Cookie", "__session_ab123=st_good; x__session=st_good"}, missing, "", false},
		{"spaces around the name", []string{"Cookie", "  __session =st_good "}, admitted, admitted, false},

		{"twice, the same", []string{"Cookie", "__session=st_good; __session=st_good"}, malformed, malformed, true},
		{"twice, two", []string{"Cookie", "__session=st_good; __session=st_bad"}, malformed, malformed, true},
		{"twice, on two lines", []string{"Cookie", "__session=st_good", "Cookie", "__session=st_bad"}, malformed, malformed, true},
		{"twice, one empty", []string{"Cookie", "__session=; __session=st_good"}, malformed, malformed, true},
		{"twice, one without a value", []string{"Cookie", "__session; __session=st_good"}, malformed, malformed, true},
		{"twice, one junk", []string{"Cookie", "__session=st_good; __session=st\\bad"}, malformed, malformed, true},
		{"twice, one junk, the other way round", []string{"Cookie", "__session=st\x01bad; __session=st_good"}, malformed, malformed, true},

		{"empty", []string{"Cookie", "__session="}, missing, "", false},
		{"without a value", []string{"Cookie", "__session"}, missing, "", false},
		{"quoted", []string{"Cookie", `__session="st_good"`}, malformed, malformed, false},
		{"half quoted", []string{"Cookie", `__session="st_good`}, malformed, malformed, false},
		{"too long", []string{"Cookie", "__session=" + long}, malformed, malformed, false},
		{"too long, and twice", []string{"Cookie", "__session=st_good; __session=" + long}, malformed, malformed, true},
		{"a space inside", []string{"Cookie", "__session=st_good st_good"}, malformed, malformed, false},
		{"a comma inside", []string{"Cookie", "__session=st_good,st_good"}, malformed, malformed, false},
		{"a backslash", []string{"Cookie", `__session=st_go\od`}, malformed, malformed, false},
		{"a control character", []string{"Cookie", "__session=st_go\x00od"}, malformed, malformed, false},
		{"not ASCII", []string{"Cookie", "__session=st_göod"}, malformed, malformed, false},
		{"the scheme too", []string{"Cookie", "__session=Bearer st_good"}, malformed, malformed, false},

		{"authorization is there", []string{"Authorization", "Bearer st_good", "Cookie", "__session=st_bad"}, admitted, admitted, false},
		{"authorization is bad", []string{"Authorization", "Bearer st_bad", "Cookie", "__session=st_good"}, invalid, invalid, false},
		{"authorization is empty", []string{"Authorization", "", "Cookie", "__session=st_good"}, malformed, malformed, false},
		{"authorization is of another scheme", []string{"Authorization", "Basic dTpw", "Cookie", "__session=st_good"}, malformed, malformed, false},
		{"authorization is twice", []string{"Authorization", "Bearer st_good", "Authorization", "Bearer st_good", "Cookie", "__session=st_good"}, malformed, malformed, true},
		{"authorization beside two cookies", []string{"Authorization", "Bearer st_good", "Cookie", "__session=st_good; __session=st_bad"}, admitted, admitted, false},

		{"an API key", []string{"Cookie", "__session=ak_good"}, another, another, false},
		{"an OAuth token", []string{"Cookie", "__session=oat_good"}, another, another, false},
		{"a machine's token", []string{"Cookie", "__session=mt_good"}, another, another, false},
		{"a pending session", []string{"Cookie", "__session=st_pending"}, tokens.ReasonSessionPending, tokens.ReasonSessionPending, false},
		{"revoked", []string{"Cookie", "__session=st_revoked"}, tokens.ReasonTokenRevoked, tokens.ReasonTokenRevoked, false},
		{"expired", []string{"Cookie", "__session=st_expired"}, tokens.ReasonTokenExpired, tokens.ReasonTokenExpired, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, standard, map[string]answer{
				"st_pending": pending(), "st_expired": until(-time.Minute),
				"st_revoked": refuse(tokens.NewError(tokens.ReasonTokenRevoked, nil)),
			}, withCookies("__session_ab12", "__session"))
			test.check(t, w)
		})
	}
}

// A protectionCase is where a call comes from. The host is "api.example" where it is known.
type protectionCase struct {
	name        string
	headers     []string
	known, read bool // with the host known, and without
}

// SEC-99: where a call comes from decides whether its cookie is read.
func TestWhereCookiesComeFrom(t *testing.T) {
	t.Parallel()
	for _, test := range []protectionCase{
		{"no browser", nil, true, true},
		{"same origin", []string{"Sec-Fetch-Site", "same-origin"}, true, true},
		{"same origin, with an origin", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://api.example"}, true, true},
		{"typed by the user", []string{"Sec-Fetch-Site", "none"}, true, true},
		{"same site", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://blog.api.example"}, false, false},
		{"cross site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false, false},
		{"cross site without an origin, as an image", []string{"Sec-Fetch-Site", "cross-site"}, false, false},
		{"cross site that names our origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://api.example"}, false, false},
		{"a word that is not known", []string{"Sec-Fetch-Site", "elsewhere"}, false, false},
		{"an old browser, our origin", []string{"Origin", "https://api.example"}, true, false},
		{"an old browser, our origin with another port", []string{"Origin", "https://api.example:8443"}, false, false},
		{"an old browser, another origin", []string{"Origin", "https://evil.example"}, false, false},
		{"an old browser, an origin that begins like ours", []string{"Origin", "https://api.example.evil.example"}, false, false},
		{"an old browser, a sandboxed page", []string{"Origin", "null"}, false, false},
		{"an old browser, a page that has no host", []string{"Origin", "file://"}, false, false},
		{"an old browser, an origin that is none", []string{"Origin", "?"}, false, false},
		{"an old browser, an origin of two", []string{"Origin", "https://%zz"}, false, false},
		{"a trusted origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.example"}, true, true},
		{"a trusted origin, an old browser", []string{"Origin", "https://app.example"}, true, true},
		{"a trusted origin with another scheme", []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://app.example"}, false, false},
		{"under a trusted origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://x.app.example"}, false, false},
	} {
		for _, host := range []string{"api.example", ""} {
			t.Run(fmt.Sprintf("%s/host %q", test.name, host), func(t *testing.T) {
				t.Parallel()
				protection := http.NewCrossOriginProtection()
				if err := protection.AddTrustedOrigin("https://app.example"); err != nil {
					t.Fatal(err)
				}
				w := newWorld(t, standard, nil, interceptor.WithSessionCookie(protection))
				want := cookieCase{session: missing, public: missing}
				if host != "" && test.known || host == "" && test.read {
					want = cookieCase{session: admitted, public: admitted}
				}
				want.headers = append([]string{"Cookie", "__session=st_good", "X-Test-Host", host}, test.headers...)
				want.check(t, w)
				if want.session == missing && w.verifier.calls.Load() != 0 {
					t.Error("the verifier was asked about a cookie that must not be read")
				}
			})
		}
	}
}

// A cookie that is not read is none, however bad it is.
func TestForeignCookiesAreNotJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil, withCookies())
	for _, cookie := range []string{
		"__session=st_good; __session=st_good", "__session=" + strings.Repeat("x", 9000), `__session="`, "__session=ak_good", "__session=st_bad",
	} {
		cookieCase{headers: []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, session: missing, public: missing}.check(t, w)
	}
	// And where there is none to be read, there is nothing to tell.
	cookieCase{headers: []string{"Cookie", "theme=dark", "Sec-Fetch-Site", "cross-site"}, session: missing}.check(t, w)
	if got := w.verifier.calls.Load(); got != 0 {
		t.Errorf("%d verifications", got)
	}
}

// What a protection lets pass by its patterns is read, by the path of the request.
func TestBypassedProtection(t *testing.T) {
	t.Parallel()
	protection := http.NewCrossOriginProtection()
	protection.AddInsecureBypassPattern("POST " + nameOf("Session"))
	protection.AddInsecureBypassPattern("GET " + nameOf("Any")) // every call is taken for one that changes something
	w := newWorld(t, standard, nil, interceptor.WithSessionCookie(protection))
	foreign := []string{"Cookie", "__session=st_good", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}
	for method, want := range map[string]tokens.Reason{"Session": "", "Any": missing, "Allowed": missing} {
		r := fromBrowser(foreign...)
		if _, refusal := w.from(t.Context(), method, r); reasonOf(refusal) != want {
			t.Errorf("%s: %v, want %q", method, refusal, want)
		}
	}
}

// No cookie is read by default, and none where no browser can call.
func TestCookiesAreOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	cookieCase{headers: []string{"Cookie", "__session=st_good"}, session: missing}.check(t, w)
	w = newWorld(t, standard, nil, withCookies())
	r := fromBrowser("Cookie", "__session=st_good")
	r.Cookies = false
	if _, refusal := w.from(t.Context(), "Session", r); reasonOf(refusal) != missing {
		t.Errorf("%v", refusal)
	}
	r = interceptor.Request{Cookies: true}
	if _, refusal := w.from(t.Context(), "Session", r); reasonOf(refusal) != missing {
		t.Errorf("without headers: %v", refusal)
	}
	if got := w.verifier.calls.Load(); got != 0 {
		t.Errorf("%d verifications", got)
	}
}

// SEC-93: what no cookie carries is not taken from one, also when the very same text was verified, and is remembered, by its right way.
func TestOtherKindsInCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil, withCookies())
	for _, text := range []string{"ak_good", "oat_good", "mt_good"} {
		for _, ways := range []string{"cold", "remembered"} {
			_, refusal := w.from(t.Context(), "Any", fromBrowser("Cookie", "__session="+text))
			if reasonOf(refusal) != another {
				t.Errorf("%s, %s: %v", text, ways, refusal)
			}
			w.begun(t, t.Context(), "Any", "Bearer "+text)
		}
	}
	// A session is one credential, whichever way it comes.
	w.begun(t, t.Context(), "Any", "Bearer st_good")
	before := w.verifier.calls.Load()
	if _, refusal := w.from(t.Context(), "Any", fromBrowser("Cookie", "__session=st_good")); refusal != nil {
		t.Errorf("%v", refusal)
	}
	if got := w.verifier.calls.Load(); got != before {
		t.Errorf("%d more verifications", got-before)
	}
	if _, refusal := w.from(t.Context(), "Key", fromBrowser("Cookie", "__session=st_good")); reasonOf(refusal) != another {
		t.Errorf("a session where only keys are accepted: %v", refusal)
	}
}

// Streams by a cookie end with it.
func TestStreamsByCookie(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_ends": until(time.Minute)}, withCookies(), interceptor.WithCache(10, time.Hour))
		call, refusal := w.from(t.Context(), "Session", fromBrowser("Cookie", "__session=st_ends"))
		if refusal != nil {
			t.Fatal(refusal)
		}
		wire := newWire()
		defer close(wire.broken)
		stream := call.Stream(wire.receive)
		defer stream.Close()
		time.Sleep(time.Minute - 1)
		if err := stream.Context().Err(); err != nil {
			t.Fatal("it ended too early")
		}
		time.Sleep(1)
		synctest.Wait()
		if got := refusalIn(t, context.Cause(stream.Context())).Reason(); got != tokens.ReasonTokenExpired {
			t.Errorf("ended as %s", got)
		}
		if _, refusal := w.from(t.Context(), "Session", fromBrowser("Cookie", "__session=st_ends")); reasonOf(refusal) != tokens.ReasonTokenExpired {
			t.Errorf("the next call: %v", refusal)
		}
	})
}

// What a feed revokes is refused from a cookie, too, and ends its streams.
func TestRevokedCookies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := apikey.NewMemoryStore()
		w := newWorld(t, standard, nil, withCookies(), interceptor.WithRevocations(feed))
		defer w.Close()
		synctest.Wait()
		call, refusal := w.from(t.Context(), "Session", fromBrowser("Cookie", "__session=st_good"))
		if refusal != nil {
			t.Fatal(refusal)
		}
		wire := newWire()
		defer close(wire.broken)
		stream := call.Stream(wire.receive)
		defer stream.Close()
		if _, err := feed.Revoke(t.Context(), revocation.Revocation{Target: revocation.Session, Value: "sess_1"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := refusalIn(t, context.Cause(stream.Context())).Reason(); got != tokens.ReasonTokenRevoked {
			t.Errorf("the stream ended as %s", got)
		}
		if _, refusal := w.from(t.Context(), "Session", fromBrowser("Cookie", "__session=st_good")); reasonOf(refusal) != tokens.ReasonTokenRevoked {
			t.Errorf("the next call: %v", refusal)
		}
	})
}

// The option tells what is wrong with it.
func TestMistakesOfCookies(t *testing.T) {
	t.Parallel()
	compiled, err := policy.New(policy.Serve(fileOf(t, standard)))
	if err != nil {
		t.Fatal(err)
	}
	table, err := tokens.NewVerifiers(&fake{forms: everyForm()})
	if err != nil {
		t.Fatal(err)
	}
	for want, option := range map[string]interceptor.Option{
		"protection":     interceptor.WithSessionCookie(nil),
		`cookie ""`:      withCookies(""),
		`cookie "a b"`:   withCookies("a b"),
		`cookie "a=b"`:   withCookies("a=b"),
		`cookie "ü"`:     withCookies("ü"),
		"is named twice": withCookies("a", "b", "a"),
	} {
		guard, err := interceptor.New(compiled, table, option)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, which does not say %q", err, want)
		}
		guard.Close()
	}
}

// SEC-130 and the like: what a cookie says is in no log and in no error.
func TestNothingPrintsACookie(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w := newWorld(t, standard, nil, withCookies(), interceptor.WithLogger(logger), interceptor.WithDebug())
	const canary = "Canary0fTheCookie"
	for _, test := range [][]string{
		{"__session=st_" + canary}, {"__session=st_" + canary + "_good"}, {"__session=" + canary}, {"__session=ak_" + canary}, {`__session="` + canary},
		{"__session=" + canary + "; __session=" + canary}, {"__session=" + strings.Repeat(canary, 600)}, {"__session=" + canary + ",x"},
		{"__session=st_" + canary, "Sec-Fetch-Site", "cross-site", "Origin", "https://" + canary + ".example"},
		{"__session=st_" + canary, "Origin", "://" + canary},
	} {
		for _, method := range []string{"Session", "Optional", "Key"} {
			_, refusal := w.from(t.Context(), method, fromBrowser(append([]string{"Cookie"}, test...)...))
			if refusal == nil {
				continue
			}
			told := fmt.Sprintf("%v %+v %#v %s %s %v", refusal, refusal, refusal.Unwrap(), refusal.Text(), refusal.Challenge(), refusal.Details(true))
			if strings.Contains(told, canary) {
				t.Errorf("%s with %.60s: %s", method, test, told)
			}
		}
	}
	if strings.Contains(log.String(), canary) {
		t.Error("the log has it")
	}
	if !strings.Contains(log.String(), "the session cookie was not read") {
		t.Error("the log does not say why a cookie was not read")
	}
}

// A guard that reads cookies costs bearer tokens nothing.
func TestAllocationsWithCookies(t *testing.T) { //nolint:paralleltest // Allocations are counted of the whole process.
	if raceEnabled {
		t.Skip("the race detector allocates; run without -race to check the budgets")
	}
	rules, err := policy.New(policy.Serve(fileOf(t, standard)))
	if err != nil {
		t.Fatal(err)
	}
	table, err := tokens.NewVerifiers(&fake{forms: everyForm(), answers: map[string]answer{"st_hour": until(time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := interceptor.New(rules, table, withCookies("__session_ab12", "__session"))
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	for _, test := range []struct {
		name, method string
		headers      []string
		most         float64
	}{
		{"bearer", "Session", []string{"Authorization", "Bearer st_hour"}, 1},
		{"bearer beside a cookie", "Session", []string{"Authorization", "Bearer st_hour", "Cookie", "a=b; __session=st_good"}, 1},
		{"anonymous", "Optional", nil, 1},
		{"anonymous with another cookie", "Optional", []string{"Cookie", "a=b; c=d"}, 1},
	} {
		name := nameOf(test.method)
		p, r := guard.Procedure(name, nil), fromBrowser(test.headers...)
		r.Identity = guard
		got := testing.AllocsPerRun(500, func() {
			if _, refusal := guard.Begin(t.Context(), name, p, &r); refusal != nil {
				t.Fatal(refusal)
			}
		})
		if got > test.most {
			t.Errorf("%s: %v allocations, and %v at most are promised", test.name, got, test.most)
		}
	}
}
