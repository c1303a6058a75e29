// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package differential_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"github.com/admitrpc/admit/tokens/jwt"
)

func (s signer) check(t *testing.T, token string) {
	t.Helper()
	_, all := s.ask(token)
	for _, d := range all {
		if reviewed(d) == "" {
			t.Errorf("%s", d)
		}
	}
}

// FuzzToken offers any text.
func FuzzToken(f *testing.F) {
	for _, s := range signers {
		i := 0
		for token := range s.mangled() {
			if i++; i%61 == 0 {
				f.Add(token)
			}
		}
		f.Add(s.token(s.header(""), payload("")))
	}
	f.Fuzz(func(t *testing.T, token string) {
		for _, s := range signers {
			s.check(t, token)
		}
	})
}

// FuzzSigned offers any header and payload, with a signature that matches (SEC-16, SEC-48).
func FuzzSigned(f *testing.F) {
	s := signers[0]
	i := 0
	for header, payload := range s.signed() {
		if i++; i%7 == 0 {
			f.Add(header, payload)
		}
	}
	f.Fuzz(func(t *testing.T, header, payload string) {
		s.check(t, s.token(header, payload))
	})
}

// FuzzMembers offers a good token with more members, most of which are not read: so more of them are accepted, and can be compared.
func FuzzMembers(f *testing.F) {
	s := signers[0]
	for _, more := range members {
		f.Add(more, "")
		f.Add("", more)
	}
	f.Fuzz(func(t *testing.T, ofHeader, ofPayload string) {
		s.check(t, s.token(s.header(ofHeader), payload(ofPayload)))
	})
}

// modulus is that of RFC 7517 §A.1.
const modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n" +
	"9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4l" +
	"Fd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

// keySeeds are JWKs, the first of them good.
func keySeeds() (seeds []string) {
	for _, s := range signers {
		seeds = append(seeds, string(must(json.Marshal(jose.JSONWebKey{Key: s.public, KeyID: "k", Algorithm: s.algorithm, Use: "sig"}))))
	}
	rsa := fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB","alg":"RS256","kid":"r"`, modulus)
	seeds = append(seeds, rsa+"}", rsa+`,"use":"sig","key_ops":["verify"],"x5t":"AAAA"}`)
	return append(seeds, rsa+`,"use":"enc"}`, rsa+`,"n":"AQAB"}`, rsa+`,"x5c":["AAAA"]}`, rsa+`,"d":"AQ"}`, rsa+`,"key_ops":"verify"}`, rsa+`,"x5t":7}`,
		`{"kty":"oct","k":"AAAA"}`, `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`, `{}`, `null`, `{"kty":"OKP","crv":"X25519","x":"AA"}`)
}

// checkKey compares what we take for a key of a set with what others do.
func checkKey(t *testing.T, text string) (accepted bool) {
	t.Helper()
	document := `{"keys":[` + text + `]}`
	if _, err := jwt.NewKeySet([]byte(document)); err != nil {
		return false
	}
	if err := strictObject(document); err != nil {
		t.Errorf("jsontext says %q of the set %q", err, document)
	}
	public := publicMembers(t, text)
	var key jose.JSONWebKey
	if err := json.Unmarshal(public, &key); err != nil || !key.Valid() {
		t.Errorf("go-jose says %q of the key %q", err, public)
	}
	if _, err := jwk.ParseKey(public); err != nil {
		t.Errorf("jwx says %q of the key %q", err, public)
	}
	return true
}

// publicMembers leaves of a key what we read of it. That we look at nothing else is a reviewed difference: others read certificates
// (x5c, x5t) and private members, and refuse a key for mistakes in them.
func publicMembers(t *testing.T, text string) []byte {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool {
		return !slices.Contains([]string{"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops"}, name)
	})
	return must(json.Marshal(all))
}

// FuzzKey offers a set of one key.
func FuzzKey(f *testing.F) {
	for _, text := range keySeeds() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkKey(t, text) })
}

// What we take for a key, all take.
func TestWhatIsAKeyToUs(t *testing.T) {
	t.Parallel()
	taken := 0
	for _, text := range keySeeds() {
		if checkKey(t, text) {
			taken++
		}
	}
	if taken < 4 {
		t.Errorf("only %d keys are taken", taken)
	}
}
