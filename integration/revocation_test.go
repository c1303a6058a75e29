// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"net/http"
	"sync"
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
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/tokenstest"
	"google.golang.org/grpc/codes"
)

// A slowStore holds a lookup after it has read the record.
type slowStore struct {
	apikey.Store

	lookups atomic.Int32
	held    chan struct{} // closed when the first lookup has read
	release chan struct{}
	first   sync.Once
}

func (s *slowStore) Lookup(ctx context.Context, id string) (apikey.Record, error) {
	record, err := s.Store.Lookup(ctx, id)
	s.lookups.Add(1)
	s.first.Do(func() {
		close(s.held)
		select {
		case <-s.release:
		case <-ctx.Done():
		}
	})
	return record, err
}

// revocable starts a world with a feed, whose streams and AnyUnary take every known caller.
func revocable(t *testing.T, keys apikey.Store, feed revocation.Feed) *world {
	t.Helper()
	w := &world{gate: newGate(), issuer: tokenstest.NewIssuer(t)}
	known := policy.Allow(policy.Any())
	rules, err := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")),
		policy.Override("/admittest.v1.GateService/SessionClient", known), policy.Override("/admittest.v1.GateService/SessionBidi", known))
	must(t, err)
	ours, err := apikey.NewVerifier(keys)
	must(t, err)
	verifiers, err := tokens.NewVerifiers(w.issuer.SessionVerifier(), w.issuer.OAuthVerifier(), machineVerifier(t, w.issuer), ours)
	must(t, err)
	w.guard, err = interceptor.New(rules, verifiers, interceptor.WithRevocations(feed))
	must(t, err)
	t.Cleanup(w.guard.Close)
	w.serve(t)
	return w
}

func machineVerifier(t *testing.T, issuer *tokenstest.Issuer) *jwt.Verifier {
	t.Helper()
	v, err := jwt.NewM2MVerifier(issuer.URL(), []string{tokenstest.Audience}, issuer.M2MClass(), issuer.RemoteKeys(),
		jwt.WithNames(map[string]string{"mch_robot": "robot"}))
	must(t, err)
	return v
}

// refusedSoon calls until the credential is refused as revoked.
func refusedSoon(t *testing.T, w *world, secret string) {
	t.Helper()
	for ctx := within(t, 20*time.Second); ; time.Sleep(time.Millisecond) {
		switch got := overGRPC(ctx, w, "AnyUnary", bearer(secret), msgs(msg("", ""))); {
		case got.reason == tokens.ReasonTokenRevoked:
			return
		case got.code != codes.OK:
			t.Fatal(got.err)
		}
	}
}

// Test2RevocationOvertakesSlowRead is about a key whose record is read before it is changed, by a read that returns after the guard was told.
func Test2RevocationOvertakesSlowRead(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(ctx context.Context, store *apikey.MemoryStore, keys *apikey.Keys, of apikey.Record) error
		reason  tokens.Reason // of the refusal; empty: admitted
		lookups int32         // at least
	}{
		{"the key is revoked", func(ctx context.Context, _ *apikey.MemoryStore, keys *apikey.Keys, of apikey.Record) error {
			_, err := keys.Revoke(ctx, of.ID, "leaked")
			return err
		}, tokens.ReasonTokenRevoked, 1},
		{"the key is rotated without overlap", func(ctx context.Context, _ *apikey.MemoryStore, keys *apikey.Keys, of apikey.Record) error {
			_, _, err := keys.Rotate(ctx, of.ID, 0)
			return err
		}, tokens.ReasonTokenRevoked, 1},
		{"its owner is revoked", func(ctx context.Context, store *apikey.MemoryStore, _ *apikey.Keys, of apikey.Record) error {
			_, err := store.Revoke(ctx, revocation.Revocation{Target: revocation.Subject, Value: of.UserID, Before: time.Now()})
			return err
		}, tokens.ReasonTokenRevoked, 1},
		{"the key is rotated, and read again", func(ctx context.Context, _ *apikey.MemoryStore, keys *apikey.Keys, of apikey.Record) error {
			_, _, err := keys.Rotate(ctx, of.ID, time.Hour)
			return err
		}, "", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := apikey.NewMemoryStore()
			slow := &slowStore{Store: store, held: make(chan struct{}), release: make(chan struct{})}
			w := revocable(t, slow, store)
			keys, err := apikey.NewKeys(store)
			must(t, err)
			key, record, err := keys.Create(t.Context(), apikey.Spec{UserID: "user_slow"})
			must(t, err)
			ask := func() outcome {
				return overGRPC(within(t, 20*time.Second), w, "AnyUnary", bearer(key.Reveal()), msgs(msg("", "")))
			}
			answers := make(chan outcome, 2)
			go func() { answers <- ask() }()
			<-slow.held
			canary := w.issuer.Session(tokenstest.SessionClaims{SessionID: "sess_canary"})
			must(t, tt.change(t.Context(), store, keys, record))
			_, err = store.Revoke(t.Context(), revocation.Revocation{Target: revocation.Session, Value: "sess_canary"})
			must(t, err)
			refusedSoon(t, w, canary) // so the guard was told of what was changed before
			go func() { answers <- ask() }()
			close(slow.release)
			for range 2 {
				if got := <-answers; got.reason != tt.reason {
					t.Errorf("a call that waited for the slow read: %s %q (%v), want %q", got.code, got.reason, got.err, tt.reason)
				}
			}
			for range 3 {
				if got := ask(); got.reason != tt.reason {
					t.Errorf("a later call: %s %q (%v), want %q", got.code, got.reason, got.err, tt.reason)
				}
			}
			if got := slow.lookups.Load(); got < tt.lookups {
				t.Errorf("%d lookups, want %d or more", got, tt.lookups)
			}
		})
	}
}

// Test11UnknownAndWrongKeysAreAnsweredAlike compares all that a caller is told, over every transport.
func Test11UnknownAndWrongKeysAreAnsweredAlike(t *testing.T) {
	w := newWorld(t)
	unknown, _, err := apikey.New(apikey.Spec{UserID: "user_1"})
	must(t, err)
	for _, transport := range transports {
		var told []string
		for _, secret := range []string{unknown.Reveal(), w.credent[keyWrong]} {
			got := transport.call(within(t, 20*time.Second), w, "AnyUnary", bearer(secret), msgs(msg("", "must not arrive")))
			got.header.Del("Date")
			told = append(told, fmt.Sprintf("%s %s %q %d %q %v", got.code, got.reason, got.text, got.details, got.challenge, got.header))
		}
		if told[0] != told[1] || told[0][:len("Unauthenticated")] != "Unauthenticated" {
			t.Errorf("%s: an unknown key is told\n%s\nand a wrong one\n%s", transport.name, told[0], told[1])
		}
	}
}

// Test15StreamsOfRevokedCredentialsEnd has handlers that are blocked in Receive when the credential of their stream is revoked. How soon they end is
// measured elsewhere; that streams end when their credential expires is said by TestStreamsEndAtExpiry.
func Test15StreamsOfRevokedCredentialsEnd(t *testing.T) {
	store := apikey.NewMemoryStore()
	w := revocable(t, store, store)
	keys, err := apikey.NewKeys(store)
	must(t, err)
	overHTTP1 := *w
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(connectGate{w.gate}, connectauth.Protect(w.guard)))
	overHTTP1.url = serveHTTP(t, connectauth.Handler(mux))
	overHTTP1.h2 = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	named := func(target revocation.Target, value string) func() error {
		return func() error {
			_, err := store.Revoke(t.Context(), revocation.Revocation{Target: target, Value: value})
			return err
		}
	}
	dated := func(target revocation.Target, value string) func() error {
		return func() error {
			_, err := store.Revoke(t.Context(), revocation.Revocation{Target: target, Value: value, Before: time.Now()})
			return err
		}
	}
	for _, tt := range []struct {
		name   string
		w      *world
		wait   openAndWait
		method string
		reason func(error) tokens.Reason
	}{
		{"connect", w, waitOverConnect(), "SessionClient", connectauth.ReasonOf},
		{"connect", w, waitOverConnect(), "SessionBidi", connectauth.ReasonOf},
		{"connect over HTTP/1.1", &overHTTP1, waitOverConnect(), "SessionClient", connectauth.ReasonOf},
		{"connect as grpc", w, waitOverConnect(connect.WithGRPC()), "SessionBidi", connectauth.ReasonOf},
		{"grpc-web", w, waitOverConnect(connect.WithGRPCWeb()), "SessionBidi", connectauth.ReasonOf},
		{"grpc-go", w, waitOverGRPC, "SessionClient", grpcauth.ReasonOf},
		{"grpc-go", w, waitOverGRPC, "SessionBidi", grpcauth.ReasonOf},
	} {
		one := func(of string) string { return of + " of " + tt.name + " " + tt.method }
		key, record, err := keys.Create(t.Context(), apikey.Spec{UserID: "user_1"})
		must(t, err)
		for _, of := range []struct {
			what, secret string
			revoke       func() error
		}{
			{"API key", key.Reveal(), func() error {
				_, err := keys.Revoke(t.Context(), record.ID, "leaked")
				return err
			}},
			{"session", w.issuer.Session(tokenstest.SessionClaims{SessionID: one("session")}), named(revocation.Session, one("session"))},
			{"subject", w.issuer.Session(tokenstest.SessionClaims{UserID: one("user")}), dated(revocation.Subject, one("user"))},
			{"token", w.issuer.OAuth(tokenstest.OAuthClaims{TokenID: one("token")}), named(revocation.Token, one("token"))},
			{"client", w.issuer.OAuth(tokenstest.OAuthClaims{ClientID: one("client")}), dated(revocation.Client, one("client"))},
		} {
			ended := t.Run(tt.name+"/"+tt.method+"/"+of.what, func(t *testing.T) {
				ctx := within(t, 20*time.Second)
				ended := make(chan error, 1)
				go func() { ended <- tt.wait(ctx, tt.w, tt.method, of.secret) }()
				for seen := 0; seen == 0; time.Sleep(time.Millisecond) {
					select {
					case err := <-ended:
						t.Fatalf("the stream does not open: %v", err)
					default:
					}
					_, messages, _ := w.gate.state(tt.method)
					seen = len(messages)
				}
				must(t, of.revoke())
				if err := <-ended; tt.reason(err) != tokens.ReasonTokenRevoked {
					t.Errorf("the stream ended with %v", err)
				}
				got := overGRPC(ctx, w, "AnyUnary", bearer(of.secret), msgs(msg("", "")))
				if got.reason != tokens.ReasonTokenRevoked {
					t.Errorf("a call after it: %s %s (%v)", got.code, got.reason, got.err)
				}
			})
			if !ended {
				t.Fatal("each other would be waited for as long")
			}
		}
	}
	noGoroutineIn(t, "interceptor.(*pump).run")
}
