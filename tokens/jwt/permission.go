// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"math/big"
	"strings"

	"github.com/admitrpc/admit/internal/element"
)

// A mask says which permissions of a feature are granted: bit j of it, from the lowest, those of permission j.
type mask struct {
	low  uint64
	wide *big.Int // in place of low, when there are more bits
}

// parseMask reads a decimal number of any length, without a sign. What is no such number is the mask of nothing.
func parseMask(text string) mask {
	const most = 19 // digits that always fit
	var m mask
	for i := range len(text) {
		digit := text[i] - '0'
		if digit > 9 {
			return mask{}
		}
		m.low = m.low*10 + uint64(digit)
	}
	if len(text) > most {
		m.wide, _ = new(big.Int).SetString(text, 10)
	}
	return m
}

func (m mask) has(bit int) bool {
	if m.wide != nil {
		return m.wide.Bit(bit) == 1
	}
	return bit < 64 && m.low>>bit&1 == 1
}

// appendMasks appends the masks of a list with commas; an empty text is the empty list.
func appendMasks(list []mask, text string) []mask {
	if text == "" {
		return list
	}
	for {
		at := strings.IndexByte(text, ',')
		if at < 0 {
			return append(list, parseMask(trimSpace(text)))
		}
		list, text = append(list, parseMask(trimSpace(text[:at]))), text[at+1:]
	}
}

// A grant is one permission of one feature, as their places in their lists.
type grant struct{ feature, name uint16 }

// appendGrants appends a grant for each bit that is set. Mask i belongs to the i-th feature of those that an organization has. Features
// without a mask have no permissions, and bits beyond the permissions grant nothing.
func appendGrants(grants []grant, features, names []string, masks []mask) []grant {
	position := 0
	for feature, text := range features {
		if scope, _, _ := element.Parse(text); scope == element.User {
			continue // takes no mask
		}
		if position == len(masks) {
			break
		}
		m := masks[position]
		position++
		for bit, name := range names {
			if m.has(bit) && name != "" {
				grants = append(grants, grant{uint16(feature), uint16(bit)})
			}
		}
	}
	return grants
}

// orgPrefix is what roles and permissions begin with.
const orgPrefix = "org:"

// spell returns the permissions of grants as "org:feature:permission".
func spell(grants []grant, features, names []string) []string {
	permissions := make([]string, 0, len(grants))
	for _, g := range grants {
		_, slug, _ := element.Parse(features[g.feature])
		permissions = append(permissions, orgPrefix+slug+":"+names[g.name])
	}
	return permissions
}
