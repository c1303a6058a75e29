// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/internal/interleave"
	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/cache"
	"github.com/admitrpc/admit/tokens/tokenstest"
	"github.com/golang-jwt/jwt/v5"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// size is that of the token which is measured.
const size = 961

const many = 4096

// A bench is what the variants share.
type bench struct {
	issuer *tokenstest.Issuer
	guard  *interceptor.Guard
	token  string
	tokens []string // many, all of the same size
	key    *rsa.PublicKey
}

func newBench() (*bench, error) {
	b := &bench{}
	var err error
	if b.issuer, err = tokenstest.StartIssuer(); err != nil {
		return nil, err
	}
	if b.token, err = b.mint(); err != nil {
		return nil, err
	}
	if b.key, err = publicKey(b.issuer.Keys()); err != nil {
		return nil, err
	}
	service := admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")
	// The rule that is measured: a permission, and a field of the request.
	measured := policy.FromProto(&admitv1.Rule{Allow: []*admitv1.Grant{{
		Credential: &admitv1.Grant_SessionToken{SessionToken: &admitv1.SessionToken{Permissions: []string{"org:gates:open"}}},
		Match:      []*admitv1.Match{{Field: "organization_id", Equals: admitv1.Match_ORGANIZATION_ID}},
	}}})
	rules, err := policy.New(policy.ServeService(service), policy.Override("/admittest.v1.GateService/BoundServer", measured))
	if err != nil {
		return nil, err
	}
	verifiers, err := tokens.NewVerifiers(b.issuer.SessionVerifier(), b.issuer.OAuthVerifier(), b.issuer.M2MVerifier(), believer{})
	if err != nil {
		return nil, err
	}
	b.guard, err = interceptor.New(rules, verifiers)
	return b, err
}

// believer takes keys, so that the rules have a verifier of each kind, and makes principals without the cost of a signature.
type believer struct{}

func (believer) Forms() []tokens.Form { return []tokens.Form{{Kind: tokens.APIKey, Prefix: "ak_"}} }

func (believer) Verify(_ context.Context, c tokens.Credential) (*tokens.Principal, error) {
	return tokens.NewPrincipal(tokens.Facts{Kind: tokens.APIKey, Subject: "user_1", UserID: "user_1", Scopes: []string{"gates:open"}})
}

// mint makes a session token of exactly size bytes. Base64 skips some lengths, so the header is padded too.
func (b *bench) mint() (string, error) {
	now := time.Now().Unix()
	for pad := range 3 * size {
		token := b.issuer.Sign(map[string]any{"typ": "JWT", "cat": "session", "pad": strings.Repeat("p", pad%3)}, map[string]any{
			"iss": b.issuer.URL(), "sub": tokenstest.UserID, "sid": tokenstest.SessionID, "azp": tokenstest.Party, "sts": "active",
			"iat": now, "nbf": now, "exp": now + 24*60*60, "fva": []int{0, 0},
			"org_id": "org_1", "org_slug": "acme", "org_role": "org:admin", "org_permissions": []string{"org:gates:open", "org:gates:close"},
			"fea": "o:gates", "pla": "o:pro", "pad": strings.Repeat("p", pad/3),
		})
		if len(token) == size {
			return token, nil
		}
	}
	return "", fmt.Errorf("no token of %d bytes", size)
}

func newVariants() ([]*interleave.Variant, func(), error) {
	b, err := newBench()
	if err != nil {
		return nil, nil, err
	}
	var variants []*interleave.Variant
	for _, group := range []func() ([]*interleave.Variant, error){b.checks, b.keys, b.grpcs, b.rules, b.streams, b.verifies} {
		more, err := group()
		if err != nil {
			return nil, nil, err
		}
		variants = append(variants, more...)
	}
	return variants, func() {
		b.guard.Close()
		_ = b.issuer.Close()
	}, nil
}

const (
	floor     = "SHA-256 of the token"
	floorMany = "SHA-256 of 4,096 tokens in turn"
)

// checks are the cached check alone: header to admitted, without the context of the handler.
func (b *bench) checks() ([]*interleave.Variant, error) {
	for i := range many {
		b.tokens = append(b.tokens, "ak_"+fmt.Sprintf("%08d", i)+strings.Repeat("k", size-11))
	}
	remembered, err := cache.New(interceptor.DefaultCacheSize, time.Hour, time.Second)
	if err != nil {
		return nil, err
	}
	principal, err := b.principal(b.token)
	if err != nil {
		return nil, err
	}
	remember := func(token string, principal *tokens.Principal) error {
		_, err := remembered.Do(context.Background(), cache.KeyOf(token), 0, func(context.Context) (*tokens.Principal, error) { return principal, nil })
		return err
	}
	if err := remember(b.token, principal); err != nil {
		return nil, err
	}
	headers := make([][]string, many)
	for i, token := range b.tokens {
		p, err := believer{}.Verify(context.Background(), tokens.Credential{})
		if err = errors.Join(err, remember(token, p)); err != nil {
			return nil, err
		}
		headers[i] = []string{"Bearer " + token}
	}
	any := b.guard.Rules().Procedure("/admittest.v1.GateService/AnyUnary")
	check := func(values []string) {
		token, err := tokens.ParseBearer(values)
		now := time.Now()
		entry, ok := remembered.Get(cache.KeyOf(token), now)
		if err != nil || !ok {
			panic("the cached check found nothing")
		}
		p := entry.Principal
		if !any.Accepts(p.Kind()) || p.Expired(now) || any.DecideCall(p).Outcome != policy.Admitted {
			panic("the cached check refused")
		}
	}
	// The floors hash the tokens where they lie, behind "Bearer ", since it matters to the hash how its input is aligned.
	hot, turn := []string{"Bearer " + b.token}, 0
	raw, raws := []byte(hot[0])[len("Bearer "):], make([][]byte, many)
	for i := range raws {
		raws[i] = []byte(headers[i][0])[len("Bearer "):]
	}
	return []*interleave.Variant{
		{Name: floor, Allocs: -1, Run: interleave.Times(func() { sha256.Sum256(raw) })},
		{Name: "cached check, one hot token", Reference: floor, Limit: 1.25, Run: interleave.Times(func() { check(hot) })},
		{Name: floorMany, Allocs: -1, Run: interleave.Times(func() { turn++; sha256.Sum256(raws[turn%many]) })},
		{Name: "cached check, 4,096 tokens in turn", Reference: floorMany, Limit: 1.5, Run: interleave.Times(func() { turn++; check(headers[turn%many]) })},
	}, nil
}

func (b *bench) principal(token string) (*tokens.Principal, error) {
	verifier := b.issuer.SessionVerifier()
	return verifier.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token), Form: verifier.Forms()[0]})
}

// grpcs are the handlers that grpc-go calls, ours and those of a peer.
func (b *bench) grpcs() ([]*interleave.Variant, error) {
	none := func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) { return nil, nil }
	description := &grpc.ServiceDesc{
		ServiceName: "admittest.v1.GateService", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "SessionUnary", Handler: none}},
	}
	handler := grpcauth.GuardService(b.guard, description).Methods[0].Handler
	ctx := metadata.NewIncomingContext(context.Background(), metadata.MD{
		":authority": {"localhost"}, "authorization": {"Bearer " + b.token}, "content-type": {"application/grpc"}, "user-agent": {"bench"}, "grpc-accept-encoding": {"gzip"},
	})
	peer := auth.UnaryServerInterceptor(func(ctx context.Context) (context.Context, error) {
		token, err := auth.AuthFromMD(ctx, "bearer")
		if err != nil {
			return nil, err
		}
		var claims jwt.RegisteredClaims
		_, err = jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return b.key, nil },
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(b.issuer.URL()), jwt.WithExpirationRequired())
		return ctx, err
	})
	nothing := func(context.Context, any) (any, error) { return nil, nil }
	return []*interleave.Variant{
		{Name: "gRPC handler in process, guarded", Reference: floor, Limit: 1.5, Allocs: 2, Run: interleave.Times(func() {
			if _, err := handler(nil, ctx, nil, nil); err != nil {
				panic(err)
			}
		})},
		{Name: "peer: go-grpc-middleware auth with golang-jwt", Reference: floor, Allocs: -1, Run: interleave.Times(func() {
			if _, err := peer(ctx, nil, &grpc.UnaryServerInfo{}, nothing); err != nil {
				panic(err)
			}
		})},
	}, nil
}

// rules are decisions alone.
func (b *bench) rules() ([]*interleave.Variant, error) {
	caller, err := b.principal(b.token)
	if err != nil {
		return nil, err
	}
	rule := b.guard.Rules().Procedure("/admittest.v1.GateService/BoundServer")
	request := &admittestv1.GateRequest{OrganizationId: "org_1"}
	return []*interleave.Variant{{
		Name: "rule: a permission and a field of the request", Reference: floor, Limit: 0.10, Run: interleave.Times(func() {
			if rule.DecideMessage(rule.DecideCall(caller), caller, request).Outcome != policy.Admitted {
				panic("the rule refused")
			}
		}),
	}}, nil
}

// streams are messages on a stream that is open, without a network.
func (b *bench) streams() ([]*interleave.Variant, error) {
	ctx := metadata.NewIncomingContext(context.Background(), metadata.MD{"authorization": {"Bearer " + b.token}})
	open := func(method string) (grpc.ServerStream, error) {
		out := make(chan grpc.ServerStream, 1)
		description := &grpc.ServiceDesc{
			ServiceName: "admittest.v1.GateService", HandlerType: (*any)(nil),
			Streams: []grpc.StreamDesc{{StreamName: method, ClientStreams: true, ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
				out <- s
				select {} // the stream stays open for as long as the process
			}}},
		}
		failed := make(chan error, 1)
		go func() {
			failed <- grpcauth.GuardService(b.guard, description).Streams[0].Handler(nil, &endless{ctx: ctx})
		}()
		select {
		case s := <-out:
			return s, nil
		case err := <-failed:
			return nil, err
		}
	}
	var variants []*interleave.Variant
	raw := &endless{ctx: ctx}
	message := &admittestv1.GateRequest{}
	variants = append(variants, &interleave.Variant{Name: "stream message, unguarded", Allocs: -1, Run: interleave.Times(func() { _ = raw.RecvMsg(message) })})
	for name, method := range map[string]string{"a call-phase rule": "SessionBidi", "a rule on every message": "BoundBidi"} {
		s, err := open(method)
		if err != nil {
			return nil, err
		}
		variants = append(variants, &interleave.Variant{
			Name: "stream message received, " + name, Reference: floor, Limit: 5, Run: interleave.Times(func() {
				if err := s.RecvMsg(message); err != nil {
					panic(err)
				}
			}),
		}, &interleave.Variant{
			Name: "stream message sent, " + name, Reference: floor, Limit: 0.10, Run: interleave.Times(func() {
				if err := s.SendMsg(message); err != nil {
					panic(err)
				}
			}),
		})
	}
	return variants, nil
}

// endless is a stream of messages that name org_1.
type endless struct {
	grpc.ServerStream
	ctx context.Context
}

func (e *endless) Context() context.Context { return e.ctx }
func (e *endless) SendMsg(any) error        { return nil }
func (e *endless) RecvMsg(message any) error {
	m, ok := message.(*admittestv1.GateRequest)
	if !ok {
		return io.ErrUnexpectedEOF
	}
	m.OrganizationId = "org_1"
	return nil
}
