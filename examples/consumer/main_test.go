package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	greetv1 "example.com/consumer/gen/greet/v1"
	"example.com/consumer/gen/greet/v1/greetv1connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

type greeter struct{}

func (greeter) Greet(ctx context.Context, r *connect.Request[greetv1.GreetRequest]) (*connect.Response[greetv1.GreetResponse], error) {
	caller, _ := tokens.FromContext(ctx)
	return connect.NewResponse(&greetv1.GreetResponse{Greeting: "hello " + r.Msg.GetName() + ", from " + caller.UserID()}), nil
}

// The service is guarded by what its .proto says.
func TestGreet(t *testing.T) {
	issuer := tokenstest.NewIssuer(t)
	rules, err := policy.New(policy.Serve(greetv1.File_greet_v1_greet_proto))
	if err != nil {
		t.Fatal(err)
	}
	verifiers, err := tokens.NewVerifiers(issuer.SessionVerifier())
	if err != nil {
		t.Fatal(err)
	}
	guard, err := interceptor.New(rules, verifiers)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	mux := http.NewServeMux()
	mux.Handle(greetv1connect.NewGreetServiceHandler(greeter{}, connectauth.Protect(guard)))
	server := httptest.NewServer(mux)
	defer server.Close()

	client := greetv1connect.NewGreetServiceClient(server.Client(), server.URL)
	call := func(permissions ...string) (*connect.Response[greetv1.GreetResponse], error) {
		request := connect.NewRequest(&greetv1.GreetRequest{Name: "world"})
		request.Header().Set("Authorization", "Bearer "+issuer.Session(tokenstest.SessionClaims{
			Organization: tokens.Organization{ID: "org_1"}, Permissions: permissions,
		}))
		return client.Greet(t.Context(), request)
	}
	if response, err := call("org:greetings:send"); err != nil || response.Msg.GetGreeting() != "hello world, from user_1" {
		t.Errorf("got %v, %v", response, err)
	}
	if _, err := call(); connectauth.ReasonOf(err) != tokens.ReasonPermissionMissing {
		t.Errorf("got %v", err)
	}
}
