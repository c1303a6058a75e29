// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// FuzzHeader offers any text as a header, signed over, and compares what is taken with what encoding/json reads.
func FuzzHeader(f *testing.F) {
	const good = `{"alg":"EdDSA","kid":"k","typ":"t"}`
	for _, text := range []string{
		good, ` { "typ" : "JWT" , "alg" : "EdDSA" } `, `{"alg":"EdDSA","x5t":7,"x":[{}]}`, `{"alg":"none"}`, `{"alg":"HS256"}`, `{"alg":"EdDSA","alg":"none"}`,
		`{"alg":"EdDSA","\u0061lg":"none"}`, `{"alg":"EdDSA","ALG":"none"}`, `{"alg":"EdDSA","crit":[]}`, `{"alg":"EdDSA","b64":false}`, `{"alg":"EdDSA","zip":"DEF"}`,
		`{"alg":"EdDSA","enc":"A128GCM"}`, `{"alg":"EdDSA","jwk":{}}`, `{"alg":"EdDSA","jku":"u"}`, `{"alg":"EdDSA","x5u":"u"}`, `{"alg":"EdDSA","x5c":[]}`,
		`{"alg":"EdDSA","kid":7}`, `{"alg":"EdDSA","kid":""}`, `{"alg":"EdDSA","kid":"\u0000"}`, `{"alg":"EdDSA","typ":""}`, `{"alg":"EdDSA","cty":"JWT"}`, `{"alg":"EdDSA","\u212aid":""}`,
		`{"alg":"\u0045dDSA"}`, `[]`, `null`, `{}`, ``, good + `{}`, "\ufeff" + good, `{"alg":"EdDSA","x":"\ud800"}`, "{\"alg\":\"EdDSA\",\"x\":\"\xff\"}",
		`{"alg":"EdDSA","x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		signedText, key := signed(t, text, `{}`)
		token, err := parse(signedText)
		if err != nil {
			if encoded := base64.RawURLEncoding.EncodeToString([]byte(text)); len(text) > 8 && strings.Contains(err.Error(), encoded) {
				t.Errorf("the error %q has the header", err)
			}
			return
		}
		members := readMembers(t, text)
		for _, name := range []string{"crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"} {
			if _, ok := members[name]; ok {
				t.Errorf("%s is taken in %q", name, text)
			}
		}
		header := token.Header()
		for name, value := range map[string]string{"alg": header.Algorithm, "kid": header.KID, "typ": header.Type} {
			var want string
			if raw, ok := members[name]; ok && (json.Unmarshal(raw, &want) != nil || string(raw) == "null") || value != want {
				t.Errorf("%s is %q in %q", name, value, text)
			}
		}
		// As it is read anew, and as it is remembered.
		for range 2 {
			if _, err := token.Verify(key, nil); (err == nil) != (header.Algorithm == "EdDSA") {
				t.Errorf("header %q: %v", text, err)
			}
			if token, err = parse(signedText); err != nil || token.Header().Algorithm != header.Algorithm || token.Header().KID != header.KID {
				t.Fatalf("header %q is another the second time: %v", text, err)
			}
		}
	})
}

// FuzzClaims offers any text as the payload, signed over.
func FuzzClaims(f *testing.F) {
	for _, text := range []string{
		`{"iss":"i","sub":"s","aud":["a"],"exp":9e9}`, `{"exp":1,"EXP":2}`, `{"exp":1,"exp":2}`, `{"exp":1,"\u0065xp":2}`, `{"a":{"b":1,"b":2}}`, `{"a":"\ud83d\ude00"}`,
		`{"a":"\ude00\ud83d"}`, "{\"a\":\"\xff\"}", `{}`, ``, `[]`, `null`, `{}{}`, `{} `, "\ufeff{}", `{"a":1,}`, `{"a":-0.0e-0}`, `{"a":01}`, `{"a":"` + "\x01" + `"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		signedText, key := signed(t, `{"alg":"EdDSA"}`, text)
		token, err := parse(signedText)
		if err != nil {
			if text != "" && len(signedText) <= jws.MaxToken {
				t.Errorf("payload %q: %v", text, err)
			}
			return
		}
		claims, err := token.Verify(key, nil, "exp", "sub")
		object, again := jws.ParseObject([]byte(text), someNumbers, "exp", "sub")
		if (err == nil) != (again == nil) {
			t.Fatalf("payload %q: signed %v, alone %v", text, err, again)
		}
		if err != nil {
			return
		}
		if claims.Checked().Text() != object.Checked().Text() {
			t.Errorf("payload %q is %q, alone %q", text, claims.Checked().Text(), object.Checked().Text())
		}
		for name := range readMembers(t, text) {
			if name != "exp" && name != "sub" && (strings.EqualFold(name, "exp") || strings.EqualFold(name, "sub")) {
				t.Errorf("%q is taken in %q", name, text)
			}
		}
	})
}

// readMembers reads an object with encoding/json, which must take what we took.
func readMembers(tb testing.TB, text string) (members map[string]json.RawMessage) {
	tb.Helper()
	if err := json.Unmarshal([]byte(text), &members); err != nil || members == nil || !utf8.ValidString(text) {
		tb.Fatalf("%q is taken, and encoding/json says %v", text, err)
	}
	return members
}
