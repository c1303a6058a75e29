// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
)

type bearerCase struct {
	name   string
	values []string
	want   string
	parsed bool // ParseBearer gives the rest of the value
	valid  bool // and ValidBearer agrees
}

func TestParseBearerAccepts(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", tokens.MaxCredential)
	checkBearer(t, []bearerCase{
		{"absent", nil, "", true, false},
		{"absent, not nil", []string{}, "", true, false},
		{"one", []string{"Bearer abc"}, "abc", true, true},
		{"every character", []string{"Bearer azAZ09-._~+/=="}, "azAZ09-._~+/==", true, true},
		{"lower-case scheme", []string{"bearer abc"}, "abc", true, true},
		{"upper-case scheme", []string{"BEARER abc"}, "abc", true, true},
		{"mixed-case scheme", []string{"bEaReR abc"}, "abc", true, true},
		{"a token called Bearer", []string{"Bearer Bearer"}, "Bearer", true, true},
		{"one byte", []string{"Bearer a"}, "a", true, true},
		{"longest", []string{"Bearer " + longest}, longest, true, true},
	})
}

// TestParseBearerRefuses has what is refused before the characters are looked at.
func TestParseBearerRefuses(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", tokens.MaxCredential)
	checkBearer(t, []bearerCase{
		{"two values", []string{"Bearer a", "Bearer b"}, "", false, false},
		{"the same value twice", []string{"Bearer a", "Bearer a"}, "", false, false},
		{"a value and an empty one", []string{"Bearer a", ""}, "", false, false},
		{"an empty value and another", []string{"", "Bearer a"}, "", false, false},
		{"two empty values", []string{"", ""}, "", false, false},
		{"two schemes", []string{"Basic YTpi", "Bearer a"}, "", false, false},
		{"empty value", []string{""}, "", false, false},
		{"scheme alone", []string{"Bearer"}, "", false, false},
		{"scheme and a space", []string{"Bearer "}, "", false, false},
		{"scheme and two spaces", []string{"Bearer  "}, "", false, false},
		{"two spaces", []string{"Bearer  abc"}, "", false, false},
		{"tab", []string{"Bearer\tabc"}, "", false, false},
		{"no space", []string{"Bearerabc"}, "", false, false},
		{"colon", []string{"Bearer: abc"}, "", false, false},
		{"space first", []string{" Bearer abc"}, "", false, false},
		{"no scheme", []string{"abcdefgh.ijklmnop"}, "", false, false},
		{"token in the place of the scheme", []string{"abcdef ghijkl"}, "", false, false},
		{"Basic", []string{"Basic dXNlcjpwYXNz"}, "", false, false},
		{"DPoP", []string{"DPoP abc"}, "", false, false},
		{"a scheme as long as Bearer", []string{"Digest abc"}, "", false, false},
		{"longer scheme", []string{"Bearerx abc"}, "", false, false},
		{"Cyrillic letter in the scheme", []string{"Be\u0430rer abc"}, "", false, false},
		{"comma", []string{"Bearer a,b"}, "a,b", true, false},
		{"comma-joined", []string{"Bearer a, Bearer b"}, "a, Bearer b", true, false},
		{"comma-joined schemes", []string{"Basic YTpi, Bearer a"}, "", false, false},
		{"comma behind", []string{"Bearer a,"}, "a,", true, false},
		{"one byte too long", []string{"Bearer a" + longest}, "", false, false},
	})
}

// TestValidBearerRefuses has what ParseBearer lets pass and ValidBearer does not.
func TestValidBearerRefuses(t *testing.T) {
	t.Parallel()
	checkBearer(t, []bearerCase{
		{"space behind", []string{"Bearer abc "}, "abc ", true, false},
		{"space inside", []string{"Bearer a b"}, "a b", true, false},
		{"tab behind the space", []string{"Bearer \tabc"}, "\tabc", true, false},
		{"padding first", []string{"Bearer =abc"}, "=abc", true, false},
		{"padding inside", []string{"Bearer a=b"}, "a=b", true, false},
		{"padding alone", []string{"Bearer =="}, "==", true, false},
		{"non-ASCII", []string{"Bearer é"}, "é", true, false},
		{"obs-text", []string{"Bearer a\xff"}, "a\xff", true, false},
		{"NUL", []string{"Bearer a\x00"}, "a\x00", true, false},
		{"obs-fold", []string{"Bearer a\r\n b"}, "a\r\n b", true, false},
		{"quoted", []string{`Bearer "abc"`}, `"abc"`, true, false},
		{"percent", []string{"Bearer a%20b"}, "a%20b", true, false},
	})
}

func checkBearer(t *testing.T, cases []bearerCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tokens.ParseBearer(tt.values)
			if got != tt.want || tt.parsed != (err == nil) {
				t.Errorf("%.40q, %v", got, err)
			}
			if err != nil && tokens.ReasonOf(err) != tokens.ReasonCredentialMalformed {
				t.Errorf("reason %s", tokens.ReasonOf(err))
			}
			if valid := tokens.ValidBearer(got); valid != tt.valid || err == nil && valid != (tokens.CheckBearer(got) == nil) {
				t.Errorf("ValidBearer = %t", valid)
			}
			for _, value := range tt.values {
				if err != nil && len(value) > 12 && strings.Contains(err.Error(), value[7:]) {
					t.Errorf("the error tells the value: %v", err)
				}
			}
		})
	}
}

// TestIsTwoCredentials has what a public procedure refuses too, and what it takes for no credential.
func TestIsTwoCredentials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		values []string
		want   bool
	}{
		{"absent", nil, false},
		{"good", []string{"Bearer a"}, false},
		{"two values", []string{"Bearer a", "Bearer b"}, true},
		{"the same value twice", []string{"Bearer a", "Bearer a"}, true},
		{"a value and an empty one", []string{"Bearer a", ""}, true},
		{"comma-joined", []string{"Bearer a, Bearer b"}, true},
		{"comma-joined without a space", []string{"Bearer a,Bearer b"}, true},
		{"empty", []string{""}, false},
		{"another scheme", []string{"Basic YTpi"}, false},
		{"two spaces", []string{"Bearer  a"}, false},
		{"too long", []string{"Bearer a" + strings.Repeat("a", tokens.MaxCredential)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			token, err := tokens.ParseBearer(tt.values)
			if err == nil {
				err = tokens.CheckBearer(token)
			}
			if got := tokens.IsTwoCredentials(err); got != tt.want {
				t.Errorf("%t for %v", got, err)
			}
			if got := tokens.IsTwoCredentials(fmt.Errorf("extract: %w", err)); err != nil && got != tt.want {
				t.Errorf("wrapped: %t", got)
			}
		})
	}
	if tokens.IsTwoCredentials(tokens.NewError(tokens.ReasonCredentialMalformed, nil)) {
		t.Error("every malformed credential is two")
	}
}

// TestValidBearerByte checks every byte, first, in the middle and last, against the grammar of RFC 6750 §2.1.
func TestValidBearerByte(t *testing.T) {
	t.Parallel()
	for b := range 256 {
		is := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/", byte(b)) >= 0
		c := string([]byte{byte(b)})
		for at, text := range []string{c + "a", "a" + c + "a", "a" + c} {
			if want := is || b == '=' && at == 2; tokens.ValidBearer(text) != want {
				t.Errorf("%q: %t", text, !want)
			}
		}
	}
	if tokens.ValidBearer("") {
		t.Error("an empty token is valid")
	}
}

func FuzzParseBearer(f *testing.F) {
	for _, seed := range []string{
		"", "Bearer a", "bearer  a", "Basic Zm9v", "Bearer a b", "Bearer =", "Bearer a,b", "Bearer", "Bearer ", "Bearer a\x00", "BEARER a==",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		token, err := tokens.ParseBearer([]string{value})
		if (token == "") != (err != nil) {
			t.Fatalf("%q: token %q, error %v", value, token, err)
		}
		scheme, rest, _ := strings.Cut(value, " ")
		is := strings.ToLower(scheme) == "bearer" && rest != "" && rest[0] != ' ' && len(rest) <= tokens.MaxCredential
		if is != (err == nil) || is && token != rest {
			t.Fatalf("%q: token %q, error %v", value, token, err)
		}
		if _, err := tokens.ParseBearer([]string{value, value}); tokens.ReasonOf(err) != tokens.ReasonCredentialMalformed {
			t.Fatalf("%q twice: %v", value, err)
		}
		if tokens.ValidBearer(token) && strings.ContainsAny(token, " ,\t\r\n\"\\\x00") {
			t.Fatalf("%q is valid", token)
		}
	})
}

func TestSecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	const canary = "canary-0123456789"
	secret := tokens.NewSecret(canary)
	credential := tokens.Credential{Secret: secret, Procedure: "/p.S/M"}
	nested := struct {
		Shown      tokens.Secret
		hidden     tokens.Secret
		credential tokens.Credential
		pointer    *tokens.Credential
		any        any
		list       []tokens.Secret
		table      map[string]tokens.Secret
	}{secret, secret, credential, &credential, secret, []tokens.Secret{secret}, map[string]tokens.Secret{"k": secret}}
	values := []any{
		secret, &secret, credential, &credential, nested, &nested, []any{secret}, [1]tokens.Secret{secret}, map[string]any{"k": credential},
	}

	var out bytes.Buffer
	for verb := range strings.FieldsSeq("%v %+v %#v %s %q %#q %x %X %#x %d %o %b %c %U %e %f %g %t %p %T %w %z %10.3s %-20v %!") {
		for _, v := range values {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		for _, v := range values {
			slog.New(h).With("with", v).Info("message", "value", v, slog.Group("group", "value", v))
		}
	}
	if err := xml.NewEncoder(&out).Encode(secret); err != nil {
		t.Error(err)
	}
	_ = gob.NewEncoder(&out).Encode(secret) // What it does matters less than what it writes.
	fmt.Fprint(&out, secret, nested, fmt.Errorf("wrapped: %v", credential), errors.New(secret.String()))
	for _, leak := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprint([]byte(canary)), "canary"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("the secret is printed as %q", leak)
		}
	}
	for _, got := range []string{secret.String(), fmt.Sprint(secret), fmt.Sprintf("%#v", secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%d", &secret)} {
		if got != "[redacted]" {
			t.Errorf("printed as %q", got)
		}
	}
}

func TestSecretReveal(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "abc", strings.Repeat("x", 10_000)} {
		if got := tokens.NewSecret(text).Reveal(); got != text {
			t.Errorf("%.20q", got)
		}
	}
	var zero tokens.Secret
	if zero.Reveal() != "" || fmt.Sprint(zero) != "[redacted]" {
		t.Errorf("the zero secret is %q and prints as %v", zero.Reveal(), zero)
	}
}

// It is not parallel: AllocsPerRun counts the allocations of the whole process.
func TestParseBearerDoesNotAllocate(t *testing.T) {
	good, junk, two := []string{"Bearer abc.def.ghi"}, []string{"Basic abc"}, []string{"Bearer a", "Bearer b"}
	if allocs := testing.AllocsPerRun(100, func() {
		for _, values := range [][]string{good, junk, two, nil} {
			token, _ := tokens.ParseBearer(values)
			tokens.ValidBearer(token)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
