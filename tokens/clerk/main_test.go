// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/clerk"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// issuer signs the JWTs of all tests but those that need two: RSA keys take long to make.
var issuer *tokenstest.Issuer

func TestMain(m *testing.M) {
	var err error
	if issuer, err = tokenstest.StartIssuer(); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) // what is current is the issuer
}

// What the instance of the tests is made of. Each has a canary in it, which nothing may print.
const (
	secretKey        = "sk_test_canaryOfTheSecretKey"
	machineSecretKey = "ak_canaryOfTheMachineSecretKey"

	host   = "clerk.example.com"
	origin = "https://app.example.com"
	ours   = "https://api.example.com"
	us     = "mch_us"

	catOfSessions  = "cl_B7d4PD111AAA"
	catOfTemplates = "cl_B7d4PD222AAA"
	catOfMachines  = "cl_B7d4PD333AAA"
	catOfNothing   = "cl_I7d4PD111III"
)

// publishableKey makes the key of a test instance.
func publishableKey(host string) string {
	return "pk_test_" + base64.RawStdEncoding.EncodeToString([]byte(host+"$"))
}

// An asked is a request that the Backend API got.
type asked struct {
	method, path, body string
	header             http.Header
}

// A backend is a fake Backend API that answers what a test says, and serves the keys of an issuer to who has the secret key.
type backend struct {
	*httptest.Server

	iss *tokenstest.Issuer

	mu      sync.Mutex
	asked   []asked
	answers map[string]http.HandlerFunc // by token
}

func newBackend(tb testing.TB) *backend {
	tb.Helper()
	return newBackendWithKeys(tb, issuer)
}

func newBackendWithKeys(tb testing.TB, iss *tokenstest.Issuer) *backend {
	tb.Helper()
	b := &backend{iss: iss, answers: map[string]http.HandlerFunc{}}
	b.Server = httptest.NewServer(b)
	tb.Cleanup(b.Server.Close)
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	b.asked = append(b.asked, asked{r.Method, r.URL.Path, string(body), r.Header.Clone()})
	var members map[string]string
	_ = json.Unmarshal(body, &members)
	var answer http.HandlerFunc
	for _, token := range members {
		answer = b.answers[token]
	}
	b.mu.Unlock()
	switch key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); {
	case key != secretKey && key != machineSecretKey:
		http.Error(w, `{"errors":[{"code":"clerk_key_invalid"}]}`, http.StatusUnauthorized)
	case r.URL.Path == "/v1/jwks" && r.Method == http.MethodGet:
		_, _ = w.Write(b.iss.Keys())
	case answer != nil:
		answer(w, r)
	default:
		http.Error(w, `{"errors":[{"code":"resource_not_found"}]}`, http.StatusNotFound)
	}
}

// says makes the API answer about a token.
func (b *backend) says(token string, status int, body string) { b.does(token, answering(status, body)) }

func (b *backend) does(token string, answer http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[token] = answer
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// requests returns what was asked at a path.
func (b *backend) requests(path string) (at []asked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.asked {
		if a.path == path {
			at = append(at, a)
		}
	}
	return at
}

// all are the options of an instance that takes every form of every kind.
func (b *backend) all(more ...clerk.Option) []clerk.Option {
	return append([]clerk.Option{
		clerk.WithAPIURL(b.URL), clerk.WithAuthorizedParties(origin), clerk.WithAudience(ours), clerk.WithMachineID(us),
	}, more...)
}

// instance makes one of the options.
func instance(tb testing.TB, opts ...clerk.Option) *clerk.Instance {
	tb.Helper()
	i, err := clerk.New(publishableKey(host), secretKey, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = i.Close() })
	return i
}

// A caller presents credentials as the guard does: to the verifier that the table of forms says.
type caller struct{ table *tokens.Verifiers }

func callerOf(tb testing.TB, i *clerk.Instance) caller {
	tb.Helper()
	table, err := tokens.NewVerifiers(i.Verifiers()...)
	if err != nil {
		tb.Fatal(err)
	}
	return caller{table}
}

func (c caller) present(tb testing.TB, token string) (*tokens.Principal, error) {
	tb.Helper()
	return c.presentAs(tb, tokens.Credential{Secret: tokens.NewSecret(token)})
}

func (c caller) presentAs(tb testing.TB, credential tokens.Credential) (*tokens.Principal, error) {
	tb.Helper()
	token := credential.Secret.Reveal()
	form, v, ok := c.table.Classify(token)
	if !ok {
		return nil, tokens.NewError(tokens.ReasonTokenInvalid, errors.New("no form"))
	}
	credential.Form = form
	p, err := v.Verify(tb.Context(), credential)
	if (p == nil) == (err == nil) {
		tb.Fatalf("a principal %v and an error %v", p, err)
	}
	if err != nil {
		silent(tb, fmt.Sprintf("%v %+v %#v", err, err, err), token)
	}
	return p, err
}

// silent asserts that a text has no key and no token in it.
func silent(tb testing.TB, text string, more ...string) {
	tb.Helper()
	for _, secret := range append([]string{secretKey, machineSecretKey, "canary"}, more...) {
		if len(secret) > 5 && strings.Contains(text, secret) {
			tb.Errorf("a secret in %q", text)
		}
	}
}

func (c caller) takes(tb testing.TB, token string, kind tokens.Kind) *tokens.Principal {
	tb.Helper()
	p, err := c.present(tb, token)
	if err != nil {
		tb.Fatalf("refused: %v", err)
	}
	if p.Kind() != kind {
		tb.Fatalf("a %s, want a %s", p.Kind(), kind)
	}
	return p
}

func (c caller) refuses(tb testing.TB, token string, reason tokens.Reason) {
	tb.Helper()
	if _, err := c.present(tb, token); tokens.ReasonOf(err) != reason {
		tb.Errorf("%v, want %s", err, reason)
	}
}

// object is the JSON of the members, with changes; a value that is absent removes a member.
func object(members map[string]any, changes ...map[string]any) string {
	all := maps.Clone(members)
	for _, c := range changes {
		for name, value := range c {
			if value == absent {
				delete(all, name)
			} else {
				all[name] = value
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

const absent = "\x00absent"

// Good answers, with every member that the API writes.
var (
	goodKey = map[string]any{
		"object": "api_key", "id": "ak_id", "type": "api_key", "name": "CI", "subject": "user_1", "claims": map[string]any{"foo": "bar"},
		"scopes": []string{"read:invoices", "write:invoices"}, "revoked": false, "revocation_reason": nil, "expired": false, "expiration": nil,
		"created_by": nil, "description": nil, "last_used_at": nil, "created_at": 1767225600000, "updated_at": 1767225600000,
	}
	goodOAuth = map[string]any{
		"object": "clerk_idp_oauth_access_token", "id": "oat_id", "client_id": "client_1", "type": "oauth:access_token", "subject": "user_1",
		"scopes": []string{"email"}, "aud": []string{ours}, "revoked": false, "revocation_reason": nil, "expired": false, "expiration": nil,
		"created_at": 1767225600000, "updated_at": 1767225600000,
	}
	goodMachine = map[string]any{
		"object": "machine_to_machine_token", "id": "mt_id", "subject": "mch_them", "claims": nil, "scopes": []string{us, "mch_other"},
		"revoked": false, "revocation_reason": nil, "expired": false, "expiration": nil, "created_at": 1767225600000, "updated_at": 1767225600000,
	}
)

// Opaque tokens, one of each kind, as Clerk's are spelled, with what is asked about them.
var opaque = []struct {
	kind               tokens.Kind
	token              string
	path, member       string
	good               map[string]any
	key                string // that is used, where there is a machine secret key
	identity, notFound string
}{
	{tokens.APIKey, "ak_LCWGdaM8mv8K4PC/57IICZQXAeWfCgF30DZaFXHoGn9=", "/api_keys/verify", "secret", goodKey, secretKey, "user_1", "API key"},
	{
		tokens.OAuthToken, "oat_8XOIucKvqHVr5tYP123456789abcdefghij", "/oauth_applications/access_tokens/verify", "access_token", goodOAuth,
		secretKey, "user_1", "OAuth token",
	},
	{tokens.M2MToken, "mt_8XOIucKvqHVr5tYP123456789abcdefghij", "/m2m_tokens/verify", "token", goodMachine, machineSecretKey, "mch_them", "M2M token"},
}

// JWTs of the instance, with changes to their claims; nil removes one.
func (b *backend) session(changes map[string]any) string {
	return b.headed("cat", catOfSessions, changes)
}

// headed mints a session with another header; nil removes it.
func (b *backend) headed(name string, value any, changes map[string]any) string {
	header := map[string]any{"typ": "JWT", "cat": catOfSessions}
	header[name] = value
	return b.sign(header, map[string]any{"sub": "user_1", "sid": "sess_1", "azp": origin}, changes)
}

func (b *backend) oauth(changes map[string]any) string {
	return b.sign(map[string]any{"typ": "at+jwt"}, map[string]any{
		"sub": "user_1", "client_id": "client_1", "aud": ours, "jti": "oat_id", "scope": "email profile",
	}, changes)
}

func (b *backend) machine(cat any, changes map[string]any) string {
	return b.sign(map[string]any{"typ": "JWT", "cat": cat}, map[string]any{
		"sub": "mch_them", "aud": []string{us, "mch_other"}, "jti": "mt_id",
	}, changes)
}

func (b *backend) sign(header, claims, changes map[string]any) string {
	now := time.Now()
	all := map[string]any{"iss": "https://" + host, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(all, claims)
	maps.Copy(all, changes)
	return b.iss.Sign(header, all)
}

// publicPEM is the key of the issuer as Clerk's dashboard shows it.
func (b *backend) publicPEM(tb testing.TB) []byte {
	tb.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicKey(tb, b.iss.Keys())})
}
