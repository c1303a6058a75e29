// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	good := g.header(nil)
	_, rest, _ := strings.Cut(good, ".")
	payload, _, _ := strings.Cut(rest, ".")
	none := func(alg string) string {
		return b64(`{"alg":"`+alg+`","kid":"key-1","typ":"at+jwt"}`) + "." + payload + "."
	}
	tests := []struct{ name, token string }{
		{"SEC-01 none", none("none")},
		{"SEC-01 nOnE with a signature", none("nOnE") + "AAAA"},
		{"SEC-01 NONE signed", g.header(map[string]any{"alg": "NONE"})},
		{"SEC-01 empty alg", g.header(map[string]any{"alg": ""})},
		{"SEC-01 no alg", g.header(map[string]any{"alg": nil})},
		{"SEC-03 another alg", g.header(map[string]any{"alg": "RS256"})},
		{"SEC-03 another curve", g.header(map[string]any{"alg": "ES384"})},
		{"SEC-05 ES521", g.header(map[string]any{"alg": "ES521"})},
		{"SEC-05 ES256K", g.header(map[string]any{"alg": "ES256K"})},
		{"SEC-06 jwk", g.header(map[string]any{"jwk": map[string]any{"kty": "EC"}})},
		{"SEC-07 jku", g.header(map[string]any{"jku": g.iss.JWKSURL()})},
		{"SEC-07 x5u", g.header(map[string]any{"x5u": "https://evil.example"})},
		{"SEC-08 x5c", g.header(map[string]any{"x5c": []string{"AAAA"}})},
		{"SEC-09 crit", g.header(map[string]any{"crit": []string{"exp"}})},
		{"SEC-09 crit empty", g.header(map[string]any{"crit": []string{}})},
		{"SEC-09 crit text", g.header(map[string]any{"crit": "b64"})},
		{"SEC-09 crit twice the same", g.header(map[string]any{"crit": []string{"exp", "exp"}})},
		{"SEC-09 crit of a registered name", g.header(map[string]any{"crit": []string{"alg"}})},
		{"SEC-09 crit null", g.rawHeader(`{"alg":"ES256","kid":"key-1","typ":"at+jwt","crit":null}`)},
		{"SEC-10 b64", g.header(map[string]any{"b64": false})},
		{"SEC-10 b64 and crit", g.header(map[string]any{"b64": false, "crit": []string{"b64"}})},
		{"SEC-10 b64 true", g.header(map[string]any{"b64": true})},
		{"SEC-11 zip", g.header(map[string]any{"zip": "DEF"})},
		{"SEC-11 enc", g.header(map[string]any{"enc": "A128GCM"})},
		{"SEC-11 JWE", "eyJhbGciOiJkaXIifQ..AA.AA.AA"},
		{"SEC-12 typ JWT", g.header(map[string]any{"typ": "JWT"})},
		{"SEC-12 no typ", g.header(map[string]any{"typ": nil})},
		{"SEC-12 typ empty", g.header(map[string]any{"typ": ""})},
		{"SEC-12 typ number", g.header(map[string]any{"typ": 1})},
		{"SEC-12 typ id_token", g.header(map[string]any{"typ": "id_token"})},
		{"SEC-12 typ twice", g.header(map[string]any{"typ": "application/application/at+jwt"})},
		{"SEC-12 typ with space", g.header(map[string]any{"typ": "at+jwt "})},
		{"SEC-13 nested", g.header(map[string]any{"cty": "JWT"})},
		{"SEC-13 nested, lower case", g.header(map[string]any{"cty": "application/jwt"})},
		{"SEC-14 alg twice", g.rawHeader(`{"alg":"none","alg":"ES256","kid":"key-1","typ":"at+jwt"}`)},
		{"SEC-14 alg twice, escaped", g.rawHeader(`{"\u0061lg":"none","alg":"ES256","kid":"key-1","typ":"at+jwt"}`)},
		{"SEC-14 ALG", g.header(map[string]any{"ALG": "none"})},
		{"SEC-14 Kid", g.header(map[string]any{"Kid": "key-2"})},
		{"SEC-14 Crit", g.header(map[string]any{"Crit": []string{"x"}})},
		{"SEC-31 Kelvin sign", g.header(map[string]any{"\u212aid": "key-2"})},
		{"SEC-15 array", g.rawHeader(`["alg"]`)},
		{"SEC-15 null", g.rawHeader(`null`)},
		{"SEC-15 long", g.header(map[string]any{"x": strings.Repeat("a", 2<<10)})},
		{"SEC-15 deep", g.rawHeader(`{"alg":"ES256","kid":"key-1","typ":"at+jwt","x":` + deep(64) + `}`)},
		{"SEC-17 kid number", g.header(map[string]any{"kid": 1})},
		{"SEC-17 kid empty", g.header(map[string]any{"kid": ""})},
		{"SEC-17 kid long", g.header(map[string]any{"kid": strings.Repeat("a", 257)})},
		{"SEC-17 kid NUL", g.header(map[string]any{"kid": "key-1\x00"})},
		{"SEC-17 kid object", g.header(map[string]any{"kid": map[string]any{"kid": "key-1"}})},
		{"SEC-17 kid 2 KiB", g.header(map[string]any{"kid": strings.Repeat("a", 2<<10)})},
		{"SEC-17 kid SQL", g.header(map[string]any{"kid": "key-1' OR '1'='1"})},
		{"SEC-17 kid command", g.header(map[string]any{"kid": "key-1; id"})},
		{"SEC-17 kid format", g.header(map[string]any{"kid": "%s%n"})},
		{"SEC-17 kid not ASCII", g.header(map[string]any{"kid": "k\u00e9y-1"})},
		{"SEC-17 kid path", g.header(map[string]any{"kid": "../../etc/passwd"})},
		{"SEC-17 kid URL", g.header(map[string]any{"kid": g.iss.JWKSURL()})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refused(t, g.v, test.token, tokens.ReasonTokenInvalid)
		})
	}
	t.Cleanup(func() {
		if n := g.iss.Fetches(); n != 0 {
			t.Errorf("SEC-07: %d fetches", n)
		}
	})
}

// SEC-02: whatever form of a public key is taken for a shared secret, the token is no good.
func TestPublicKeysAreNoSecrets(t *testing.T) {
	t.Parallel()
	ec := &must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey
	for name, key := range map[string]any{"EC": ec, "RSA": &rsaKey().PublicKey} {
		one := jwk(t, key, map[string]any{"kid": "key-1", "alg": map[string]string{"EC": "ES256", "RSA": "RS256"}[name]})
		der := must(x509.MarshalPKIXPublicKey(key))
		secrets := map[string][]byte{
			"JWK Set": set(one), "JWK": must(json.Marshal(one)), "DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
			"empty": nil,
		}
		switch key := key.(type) {
		case *ecdsa.PublicKey:
			point := must(key.Bytes())
			secrets["point"], secrets["x"] = point, point[1:33]
		case *rsa.PublicKey:
			secrets["modulus"], secrets["PKCS #1"] = key.N.Bytes(), x509.MarshalPKCS1PublicKey(key)
		}
		g := accessTarget(tokenstest.NewIssuer(t, tokenstest.WithAlgorithm("ES256")), must(jwt.NewKeySet(set(one))))
		for form, secret := range secrets {
			t.Run(name+" "+form, func(t *testing.T) {
				t.Parallel()
				refused(t, g.v, g.hmacToken(secret), tokens.ReasonTokenInvalid)
			})
		}
	}
}

// SEC-06: a token that brings its own key, with which it was signed, and with the kid of a good one.
func TestBroughtKeysAreNotUsed(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	evil, key := newIssuerKeys(t)
	for name, brought := range map[string]any{"jwk": key, "x5c": []string{"AAAA"}, "other": key} {
		token := evil.Sign(map[string]any{"typ": "at+jwt", name: brought}, g.claims(nil))
		refused(t, g.v, token, tokens.ReasonTokenInvalid)
	}
}

// SEC-07: no place that a token names is connected to.
func TestNamedPlacesAreNotAsked(t *testing.T) {
	t.Parallel()
	var listen net.ListenConfig
	canary := must(listen.Listen(t.Context(), "tcp", "127.0.0.1:0"))
	defer func() { _ = canary.Close() }()
	address := "http://" + canary.Addr().String() + "/keys.json"
	g := newTarget(t)
	remote := must(jwt.NewRemoteKeySet(g.iss.JWKSURL()))
	defer func() { _ = remote.Close() }()
	for _, keys := range []jwt.KeySource{must(jwt.NewKeySet(g.iss.Keys())), remote} {
		v := accessTarget(g.iss, keys).v
		for _, name := range []string{"jku", "x5u", "kid", "iss", "x5t", "url"} {
			header := g.header(map[string]any{name: address})
			_, _ = verify(t, v, header)
			if name != "iss" && name != "x5t" && name != "url" {
				refused(t, v, header, tokens.ReasonTokenInvalid)
			}
		}
		for _, name := range []string{"iss", "jku", "jwks_uri", "x5u"} {
			_, _ = verify(t, v, g.claim(name, address))
		}
		refused(t, v, g.claim("iss", address), tokens.ReasonTokenInvalid)
	}
	// The first connection that the canary sees is this one.
	var dial net.Dialer
	ours := must(dial.DialContext(t.Context(), "tcp", canary.Addr().String()))
	defer func() { _ = ours.Close() }()
	first := must(canary.Accept())
	defer func() { _ = first.Close() }()
	if first.RemoteAddr().String() != ours.LocalAddr().String() {
		t.Error("a place that a token named was connected to")
	}
}
