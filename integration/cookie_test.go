// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// browser sends headers with every request, as a browser does whatever the script on the page says.
type browser struct {
	next    http.RoundTripper
	headers http.Header
	host    string // instead of the URL's; empty: the URL's
}

func (b *browser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	maps.Copy(r.Header, b.headers)
	if b.host != "" {
		r.Host = b.host
	}
	return b.next.RoundTrip(r)
}

// in returns the world as a browser sees it.
func (w *world) in(headers http.Header) *world {
	other := *w
	other.h2 = &http.Client{Transport: &browser{next: w.h2.Transport, headers: headers}}
	return &other
}

// A cookieTransport calls with a cookie.
type cookieTransport struct {
	transport
	reads bool
	unary bool // and nothing else
}

var byCookie = []cookieTransport{
	{transports[0], true, false},
	{transports[1], true, false},
	{transport{"connect GET", overConnect(connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects))}, true, true},
	{transports[2], false, false},
	{transports[3], false, false},
}

func (c cookieTransport) ask(ctx context.Context, w *world, method string, headers http.Header, authorization []string) outcome {
	for name, values := range headers { // for grpc-go
		for _, value := range values {
			ctx = metadata.AppendToOutgoingContext(ctx, http.CanonicalHeaderKey(name), value)
		}
	}
	return c.call(ctx, w.in(headers), method, authorization, msgs(msg("org_1", "hello")))
}

func newProtection(tb testing.TB) *http.CrossOriginProtection {
	tb.Helper()
	protection := http.NewCrossOriginProtection()
	must(tb, protection.AddTrustedOrigin("https://app.example"))
	return protection
}

// SEC-99: every credential of the world in a cookie, on every shape, over every protocol.
func TestCookies(t *testing.T) {
	w := newWorld(t, interceptor.WithSessionCookie(newProtection(t), "__session_ab12", interceptor.SessionCookie))
	for _, method := range []string{"SessionUnary", "SessionServer", "SessionClient", "SessionBidi"} {
		for who, want := range map[string]tokens.Reason{
			admin: "", none: tokens.ReasonCredentialMissing, expired: tokens.ReasonTokenExpired, early: tokens.ReasonTokenNotYetValid,
			tampered: tokens.ReasonTokenInvalid, foreign: tokens.ReasonTokenInvalid, unknown: tokens.ReasonTokenInvalid,
			pending: tokens.ReasonSessionPending, member: tokens.ReasonPermissionMissing, junk: tokens.ReasonCredentialMalformed,
			long: tokens.ReasonCredentialMalformed, robot: tokens.ReasonTokenTypeNotAccepted, oauth: tokens.ReasonTokenTypeNotAccepted,
			keyGood: tokens.ReasonTokenTypeNotAccepted,
		} {
			for _, over := range byCookie {
				if over.unary && shape(method).IsStreamingClient() || over.unary && shape(method).IsStreamingServer() {
					continue
				}
				want := want
				if !over.reads {
					want = tokens.ReasonCredentialMissing
				}
				t.Run(fmt.Sprintf("%s/%s/%s", over.name, method, who), func(t *testing.T) {
					w.gate.state(method)
					headers := http.Header{"Cookie": {"theme=dark; __session=" + w.credent[who]}, "Sec-Fetch-Site": {"same-origin"}}
					for range 2 { // the second time it may be remembered
						got := over.ask(within(t, 20*time.Second), w, method, headers, nil)
						if got.reason != want || (got.err == nil) != (want == "") {
							t.Fatalf("got %s %s (%v), want %q", got.code, got.reason, got.err, want)
						}
						_, _ = fmt.Fprintf(&output, "%v %v\n", got.err, got.header)
					}
					if hits, _, _ := settledState(w, row{method: method}); hits > 0 != (want == "") {
						t.Errorf("the handler ran %d times", hits)
					}
				})
			}
		}
	}
}

// Which cookie counts, and where it must come from.
func TestCookieHeaders(t *testing.T) {
	w := newWorld(t, interceptor.WithSessionCookie(newProtection(t), "__session_ab12", interceptor.SessionCookie))
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(connectGate{w.gate}, connectauth.Protect(w.guard)))
	w.url = serveHTTP(t, connectauth.Handler(mux))
	good, bad := w.credent[admin], w.credent[tampered]
	const app, evil = "https://app.example", "https://evil.example"
	for _, tt := range []struct {
		name          string
		headers       http.Header
		authorization []string
		want          tokens.Reason
	}{
		{"plain", http.Header{"Cookie": {"__session=" + good}}, nil, ""},
		{"suffixed first", http.Header{"Cookie": {"__session=" + bad + "; __session_ab12=" + good}}, nil, ""},
		{"suffixed bad", http.Header{"Cookie": {"__session=" + good + "; __session_ab12=" + bad}}, nil, tokens.ReasonTokenInvalid},
		{"twice", http.Header{"Cookie": {"__session=" + good + "; __session=" + good}}, nil, tokens.ReasonCredentialMalformed},
		{"in two headers", http.Header{"Cookie": {"__session=" + good, "__session=" + good}}, nil, tokens.ReasonCredentialMalformed},
		{"quoted", http.Header{"Cookie": {`__session="` + good + `"`}}, nil, tokens.ReasonCredentialMalformed},
		{"authorization wins", http.Header{"Cookie": {"__session=" + bad}}, bearer(good), ""},
		{"bad authorization", http.Header{"Cookie": {"__session=" + good}}, bearer(bad), tokens.ReasonTokenInvalid},
		{"another scheme", http.Header{"Cookie": {"__session=" + good}}, []string{"Basic eDp5"}, tokens.ReasonCredentialMalformed},
		{"same site", http.Header{"Cookie": {"__session=" + good}, "Sec-Fetch-Site": {"same-site"}, "Origin": {evil}}, nil, tokens.ReasonCredentialMissing},
		{"cross site", http.Header{"Cookie": {"__session=" + good}, "Sec-Fetch-Site": {"cross-site"}, "Origin": {evil}}, nil, tokens.ReasonCredentialMissing},
		{"cross site, trusted", http.Header{"Cookie": {"__session=" + good}, "Sec-Fetch-Site": {"cross-site"}, "Origin": {app}}, nil, ""},
		{"old browser, ours", http.Header{"Cookie": {"__session=" + good}, "Origin": {w.url}}, nil, ""},
		{"old browser, another", http.Header{"Cookie": {"__session=" + good}, "Origin": {evil}}, nil, tokens.ReasonCredentialMissing},
		{"old browser, sandboxed", http.Header{"Cookie": {"__session=" + good}, "Origin": {"null"}}, nil, tokens.ReasonCredentialMissing},
		{"cross site by authorization", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {evil}}, bearer(good), ""},
	} {
		for _, over := range byCookie {
			if !over.reads {
				continue
			}
			t.Run(over.name+"/"+tt.name, func(t *testing.T) {
				got := over.ask(within(t, 20*time.Second), w, "SessionUnary", tt.headers, tt.authorization)
				if got.reason != tt.want || (got.err == nil) != (tt.want == "") {
					t.Errorf("got %s %s (%v), want %q", got.code, got.reason, got.err, tt.want)
				}
				// The same on a procedure for everyone: refused only where there are two credentials.
				public := over.ask(within(t, 20*time.Second), w, "PublicUnary", tt.headers, tt.authorization)
				two := tt.name == "twice" || tt.name == "in two headers"
				if (public.err != nil) != two || two && public.code != codes.Unauthenticated {
					t.Fatalf("public: %v", public.err)
				}
				if !two && public.responses[0].GetIgnored() != string(tt.want) {
					t.Errorf("public: ignored as %q, want %q", public.responses[0].GetIgnored(), tt.want)
				}
			})
		}
	}
}

// No cookie is read where it was not asked for.
func TestCookiesAreOff(t *testing.T) {
	w := newWorld(t)
	for _, over := range byCookie {
		got := over.ask(within(t, 20*time.Second), w, "SessionUnary", http.Header{"Cookie": {"__session=" + w.credent[admin]}}, nil)
		if got.reason != tokens.ReasonCredentialMissing {
			t.Errorf("%s: %v", over.name, got.err)
		}
	}
}

// A lingering gate keeps server streams open.
type lingering struct{ connectGate }

func (g lingering) SessionServer(ctx context.Context, r *connect.Request[admittestv1.GateRequest], s *connect.ServerStream[admittestv1.GateResponse]) error {
	if err := g.connectGate.SessionServer(ctx, r, s); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// A stream that a cookie opened ends when its session does.
func TestStreamsByCookieEnd(t *testing.T) {
	w := &world{gate: newGate()}
	rules, err := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")))
	must(t, err)
	verifiers, err := tokens.NewVerifiers(shortLived{})
	must(t, err)
	w.guard, err = interceptor.New(rules, verifiers, interceptor.WithSessionCookie(newProtection(t)))
	must(t, err)
	t.Cleanup(w.guard.Close)
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(lingering{connectGate{w.gate}}, connectauth.Protect(w.guard)))
	w.url, w.h2 = serveHTTP(t, connectauth.Handler(mux)), newH2Client(t)
	for name, options := range map[string][]connect.ClientOption{"connect": nil, "grpc-web": {connect.WithGRPCWeb()}} {
		for _, method := range []string{"SessionServer", "SessionBidi"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				end := time.Now().Add(500 * time.Millisecond)
				headers := http.Header{"Cookie": {fmt.Sprintf("__session=tok_%d_%s_%s", end.UnixNano(), method, name)}, "Sec-Fetch-Site": {"same-origin"}}
				client := w.in(headers).connectClient(method, options...)
				ctx := within(t, 20*time.Second)
				received, err := 0, error(nil)
				if method == "SessionServer" {
					stream, opened := client.CallServerStream(ctx, connect.NewRequest(msg("", "hello")))
					must(t, opened)
					for stream.Receive() {
						received++
					}
					err = stream.Err()
					_ = stream.Close()
				} else {
					stream := client.CallBidiStream(ctx)
					must(t, stream.Send(msg("", "hello")))
					for err == nil {
						if _, err = stream.Receive(); err == nil {
							received++
						}
					}
					_ = stream.CloseResponse()
				}
				if connectauth.ReasonOf(err) != tokens.ReasonTokenExpired || received != 1 {
					t.Errorf("%d messages, and then %v", received, err)
				}
				if early := time.Until(end); early > 0 {
					t.Errorf("it ended %s before the session", early)
				}
			})
		}
	}
}
