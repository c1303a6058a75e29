// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

func TestParseObject(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	tests := []struct {
		name, text string
		good       bool
	}{
		{"empty", `{}`, true},
		{"spaces", " {\t\"a\" :\n1 ,\r\"b\" : [ ] , \"c\":[ 1 , {} ,\"x\"] } ", true},
		{"nested", `{"a":[[],[[1,2],{"b":{}}],"]}",true,null,-1.5e3],"b":{}}`, true},
		{"escapes", `{"a\"b":"\\","c":"\u0041\n\/\ud83d\ude00"}`, true},
		{"same name at two places", `{"a":{"a":{"a":1}},"b":{"a":1}}`, true},
		{"64 levels", deep(64), true},
		{"65 levels", deep(65), false},
		{"twice", `{"a":1,"a":1}`, false},
		{"twice, escaped", `{"a":1,"\u0061":1}`, false},
		{"twice, empty", `{"":1,"":1}`, false},
		{"twice in an array", `{"a":[1,{"b":1,"b":2}]}`, false},
		{"known in another case", `{"EXP":1}`, false},
		{"known with a Kelvin sign", "{\"\u212aid\":1}", false},
		{"known below in another case", `{"a":{"EXP":1}}`, true},
		{"high surrogate", `{"a":"\ud800"}`, false},
		{"high surrogate, last", `{"a":"\ud800\n"}`, false},
		{"high surrogate and a letter", `{"a":"\ud800\u0041"}`, false},
		{"low surrogate", `{"a":"\uDFFF"}`, false},
		{"escaped backslash and digits", `{"a":"\\ud800"}`, true},
		{"not UTF-8", "{\"a\":\"\xff\"}", false},
		{"array", `[]`, false},
		{"nothing", ``, false},
		{"open", `{`, false},
		{"trailing", `{}{}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			object, err := jws.ParseObject([]byte(test.text), someNumbers, "exp", "kid")
			if (err == nil) != test.good {
				t.Fatalf("error %v", err)
			}
			if err == nil {
				checkMembers(t, test.text, object)
			}
		})
	}
}

// checkMembers compares the members with what encoding/json reads.
func checkMembers(tb testing.TB, text string, object jws.Object) {
	tb.Helper()
	var want map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		tb.Fatalf("encoding/json: %v", err)
	}
	for name, value := range want {
		if got := strings.TrimSpace(object.Member(name).Raw()); got != string(value) || !object.Member(name).Exists() {
			tb.Errorf("member %q is %q, want %q", name, got, value)
		}
	}
	for number, name := range numberedNames {
		got, value := object.Known(jws.Number(number)), want[name] //nolint:gosec // They are few.
		if _, there := want[name]; number == 0 && got.Exists() || number > 0 && (got.Exists() != there || strings.TrimSpace(got.Raw()) != string(value)) {
			tb.Errorf("number %d, %q, is %q, want %q", number, name, got.Raw(), value)
		}
	}
}

func TestObjectMembers(t *testing.T) {
	t.Parallel()
	object, err := jws.ParseObject([]byte(`{"s":"a","l":["a","b"],"o":{"x":"y"},"n":null,"i":1,"m":["a",null]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok, err := object.Member("s").Text(); s != "a" || !ok || err != nil {
		t.Errorf("s: %q %v %v", s, ok, err)
	}
	if l, ok, err := object.Member("l").Texts(); !slices.Equal(l, []string{"a", "b"}) || !ok || err != nil {
		t.Errorf("l: %q %v %v", l, ok, err)
	}
	if o, ok, err := object.Member("o").Object(); !ok || err != nil || !o.Member("x").Exists() || o.Member("X").Exists() {
		t.Errorf("o: %s %v %v", o.Checked().Text(), ok, err)
	}
	for _, name := range []string{"n", "i", "m", "o"} {
		if _, _, err := object.Member(name).Text(); err == nil {
			t.Errorf("%s is a string", name)
		}
		if _, _, err := object.Member(name).Texts(); err == nil {
			t.Errorf("%s is an array of strings", name)
		}
	}
	if _, _, err := object.Member("n").Object(); err == nil {
		t.Error("null is an object")
	}
	if _, ok, err := object.Member("none").Text(); ok || err != nil {
		t.Errorf("a member that is not there: %v %v", ok, err)
	}
}

func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,{"b":"\ud83d\ude00"}]}`, `{"a":1,"a":2}`, ` {"a" : [ ] } `, `{"a":"\ud800"}`, `[{`, "{\"a\":\"\xff\"}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		object, err := jws.ParseObject([]byte(text), someNumbers, "exp")
		if err == nil {
			checkMembers(t, text, object)
		}
	})
}
