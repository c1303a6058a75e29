// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// As many names as there may be are found by their numbers, each in a text of its own and all in one, outermost and inside.
func TestNumbers(t *testing.T) {
	t.Parallel()
	texts := make([]string, jws.MaxNames+1)
	all := ""
	for i := range texts[1:] {
		texts[i+1] = fmt.Sprintf("%.*s%d", i%12, "abcdefghijkl", i)
		all += fmt.Sprintf(`"%s":%d,`, texts[i+1], i+1)
	}
	names := jws.NewNames(texts...)
	object, err := jws.ParseObject(fmt.Appendf(nil, `{"inside":{%s"z":0},%s"z":0}`, all, all), names)
	if err != nil {
		t.Fatal(err)
	}
	inside, ok, err := object.Member("inside").Object()
	if !ok || err != nil {
		t.Fatal(err)
	}
	for i := range texts[1:] {
		number := jws.Number(i + 1) //nolint:gosec // They are few.
		alone, err := jws.ParseObject(fmt.Appendf(nil, `{"%s":%d}`, texts[number], number), names)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range []jws.Object{object, inside, alone} {
			if got := in.Known(number).Raw(); got != fmt.Sprint(number) {
				t.Errorf("number %d, %q, is %q", number, texts[number], got)
			}
		}
	}
	if object.Known(0).Exists() || inside.Known(0).Exists() || (jws.Object{}).Known(1).Exists() {
		t.Error("number 0, or one of no object, is there")
	}
}

func TestNamesThatCannotBe(t *testing.T) {
	t.Parallel()
	many := make([]string, jws.MaxNames+2)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, texts := range map[string][]string{"twice": {"", "a", "b", "a"}, "many": many} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("taken")
				}
			}()
			jws.NewNames(slices.Clone(texts)...)
		})
	}
}
