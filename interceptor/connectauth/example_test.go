// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package connectauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"connectrpc.com/connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// Generated code names the schema itself: mux.Handle(NewHealthHandler(service, connectauth.Protect(guard))).
func ExampleProtect() {
	ctx := context.Background()
	store := apikey.NewMemoryStore()
	administration, _ := apikey.NewKeys(store)
	key, _, _ := administration.Create(ctx, apikey.Spec{UserID: "user_1", Scopes: []string{"health:read"}})
	keys, _ := apikey.NewVerifier(store)
	verifiers, _ := tokens.NewVerifiers(keys)
	rules, _ := policy.New(policy.For("/grpc.health.v1.Health/*", policy.Allow(policy.Keys(policy.Scopes("health:read")))))
	guard, err := interceptor.New(rules, verifiers)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer guard.Close()

	const check = "/grpc.health.v1.Health/Check"
	method := grpc_health_v1.File_grpc_health_v1_health_proto.Services().ByName("Health").Methods().ByName("Check")
	handler := connectauth.Handler(connect.NewUnaryHandler(check,
		func(ctx context.Context, _ *connect.Request[grpc_health_v1.HealthCheckRequest]) (*connect.Response[grpc_health_v1.HealthCheckResponse], error) {
			caller, _ := tokens.FromContext(ctx)
			fmt.Println("handling a call of", caller.UserID())
			return connect.NewResponse(&grpc_health_v1.HealthCheckResponse{}), nil
		}, connect.WithSchema(method), connectauth.Protect(guard)))

	for _, authorization := range []string{"Bearer " + key.Reveal(), "Bearer ak_nobody"} {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, check, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Printf("%d %q\n", w.Code, w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// handling a call of user_1
	// 200 ""
	// 401 "Bearer error=\"invalid_token\""
}
