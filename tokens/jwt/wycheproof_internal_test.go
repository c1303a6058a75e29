// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// wycheproofFolder names the environment variable that says where the vectors are; `make wycheproof` sets it.
const wycheproofFolder = "ADMIT_WYCHEPROOF"

// pinned are the JWS vectors that are answered otherwise than their label says, and why.
var pinned = map[int]string{
	346: "labelled valid; the key is for PS256 (its alg), the token says PS384",
	350: "labelled valid; the key is for PS256 (its alg), the token says PS384",
	347: "labelled valid; the key's alg ES521 does not exist, and JWK vector 19 has it refused",
	351: "labelled valid; the key's alg ES521 does not exist, and JWK vector 19 has it refused",
	367: "labelled invalid; byte for byte the token of 357, which is labelled valid",
	370: "labelled invalid; byte for byte the token of 357, which is labelled valid",
	372: `labelled valid; "?" in the header is not base64url`,
	373: `labelled valid; "?" in the payload is not base64url`,
}

// answeredHere are how many vectors the library alone cannot answer: those of shared secrets, and those of empty payloads that are good
// otherwise, of each of the three files.
var answeredHere = []int{40, 14, 19, 6, 0, 0}

// A vectorFile is a file of test vectors of Project Wycheproof.
type vectorFile struct {
	Groups []struct {
		Private json.RawMessage `json:"private"` // a JWK or a JWK Set
		Public  json.RawMessage `json:"public"`  // the same without what is private; missing of shared secrets
		Tests   []vector        `json:"tests"`
	} `json:"testGroups"`
}

type vector struct {
	ID     int             `json:"tcId"`
	JWS    json.RawMessage `json:"jws"` // a string, or an object in JSON serialization
	JWE    json.RawMessage `json:"jwe"`
	Result string          `json:"result"`
}

func (v vector) token() string {
	raw := v.JWS
	if raw == nil {
		raw = v.JWE
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return string(raw)
	}
	return text
}

func readVectors(t *testing.T, folder, name string) vectorFile {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, "testvectors_v1", name)) //nolint:gosec // The folder is the caller's to choose.
	if err != nil {
		t.Fatal(err)
	}
	var file vectorFile
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// A tally is what became of the vectors of one file.
type tally struct {
	offered, agreed, accepted int
	disagreed                 []int
	secrets, empty            int // answered with a MAC, or with crypto/rsa, of this test
}

func (f vectorFile) tally(kind func(vector) json.RawMessage) (sum tally) {
	for _, group := range f.Groups {
		jwks := group.Public
		if jwks == nil {
			jwks = group.Private
		}
		keys := newVectorKeys(jwks)
		for _, v := range group.Tests {
			if kind(v) == nil {
				continue
			}
			sum.offered++
			if keys.secret {
				sum.secrets++
			}
			accepted, empty := keys.accepts(v.token())
			if empty {
				sum.empty++
			}
			if accepted {
				sum.accepted++
			}
			if accepted == (v.Result == "valid") {
				sum.agreed++
			} else {
				sum.disagreed = append(sum.disagreed, v.ID)
			}
		}
	}
	slices.Sort(sum.disagreed)
	return sum
}

// TestWycheproof offers the vectors of Project Wycheproof to the way of every token: the key set, the parser, and the signature.
//
// The payloads are not claims, so that a token counts as accepted when nothing but its claims is refused, which are read after the
// signature matched.
func TestWycheproof(t *testing.T) {
	t.Parallel()
	folder := os.Getenv(wycheproofFolder)
	if folder == "" {
		t.Skipf("%s does not say where the vectors are; run make wycheproof", wycheproofFolder)
	}
	ofJWS := func(v vector) json.RawMessage { return v.JWS }
	ofJWE := func(v vector) json.RawMessage { return v.JWE }
	mixed := readVectors(t, folder, "json_web_crypto_test.json")
	tokens := readVectors(t, folder, "json_web_signature_test.json").tally(ofJWS)
	keys := readVectors(t, folder, "json_web_key_test.json").tally(ofJWS)
	older := mixed.tally(ofJWS)
	encrypted := readVectors(t, folder, "json_web_encryption_test.json").tally(ofJWE)
	olderEncrypted := mixed.tally(ofJWE)

	out := t.Output()
	_, _ = fmt.Fprintf(out, "%d of %d JWS, %d of %d JWK, %d of %d of the JWS part of json_web_crypto\n",
		tokens.agreed, tokens.offered, keys.agreed, keys.offered, older.agreed, older.offered)
	_, _ = fmt.Fprintf(out, "%d JWEs accepted (%d + %d offered)\n",
		encrypted.accepted+olderEncrypted.accepted, encrypted.offered, olderEncrypted.offered)
	_, _ = fmt.Fprintf(out, "%d + %d + %d of them have shared secrets, which the library does not: behind its own checks a MAC of this test answered\n",
		tokens.secrets, keys.secrets, older.secrets)
	_, _ = fmt.Fprintf(out, "%d + %d + %d have an empty payload, which no JWT has: refused before the signature, which this test checked with crypto/rsa\n",
		tokens.empty, keys.empty, older.empty)
	_, _ = fmt.Fprintf(out, "%d JWS are answered otherwise than labelled:\n", len(tokens.disagreed))
	for _, id := range tokens.disagreed {
		_, _ = fmt.Fprintf(out, "  %d %s\n", id, pinned[id])
	}

	if want := slices.Sorted(maps.Keys(pinned)); !slices.Equal(tokens.disagreed, want) {
		t.Errorf("JWS answered otherwise than labelled: %d, want %d", tokens.disagreed, want)
	}
	if len(keys.disagreed)+len(older.disagreed) != 0 {
		t.Errorf("answered otherwise than labelled: JWK %d, json_web_crypto %d", keys.disagreed, older.disagreed)
	}
	if encrypted.accepted+olderEncrypted.accepted != 0 {
		t.Error("a JWE is accepted")
	}
	// A file that shrinks must not look like success.
	offered := []int{tokens.offered, keys.offered, older.offered, encrypted.offered, olderEncrypted.offered}
	if want := []int{401, 26, 49, 139, 34}; !slices.Equal(offered, want) {
		t.Errorf("offered %d, want %d", offered, want)
	}
	// Nor must more be answered by this test than is known.
	if other := []int{tokens.secrets, keys.secrets, older.secrets, tokens.empty, keys.empty, older.empty}; !slices.Equal(other, answeredHere) {
		t.Errorf("answered by the test: %d, want %d", other, answeredHere)
	}
}

// vectorKeys are the keys of one group of vectors.
type vectorKeys struct {
	set    *KeySet
	jwks   jws.Object
	secret bool // all keys are shared secrets
}

func newVectorKeys(keys json.RawMessage) vectorKeys {
	if object, err := jws.ParseObject(keys, nil); err == nil && !object.Member("keys").Exists() {
		keys = slices.Concat([]byte(`{"keys":[`), keys, []byte(`]}`))
	}
	k := vectorKeys{}
	// What is said of RSA keys without alg must not be why they are refused.
	k.set, _ = NewKeySet(keys, WithAlgorithm("RS256"))
	k.jwks, _ = jws.ParseObject(keys, nil)
	elements := k.elements()
	k.secret = len(elements) > 0 && !slices.ContainsFunc(elements, func(jwk jws.Object) bool { return !isSecret(jwk) })
	return k
}

func (k vectorKeys) elements() (jwks []jws.Object) {
	var elements []json.RawMessage
	if json.Unmarshal([]byte(k.jwks.Member("keys").Raw()), &elements) != nil {
		return nil
	}
	for _, element := range elements {
		jwk, err := jws.ParseObject(element, nil)
		if err != nil {
			return nil
		}
		jwks = append(jwks, jwk)
	}
	return jwks
}

// accepts reports whether nothing but the claims of a token is refused.
func (k vectorKeys) accepts(token string) (accepted, empty bool) {
	if k.secret {
		return k.acceptsMAC(token), false
	}
	t := new(jws.Token)
	if err := t.Parse(token); err != nil {
		accepted = k.acceptsEmpty(token)
		return accepted, accepted
	}
	key, err := k.key(t)
	if err != nil {
		return false, false
	}
	_, err = t.Verify(key.key, nil)
	return err == nil || strings.HasPrefix(err.Error(), "claims: "), false
}

func (k vectorKeys) key(t *jws.Token) (Key, error) {
	return k.set.Key(context.Background(), t.Header().KID, t.Header().Algorithm)
}

// acceptsEmpty reports whether the signature over an empty payload matches, and nothing else is wrong with the token.
func (k vectorKeys) acceptsEmpty(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[1] != "" {
		return false
	}
	t := new(jws.Token)
	if err := t.Parse(parts[0] + ".e30." + parts[2]); err != nil {
		return false
	}
	if _, err := k.key(t); err != nil {
		return false
	}
	public, _, err := parsePublic(k.elements()[0])
	key, ok := public.(*rsa.PublicKey)
	if err != nil || !ok {
		return false
	}
	hash := hashOf(t.Header().Algorithm)
	digest := hash.New()
	_, _ = digest.Write([]byte(parts[0] + "."))
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	if strings.HasPrefix(t.Header().Algorithm, "PS") {
		return rsa.VerifyPSS(key, hash, digest.Sum(nil), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return rsa.VerifyPKCS1v15(key, hash, digest.Sum(nil), signature) == nil
}

// acceptsMAC reports whether a MAC matches, and nothing else is wrong with the token and the keys. All but the MAC itself is asked of the
// library, once with a header that it would take, and once with a payload and signature that it would take.
func (k vectorKeys) acceptsMAC(token string) bool {
	if !k.wellFormed() {
		return false
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	if err := new(jws.Token).Parse("eyJhbGciOiJFZERTQSJ9." + parts[1] + "." + parts[2]); err != nil {
		return false
	}
	// The algorithm is what the library looks at last in a header.
	if err := new(jws.Token).Parse(parts[0] + ".e30.AA"); err == nil || err.Error() != "header: the algorithm is not supported" {
		return false
	}
	text, _ := base64.RawURLEncoding.DecodeString(parts[0])
	header, err := jws.ParseObject(text, nil)
	if err != nil {
		return false
	}
	algorithm, _, _ := header.Member("alg").Text()
	kid, _, _ := header.Member("kid").Text()
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	for _, jwk := range k.elements() {
		if id, _, _ := jwk.Member("kid").Text(); id != kid {
			continue
		}
		secret, hash, ok := macKey(jwk, algorithm)
		if !ok {
			return false
		}
		mac := hmac.New(hash.New, secret)
		_, _ = mac.Write([]byte(parts[0] + "." + parts[1]))
		return hmac.Equal(mac.Sum(nil), signature)
	}
	return false
}

// wellFormed reports whether the library takes the set as a whole, when it has a key that the library can use.
func (k vectorKeys) wellFormed() bool {
	const other = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	set := strings.Replace(k.jwks.Checked().Text(), "[", "["+other+",", 1)
	_, err := NewKeySet([]byte(set))
	return err == nil
}

func isSecret(jwk jws.Object) bool {
	kty, _, err := jwk.Member("kty").Text()
	return err == nil && kty == "oct"
}

// macKey reads a shared secret: for this algorithm, for verifying, and not shorter than the hash (RFC 7518 §3.2).
func macKey(jwk jws.Object, algorithm string) (secret []byte, hash crypto.Hash, ok bool) {
	only, has, err := jwk.Member("alg").Text()
	if err != nil || has && only != algorithm || !strings.HasPrefix(algorithm, "HS") || checkUse(jwk) != nil {
		return nil, 0, false
	}
	if hash = hashOf(algorithm); hash == 0 {
		return nil, 0, false
	}
	secret, err = octets(jwk, "k")
	return secret, hash, err == nil && len(secret) >= hash.Size()
}

func hashOf(algorithm string) crypto.Hash {
	switch strings.TrimLeft(algorithm, "HRPES") {
	case "256":
		return crypto.SHA256
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	default:
		return 0
	}
}
