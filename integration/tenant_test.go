// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/tokenstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// everyIssuer is the name of the issuer of every tenant. The ids of their keys are the same, too.
const everyIssuer = "https://accounts.example"

// hosting finds tenants by the host that was called, on either transport.
type hosting struct {
	forms   []tokens.Form
	tenants map[string]*interceptor.Tenant

	mu   sync.Mutex
	seen []interceptor.TenantCall // guarded by mu
}

func (h *hosting) Forms() []tokens.Form { return h.forms }

func (h *hosting) Tenant(_ context.Context, call interceptor.TenantCall) (*interceptor.Tenant, error) {
	h.mu.Lock()
	h.seen = append(h.seen, call)
	h.mu.Unlock()
	if tenant := h.tenants[call.Authority]; tenant != nil {
		return tenant, nil
	}
	return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("no tenant has the host"))
}

// opaque is a verifier of one token for applications and one for machines, the same at every tenant, whose callers are the tenant's.
type opaque string

func (opaque) Forms() []tokens.Form {
	return []tokens.Form{{Kind: tokens.OAuthToken, Prefix: "oat_"}, {Kind: tokens.M2MToken, Prefix: "mt_"}}
}

const (
	sameOAuth   = "oat_theSameTextAtEveryTenant"
	sameMachine = "mt_theSameTextAtEveryTenant"
)

func (o opaque) Verify(_ context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	if text := credential.Secret.Reveal(); text != sameOAuth && text != sameMachine {
		return nil, tokens.NewError(tokens.ReasonTokenInvalid, nil)
	}
	facts := tokens.Facts{Kind: credential.Form.Kind, ID: "token_1", Subject: string(o), Scopes: []string{"gates.open"}}
	if facts.Kind == tokens.M2MToken {
		facts.CallerName = "robot"
	}
	return tokens.NewPrincipal(facts)
}

// A tenancy is tenants behind a server of each transport.
type tenancy struct {
	world

	names   []string
	issuers map[string]*tokenstest.Issuer
	feeds   map[string]*apikey.MemoryStore
	hosting *hosting
	key     string // the same at every tenant
}

func newTenancy(tb testing.TB, names ...string) *tenancy {
	tb.Helper()
	x := &tenancy{
		world: world{gate: newGate()}, names: names, issuers: map[string]*tokenstest.Issuer{}, feeds: map[string]*apikey.MemoryStore{},
		hosting: &hosting{tenants: map[string]*interceptor.Tenant{}},
	}
	secrets.add("the same OAuth token at every tenant", sameOAuth)
	secrets.add("the same machine's token at every tenant", sameMachine)
	key, record, err := apikey.New(apikey.Spec{OrganizationID: "nobody", Scopes: []string{"gates:open"}})
	must(tb, err)
	x.key = secrets.add("the same API key at every tenant", key.Reveal())
	for _, name := range names {
		issuer := tokenstest.NewIssuer(tb)
		keys, err := jwt.NewKeySet(issuer.Keys())
		must(tb, err)
		sessions, err := jwt.NewSessionVerifier(everyIssuer, []string{tokenstest.Party}, issuer.SessionClass(), keys)
		must(tb, err)
		store := apikey.NewMemoryStore()
		record := record.Clone()
		record.OrganizationID = name
		must(tb, store.Insert(tb.Context(), record))
		apiKeys, err := apikey.NewVerifier(store)
		must(tb, err)
		table, err := tokens.NewVerifiers(sessions, apiKeys, opaque(name))
		must(tb, err)
		x.hosting.forms = table.Forms()
		tenant, err := interceptor.NewTenant(name, table, interceptor.WithRevocations(store))
		must(tb, err)
		tb.Cleanup(tenant.Close)
		x.hosting.tenants[name+".example"], x.issuers[name], x.feeds[name] = tenant, issuer, store
	}
	rules, err := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")))
	must(tb, err)
	log := slog.New(slog.NewJSONHandler(&output, &slog.HandlerOptions{Level: slog.LevelDebug}))
	x.guard, err = interceptor.NewForTenants(rules, x.hosting, interceptor.WithLogger(log))
	must(tb, err)
	tb.Cleanup(x.guard.Close)
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(connectGate{x.gate}, connectauth.Protect(x.guard)))
	x.url, x.h2 = serveHTTP(tb, connectauth.Handler(mux)), newH2Client(tb)
	// An interceptor behind the guard sees the tenant, too.
	server := grpcauth.NewServer(x.guard, grpc.ChainUnaryInterceptor(func(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if caller, _ := tokens.FromContext(ctx); caller != nil && caller.Subject() != interceptor.TenantFromContext(ctx) {
			tb.Errorf("the caller of %s is of tenant %s", caller.Subject(), interceptor.TenantFromContext(ctx))
		}
		return next(ctx, r)
	}))
	admittestv1.RegisterGateServiceServer(server, grpcGate{gate: x.gate})
	x.addr, x.conn = serveGRPC(tb, server)
	return x
}

// session is one of a user of the tenant; the user has its name.
func (x *tenancy) session(tenant string) string {
	return secrets.add("a session of "+tenant, x.issuers[tenant].Session(tokenstest.SessionClaims{
		UserID: tenant, Organization: tokens.Organization{ID: "org_1", Role: "admin"}, Permissions: []string{"org:gates:open"},
		Extra: map[string]any{"iss": everyIssuer},
	}))
}

// at is the world whose clients call a host.
func (x *tenancy) at(tb testing.TB, host string) *world {
	tb.Helper()
	other := x.world
	other.h2 = &http.Client{Transport: &browser{next: x.h2.Transport, host: host}}
	conn, err := grpc.NewClient(x.addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority(host))
	must(tb, err)
	tb.Cleanup(func() { _ = conn.Close() })
	other.conn = conn
	return &other
}

// Two tenants with the same issuer, the same kid, the same opaque token, the same API key and its id never see each other's callers.
func TestTenantsNeverMeet(t *testing.T) {
	const calls = 1200 // for each transport
	x := newTenancy(t, "one", "two")
	type presented struct{ method, token string }
	of := map[string][]presented{}
	at := map[string]*world{}
	for _, name := range x.names {
		at[name] = x.at(t, name+".example")
		of[name] = []presented{{"AnyUnary", sameOAuth}, {"AnyUnary", x.key}, {"KeyUnary", x.key}, {"AnyUnary", sameMachine}, {"SessionUnary", x.session(name)}}
	}
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			var group sync.WaitGroup
			for worker := range 8 {
				group.Go(func() {
					for i := range calls / 8 {
						name := x.names[(i+worker)%len(x.names)]
						this := of[name][i%len(of[name])]
						got := transport.call(within(t, time.Minute), at[name], this.method, bearer(this.token), msgs(msg("", "hello")))
						if got.err != nil {
							t.Errorf("%s at %s: %v", this.method, name, got.err)
							return
						}
						if subject := got.responses[0].GetSubject(); subject != name {
							t.Errorf("%s at %s: the caller is %s", this.method, name, subject)
							return
						}
					}
				})
			}
			group.Wait()
			// What is one's own is nobody else's, though the issuer and the id of the key have the same names.
			for name, another := range map[string]string{"one": "two", "two": "one"} {
				for range 2 {
					got := transport.call(within(t, 20*time.Second), at[name], "SessionUnary", bearer(of[another][4].token), msgs(msg("", "hello")))
					if got.reason != tokens.ReasonTokenInvalid {
						t.Errorf("a session of %s at %s: %v", another, name, got.err)
					}
				}
			}
		})
	}
}

// The host is that of the transport, and a resolver reads no credential.
func TestTenantsByAuthority(t *testing.T) {
	x := newTenancy(t, "one", "two")
	session := x.session("one")
	for _, transport := range transports {
		for host, want := range map[string]tokens.Reason{
			"one.example": "", "two.example": tokens.ReasonTokenInvalid, "nobody.example": tokens.ReasonTokenInvalid, "one.example:443": tokens.ReasonTokenInvalid,
		} {
			t.Run(transport.name+"/"+host, func(t *testing.T) {
				w := x.at(t, host)
				w = &world{gate: w.gate, url: w.url, conn: w.conn, h2: w.in(http.Header{"Cookie": {"__session=" + session}, "X-Forwarded-Host": {"one.example"}}).h2}
				ctx := metadata.AppendToOutgoingContext(within(t, 20*time.Second), "cookie", "__session="+session, "x-forwarded-host", "one.example", "proxy-authorization", "Bearer "+session)
				got := transport.call(ctx, w, "SessionUnary", bearer(session), msgs(msg("", "hello")))
				if got.reason != want || (got.err == nil) != (want == "") {
					t.Errorf("%v, want %q", got.err, want)
				}
				x.hosting.mu.Lock()
				call := x.hosting.seen[len(x.hosting.seen)-1]
				x.hosting.mu.Unlock()
				if call.Authority != host || call.Procedure != procedure("SessionUnary") {
					t.Errorf("the resolver was told of %s at %s", call.Procedure, call.Authority)
				}
				if got := call.Header("X-Forwarded-Host"); len(got) != 1 || got[0] != "one.example" {
					t.Errorf("the resolver reads %q", got)
				}
				for _, name := range []string{"authorization", "Authorization", "COOKIE", "cookie", "Proxy-Authorization"} {
					if values := call.Header(name); values != nil || strings.Contains(fmt.Sprint(values), session) {
						t.Errorf("the resolver reads %s", name)
					}
				}
			})
		}
	}
	asked := len(x.hosting.seen)
	for _, transport := range transports {
		if got := transport.call(within(t, 20*time.Second), x.at(t, "nobody.example"), "PublicUnary", nil, msgs(msg("", "hello"))); got.err != nil {
			t.Errorf("%s: %v", transport.name, got.err)
		}
	}
	if len(x.hosting.seen) != asked {
		t.Error("the resolver was asked though there was no credential")
	}
}

// Streams of a tenant end by its own feed, and by no other's.
func TestStreamsOfTenantsEnd(t *testing.T) {
	x := newTenancy(t, "one", "two")
	for name, options := range map[string][]connect.ClientOption{"connect": nil, "grpc-web": {connect.WithGRPCWeb()}, "connect as grpc": {connect.WithGRPC()}} {
		x.endOne(t, name, func(ctx context.Context, tenant, token string) (func() error, func() error) {
			stream := x.at(t, tenant+".example").connectClient("SessionBidi", options...).CallBidiStream(ctx)
			stream.RequestHeader().Set("Authorization", "Bearer "+token)
			return func() error { return stream.Send(msg("", "hello")) }, func() error {
				_, err := stream.Receive()
				return err
			}
		}, connectauth.ReasonOf)
	}
	x.endOne(t, "grpc-go", func(ctx context.Context, tenant, token string) (func() error, func() error) {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		stream, err := admittestv1.NewGateServiceClient(x.at(t, tenant+".example").conn).SessionBidi(ctx)
		must(t, err)
		return func() error { return stream.Send(msg("", "hello")) }, func() error {
			_, err := stream.Recv()
			return err
		}
	}, grpcauth.ReasonOf)
}

// endOne opens a stream at each tenant, revokes at the one, and expects the other to go on.
func (x *tenancy) endOne(t *testing.T, name string, open func(ctx context.Context, tenant, token string) (send, receive func() error), reason func(error) tokens.Reason) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		send, receive := map[string]func() error{}, map[string]func() error{}
		id := "sess_" + strings.ReplaceAll(name, " ", "_") // the same at both
		for _, tenant := range x.names {
			token := secrets.add("a session that is revoked", x.issuers[tenant].Session(tokenstest.SessionClaims{
				UserID: tenant, SessionID: id, Organization: tokens.Organization{ID: "org_1"}, Permissions: []string{"org:gates:open"},
				Extra: map[string]any{"iss": everyIssuer},
			}))
			send[tenant], receive[tenant] = open(ctx, tenant, token)
			must(t, send[tenant]())
			must(t, receive[tenant]())
		}
		_, err := x.feeds["one"].Revoke(ctx, revocation.Revocation{Target: revocation.Session, Value: id})
		must(t, err)
		if err := receive["one"](); reason(err) != tokens.ReasonTokenRevoked {
			t.Errorf("the stream at the tenant that revoked ended with %v", err)
		}
		must(t, send["two"]())
		if err := receive["two"](); err != nil {
			t.Errorf("the stream at the other tenant: %v", err)
		}
	})
}
