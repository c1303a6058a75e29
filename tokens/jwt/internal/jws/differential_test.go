// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// reference says what jws.ParseObject has to say, slowly: encoding/json for the grammar, and a walk over its tokens for the rest.
func reference(text []byte, known ...string) error {
	if !utf8.Valid(text) || !json.Valid(text) {
		return errors.New("not JSON")
	}
	if halfSurrogates(text) {
		return errors.New("half a surrogate pair")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	first, err := d.Token()
	if err != nil || first != json.Delim('{') {
		return errors.New("not an object")
	}
	if err := walk(d, first, 1, known); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows")
	}
	return nil
}

// walk reads a value whose first token was read.
func walk(d *json.Decoder, first json.Token, depth int, known []string) error {
	open, ok := first.(json.Delim)
	if !ok {
		return nil
	}
	if depth > jws.MaxDepth {
		return errors.New("too deep")
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			token, err := d.Token()
			if err != nil {
				return err
			}
			name := token.(string)
			if seen[name] {
				return errors.New("twice")
			}
			seen[name] = true
			for _, k := range known {
				if name != k && strings.EqualFold(name, k) {
					return errors.New("another case")
				}
			}
		}
		token, err := d.Token()
		if err != nil {
			return err
		}
		if err := walk(d, token, depth+1, nil); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// halfSurrogates looks for them in the text of good JSON, where backslashes stand in strings alone.
func halfSurrogates(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		var unit rune
		_, _ = fmt.Sscanf(string(text[i+1:i+5]), "%04x", &unit)
		i += 4
		switch {
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return true
		case unit >= 0xD800 && unit <= 0xDBFF:
			var low rune
			if i+6 >= len(text) || text[i+1] != '\\' || text[i+2] != 'u' {
				return true
			}
			_, _ = fmt.Sscanf(string(text[i+3:i+7]), "%04x", &low)
			if low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 6
		}
	}
	return false
}

var (
	someNames = []string{
		"", "a", "b", "ab", "iss", "sub", "aud", "exp", "EXP", "Sub", "\\u0061", "e\\u0078p", "\u017fub", "\u212a", "long-name-of-a-claim",
		"seven_7", "eight_88", "eight_8\\u0038", "ab\\u0000", "é", "😀", "\\ud83d\\ude00", "\\n", "x y",
	}
	// someNames with numbers are of all sorts: of one letter, of as many bytes as are looked at at once, and of more.
	numberedNames = []string{
		"", "a", "ab", "iss", "sub", "exp", "o1", "b0", "seven_7", "eight_88", "long-name-of-a-claim", "long-name-of-a-claim2", "é", "x y",
	}
	someNumbers = jws.NewNames(numberedNames...)
	someTexts   = []string{
		"", "a", "user_1", "a longer text that needs more than one look", "é", "日本語のテキスト", "\\u00e9", "\\ud83d\\ude00", "\\\\ud800", "\\\"", "\\/\\b\\f\\n\\r\\t",
		"1234567", "12345678", "123456789", "\x7f", "\\u0000",
	}
	someWords = []string{"0", "-0", "1", "-1.5", "1e3", "1E+3", "0.25e-7", "1763776800", "true", "false", "null", "123456789012345678901234567890"}
	// What is put in to spoil a text, or not.
	someSpoils = []string{
		"\"", "\\", ",", ":", "{", "}", "[", "]", " ", "\n", "\t", "\x00", "\x1f", "\xff", "\xc0\x80", "\xed\xa0\x80", "0", "-", ".", "e", "+", "\\u", "\\ud800",
		"\\udc00", "\\x", "nul", "NaN", "Infinity", "'", "/**/", "\ufeff", "\u2028", "A", "\\u00zz", "\\uD83D", "é",
	}
)

func pick(r *rand.Rand, of []string) string { return of[r.IntN(len(of))] }

func randomSpace(r *rand.Rand) string {
	if r.IntN(8) == 0 {
		return pick(r, []string{" ", "\n", "\t", "\r", "  \n"})
	}
	return ""
}

func randomValue(r *rand.Rand, depth int) string {
	choice := r.IntN(10)
	if depth <= 0 {
		choice = r.IntN(6)
	}
	switch {
	case choice < 3:
		return `"` + pick(r, someTexts) + pick(r, someTexts) + `"`
	case choice < 6:
		return pick(r, someWords)
	case choice < 8:
		return randomObject(r, depth)
	default:
		var elements []string
		for range r.IntN(4) {
			elements = append(elements, randomSpace(r)+randomValue(r, depth-1)+randomSpace(r))
		}
		return "[" + strings.Join(elements, ",") + "]"
	}
}

func randomObject(r *rand.Rand, depth int) string {
	var members []string
	for i := range r.IntN(7) {
		name := pick(r, someNames)
		if r.IntN(4) > 0 {
			name += fmt.Sprint(i) // so that not nearly all have a name twice
		}
		members = append(members, randomSpace(r)+`"`+name+`"`+randomSpace(r)+":"+randomSpace(r)+randomValue(r, depth-1)+randomSpace(r))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func spoil(r *rand.Rand, text string) string {
	for range 1 + r.IntN(2) {
		at := r.IntN(len(text) + 1)
		switch r.IntN(4) {
		case 0:
			text = text[:at] + pick(r, someSpoils) + text[at:]
		case 1:
			text = text[:at] + text[min(len(text), at+1+r.IntN(3)):]
		case 2:
			text = text[:at] + pick(r, someSpoils) + text[min(len(text), at+1):]
		default:
			text = text[:at]
		}
	}
	return text
}

func compare(tb testing.TB, text string) (good bool) {
	tb.Helper()
	known := []string{"exp", "sub", "k"}
	object, err := jws.ParseObject([]byte(text), someNumbers, known...)
	want := reference([]byte(text), known...)
	if (err == nil) != (want == nil) {
		tb.Fatalf("%q: %v, and the reference says: %v", text, err, want)
	}
	if err != nil {
		return false
	}
	checkMembers(tb, text, object)
	checkValues(tb, text, object)
	return true
}

// checkValues compares what accessors return with what encoding/json reads, of objects inside too.
func checkValues(tb testing.TB, text string, object jws.Object) {
	tb.Helper()
	var want map[string]any
	if err := json.Unmarshal([]byte(text), &want); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") {
		tb.Fatal(err)
	}
	for name, value := range want {
		got, ok, err := object.Member(name).Text()
		if text, is := value.(string); !ok || is != (err == nil) || got != text {
			tb.Fatalf("%q: %q %v %v, want %v", name, got, ok, err, value)
		}
		list, _, err := object.Member(name).Texts()
		var texts []string
		elements, is := value.([]any)
		for _, element := range elements {
			text, isText := element.(string)
			is = is && isText
			texts = append(texts, text)
		}
		if is != (err == nil) || is && !slices.Equal(list, texts) {
			tb.Fatalf("%q: %q %v, want %v", name, list, err, value)
		}
		checkTraits(tb, object.Member(name), value)
		inside, _, err := object.Member(name).Object()
		if _, is := value.(map[string]any); is != (err == nil) {
			tb.Fatalf("%q: %v, want %v", name, err, value)
		}
		if err == nil {
			checkMembers(tb, object.Member(name).Raw(), inside)
			checkValues(tb, object.Member(name).Raw(), inside)
		}
	}
	for _, name := range someNames {
		if _, there := want[name]; !there && object.Member(name).Exists() {
			tb.Fatalf("%q has %q", text, name)
		}
	}
}

var digitsAlone = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// checkTraits compares what is told at once of a value with what its JSON says.
func checkTraits(tb testing.TB, v jws.Value, value any) {
	tb.Helper()
	want, isText := value.(string)
	isPlain := isText && !strings.ContainsFunc(v.Raw(), func(r rune) bool { return r < ' ' || r > '~' || r == '\\' })
	if text, ok := v.Plain(); ok != isPlain || ok && text != want {
		tb.Fatalf("%s: plain %q %v", v.Raw(), text, ok)
	}
	if digits, ok := v.Digits(); ok != digitsAlone.MatchString(v.Raw()) || ok && digits != v.Raw() {
		tb.Fatalf("%s: digits %q %v", v.Raw(), digits, ok)
	}
	elements, _ := value.([]any)
	isPair := len(elements) == 2
	for _, element := range elements {
		inside, isArray := element.([]any)
		members, isObject := element.(map[string]any)
		isPair = isPair && (!isArray || len(inside) == 0) && (!isObject || len(members) == 0)
	}
	first, second, ok := v.Pair()
	if ok != isPair {
		tb.Fatalf("%s: pair %v", v.Raw(), ok)
	}
	if ok {
		checkElement(tb, first, elements[0])
		checkElement(tb, second, elements[1])
	}
}

func checkElement(tb testing.TB, v jws.Value, want any) {
	tb.Helper()
	var got any
	if err := json.Unmarshal([]byte(v.Raw()), &got); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") || !reflect.DeepEqual(got, want) {
		tb.Fatalf("element %s %v, want %v", v.Raw(), err, want)
	}
}

func TestParseObjectAgainstReference(t *testing.T) {
	t.Parallel()
	const texts = 6_000
	r := rand.New(rand.NewPCG(1, 2))
	counts := map[bool]int{}
	for range texts {
		text := randomSpace(r) + randomObject(r, 3) + randomSpace(r)
		counts[compare(t, text)]++
		counts[compare(t, spoil(r, text))]++
	}
	// A test of one answer alone would prove nothing.
	for _, n := range maps.All(counts) {
		if n < texts/4 {
			t.Errorf("answers %v; too few of one kind", counts)
		}
	}
}

// Every byte, at every place of a text that has one of everything.
func TestParseObjectEveryByte(t *testing.T) {
	t.Parallel()
	const text = `{"a": [1.5e-3,"x\u00e9\n",{"EXP":null}] ,"sub":true,"é":"abcdefgh"}`
	for at := range len(text) {
		for c := range 256 {
			compare(t, text[:at]+string([]byte{byte(c)})+text[at+1:])
			compare(t, text[:at]+string([]byte{byte(c)})+text[at:])
		}
		compare(t, text[:at])
	}
}

// Names are compared one by one while they are few, and otherwise when they are many.
func TestParseObjectManyNames(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 31, 32, 33, 34, 300, 70_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, `"m%d":%d,`, i, i)
			}
			numbers := jws.NewNames("", "last", fmt.Sprintf("m%d", n/2))
			object, err := jws.ParseObject([]byte("{"+b.String()+`"last":1}`), numbers)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range []int{0, n / 2, n - 1} {
				if got := object.Member(fmt.Sprintf("m%d", i)).Raw(); got != fmt.Sprint(i) {
					t.Errorf("member %d is %q", i, got)
				}
			}
			if object.Member("m").Exists() || object.Member(fmt.Sprintf("m%d", n)).Exists() || object.Member("last").Raw() != "1" || object.Known(1).Raw() != "1" {
				t.Error("a member that is not there, or one that is not found")
			}
			for _, i := range []int{0, n / 2, n - 1} {
				if _, err := jws.ParseObject(fmt.Appendf(nil, `{%s"m%d":1}`, b.String(), i), numbers); err == nil {
					t.Errorf("member %d twice is taken", i)
				}
				if _, err := jws.ParseObject(fmt.Appendf(nil, `{%s"\u006d%d":1}`, b.String(), i), numbers); err == nil {
					t.Errorf("member %d twice, escaped, is taken", i)
				}
			}
		})
	}
}

func TestParseObjectLongName(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("a", 1<<16), strings.Repeat("é", 1<<15)} {
		if _, err := jws.ParseObject([]byte(`{"`+text+`":1}`), nil); err == nil {
			t.Error("a name of 64 KiB is taken")
		}
		if _, err := jws.ParseObject([]byte(`{"`+text[2:]+`":"`+text+`"}`), nil); err != nil {
			t.Error(err)
		}
	}
}
