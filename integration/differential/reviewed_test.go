// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package differential_test

import (
	"slices"
	"strings"
)

// A difference is a class of tokens that we accept on purpose and a peer does not.
type difference struct {
	name, why string
	of        func(d disagreement) bool
}

// differences is the reviewed list.
var differences = []difference{
	{
		name: "number above float64",
		why:  "a member that nobody reads has a number that RFC 8259 allows and a float64 does not; we do not read such members",
		of: func(d disagreement) bool {
			return slices.Contains([]string{"go-jose", "golang-jwt", "jwx"}, d.peer) &&
				strings.Contains(d.err.Error(), "cannot unmarshal number") && strings.Contains(d.err.Error(), "into Go value of type float64")
		},
	},
	{
		name: "nonce in the header",
		why:  "a header nonce that is no string; it is a member of ACME (RFC 8555) and none of JWS",
		of: func(d disagreement) bool {
			return d.peer == "go-jose" && strings.Contains(d.err.Error(), "failed to unmarshal nonce")
		},
	},
}

// reviewed returns the name of the difference that a disagreement is of, or "".
func reviewed(d disagreement) string {
	for _, difference := range differences {
		if difference.of(d) {
			return difference.name
		}
	}
	return ""
}
