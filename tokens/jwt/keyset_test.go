// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func jwk(tb testing.TB, key any, changes map[string]any) map[string]any {
	tb.Helper()
	var members map[string]any
	if err := json.Unmarshal(must(jose.JSONWebKey{Key: key}.MarshalJSON()), &members); err != nil {
		tb.Fatal(err)
	}
	for name, value := range changes {
		members[name] = value
		if value == nil {
			delete(members, name)
		}
	}
	return members
}

func set(keys ...any) []byte { return must(json.Marshal(map[string]any{"keys": keys})) }

// Tokens that another library signs, with every algorithm.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve := func(c elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(c, rand.Reader)) }
	p256, p384, p521 := curve(elliptic.P256()), curve(elliptic.P384()), curve(elliptic.P521())
	tests := []struct {
		alg             jose.SignatureAlgorithm
		private, public any
	}{
		{jose.RS256, rsaKey(), &rsaKey().PublicKey},
		{jose.RS384, rsaKey(), &rsaKey().PublicKey},
		{jose.RS512, rsaKey(), &rsaKey().PublicKey},
		{jose.PS256, rsaKey(), &rsaKey().PublicKey},
		{jose.PS384, rsaKey(), &rsaKey().PublicKey},
		{jose.PS512, rsaKey(), &rsaKey().PublicKey},
		{jose.ES256, p256, &p256.PublicKey},
		{jose.ES384, p384, &p384.PublicKey},
		{jose.ES512, p521, &p521.PublicKey},
		{jose.EdDSA, ed, ed.Public()},
	}
	for _, test := range tests {
		t.Run(string(test.alg), func(t *testing.T) {
			t.Parallel()
			keys := must(jwt.NewKeySet(set(jwk(t, test.public, map[string]any{"kid": "k", "alg": string(test.alg), "use": "sig"}))))
			v := must(jwt.NewM2MVerifier("i", []string{"a"}, jwt.ClassType("m2m"), keys))
			options := (&jose.SignerOptions{}).WithType("m2m").WithHeader("kid", "k")
			signer := must(jose.NewSigner(jose.SigningKey{Algorithm: test.alg, Key: test.private}, options))
			payload := fmt.Sprintf(`{"iss":"i","sub":"s","aud":"a","exp":%d}`, time.Now().Add(time.Minute).Unix())
			token := must(must(signer.Sign([]byte(payload))).CompactSerialize())
			accepted(t, v, token)
			refused(t, v, (*tokenstest.Issuer)(nil).Tamper(token), tokens.ReasonTokenInvalid)
			for _, other := range tests {
				if other.alg == test.alg {
					continue
				}
				input := strings.Split(token, ".")
				header := b64(fmt.Sprintf(`{"alg":%q,"kid":"k","typ":"m2m"}`, other.alg))
				refused(t, v, header+"."+input[1]+"."+input[2], tokens.ReasonTokenInvalid)
			}
		})
	}
}

// SEC-26: the salt of a PSS signature is as long as the hash.
func TestSaltLength(t *testing.T) {
	t.Parallel()
	keys := must(jwt.NewKeySet(set(jwk(t, &rsaKey().PublicKey, map[string]any{"kid": "k", "alg": "PS256"}))))
	v := must(jwt.NewM2MVerifier("i", []string{"a"}, jwt.ClassType("m2m"), keys))
	input := b64(`{"alg":"PS256","kid":"k","typ":"m2m"}`) + "." + b64(`{"iss":"i","sub":"s","aud":"a","exp":9000000000}`)
	for salt, good := range map[int]bool{32: true, rsa.PSSSaltLengthAuto: false, 20: false, 64: false} {
		token := input + "." + base64.RawURLEncoding.EncodeToString(signPSS(t, input, salt))
		if good {
			accepted(t, v, token)
		} else {
			refused(t, v, token, tokens.ReasonTokenInvalid)
		}
	}
}

func TestKeySetLeavesOut(t *testing.T) {
	t.Parallel()
	ec := &must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey
	x25519 := map[string]any{"kty": "OKP", "crv": "X25519", "x": strings.Repeat("A", 43)}
	size := func(bits int) map[string]any {
		n := new(big.Int).SetBit(new(big.Int), bits-1, 1)
		n.SetBit(n, 0, 1)
		return jwk(t, &rsa.PublicKey{N: n, E: 65537}, map[string]any{"alg": "RS256"})
	}
	even := jwk(t, &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(3), 2050), E: 65537}, map[string]any{"alg": "RS256"})
	exponent := func(e string) map[string]any {
		return jwk(t, &rsaKey().PublicKey, map[string]any{"alg": "RS256", "e": e})
	}
	tests := []struct {
		name string
		key  any
	}{
		{"SEC-04 RSA without alg", jwk(t, &rsaKey().PublicKey, nil)},
		{"SEC-05 alg of another curve", jwk(t, ec, map[string]any{"alg": "ES384"})},
		{"SEC-05 alg of another type", jwk(t, ec, map[string]any{"alg": "RS256"})},
		{"SEC-05 ES521", jwk(t, ec, map[string]any{"alg": "ES521"})},
		{"SEC-02 HS256", jwk(t, &rsaKey().PublicKey, map[string]any{"alg": "HS256"})},
		{"alg none", jwk(t, &rsaKey().PublicKey, map[string]any{"alg": "none"})},
		{"SEC-49 1024 bits", size(1024)},
		{"SEC-49 2047 bits", size(2047)},
		{"SEC-49 8193 bits", size(8193)},
		{"SEC-49 even modulus", even},
		{"SEC-49 exponent 1", exponent("AQ")},
		{"SEC-49 even exponent", exponent("BA")},
		{"SEC-49 exponent 2^31+1", exponent("gAAAAQ")},
		{"SEC-49 exponent of 9 bytes", exponent("AQAAAAAAAAAB")},
		{"SEC-50 oct", map[string]any{"kty": "oct", "k": "AAAA", "alg": "HS256"}},
		{"SEC-51 off the curve", jwk(t, ec, map[string]any{"y": strings.Repeat("A", 43)})},
		{"SEC-51 short coordinate", jwk(t, ec, map[string]any{"x": strings.Repeat("A", 42)})},
		{"SEC-51 other crv", jwk(t, ec, map[string]any{"crv": "P-384"})},
		{"SEC-51 secp256k1", jwk(t, ec, map[string]any{"crv": "secp256k1"})},
		{"SEC-51 X25519", x25519},
		{"SEC-51 Ed25519 of 31 bytes", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": strings.Repeat("A", 42)}},
		{"SEC-51 no point", map[string]any{"kty": "EC", "crv": "P-256"}},
		{"SEC-53 use enc", jwk(t, ec, map[string]any{"use": "enc"})},
		{"SEC-53 use number", jwk(t, ec, map[string]any{"use": 1})},
		{"SEC-53 key_ops without verify", jwk(t, ec, map[string]any{"key_ops": []string{"sign"}})},
		{"SEC-53 key_ops empty", jwk(t, ec, map[string]any{"key_ops": []string{}})},
		{"SEC-53 key_ops text", jwk(t, ec, map[string]any{"key_ops": "verify"})},
		{"SEC-53 key_ops twice", jwk(t, ec, map[string]any{"key_ops": []string{"verify", "verify"}})},
		{"SEC-53 key_ops against use", jwk(t, ec, map[string]any{"use": "sig", "key_ops": []string{"verify", "encrypt"}})},
		{"kid number", jwk(t, ec, map[string]any{"kid": 1})},
		{"kid empty", jwk(t, ec, map[string]any{"kid": ""})},
		{"kty missing", jwk(t, ec, map[string]any{"kty": nil})},
		{"stray bits", jwk(t, ec, map[string]any{"x": strings.Repeat("A", 42) + "B"})},
		{"not an object", "key"},
		{"null", nil},
	}
	_, good := newIssuerKeys(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := jwt.NewKeySet(set(test.key)); err == nil {
				t.Error("alone it is taken")
			}
			// SEC-57: one bad key among good ones is left out.
			keys, err := jwt.NewKeySet(set(test.key, good))
			if err != nil {
				t.Fatalf("beside a good key: %v", err)
			}
			if _, err := keys.Key(t.Context(), "", "ES256"); err != nil {
				t.Errorf("the good key beside it: %v", err)
			}
		})
	}
}

func newIssuerKeys(tb testing.TB) (*tokenstest.Issuer, map[string]any) {
	tb.Helper()
	iss, _ := newIssuer(tb)
	var document struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(iss.Keys(), &document); err != nil {
		tb.Fatal(err)
	}
	return iss, document.Keys[0]
}

func TestKeySetRefuses(t *testing.T) {
	t.Parallel()
	_, good := newIssuerKeys(t)
	many := make([]any, 257)
	for i := range many {
		many[i] = map[string]any{}
	}
	tests := []struct {
		name string
		jwks []byte
	}{
		{"SEC-55 kid twice", set(good, good)},
		{"SEC-55 kid twice, one not usable", set(good, map[string]any{"kty": "oct", "kid": good["kid"]})},
		{"SEC-58 HTML", []byte("<html>")},
		{"SEC-58 empty", nil},
		{"SEC-58 {}", []byte("{}")},
		{"SEC-58 null", []byte("null")},
		{"SEC-58 keys null", []byte(`{"keys":null}`)},
		{"SEC-58 no keys", []byte(`{"keys":[]}`)},
		{"SEC-58 keys object", []byte(`{"keys":{}}`)},
		{"SEC-58 Keys", []byte(`{"Keys":[]}`)},
		{"SEC-58 too many", set(many...)},
		{"keys twice", append([]byte(`{"keys":[],`), set(good)[1:]...)},
		{"trailing", append(set(good), '{')},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if keys, err := jwt.NewKeySet(test.jwks); err == nil || keys != nil {
				t.Error("taken")
			}
		})
	}
}

func TestKeySetFinds(t *testing.T) {
	t.Parallel()
	ec := func(kid any) map[string]any {
		return jwk(t, &must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey, map[string]any{"kid": kid})
	}
	// SEC-56: the private members of the RSA key are not read.
	private := jwk(t, rsaKey(), map[string]any{"kid": "r"})
	keys := must(jwt.NewKeySet(set(ec("a"), ec("b"), private), jwt.WithAlgorithm("PS256")))
	tests := []struct {
		name, kid, alg string
		found          string
	}{
		{"by kid", "a", "ES256", "a"},
		{"by kid, another", "b", "ES256", "b"},
		{"other alg", "a", "RS256", ""},
		{"other kid", "c", "ES256", ""},
		{"SEC-18 no kid, two of the alg", "", "ES256", ""},
		{"SEC-18 no kid, one of the alg", "", "PS256", "r"},
		{"SEC-18 no kid, none of the alg", "", "RS256", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			key, err := keys.Key(t.Context(), test.kid, test.alg)
			if key.KID() != test.found || (err == nil) != (test.found != "") {
				t.Errorf("key %q, error %v", key.KID(), err)
			}
			if err != nil && tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
				t.Errorf("error %v", err)
			}
		})
	}
	// SEC-53: use and key_ops that agree.
	agreeing := jwk(t, &rsaKey().PublicKey, map[string]any{"alg": "RS256", "use": "sig", "key_ops": []string{"sign", "verify"}})
	if _, err := jwt.NewKeySet(set(agreeing)); err != nil {
		t.Error(err)
	}
	// The error of a key that was left out says why.
	left := must(jwt.NewKeySet(set(jwk(t, &rsaKey().PublicKey, map[string]any{"kid": "left out"}), ec("a"))))
	_, err := left.Key(t.Context(), "left out", "RS256")
	if tokens.ReasonOf(err) != tokens.ReasonTokenInvalid || !strings.Contains(err.Error(), "WithAlgorithm") {
		t.Errorf("a key that was left out: %v", err)
	}
	unnamed := must(jwt.NewKeySet(set(ec(nil))))
	if _, err := unnamed.Key(t.Context(), "a", "ES256"); err == nil {
		t.Error("a key without kid is taken for a token with one")
	}
	if _, err := (*jwt.KeySet)(nil).Key(t.Context(), "", ""); tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
		t.Errorf("a nil set: %v", err)
	}
	if _, err := jwt.NewKeySet(set(private), jwt.WithAlgorithm("ES256")); err == nil {
		t.Error("WithAlgorithm takes ES256")
	}
	if _, err := jwt.NewKeySet(set(private), nil); err == nil {
		t.Error("a nil option is taken")
	}
}

func TestNewKeyRefuses(t *testing.T) {
	t.Parallel()
	ec := &must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey
	for name, key := range map[string]any{
		"nil": nil, "nil RSA": (*rsa.PublicKey)(nil), "zero RSA": &rsa.PublicKey{}, "nil EC": (*ecdsa.PublicKey)(nil),
		"zero EC": &ecdsa.PublicKey{}, "EC without a point": &ecdsa.PublicKey{Curve: elliptic.P256()}, "nil Ed25519": ed25519.PublicKey(nil),
		"a secret": []byte("secret"), "private": rsaKey(), "a value": *ec,
	} {
		for _, alg := range []string{"RS256", "ES256", "EdDSA", "none", "HS256", ""} {
			if _, err := jwt.NewKey("k", alg, key); err == nil {
				t.Errorf("%s with %q is taken", name, alg)
			}
		}
	}
}

func TestPEMKey(t *testing.T) {
	t.Parallel()
	block := func(typ string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}))
	}
	pkix := block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)))
	pkcs1 := block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey))
	small := block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: big.NewInt(0xfffffffb), E: 3}))
	tests := []struct {
		name, alg, text string
		good            bool
	}{
		{"PKIX", "RS256", pkix, true},
		{"PKCS 1", "PS512", pkcs1, true},
		{"space behind", "RS256", pkix + "\n\n", true},
		{"no alg", "", pkix, false},
		{"other alg", "ES256", pkix, false},
		{"SEC-02 HS256", "HS256", pkix, false},
		{"SEC-49 small", "RS256", small, false},
		{"two keys", "RS256", pkix + pkix, false},
		{"private", "RS256", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())), false},
		{"junk", "RS256", block("PUBLIC KEY", []byte("junk")), false},
		{"empty", "RS256", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			key, err := jwt.NewPEMKey(test.alg, []byte(test.text))
			if (err == nil) != test.good {
				t.Fatalf("error %v", err)
			}
			if !test.good {
				return
			}
			for _, kid := range []string{"", "any"} {
				if found, err := key.Key(t.Context(), kid, test.alg); err != nil || found.Algorithm() != test.alg {
					t.Errorf("kid %q: %v", kid, err)
				}
			}
			if _, err := key.Key(t.Context(), "", "RS384"); tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
				t.Errorf("another algorithm: %v", err)
			}
		})
	}
}

func signPSS(tb testing.TB, input string, salt int) []byte {
	tb.Helper()
	digest := sha256.Sum256([]byte(input))
	return must(rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt}))
}
