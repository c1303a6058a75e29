// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/clerk"
)

// What the Backend API answers may be anything: it makes a principal only of an answer that says the same to another reader.
func FuzzAnswer(f *testing.F) {
	for _, good := range []map[string]any{goodKey, goodMachine} {
		f.Add(object(good))
		f.Add(object(good, map[string]any{"revoked": true}))
		f.Add(object(good, map[string]any{"expiration": 253402300799999}))
		f.Add(`{"id":"x",` + object(good)[1:])
	}
	for _, junk := range []string{"", "{", "null", "[]", `{"id":`, `{"a":[[{}]]}`, `{"id":1e400}`} {
		f.Add(junk)
	}
	var body string
	c, _ := inMemory(f, answers(func(*http.Request) (int, string) { return 200, body }))
	f.Fuzz(func(t *testing.T, text string) {
		body = text
		for _, token := range []string{"ak_x", "mt_x"} {
			p, err := c.present(t, token)
			if err != nil {
				switch reason := tokens.ReasonOf(err); reason {
				case tokens.ReasonVerifierUnavailable, tokens.ReasonTokenExpired, tokens.ReasonTokenRevoked:
				default:
					t.Errorf("%s for %q", reason, text)
				}
				continue
			}
			var said map[string]json.RawMessage
			if err := json.Unmarshal([]byte(text), &said); err != nil {
				t.Fatalf("taken, though it cannot be read: %q", text)
			}
			if p.ID() == "" || p.Subject() == "" || string(said["revoked"]) != "false" || string(said["expired"]) != "false" {
				t.Errorf("%v of %q", p, text)
			}
		}
	})
}

func FuzzPublishableKey(f *testing.F) {
	for _, key := range []string{"pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA", "pk_live_", "", "pk_test_\n", "pk_live_JA=="} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		i, err := clerk.New(key, "sk_x", clerk.WithAuthorizedParties(origin))
		if (i == nil) == (err == nil) {
			t.Fatalf("%v and %v", i, err)
		}
		if err != nil {
			return
		}
		defer i.Close()
		name, ok := strings.CutPrefix(i.Issuer(), "https://")
		if test := strings.Replace(key, "pk_live_", "pk_test_", 1); !ok || strings.TrimRight(test, "=") != publishableKey(name) {
			t.Errorf("%q is the key of %q", key, i.Issuer())
		}
	})
}
