// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
)

// goldenKeys were made by another implementation of the format.
var goldenKeys = []struct{ name, key, id, hint string }{
	{"default prefix", "ak_0123456789ABCDEF_" + strings.Repeat("a", 43), "0123456789ABCDEF", "ak_0123456789ABCDEF"},
	{"environment", "ak_live_0123456789abcdef_" + strings.Repeat("Z", 43), "0123456789abcdef", "ak_live_0123456789abcdef"},
	{"one letter", "k_ZZZZZZZZZZZZZZZZ_" + strings.Repeat("0", 43), "ZZZZZZZZZZZZZZZZ", "k_ZZZZZZZZZZZZZZZZ"},
	{"longest", strings.Repeat("a", 32) + "_ZZZZZZZZZZZZZZZZ_" + strings.Repeat("0", 43), "ZZZZZZZZZZZZZZZZ", strings.Repeat("a", 32) + "_ZZZZZZZZZZZZZZZZ"},
	{"looks like an id inside", "a_b_c_0000000000000000_" + strings.Repeat("9", 43), "0000000000000000", "a_b_c_0000000000000000"},
	{"begins with e", "eval_0000000000000000_" + strings.Repeat("9", 43), "0000000000000000", "eval_0000000000000000"},
	{"e alone", "e_0000000000000000_" + strings.Repeat("9", 43), "0000000000000000", "e_0000000000000000"},
}

// signed appends the checksum, computed with the standard library and math/big.
func signed(body string) string { return body + sum(body) }

func sum(body string) string {
	digits := new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(body)))).Text(62) // 0-9a-zA-Z, where keys have 0-9A-Za-z
	swapped := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return r
		}
	}, digits)
	return strings.Repeat("0", 6-len(swapped)) + swapped
}

func parse(text string) (apikey.Key, error) { return apikey.Parse(tokens.NewSecret(text)) }

func newKey(tb testing.TB, prefix string) apikey.Key {
	tb.Helper()
	key, _, err := apikey.New(apikey.Spec{Prefix: prefix, UserID: "user_1"})
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	for _, tt := range goldenKeys {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := signed(tt.key)
			key, err := parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if key.Reveal() != text || key.ID() != tt.id || key.Hint() != tt.hint+"…"+text[len(text)-4:] {
				t.Errorf("id %q, hint %q", key.ID(), key.Hint())
			}
			if want := sha256.Sum256([]byte(text)); key.Digest() != want {
				t.Errorf("digest %x, want %x", key.Digest(), want)
			}
		})
	}
}

func TestChecksumOfAKnownText(t *testing.T) {
	t.Parallel()
	// CRC-32 of "123456789" is 0xCBF43926, which pins the variant; the key pins the digits.
	if crc32.ChecksumIEEE([]byte("123456789")) != 0xCBF43926 {
		t.Fatal("another CRC-32")
	}
	const key = "ak_0123456789ABCDEF_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2hEw0n"
	if _, err := parse(key); err != nil {
		t.Errorf("a key of an earlier version is refused: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const id, secret = "0123456789ABCDEF", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	good := signed("ak_" + id + "_" + secret)
	for _, tt := range []struct{ name, key string }{
		{"empty", ""},
		{"prefix alone", "ak_"},
		{"no prefix", signed("_" + id + "_" + secret)},
		{"neither prefix nor underscore", signed(id + "_" + secret)},
		{"upper-case prefix", signed("AK_" + id + "_" + secret)},
		{"digit first", signed("1k_" + id + "_" + secret)},
		{"two underscores", signed("ak__live_" + id + "_" + secret)},
		{"underscore first", signed("_ak_" + id + "_" + secret)},
		{"underscore last", signed("ak__" + id + "_" + secret)},
		{"hyphen in the prefix", signed("ak-live_" + id + "_" + secret)},
		{"prefix too long", signed(strings.Repeat("a", 33) + "_" + id + "_" + secret)},
		{"like a JWT", signed("eyj_" + id + "_" + secret)},
		{"other separator first", signed("ak-" + id + "_" + secret)},
		{"other separator second", signed("ak_" + id + "-" + secret)},
		{"underscore in the id", signed("ak_" + "0123456_89ABCDEF" + "_" + secret)},
		{"hyphen first in the id", signed("ak_" + "-123456789ABCDEF" + "_" + secret)},
		{"hyphen last in the id", signed("ak_" + "0123456789ABCDE-" + "_" + secret)},
		{"hyphen last in the secret", signed("ak_" + id + "_" + secret[1:] + "-")},
		{"hyphen in the secret", signed("ak_" + id + "_-" + secret[1:])},
		{"dots", signed("ak_" + id + "_" + secret[:20] + "." + secret[:20] + "." + secret[0:1])},
		{"NUL in the secret", signed("ak_" + id + "_\x00" + secret[1:])},
		{"non-ASCII in the secret", signed("ak_" + id + "_é" + secret[2:])},
		{"Kelvin sign in the prefix", signed("a\u212A_" + id + "_" + secret)},
		{"id too short", signed("ak_" + id[1:] + "_" + secret)},
		{"id too long", signed("ak_0" + id + "_" + secret)},
		{"secret too short", signed("ak_" + id + "_" + secret[1:])},
		{"secret too long", signed("ak_" + id + "_a" + secret)},
		{"space before", " " + good},
		{"space after", good + " "},
		{"newline after", good + "\n"},
		{"padding", good + "="},
		{"checksum of another prefix", "ak_test" + good[2:]},
		{"checksum zero", good[:len(good)-6] + "000000"},
		{"checksum beyond 32 bits", good[:len(good)-6] + "zzzzzz"},
		{"checksum in other case", good[:len(good)-6] + strings.ToUpper(good[len(good)-6:])},
		{"twice", good + good},
		{"huge", strings.Repeat(good, 100)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, err := parse(tt.key)
			if err == nil {
				t.Fatalf("%q is a key", tt.key)
			}
			if tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
				t.Errorf("reason %s", tokens.ReasonOf(err))
			}
			if key != (apikey.Key{}) {
				t.Error("a key beside an error")
			}
			if strings.Contains(err.Error(), secret[:20]) || strings.Contains(err.Error(), id) {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
}

// TestParseRefusesEveryChange replaces every byte of a key by every other one, swaps neighbours, and drops and doubles bytes.
func TestParseRefusesEveryChange(t *testing.T) {
	t.Parallel()
	good := newKey(t, "ak_live").Reveal()
	refuse := func(text string) {
		t.Helper()
		if _, err := parse(text); err == nil && text != good {
			t.Errorf("%q is a key, and so is %q", text, good)
		}
	}
	for at := range len(good) {
		for b := range 256 {
			refuse(good[:at] + string([]byte{byte(b)}) + good[at+1:])
		}
		refuse(good[:at] + good[at+1:])
		refuse(good[:at] + good[at:at+1] + good[at:])
		if at > 0 {
			refuse(good[:at-1] + good[at:at+1] + good[at-1:at] + good[at+1:])
		}
	}
}

func TestZeroKey(t *testing.T) {
	t.Parallel()
	var key apikey.Key
	if key.ID() != "" || key.Hint() != "" || key.Reveal() != "" {
		t.Errorf("id %q, hint %q, text %q", key.ID(), key.Hint(), key.Reveal())
	}
}

func TestHintHasNoSecret(t *testing.T) {
	t.Parallel()
	text := newKey(t, "ak").Reveal()
	secret := text[len(text)-49 : len(text)-6]
	hint, _ := parse(text)
	for at := range len(secret) - 3 {
		if strings.Contains(strings.TrimSuffix(hint.Hint(), text[len(text)-4:]), secret[at:at+4]) {
			t.Errorf("hint %q has 4 characters of secret %q", hint.Hint(), secret)
		}
	}
}

func TestKeysAreRandom(t *testing.T) {
	t.Parallel()
	const keys = 2000
	shape := regexp.MustCompile(`^ak_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}$`)
	counts, seen := map[rune]int{}, map[string]bool{}
	for range keys {
		text := newKey(t, "").Reveal()
		if !shape.MatchString(text) || seen[text] {
			t.Fatalf("key %q", text)
		}
		seen[text] = true
		for _, r := range text[3:19] + text[20:63] {
			counts[r]++
		}
	}
	// A byte modulo 62 would make the first 8 characters a quarter likelier. The bound is about 8 standard deviations.
	mean := keys * 59 / 62
	for r, n := range counts {
		if n < mean-350 || n > mean+350 {
			t.Errorf("%q comes %d times, where %d are expected", r, n, mean)
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d different characters", len(counts))
	}
}

func TestKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	key := newKey(t, "ak")
	text := key.Reveal()
	nested := struct {
		Shown  apikey.Key
		hidden apikey.Key
		any    any
		list   []apikey.Key
		table  map[string]*apikey.Key
	}{key, key, key, []apikey.Key{key}, map[string]*apikey.Key{"k": &key}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%T", "%10.3s", "%!"} {
		for _, v := range []any{key, &key, nested, &nested, []any{key}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, v := range []any{key, &key, nested, map[string]any{"key": key}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("made", "key", key, "pointer", &key, "nested", nested)
	}
	if leaked := text[20:40]; strings.Contains(out.String(), leaked) || strings.Contains(out.String(), fmt.Sprintf("%x", leaked)) {
		t.Errorf("the key is printed:\n%s", out.String())
	}
	if key.String() != "[redacted]" || fmt.Sprint(key) != "[redacted]" || fmt.Sprintf("%#v", key) != "[redacted]" {
		t.Errorf("%s", key)
	}
}

func TestDigestEqual(t *testing.T) {
	t.Parallel()
	digest := newKey(t, "ak").Digest()
	if !digest.Equal(digest) {
		t.Error("not equal to itself")
	}
	for at := range digest {
		other := digest
		other[at] ^= 1
		if digest.Equal(other) || other.Equal(digest) {
			t.Errorf("equal to a digest that differs in byte %d", at)
		}
	}
}

// It is not parallel: AllocsPerRun counts the allocations of the whole process.
func TestParseDoesNotAllocate(t *testing.T) {
	secret := tokens.NewSecret(newKey(t, "ak_live").Reveal())
	junk := tokens.NewSecret(secret.Reveal()[:60] + "0000000000000000")
	var key apikey.Key
	var digest apikey.Digest
	for _, tt := range []struct {
		name string
		run  func()
	}{
		{"good", func() { key, _ = apikey.Parse(secret) }},
		{"junk", func() { _, _ = apikey.Parse(junk) }},
		{"digest", func() { digest = key.Digest() }},
	} {
		if allocs := testing.AllocsPerRun(100, tt.run); allocs != 0 {
			t.Errorf("%s: %v allocations", tt.name, allocs)
		}
	}
	if key.ID() == "" || digest == (apikey.Digest{}) {
		t.Error("nothing was parsed")
	}
}

func BenchmarkParse(b *testing.B) {
	secret := tokens.NewSecret(newKey(b, "ak").Reveal())
	for b.Loop() {
		if _, err := apikey.Parse(secret); err != nil {
			b.Fatal(err)
		}
	}
}
