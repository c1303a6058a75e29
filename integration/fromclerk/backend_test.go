// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package fromclerk_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/clerk"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// What the instance of the examples is made of.
const (
	host   = "clerk.example.com"
	origin = "https://app.example.com"
)

var (
	issuer   *tokenstest.Issuer
	backend  *httptest.Server
	instance *clerk.Instance
)

func TestMain(m *testing.M) {
	issuer = must(tokenstest.StartIssuer())
	backend = httptest.NewServer(http.HandlerFunc(answer))
	instance = newInstance(host)
	code := m.Run()
	_ = instance.Close()
	backend.Close()
	_ = issuer.Close()
	os.Exit(code)
}

func newInstance(host string) *clerk.Instance {
	publishableKey := "pk_test_" + base64.StdEncoding.EncodeToString([]byte(host+"$"))
	return must(clerk.New(publishableKey, "sk_test_0123456789",
		clerk.WithAuthorizedParties(origin),
		clerk.WithMachineID("mch_invoices"),
		clerk.WithMachineNames(map[string]string{"mch_2xKa9Bgv7N": "ledger"}),
		clerk.WithAPIURL(backend.URL), // a fake of Clerk's
	))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// answer is a Backend API that knows one token of each opaque kind, and the keys of the issuer.
func answer(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/jwks" {
		_, _ = w.Write(issuer.Keys())
		return
	}
	body, _ := io.ReadAll(r.Body)
	var asked map[string]string
	_ = json.Unmarshal(body, &asked)
	for _, token := range asked {
		if members, ok := known[token]; ok {
			_, _ = io.WriteString(w, `{`+members+`, "revoked": false, "expired": false, "expiration": null, "created_at": 1767225600000}`)
			return
		}
	}
	http.Error(w, `{"errors":[{"code":"resource_not_found"}]}`, http.StatusNotFound)
}

var known = map[string]string{
	key.token:         `"id": "ak_1", "subject": "org_1", "scopes": ["invoices:read"]`,
	application.token: `"id": "oat_1", "subject": "user_alice", "client_id": "client_1", "scopes": ["profile"]`,
	machine.token:     `"id": "mt_1", "subject": "mch_2xKa9Bgv7N", "scopes": ["mch_invoices"]`,
}

// A caller has a token, or claims that one is made of when it calls.
type caller struct {
	name   string
	token  string
	claims map[string]any
}

var (
	nobody      = caller{name: "nobody"}
	key         = caller{name: "an API key", token: "ak_LCWGdaM8mv8K4PC/57IICZQXAeWfCgF30DZaFXHoGn9="}
	application = caller{name: "an application", token: "oat_8XOIucKvqHVr5tYP123456789abcdefghij"}
	machine     = caller{name: "the ledger", token: "mt_8XOIucKvqHVr5tYP123456789abcdefghij"}

	// alice may read invoices of acme, and bob is its admin.
	alice = session("alice", map[string]any{
		"o": map[string]any{"id": "org_1", "slg": "acme", "rol": "member", "per": "read,write", "fpm": "1"}, "fea": "o:invoices",
	})
	bob = session("bob", map[string]any{
		"o": map[string]any{"id": "org_1", "slg": "acme", "rol": "admin", "per": "read,write", "fpm": "3"}, "fea": "o:invoices",
		"fva": []int{0, -1},
	})
	// carol must still choose an organization, and dave works for himself.
	carol = session("carol", map[string]any{"sts": "pending"})
	dave  = session("dave", map[string]any{"fva": []int{600, -1}})
)

// session makes a user who is signed in, with claims of version 2.
func session(name string, claims map[string]any) caller {
	all := map[string]any{"v": 2, "iss": "https://" + host, "azp": origin, "sub": "user_" + name, "sid": "sess_" + name, "sts": "active"}
	maps.Copy(all, claims)
	return caller{name: name, claims: all}
}

// bearer is what the caller presents.
func (c caller) bearer() string {
	if c.claims == nil {
		return c.token
	}
	now := time.Now()
	claims := maps.Clone(c.claims)
	claims["iat"], claims["exp"] = now.Unix(), now.Add(time.Minute).Unix()
	return issuer.Sign(map[string]any{"typ": "JWT", "cat": "cl_B7d4PD111AAA"}, claims)
}
