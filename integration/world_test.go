// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
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
	"github.com/admitrpc/admit/tokens/tokenstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// output is all that the run writes, of logs and of errors, and secrets are all credentials that it used. TestMain looks for the ones in
// the other.
var (
	output  lockedBuffer
	secrets lockedSet
)

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

type lockedSet struct {
	mu  sync.Mutex
	set map[string]string
}

func (s *lockedSet) add(name, secret string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = map[string]string{}
	}
	s.set[secret] = name
	return secret
}

// leaked returns the names of the secrets that text contains, whole or the part of them that proves anything.
func (s *lockedSet) leaked(text string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for secret, name := range s.set {
		proof := secret
		if i := strings.LastIndexByte(secret, '.'); i >= 0 && len(secret)-i > 20 {
			proof = secret[i+1:]
		}
		if len(proof) >= 12 && strings.Contains(text, proof) {
			names = append(names, name)
		}
	}
	return names
}

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := serveAsChild(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	log.SetOutput(&output) // net/http's server complains there
	code := m.Run()
	if names := secrets.leaked(output.String()); len(names) > 0 {
		fmt.Fprintf(os.Stderr, "credentials in the output of the run: %v\n", names)
		code = 1
	}
	if strings.Contains(output.String(), "ignoring invalid trailer") {
		fmt.Fprintln(os.Stderr, "a challenge went into a trailer")
		code = 1
	}
	os.Exit(code)
}

// A world is a guarded service behind every transport, and credentials of every kind.
type world struct {
	gate    *gate
	issuer  *tokenstest.Issuer
	keys    *apikey.MemoryStore
	guard   *interceptor.Guard
	url     string // of the connect server
	addr    string // of the grpc server
	conn    *grpc.ClientConn
	h2      *http.Client
	credent map[string]string
}

// verifiers of all four kinds, of one issuer and one store.
func (w *world) verifiers(tb testing.TB) *tokens.Verifiers {
	tb.Helper()
	machines, err := jwt.NewM2MVerifier(w.issuer.URL(), []string{tokenstest.Audience}, w.issuer.M2MClass(), w.issuer.RemoteKeys(),
		jwt.WithNames(map[string]string{"mch_robot": "robot", "mch_other": "other"}))
	must(tb, err)
	keys, err := apikey.NewVerifier(w.keys)
	must(tb, err)
	table, err := tokens.NewVerifiers(w.issuer.SessionVerifier(), w.issuer.OAuthVerifier(), machines, keys)
	must(tb, err)
	return table
}

func newWorld(tb testing.TB, options ...interceptor.Option) *world {
	tb.Helper()
	w := &world{gate: newGate(), issuer: tokenstest.NewIssuer(tb), keys: apikey.NewMemoryStore()}
	rules, err := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")))
	must(tb, err)
	options = append([]interceptor.Option{
		interceptor.WithLogger(slog.New(slog.NewJSONHandler(&output, &slog.HandlerOptions{Level: slog.LevelDebug}))), interceptor.WithDebug(),
	}, options...)
	w.guard, err = interceptor.New(rules, w.verifiers(tb), options...)
	must(tb, err)
	tb.Cleanup(w.guard.Close)
	w.credentials(tb)
	w.serve(tb)
	return w
}

// serve starts both servers on loopback.
func (w *world) serve(tb testing.TB) {
	tb.Helper()
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(connectGate{w.gate}, connectauth.Protect(w.guard)))
	mux.Handle(admittestv1connect.NewPastServiceHandler(connectPast{w.gate}, connectauth.Protect(w.guard)))
	w.url = serveHTTP(tb, mux)
	server := grpcauth.NewServer(w.guard)
	admittestv1.RegisterGateServiceServer(server, grpcGate{gate: w.gate})
	admittestv1.RegisterPastServiceServer(server, grpcPast{gate: w.gate})
	w.addr, w.conn = serveGRPC(tb, server)
	w.h2 = newH2Client(tb)
}

func serveHTTP(tb testing.TB, handler http.Handler) string {
	tb.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	must(tb, err)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: handler, Protocols: protocols, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	tb.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return "http://" + listener.Addr().String()
}

// serveGRPC serves, and returns a client connection too.
func serveGRPC(tb testing.TB, server interface {
	Serve(l net.Listener) error
	Stop()
}) (string, *grpc.ClientConn) {
	tb.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	must(tb, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	tb.Cleanup(func() {
		server.Stop()
		<-done
	})
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(tb, err)
	tb.Cleanup(func() { _ = conn.Close() })
	return listener.Addr().String(), conn
}

func newH2Client(tb testing.TB) *http.Client {
	tb.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// The names of the credentials of a world.
const (
	none     = ""
	member   = "session of a member of org_1"
	admin    = "session of an admin of org_1 with a permission, just verified"
	stale    = "session like admin's, verified long ago"
	personal = "session without an organization"
	pending  = "session with open tasks"
	other    = "session of an admin of org_2"
	expired  = "expired session"
	early    = "session that is not valid yet"
	tampered = "session with another signature"
	foreign  = "session of an issuer nobody knows"
	keyGood  = "API key with the scope"
	keyPoor  = "API key without the scope"
	keyGone  = "API key that was revoked"
	keyWrong = "API key with another secret"
	keyTypo  = "API key with a bad checksum"
	oauth    = "OAuth token with the scope"
	oauthIll = "OAuth token without the scope"
	robot    = "token of the machine robot"
	machine  = "token of another machine"
	unknown  = "a string of no known form"
	junk     = "a string with forbidden characters"
	long     = "a string that is too long"
)

func (w *world) credentials(tb testing.TB) {
	tb.Helper()
	org := func(id, role string) tokens.Organization { return tokens.Organization{ID: id, Role: role} }
	permissions := []string{"org:gates:open"}
	fresh := &tokens.Verification{First: 0, Second: 0}
	past := tokenstest.Times{IssuedAt: time.Now().Add(-2 * time.Hour), ExpiresAt: time.Now().Add(-time.Hour)}
	future := tokenstest.Times{NotBefore: time.Now().Add(time.Hour), ExpiresAt: time.Now().Add(2 * time.Hour)}
	session := w.issuer.Session
	good := tokenstest.SessionClaims{Organization: org("org_1", "admin"), Permissions: permissions, Verification: fresh}
	with := func(change func(*tokenstest.SessionClaims)) string {
		claims := good
		change(&claims)
		return session(claims)
	}
	stranger := tokenstest.NewIssuer(tb)
	w.credent = map[string]string{
		none:   "",
		member: session(tokenstest.SessionClaims{Organization: org("org_1", "member")}),
		admin:  session(good),
		stale: with(func(c *tokenstest.SessionClaims) {
			c.Verification = &tokens.Verification{First: time.Hour, Second: time.Hour}
		}),
		personal: session(tokenstest.SessionClaims{}),
		pending:  with(func(c *tokenstest.SessionClaims) { c.Pending = true }),
		other:    with(func(c *tokenstest.SessionClaims) { c.Organization.ID = "org_2" }),
		expired:  with(func(c *tokenstest.SessionClaims) { c.Times = past }),
		early:    with(func(c *tokenstest.SessionClaims) { c.Times = future }),
		tampered: w.issuer.Tamper(session(good)),
		foreign:  stranger.Session(good),
		oauth:    w.issuer.OAuth(tokenstest.OAuthClaims{Scopes: []string{"gates.open"}}),
		oauthIll: w.issuer.OAuth(tokenstest.OAuthClaims{Scopes: []string{"gates.look"}}),
		robot:    w.issuer.M2M(tokenstest.M2MClaims{Machine: "mch_robot"}),
		machine:  w.issuer.M2M(tokenstest.M2MClaims{Machine: "mch_other"}),
		keyGood:  w.key(tb, "gates:open"),
		keyPoor:  w.key(tb, "gates:look"),
		unknown:  "secret-of-no-known-form",
		junk:     "secret\"with{forbidden}characters",
		long:     strings.Repeat("secretlong", 820),
	}
	administration, err := apikey.NewKeys(w.keys)
	must(tb, err)
	gone, record, err := administration.Create(tb.Context(), apikey.Spec{OrganizationID: "org_1", Scopes: []string{"gates:open"}})
	must(tb, err)
	_, err = administration.Revoke(tb.Context(), record.ID, "lost")
	must(tb, err)
	w.credent[keyGone] = gone.Reveal()
	twin, err := apikey.Parse(tokens.NewSecret(w.credent[keyPoor]))
	must(tb, err)
	w.credent[keyWrong] = reseal(twin.Reveal())
	w.credent[keyTypo] = flipLast(w.credent[keyGood])
	for name, secret := range w.credent {
		if secret != "" {
			secrets.add(name, secret)
		}
	}
}

func (w *world) key(tb testing.TB, scope string) string {
	tb.Helper()
	administration, err := apikey.NewKeys(w.keys)
	must(tb, err)
	key, _, err := administration.Create(tb.Context(), apikey.Spec{OrganizationID: "org_1", Scopes: []string{scope}})
	must(tb, err)
	return key.Reveal()
}

// connectClient is a client of one method over one of connect's protocols.
func (w *world) connectClient(method string, options ...connect.ClientOption) *connect.Client[admittestv1.GateRequest, admittestv1.GateResponse] {
	return connect.NewClient[admittestv1.GateRequest, admittestv1.GateResponse](w.h2, w.url+procedure(method), options...)
}

func procedure(method string) string {
	if method == "Open" || method == "Stream" {
		return "/admittest.v1.PastService/" + method
	}
	return "/admittest.v1.GateService/" + method
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func within(tb testing.TB, timeout time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), timeout)
	tb.Cleanup(cancel)
	return ctx
}
