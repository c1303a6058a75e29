// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package differential_test

import (
	"fmt"
	"iter"
	"strings"
	"testing"
)

// header is a good header, with more members.
func (s signer) header(more string) string {
	return fmt.Sprintf(`{"alg":%q,"kid":"k","typ":"m2m+jwt"%s}`, s.algorithm, more)
}

// payload is a good payload, with more members.
func payload(more string) string {
	return fmt.Sprintf(`{"iss":%q,"sub":"mch_1","aud":%q,"jti":"t","exp":9000000000,"iat":1700000000,"nbf":1.7e9,"scope":"a b"%s}`, issuer, audience, more)
}

// members are what is put beside the members of headers and payloads.
var members = []string{
	``, ` `, `,"x":1`, `,"x":-0.5e-7`, `,"x":"\ud83d\ude00\u0000"`, `,"x":[[],{},null,true,false]`, `,"x":{"alg":"none","sub":"admin"}`, `,"":""`,
	`,"x":1e400`, `,"x":123456789012345678901234567890`, `,"x":` + strings.Repeat("[", 60) + strings.Repeat("]", 60),
	// What we do not read, as other libraries do.
	`,"x5t":"AAAA"`, `,"x5t":7`, `,"x5t#S256":"AAAA"`, `,"x5t#S256":{}`, `,"nonce":"n"`, `,"nonce":1`, `,"url":"u"`, `,"url":[]`, `,"epk":{}`, `,"apu":1`,
	`,"p2c":"x"`, `,"tag":7`, `,"iv":7`, `,"cty":"json"`, `,"cty":7`, `,"typ2":7`,
	`,"azp":"a"`, `,"azp":7`, `,"jti":7`, `,"email":7`, `,"client_id":"c"`, `,"client_id":7`, `,"sid":7`, `,"events":{}`, `,"act":{"sub":"x"}`, `,"cnf":{}`,
	// What must not be there.
	`,"crit":[]`, `,"crit":["b64"],"b64":false`, `,"b64":true`, `,"zip":"DEF"`, `,"jwk":{}`, `,"jku":"https://evil.example"`, `,"enc":"A128GCM"`,
	`,"EXP":1`, `,"Alg":"none"`, `,"SUB":"admin"`, `,"\u017fub":"admin"`, `,"alg":"none"`, `,"sub":"admin"`, `,"s\u0075b":"admin"`, `,"aud":"x"`, `,"exp":1`,
	`,"x":"` + "\xff" + `"`, `,"x":"\ud800"`, `,"x":{"a":1,"a":2}`, `,`, `,"x"`, `,x:1`, `,"x":01`, `,"x":+1`, `,"x":.5`, `,"x":1.`, `,"x":NaN`, `,"x":'a'`, "//\n", "\x00",
	`,"x":"` + "\n" + `"`, `,"x":"\x"`, `}{`, `}`, "\ufeff", "\v",
}

// values take the place of the values of claims.
var values = []string{
	`"mch_1"`, `""`, `" "`, `"\u0000"`, `"\ufeffx"`, `"` + "\ufeff" + `x"`, `"\ufffd"`, `"\u202e"`, `"é"`, `"\u00e9"`, `"e\u0301"`, `"\/"`, `7`, `-1`, `0`, `-0`, `1.5`, `1e3`,
	`9e9`, `9000000000.5`, `9.0e+9`, `9000000000.0000000001`, `0.9e10`, `253402300799`, `253402300800`, `253402300798.9`, `9223372036854775807`, `1e30`, `1e400`, `1e-400`,
	`"9000000000"`, `null`, `true`, `[]`, `{}`, `["` + audience + `"]`, `["x","` + audience + `"]`, `["` + audience + `","` + audience + `"]`, `["` + audience + `",7]`,
	`["` + audience + `",""]`, `[["` + audience + `"]]`, `"` + audience + `"`, `"` + audience + `/"`, `"` + issuer + `"`, `"` + strings.Replace(issuer, "/", `\/`, 1) + `"`, `["` + issuer + `"]`,
	`"` + strings.Repeat("x", 1024) + `"`, `"` + strings.Repeat("x", 1025) + `"`,
}

var names = []string{"iss", "sub", "aud", "jti", "exp", "iat", "nbf", "scope"}

// signed are headers and payloads that are close to good ones; they are signed, so that nothing but what they say can be wrong.
func (s signer) signed() iter.Seq2[string, string] {
	return func(yield func(header, payload string) bool) {
		for _, more := range members {
			for _, pair := range [][2]string{
				{s.header(more), payload("")},
				{s.header(""), payload(more)},
				{s.header("") + more, payload("")},
				{s.header(""), payload("") + more},
				{more + s.header(""), payload("")},
				{s.header(""), more + payload("")},
				{s.header(more), payload(more)},
			} {
				if !yield(pair[0], pair[1]) {
					return
				}
			}
		}
		for _, name := range names {
			for _, value := range values {
				// In the place of the good one, before it, and after it.
				good := payload("")
				begin := strings.Index(good, `"`+name+`"`)
				end := begin + strings.IndexAny(good[begin:], ",}")
				member := fmt.Sprintf("%q:%s", name, value)
				for _, text := range []string{good[:begin] + member + good[end:], "{" + member + "," + good[1:], good[:len(good)-1] + "," + member + "}"} {
					if !yield(s.header(""), text) {
						return
					}
				}
			}
		}
	}
}

// mangled are tokens that were good before a bit was turned, a segment exchanged, or something put in.
func (s signer) mangled() iter.Seq[string] {
	one, two := s.token(s.header(""), payload("")), s.token(s.header(`,"x":1`), payload(`,"x":1`))
	return func(yield func(token string) bool) {
		for i := range len(one) {
			for bit := range 8 {
				changed := []byte(one)
				changed[i] ^= 1 << bit
				if !yield(string(changed)) {
					return
				}
			}
			for _, more := range []string{"\n", "\r\n", " ", "=", ".", "\x00", "A", "?"} {
				if !yield(one[:i] + more + one[i:]) {
					return
				}
			}
			if !yield(one[:i]) || !yield(one[:i]+one[i+1:]) || !yield(one[:i]+two[i:]) || !yield(two[:i]+one[i:]) {
				return
			}
		}
		segments := append(strings.Split(one, "."), strings.Split(two, ".")...)
		for i := range 6 * 6 * 6 {
			if !yield(segments[i%6] + "." + segments[i/6%6] + "." + segments[i/36]) {
				return
			}
		}
		for _, more := range []string{"=", "==", "\n", " ", ".", ".AA"} {
			if !yield(one+more) || !yield(more+one) {
				return
			}
		}
	}
}

// What we accept, all accept, but for the reviewed differences.
func TestWhatWeAcceptAllAccept(t *testing.T) {
	t.Parallel()
	offered, taken, known := 0, 0, map[string]int{}
	for _, s := range signers {
		ask := func(token string) {
			offered++
			accepted, all := s.ask(token)
			if accepted {
				taken++
			}
			for _, d := range all {
				name := reviewed(d)
				if name == "" {
					t.Errorf("%s", d)
				}
				known[name]++
			}
		}
		for header, payload := range s.signed() {
			ask(s.token(header, payload))
		}
		for token := range s.mangled() {
			ask(token)
		}
	}
	_, _ = fmt.Fprintf(t.Output(), "%d tokens offered, %d accepted by us\n", offered, taken)
	for _, difference := range differences {
		_, _ = fmt.Fprintf(t.Output(), "%4d %s: %s\n", known[difference.name], difference.name, difference.why)
		if known[difference.name] == 0 {
			t.Errorf("no token shows the difference %q any more; remove it", difference.name)
		}
	}
	if taken < 200 {
		t.Errorf("only %d tokens were accepted, which compares too little", taken)
	}
}
