// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"fmt"
	"testing"

	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// Every claim that is read is found by its number, and none by that of another.
func TestClaimNumbers(t *testing.T) {
	t.Parallel()
	for number, text := range claimTexts {
		if (text == "") != (number == 0) {
			t.Errorf("number %d is %q", number, text)
		}
		object, err := jws.ParseObject(fmt.Appendf(nil, `{"%s":%d}`, text, number), claimNumbers)
		if err != nil {
			t.Fatal(err)
		}
		for other := range claimTexts {
			if there := (claims{Object: object}).has(claim(other)); there != (other == number && number > 0) { //nolint:gosec // They are few.
				t.Errorf("%q: number %d is there: %v", text, other, there)
			}
		}
	}
}
