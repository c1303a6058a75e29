// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// FuzzVerify offers any text: only what the issuer signed is a principal.
func FuzzVerify(f *testing.F) {
	g := newTarget(f)
	for _, token := range []string{
		g.header(nil), g.iss.M2M(tokenstest.M2MClaims{}), "..", "e30.e30.AA", g.raw("", "{}"), "", g.header(nil) + "=", g.iss.Tamper(g.header(nil)),
		g.header(map[string]any{"crit": []string{}}), g.claim("EXP", 1), strings.Repeat(".", 100), "eyJhbGciOiJub25lIn0.e30.",
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		p, err := verify(t, g.v, token)
		if (p == nil) == (err == nil) {
			t.Fatal("exactly one of principal and error must be set")
		}
		if p == nil {
			checkSilent(t, err, token)
		} else if p.Subject() != "user_1" {
			t.Fatal("a token that nobody signed")
		}
	})
}

// FuzzClaims offers any claims, signed, to verifiers of all kinds: what comes of them is a principal of good form, or TOKEN_… and nothing
// told of the token.
func FuzzClaims(f *testing.F) {
	targets := newTargets(f, "ES256")
	for i, g := range targets {
		for _, more := range []string{
			"", `"scope":"a b",`, `"scp":["a"],`, `"act":{"sub":"x"},`, `"cnf":{},`, `"azp":"a",`, `"v":2,"o":{"id":"org_1","slg":"s","rol":"admin","per":"a,b","fpm":"3,5"},"fea":"o:f,u:g","pla":"o:p",`,
			`"fva":[0,-1],"sts":"pending",`, `"org_id":"o","org_role":"r","org_permissions":["p"],`, `"nonce":"n",`, `"nbf":1e9,`, `"scopes":["a"],`,
		} {
			f.Add(uint8(i), "{"+more+g.payload()[1:])
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, payload string) {
		g := targets[int(which)%len(targets)]
		token := g.iss.SignText(g.head(""), payload)
		p, err := verify(t, g.v, token)
		if err != nil {
			if reason := tokens.ReasonOf(err); !strings.HasPrefix(string(reason), "TOKEN_") || p != nil {
				t.Errorf("reason %s", reason)
			}
			return
		}
		var claims map[string]any
		if err := json.Unmarshal([]byte(payload), &claims); err != nil {
			t.Fatalf("%q is taken, and encoding/json says %v", payload, err)
		}
		if p.Subject() != claims["sub"] || p.Issuer() != claims["iss"] || !p.Kind().Known() {
			t.Errorf("%q is about %q of %q", payload, p.Subject(), p.Issuer())
		}
	})
}

// FuzzKeySet offers any text as a JWK Set: what is a set has keys that are what they say.
func FuzzKeySet(f *testing.F) {
	_, good := newIssuerKeys(f)
	rsa := jwk(f, &rsaKey().PublicKey, map[string]any{"kid": "r", "alg": "PS384"})
	for _, text := range [][]byte{
		set(good), set(rsa), set(good, rsa), set(good, good), set(good, map[string]any{"kty": "oct", "kid": "o", "k": "AAAA"}), set(), []byte(`{"keys":null}`), nil,
		[]byte("<html>"), append(set(good), '{'), []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`),
		[]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""}]}`), []byte(`{"Keys":[],"keys":[]}`), []byte(`{"keys":[[[[]]]]}`),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := jwt.NewKeySet(text)
		if (keys == nil) == (err == nil) {
			t.Fatal("exactly one of set and error must be set")
		}
		if err != nil {
			return
		}
		var document struct {
			Keys []json.RawMessage `json:"keys"`
		}
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatalf("%q is taken, and encoding/json says %v", text, err)
		}
		for _, element := range document.Keys {
			var named map[string]json.RawMessage
			var kid string
			if json.Unmarshal(element, &named) != nil || json.Unmarshal(named["kid"], &kid) != nil {
				continue
			}
			for _, algorithm := range []string{"RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA", "HS256", "none", ""} {
				key, err := keys.Key(t.Context(), kid, algorithm)
				if err == nil && (key.Algorithm() != algorithm || key.Algorithm() == "" || kid != "" && key.KID() != kid) {
					t.Errorf("kid %q with %q is the key %q of %q in %q", kid, algorithm, key.KID(), key.Algorithm(), text)
				}
			}
		}
	})
}
