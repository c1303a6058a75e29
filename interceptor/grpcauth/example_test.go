// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package grpcauth_test

import (
	"context"
	"fmt"
	"net"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
)

func ExampleNewServer() {
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

	server := grpcauth.NewServer(guard)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		<-served
	}()

	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	client := grpc_health_v1.NewHealthClient(conn)
	response, err := client.Check(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key.Reveal()), &grpc_health_v1.HealthCheckRequest{})
	fmt.Println(response.GetStatus(), err)
	_, err = client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	fmt.Println(grpcauth.ReasonOf(err), err)
	// Output:
	// SERVING <nil>
	// CREDENTIAL_MISSING rpc error: code = Unauthenticated desc = credential required
}
