// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package connectauth_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc/health/grpc_health_v1"
)

type (
	asked    = grpc_health_v1.HealthCheckRequest
	answered = grpc_health_v1.HealthCheckResponse
)

const (
	check = "/grpc.health.v1.Health/Check"
	list  = "/grpc.health.v1.Health/List"
	watch = "/grpc.health.v1.Health/Watch"
)

// believer is a verifier that believes what ends in "good", and says in the subject whose it is.
type believer string

func (believer) Forms() []tokens.Form {
	return []tokens.Form{{Kind: tokens.SessionToken, Prefix: "st_"}, {Kind: tokens.APIKey, Prefix: "ak_"}}
}

func (b believer) Verify(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	if !strings.HasSuffix(credential.Secret.Reveal(), "good") {
		return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("not one of the test's"))
	}
	return tokens.NewPrincipal(tokens.Facts{Kind: credential.Form.Kind, Subject: string(b), UserID: string(b)})
}

func tableOf(tb testing.TB, verifiers ...tokens.Verifier) *tokens.Verifiers {
	tb.Helper()
	table, err := tokens.NewVerifiers(verifiers...)
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

// healthRules let sessions call Check and Watch, and everyone List.
func healthRules(tb testing.TB) *policy.Rules {
	tb.Helper()
	rules, err := policy.New(
		policy.For(check, policy.Allow(policy.Session())), policy.For(watch, policy.Allow(policy.Session())), policy.For(list, policy.Public()),
	)
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}

// A health is a service behind a guard. do, unless nil, is what its handlers do before they answer.
type health struct {
	guard *interceptor.Guard
	do    func(ctx context.Context) error
}

func (h health) answer(ctx context.Context) error {
	if h.do == nil {
		return nil
	}
	return h.do(ctx)
}

func (h health) mux() *http.ServeMux {
	methods := grpc_health_v1.File_grpc_health_v1_health_proto.Services().ByName("Health").Methods()
	options := func(method string) connect.HandlerOption {
		return connect.WithHandlerOptions(connect.WithSchema(methods.ByName(methodName(method))), connect.WithIdempotency(connect.IdempotencyNoSideEffects),
			connectauth.Protect(h.guard))
	}
	mux := http.NewServeMux()
	mux.Handle(check, connect.NewUnaryHandler(check, func(ctx context.Context, _ *connect.Request[asked]) (*connect.Response[answered], error) {
		if err := h.answer(ctx); err != nil {
			return nil, err
		}
		response := connect.NewResponse(&answered{})
		response.Header().Set("X-Caller", caller(ctx))
		return response, nil
	}, options(check)))
	mux.Handle(list, connect.NewUnaryHandler(list, func(ctx context.Context, _ *connect.Request[grpc_health_v1.HealthListRequest]) (*connect.Response[grpc_health_v1.HealthListResponse], error) {
		if err := h.answer(ctx); err != nil {
			return nil, err
		}
		response := connect.NewResponse(&grpc_health_v1.HealthListResponse{})
		response.Header().Set("X-Caller", caller(ctx))
		response.Header().Set("Cache-Control", "max-age=60")
		return response, nil
	}, options(list)))
	mux.Handle(watch, connect.NewServerStreamHandler(watch, func(ctx context.Context, _ *connect.Request[asked], stream *connect.ServerStream[answered]) error {
		stream.ResponseHeader().Set("X-Caller", caller(ctx))
		return stream.Send(&answered{})
	}, options(watch)))
	return mux
}

func caller(ctx context.Context) string {
	p, ok := tokens.FromContext(ctx)
	switch {
	case !ok:
		return "no guard"
	case p == nil:
		return "anonymous"
	default:
		return p.Subject() + "@" + interceptor.TenantFromContext(ctx)
	}
}

// A way is a protocol, as bytes on the wire.
type way struct {
	name, contentType string
	get               bool
}

var (
	byPOST    = way{"connect", "application/json", false}
	byGET     = way{"connect GET", "", true}
	byWeb     = way{"grpc-web", "application/grpc-web+proto", false}
	byGRPC    = way{"grpc", "application/grpc+proto", false}
	byStream  = way{"connect stream", "application/connect+json", false}
	emptyJSON = []byte("{}")
)

// send sends an empty message. Headers are names and values in turn.
func (w way) send(tb testing.TB, base, procedure string, headers ...string) (*http.Response, string) {
	tb.Helper()
	method, address, body := http.MethodPost, base+procedure, emptyJSON
	switch {
	case w.get:
		method, body = http.MethodGet, nil
		address += "?" + url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {"{}"}}.Encode()
	case strings.HasPrefix(w.contentType, "application/connect+"):
		body = binary.BigEndian.AppendUint32([]byte{0}, uint32(len(emptyJSON)))
		body = append(body, emptyJSON...)
	case strings.HasPrefix(w.contentType, "application/grpc"):
		body = make([]byte, 5)
	}
	r, err := http.NewRequestWithContext(tb.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	if w.contentType != "" {
		r.Header.Set("Content-Type", w.contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return response, string(text)
}

// outcomeOf says what became of a call: the caller, or a code.
func outcomeOf(response *http.Response, body string) string {
	if who := response.Header.Get("X-Caller"); who != "" {
		return who
	}
	for _, code := range []string{"unauthenticated", "internal", "unavailable", "permission_denied", "not_found"} {
		if strings.Contains(body, `"code":"`+code+`"`) {
			return code
		}
	}
	status := response.Header.Get("Grpc-Status") + response.Trailer.Get("Grpc-Status")
	if strings.Contains(strings.ToLower(body), "grpc-status: 16") || status == "16" {
		return "unauthenticated"
	}
	return response.Status + " " + status + " " + body
}

// served is a guard that reads cookies behind a server, with and without Handler.
func serveCookies(tb testing.TB, do func(context.Context) error, options ...interceptor.Option) (bare, handled string) {
	tb.Helper()
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin("https://app.example"); err != nil {
		tb.Fatal(err)
	}
	options = append([]interceptor.Option{interceptor.WithSessionCookie(protection)}, options...)
	guard, err := interceptor.New(healthRules(tb), tableOf(tb, believer("user_1")), options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(guard.Close)
	return serveBoth(tb, health{guard, do}.mux())
}

func serveBoth(tb testing.TB, mux http.Handler) (bare, handled string) {
	tb.Helper()
	one, two := httptest.NewServer(mux), httptest.NewServer(connectauth.Handler(mux))
	tb.Cleanup(one.Close)
	tb.Cleanup(two.Close)
	tb.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	return one.URL, two.URL
}

// Browsers' protocols read cookies, gRPC none.
func TestCookiesByProtocol(t *testing.T) {
	t.Parallel()
	bare, handled := serveCookies(t, nil)
	for _, test := range []struct {
		way       way
		procedure string
		reads     bool
	}{
		{byPOST, check, true}, {byGET, check, true}, {byWeb, check, true}, {byGRPC, check, false},
		{byWeb, watch, true}, {byStream, watch, true}, {byGRPC, watch, false},
	} {
		for name, base := range map[string]string{"bare": bare, "with Handler": handled} {
			t.Run(test.way.name+test.procedure+" "+name, func(t *testing.T) {
				t.Parallel()
				for _, c := range []struct {
					headers []string
					want    string
				}{
					{[]string{"Cookie", "__session=st_good"}, "user_1@"},
					{[]string{"Cookie", "__session=st_good", "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example"}, "user_1@"},
					{[]string{"Cookie", "__session=st_good", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, "unauthenticated"},
					{[]string{"Cookie", "__session=st_good", "Sec-Fetch-Site", "cross-site"}, "unauthenticated"},
					{[]string{"Cookie", "__session=st_good", "Sec-Fetch-Site", "same-site"}, "unauthenticated"},
					{[]string{"Cookie", "__session=st_good", "Origin", "null"}, "unauthenticated"},
					{[]string{"Cookie", "__session=st_good; __session=st_good"}, "unauthenticated"},
					{[]string{"Cookie", "__session=st_bad"}, "unauthenticated"},
					{[]string{"Cookie", "__session=ak_good"}, "unauthenticated"},
					{[]string{"Cookie", "__session=st_good", "Authorization", "Bearer st_bad"}, "unauthenticated"},
					{nil, "unauthenticated"},
				} {
					want := c.want
					if !test.reads {
						want = "unauthenticated"
					}
					if got := outcomeOf(test.way.send(t, base, test.procedure, c.headers...)); got != want {
						t.Errorf("%q: %s, want %s", c.headers, got, want)
					}
				}
				if got := outcomeOf(test.way.send(t, base, test.procedure, "Authorization", "Bearer st_good", "Cookie", "__session=st_bad")); got != "user_1@" {
					t.Errorf("by authorization: %s", got)
				}
			})
		}
	}
}

// An old browser names the origin alone: it is held against the host, which is known behind Handler.
func TestOriginAndHost(t *testing.T) {
	t.Parallel()
	bare, handled := serveCookies(t, nil)
	for _, test := range []struct {
		name, host, origin string
		bare, handled      bool
	}{
		{"ours", "api.example", "https://api.example", false, true},
		{"ours, with a port", "api.example:8443", "https://api.example:8443", false, true},
		{"another port", "api.example", "https://api.example:8443", false, false},
		{"another", "api.example", "https://evil.example", false, false},
		{"trusted", "api.example", "https://app.example", true, true},
		{"none", "api.example", "null", false, false},
	} {
		for _, by := range []way{byPOST, byGET, byWeb} {
			for base, reads := range map[string]bool{bare: test.bare, handled: test.handled} {
				want := "unauthenticated"
				if reads {
					want = "user_1@"
				}
				got := outcomeOf(by.send(t, base, check, "Host", test.host, "Origin", test.origin, "Cookie", "__session=st_good"))
				if got != want {
					t.Errorf("%s, %s, handled %v: %s", test.name, by.name, base == handled, got)
				}
			}
		}
	}
}

// SEC-116: no cache on the way gives the answer to a GET to another caller, whatever the handler says of caching.
func TestAnswersToGETArePrivate(t *testing.T) {
	t.Parallel()
	cached := func(ctx context.Context) error {
		info, _ := connect.CallInfoForHandlerContext(ctx)
		info.ResponseHeader().Set("Cache-Control", "public, max-age=600")
		info.ResponseHeader().Set("Vary", "Accept")
		return nil
	}
	failing := func(ctx context.Context) error {
		_ = cached(ctx)
		return connect.NewError(connect.CodeNotFound, errors.New("the handler's own"))
	}
	for name, do := range map[string]func(context.Context) error{"plain": nil, "a handler that would be cached": cached, "one that fails, too": failing} {
		bare, handled := serveCookies(t, do)
		for _, base := range []string{bare, handled} {
			for _, test := range []struct {
				procedure string
				headers   []string
			}{
				{check, []string{"Cookie", "__session=st_good"}}, {check, []string{"Authorization", "Bearer st_good"}}, {check, nil},
				{check, []string{"Cookie", "__session=st_bad"}}, {check, []string{"Cookie", "__session=ak_good"}},
				{check, []string{"Cookie", "__session=st_good; __session=st_good"}}, {check, []string{"Authorization", "Basic x"}},
				{check, []string{"Cookie", "__session=st_good", "Sec-Fetch-Site", "cross-site"}},
				{list, nil}, {list, []string{"Cookie", "__session=st_good"}}, {list, []string{"Cookie", "__session=st_good", "Sec-Fetch-Site", "cross-site"}},
			} {
				response, _ := byGET.send(t, base, test.procedure, test.headers...)
				vary := strings.ToLower(strings.Join(response.Header.Values("Vary"), ","))
				for _, on := range []string{"authorization", "cookie", "origin", "sec-fetch-site"} {
					if !slices.Contains(strings.Split(strings.ReplaceAll(vary, " ", ""), ","), on) {
						t.Errorf("%s: %s with %q: Vary is %q, without %s", name, test.procedure, test.headers, vary, on)
					}
				}
				if got := response.Header.Values("Cache-Control"); test.procedure == check && !slices.Equal(got, []string{"private, no-store"}) {
					t.Errorf("%s: %s with %q: Cache-Control is %q", name, test.procedure, test.headers, got)
				}
			}
		}
	}
}
