// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokenstest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func reason(tb testing.TB, v tokens.Verifier, token string) tokens.Reason {
	tb.Helper()
	_, err := v.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token)})
	return tokens.ReasonOf(err)
}

func TestVerifiersTakeTheirOwn(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			iss := tokenstest.NewIssuer(t, tokenstest.WithAlgorithm(algorithm))
			verifiers := []tokens.Verifier{iss.SessionVerifier(), iss.OAuthVerifier(), iss.M2MVerifier()}
			minted := []string{
				iss.Session(tokenstest.SessionClaims{}), iss.OAuth(tokenstest.OAuthClaims{}), iss.M2M(tokenstest.M2MClaims{}),
			}
			table, err := tokens.NewVerifiers(verifiers...)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range verifiers {
				for j, token := range minted {
					want := tokens.ReasonTokenInvalid
					if i == j {
						want = ""
					}
					if got := reason(t, v, token); got != want {
						t.Errorf("verifier %d, token %d: %q, want %q", i, j, got, want)
					}
				}
				if got := reason(t, v, iss.Tamper(minted[i])); got != tokens.ReasonTokenInvalid {
					t.Errorf("tampered token %d: %q", i, got)
				}
				if form, of, ok := table.Classify(minted[i]); !ok || of != v {
					t.Errorf("token %d is classified as %s", i, form)
				}
			}
			if iss.Fetches() != 1 {
				t.Errorf("%d fetches, want 1", iss.Fetches())
			}
		})
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	iss := tokenstest.NewIssuer(t, tokenstest.WithAlgorithm("EdDSA"))
	v := iss.M2MVerifier()
	hour := time.Now().Add(time.Hour)
	for want, times := range map[tokens.Reason]tokenstest.Times{
		"":                            {},
		tokens.ReasonTokenExpired:     {IssuedAt: time.Now().Add(-time.Hour)},
		tokens.ReasonTokenNotYetValid: {NotBefore: hour, ExpiresAt: hour.Add(time.Hour)},
	} {
		if got := reason(t, v, iss.M2M(tokenstest.M2MClaims{Times: times})); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestRotateAndFail(t *testing.T) {
	t.Parallel()
	iss := tokenstest.NewIssuer(t, tokenstest.WithAlgorithm("EdDSA"))
	old := iss.M2M(tokenstest.M2MClaims{})
	iss.AddKey()
	v := iss.M2MVerifier("other", tokenstest.Audience)
	for _, token := range []string{old, iss.M2M(tokenstest.M2MClaims{})} {
		if got := reason(t, v, token); got != "" {
			t.Errorf("with two keys: %q", got)
		}
	}
	iss.Fail(http.StatusInternalServerError)
	iss.RotateKey()
	rotated := iss.M2M(tokenstest.M2MClaims{})
	if got := reason(t, v, rotated); got != tokens.ReasonVerifierUnavailable {
		t.Errorf("while the endpoint fails: %q", got)
	}
	if got := reason(t, v, old); got != "" {
		t.Errorf("an old key while the endpoint fails: %q", got)
	}
	iss.Fail(0)
	if got := reason(t, v, rotated); got != "" {
		t.Errorf("after the rotation: %q", got)
	}
	if got := reason(t, v, old); got != tokens.ReasonTokenInvalid {
		t.Errorf("the old key after the rotation: %q", got)
	}
	if iss.Fetches() < 3 {
		t.Errorf("%d fetches", iss.Fetches())
	}
}

func TestStartIssuerRefuses(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]tokenstest.Option{
		"HS256": {tokenstest.WithAlgorithm("HS256")}, "none": {tokenstest.WithAlgorithm("none")}, "nil": {nil},
	} {
		if iss, err := tokenstest.StartIssuer(opts...); err == nil || iss != nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	iss, err := tokenstest.StartIssuer(tokenstest.WithAlgorithm("EdDSA"))
	if err != nil {
		t.Fatal(err)
	}
	v := iss.SessionVerifier()
	token := iss.Session(tokenstest.SessionClaims{})
	for range 2 {
		if err := iss.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := reason(t, v, token); got != tokens.ReasonVerifierUnavailable {
		t.Errorf("after closing: %q", got)
	}
}

// Programs use the package, and must not get the flags of package testing.
func TestDoesNotImportTesting(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		if pkg == "testing" {
			t.Error("testing is imported")
		}
	}
}

func Example() {
	issuer, err := tokenstest.StartIssuer() // In a test: tokenstest.NewIssuer(t).
	if err != nil {
		log.Fatal(err)
	}
	defer issuer.Close()
	sessions := issuer.SessionVerifier()
	token := issuer.Session(tokenstest.SessionClaims{UserID: "user_7", Permissions: []string{"org:invoices:read"},
		Organization: tokens.Organization{ID: "org_1"}})
	caller, err := sessions.Verify(context.Background(), tokens.Credential{Secret: tokens.NewSecret(token)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.UserID(), caller.Has(tokens.Permission("invoices:read")))
	// Output: user_7 true
}
