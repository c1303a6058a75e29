// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"google.golang.org/grpc/codes"
)

// holders is a verifier that takes every credential "prefix_id_secret" for a good one of the holder with that id. One with the id "stuck" it
// verifies only when stuck is closed.
type holders struct {
	asked atomic.Int64
	stuck chan struct{}
}

func (*holders) Forms() []tokens.Form {
	return []tokens.Form{
		{Kind: tokens.SessionToken, Prefix: "st_"}, {Kind: tokens.APIKey, Prefix: "ak_", Fresh: true},
		{Kind: tokens.OAuthToken, Prefix: "oat_"}, {Kind: tokens.M2MToken, Prefix: "mt_"},
	}
}

func (h *holders) Verify(_ context.Context, c tokens.Credential) (*tokens.Principal, error) {
	h.asked.Add(1)
	id := strings.Split(c.Secret.Reveal(), "_")[1]
	if id == "stuck" {
		<-h.stuck
	}
	facts := tokens.Facts{Kind: c.Form.Kind, ID: id, Subject: "subject-" + id, IssuedAt: time.Now().Add(-time.Minute)}
	switch c.Form.Kind {
	case tokens.SessionToken:
		facts.Organization, facts.Permissions = tokens.Organization{ID: "org_1"}, []string{"org:gates:open"}
	case tokens.OAuthToken:
		facts.ClientID, facts.Scopes = "client-"+id, []string{"gates.open"}
	case tokens.APIKey:
		facts.UserID, facts.Scopes = facts.Subject, []string{"gates:open"}
	case tokens.M2MToken:
		facts.CallerName = "robot"
	}
	return tokens.NewPrincipal(facts)
}

// holding is a credential of a holder, which must not be told to anybody.
func holding(prefix, id, secret string) string {
	return secrets.add("the credential of a holder", prefix+"_"+id+"_"+secret+"-of-a-holder-that-nobody-may-see")
}

// A ledger is one that can be made to tell of nothing until it is asked, or not even then.
type ledger struct {
	*apikey.MemoryStore

	mute, down atomic.Bool
}

func (l *ledger) Since(ctx context.Context, after uint64) (revocation.Batch, error) {
	if l.down.Load() {
		return revocation.Batch{}, errors.New("the ledger is down")
	}
	return l.MemoryStore.Since(ctx, after)
}

func (l *ledger) Wait(ctx context.Context, after uint64) error {
	if l.mute.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return l.MemoryStore.Wait(ctx, after)
}

// revoke commits a revocation of what the holder with the id has.
func (l *ledger) revoke(tb testing.TB, target revocation.Target, id string) {
	tb.Helper()
	r := revocation.Revocation{Target: target, Value: id, Reason: "a secret of the administrators"}
	switch target {
	case revocation.Subject:
		r.Value, r.Before = "subject-"+id, time.Now()
	case revocation.Client:
		r.Value, r.Before = "client-"+id, time.Now()
	}
	_, err := l.Revoke(tb.Context(), r)
	must(tb, err)
}

// newRevokingWorld is a guarded service with a feed of revocations. KeyUnary is fresh there.
func newRevokingWorld(tb testing.TB, options ...interceptor.Option) (*world, *holders, *ledger) {
	tb.Helper()
	w, verifier, feed := &world{gate: newGate()}, &holders{stuck: make(chan struct{})}, &ledger{MemoryStore: apikey.NewMemoryStore()}
	fresh := policy.FromProto(&admitv1.Rule{Fresh: true, Allow: []*admitv1.Grant{{
		Credential: &admitv1.Grant_ApiKey{ApiKey: &admitv1.APIKey{Scopes: []string{"gates:open"}}},
	}}})
	rules, err := policy.New(
		policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")), policy.Override(procedure("KeyUnary"), fresh))
	must(tb, err)
	table, err := tokens.NewVerifiers(verifier)
	must(tb, err)
	w.guard, err = interceptor.New(rules, table, append([]interceptor.Option{
		interceptor.WithRevocations(feed), interceptor.WithDebug(),
		interceptor.WithLogger(slog.New(slog.NewJSONHandler(&output, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, options...)...)
	must(tb, err)
	tb.Cleanup(w.guard.Close)
	w.serve(tb)
	return w, verifier, feed
}

// TestRevoked (SEC-79) has one table for every transport: what was admitted is refused once it is revoked, remembered or not, and no handler runs.
func TestRevoked(t *testing.T) {
	w, _, feed := newRevokingWorld(t)
	for i, over := range transports {
		for j, test := range []struct {
			target         revocation.Target
			prefix, method string
		}{
			{revocation.Key, "ak", "AnyUnary"}, {revocation.Key, "ak", "KeyUnary"}, {revocation.Token, "oat", "OAuthServer"},
			{revocation.Token, "mt", "MachineBidi"}, {revocation.Session, "st", "SessionUnary"}, {revocation.Session, "st", "SessionServer"},
			{revocation.Session, "st", "SessionClient"}, {revocation.Session, "st", "SessionBidi"}, {revocation.Session, "st", "HandlerUnary"},
			{revocation.Subject, "ak", "AnyUnary"}, {revocation.Subject, "st", "SessionBidi"}, {revocation.Subject, "mt", "AnyUnary"},
			{revocation.Client, "oat", "OAuthServer"},
		} {
			t.Run(fmt.Sprintf("%s/%s/%s/%s", over.name, test.target, test.prefix, test.method), func(t *testing.T) {
				id := fmt.Sprintf("%d.%d", i, j)
				remembered, another := bearer(holding(test.prefix, id, "one")), bearer(holding(test.prefix, "other."+id, "two"))
				call := func(authorization []string) outcome {
					w.gate.state(test.method)
					return over.call(within(t, 20*time.Second), w, test.method, authorization, msgs(msg("org_1", actSettle)))
				}
				if got := call(remembered); got.err != nil {
					t.Fatalf("not admitted: %v", got.err)
				}
				feed.revoke(t, test.target, id)
				for deadline := time.Now().Add(5 * time.Second); call(remembered).err == nil; time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("still admitted")
					}
				}
				for name, authorization := range map[string][]string{
					"remembered": remembered, "never seen": bearer(holding(test.prefix, id, "three")),
				} {
					t.Run(name, func(t *testing.T) {
						checkRow(t, w, over, row{
							method: test.method, values: authorization, messages: msgs(msg("org_1", "must not arrive")),
							code: codes.Unauthenticated, reason: tokens.ReasonTokenRevoked, challenge: `error="invalid_token"`,
						})
						checkRow(t, w, over, row{
							method: "PublicUnary", values: authorization, messages: msgs(msg("", "hello")),
							hits: 1, seen: []string{"hello"}, ignored: tokens.ReasonTokenRevoked,
						})
					})
				}
				if got := call(another); got.err != nil {
					t.Errorf("another holder is refused: %v", got.err)
				}
			})
		}
	}
	if strings.Contains(output.String(), "a secret of the administrators") {
		t.Error("the log says why something was revoked")
	}
}

// TestStreamsEndWithRevocation has handlers that are blocked in Receive when the credential of their stream is revoked.
func TestStreamsEndWithRevocation(t *testing.T) {
	w, _, feed := newRevokingWorld(t)
	overHTTP1 := *w
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(connectGate{w.gate}, connectauth.Protect(w.guard)))
	overHTTP1.url = serveHTTP(t, connectauth.Handler(mux))
	overHTTP1.h2 = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i, tt := range []struct {
		name    string
		w       *world
		wait    openAndWait
		methods []string
		reason  func(error) tokens.Reason
	}{
		{"connect", w, waitOverConnect(), []string{"SessionClient", "SessionBidi", "BoundClient", "BoundBidi", "MachineBidi"}, connectauth.ReasonOf},
		{"connect over HTTP/1.1", &overHTTP1, waitOverConnect(), []string{"SessionClient"}, connectauth.ReasonOf},
		{"connect as grpc", w, waitOverConnect(connect.WithGRPC()), []string{"SessionClient", "SessionBidi", "MachineBidi"}, connectauth.ReasonOf},
		{"grpc-web", w, waitOverConnect(connect.WithGRPCWeb()), []string{"SessionBidi", "MachineBidi"}, connectauth.ReasonOf},
		{"grpc-go", w, waitOverGRPC, []string{"SessionClient", "SessionBidi", "BoundClient", "BoundBidi", "MachineBidi"}, grpcauth.ReasonOf},
	} {
		for j, method := range tt.methods {
			t.Run(tt.name+"/"+method, func(t *testing.T) {
				prefix, target, id := "st", revocation.Session, fmt.Sprintf("stream.%d.%d", i, j)
				if method == "MachineBidi" {
					prefix, target = "mt", revocation.Token
				}
				w.gate.state(method)
				ctx, ended := within(t, 20*time.Second), make(chan error, 1)
				go func() { ended <- tt.wait(ctx, tt.w, method, holding(prefix, id, "streaming")) }()
				for received := false; !received; time.Sleep(time.Millisecond) {
					w.gate.mu.Lock()
					received = len(w.gate.seen[method]) > 0
					w.gate.mu.Unlock()
					select {
					case err := <-ended:
						t.Fatalf("the stream ended with %v before anything was revoked", err)
					default:
					}
				}
				began := time.Now()
				feed.revoke(t, target, id)
				err := <-ended
				t.Logf("ended after %s", time.Since(began))
				if tt.reason(err) != tokens.ReasonTokenRevoked {
					t.Fatalf("the stream ended with %v", err)
				}
				_, seen, why := settledState(w, row{method: method})
				if refusal, ok := errors.AsType[*interceptor.Refusal](why); !ok || refusal.Reason() != tokens.ReasonTokenRevoked || len(seen) != 1 {
					t.Errorf("the handler's context ended with %v, after %q", why, seen)
				}
				_, _ = fmt.Fprintf(&output, "%v\n", err)
			})
		}
	}
	noGoroutineIn(t, "interceptor.(*pump).run")
}

// TestFresh: a procedure with fresh is told of a revocation by the very next call, though nothing was pushed, and not at all where the feed
// cannot be asked.
func TestFresh(t *testing.T) {
	w, verifier, feed := newRevokingWorld(t)
	feed.mute.Store(true)
	for i, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			id := fmt.Sprint("fresh.", i)
			held, hello := bearer(holding("ak", id, "fresh")), msgs(msg("", "hello"))
			good := row{method: "KeyUnary", values: held, messages: hello, hits: 1, seen: []string{"hello"}, kind: "api_key"}
			for asked := range int64(3) {
				verifier.asked.Store(asked)
				checkRow(t, w, over, good)
				if verifier.asked.Load() != asked+1 {
					t.Error("the verifier was not asked")
				}
			}
			feed.down.Store(true)
			checkRow(t, w, over, row{
				method: "KeyUnary", values: held, messages: hello, code: codes.Unavailable, reason: tokens.ReasonVerifierUnavailable, challenge: "-",
			})
			remembered := good
			remembered.method = "AnyUnary"
			checkRow(t, w, over, remembered)
			feed.down.Store(false)
			checkRow(t, w, over, good)
			feed.revoke(t, revocation.Key, id)
			checkRow(t, w, over, row{
				method: "KeyUnary", values: held, messages: hello, code: codes.Unauthenticated, reason: tokens.ReasonTokenRevoked, challenge: `error="invalid_token"`,
			})
		})
	}
}

// TestRateLimited: who has to wait for too many others is told so, and when to try again.
func TestRateLimited(t *testing.T) {
	w, verifier, _ := newRevokingWorld(t, interceptor.WithVerifyLimit(1, 0))
	remembered := bearer(holding("st", "early", "remembered"))
	admitted := row{method: "SessionUnary", values: remembered, messages: msgs(msg("", "hello")), hits: 1, seen: []string{"hello"}, kind: "session_token"}
	checkRow(t, w, transports[0], admitted)
	stuck := make(chan outcome, 1)
	asked := verifier.asked.Load()
	go func() {
		stuck <- transports[0].call(within(t, 20*time.Second), w, "SessionUnary", bearer(holding("st", "stuck", "slow")), msgs(msg("", "hello")))
	}()
	for verifier.asked.Load() == asked {
		time.Sleep(time.Millisecond)
	}
	for i, over := range transports {
		for _, method := range []string{"SessionUnary", "SessionServer", "SessionClient", "SessionBidi", "PublicUnary"} {
			t.Run(over.name+"/"+method, func(t *testing.T) {
				values := bearer(holding("st", fmt.Sprint("late.", i), method))
				checkRow(t, w, over, row{
					method: method, values: values, messages: msgs(msg("", "must not arrive")),
					code: codes.ResourceExhausted, reason: tokens.ReasonRateLimited, challenge: "-",
				})
				got := over.call(within(t, 20*time.Second), w, method, values, msgs(msg("", "must not arrive")))
				if w.gate.state(method); got.details != 2 {
					t.Errorf("%d details, and not when to try again", got.details)
				}
			})
		}
		checkRow(t, w, over, admitted)
		checkRow(t, w, over, row{ // of another form
			method: "MachineBidi", values: bearer(holding("mt", fmt.Sprint("machine.", i), "other")), messages: msgs(msg("", "hello")),
			hits: 1, seen: []string{"hello"}, kind: "m2m_token",
		})
	}
	close(verifier.stuck)
	if got := <-stuck; got.err != nil && !slices.Contains([]tokens.Reason{tokens.ReasonVerifierUnavailable}, got.reason) {
		t.Errorf("the slow one is told %v", got.err)
	}
}
