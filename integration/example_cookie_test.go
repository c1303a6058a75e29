// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	connectcors "connectrpc.com/cors"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
	"github.com/rs/cors"
)

// A web application at one origin calls a server at another, over Connect or gRPC-Web, with its session in a cookie. The origin is named
// twice: so that browsers let the page read answers (CORS), and so that the cookie is read at all. Another page can call, too, but its
// user's cookie is not read, and it cannot read the answer.
func Example_cookie() {
	const app = "https://app.example"
	issuer, _ := tokenstest.StartIssuer() // stands for your issuer of sessions
	defer issuer.Close()
	sessions := issuer.SessionVerifier(app) // the authorized party (azp)

	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(app); err != nil {
		fmt.Println(err)
		return
	}
	verifiers, _ := tokens.NewVerifiers(sessions)
	// Any service of yours; with rules for kinds beside sessions, it needs their verifiers, too.
	rules, _ := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("PastService")))
	guard, err := interceptor.New(rules, verifiers, interceptor.WithSessionCookie(protection))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer guard.Close()

	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewPastServiceHandler(connectPast{newGate()}, connectauth.Protect(guard)))
	// CORS is outside, so that it answers preflights, which have no credential. Handler is right around the mux: the host that was called
	// is then known to the protection, which old browsers need.
	handler := cors.New(cors.Options{
		AllowedOrigins:   []string{app},
		AllowCredentials: true, // cookies
		AllowedMethods:   connectcors.AllowedMethods(),
		AllowedHeaders:   append(connectcors.AllowedHeaders(), "Authorization"),
		ExposedHeaders:   append(connectcors.ExposedHeaders(), "WWW-Authenticate"),
		MaxAge:           7200,
	}).Handler(connectauth.Handler(mux))

	cookie := "__session=" + issuer.Session(tokenstest.SessionClaims{Party: app})
	for _, call := range []struct{ method, origin, cookie string }{
		{http.MethodOptions, app, ""}, {http.MethodPost, app, cookie}, {http.MethodPost, app, cookie + "; " + cookie},
		{http.MethodOptions, "https://evil.example", ""}, {http.MethodPost, "https://evil.example", cookie},
	} {
		r := httptest.NewRequestWithContext(context.Background(), call.method, "https://api.example/admittest.v1.PastService/Open", bytes.NewBufferString("{}"))
		r.Header.Set("Origin", call.origin)
		if call.method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", http.MethodPost)
			r.Header.Set("Access-Control-Request-Headers", "connect-protocol-version,content-type")
		} else {
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Cookie", call.cookie)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var answer struct{ Kind, Ignored string }
		_ = json.Unmarshal(w.Body.Bytes(), &answer)
		h := w.Header()
		fmt.Printf("%s from %s: %d %q %q\n", call.method, call.origin, w.Code, answer.Kind, answer.Ignored)
		fmt.Printf("  may read %q, with cookies %q\n", h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Credentials"))
		fmt.Printf("  and %q, here %q\n", h.Get("Access-Control-Expose-Headers"), h.Get("WWW-Authenticate"))
	}
	// Output:
	// OPTIONS from https://app.example: 204 "" ""
	//   may read "https://app.example", with cookies "true"
	//   and "", here ""
	// POST from https://app.example: 200 "session_token" ""
	//   may read "https://app.example", with cookies "true"
	//   and "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin, Www-Authenticate", here ""
	// POST from https://app.example: 401 "" ""
	//   may read "https://app.example", with cookies "true"
	//   and "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin, Www-Authenticate", here "Bearer error=\"invalid_request\""
	// OPTIONS from https://evil.example: 204 "" ""
	//   may read "", with cookies ""
	//   and "", here ""
	// POST from https://evil.example: 200 "" "CREDENTIAL_MISSING"
	//   may read "", with cookies ""
	//   and "", here ""
}
