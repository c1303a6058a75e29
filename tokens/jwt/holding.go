// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
)

// holdingClaims are what the claims say of what a caller holds, as they spell it.
type holdingClaims struct{ features, plans, permissions, masks, role string }

// A holding is what follows from them. It is immutable, and shared by the principals of all who hold the same: those in one role of an
// organization, and of all organizations with one plan.
type holding struct {
	said                         holdingClaims
	features, plans, permissions []string
	role                         string // with its prefix
}

// newHolding crosses features, permissions and masks. It keeps nothing of the texts it is given: they are parts of a token.
func newHolding(said holdingClaims) (*holding, error) {
	h := &holding{said: holdingClaims{
		features: strings.Clone(said.features), plans: strings.Clone(said.plans), permissions: strings.Clone(said.permissions),
		masks: strings.Clone(said.masks), role: strings.Clone(said.role),
	}}
	h.features, h.plans, h.role = appendList(nil, h.said.features), appendList(nil, h.said.plans), h.said.role
	if err := checkElements("fea", h.features); err != nil {
		return nil, err
	}
	if err := checkElements("pla", h.plans); err != nil {
		return nil, err
	}
	names := appendList(nil, h.said.permissions)
	h.permissions = spell(appendGrants(nil, h.features, names, appendMasks(nil, h.said.masks)), h.features, names)
	if h.role != "" && !strings.HasPrefix(h.role, orgPrefix) {
		h.role = orgPrefix + h.role
	}
	// So that whoever appends to them gets a list of their own.
	h.features, h.plans, h.permissions = slices.Clip(h.features), slices.Clip(h.plans), slices.Clip(h.permissions)
	return h, nil
}

// The holdings of the last tokens are remembered. Only those of tokens whose signature matched come here: others cannot fill the table.
var (
	holdings    [256]atomic.Pointer[holding]
	holdingSeed = maphash.MakeSeed()
)

// holdingSlot is where holdings are of those with these features. Masks and roles are short and few, and told apart by a look at their ends.
func holdingSlot(said *holdingClaims) *atomic.Pointer[holding] {
	hash := maphash.String(holdingSeed, said.features)
	for _, text := range [2]string{said.masks, said.role} {
		if text != "" {
			hash = hash*31 + uint64(len(text))<<16 + uint64(text[0])<<8 + uint64(text[len(text)-1])
		}
	}
	return &holdings[hash%uint64(len(holdings))]
}

// rememberedHolding returns what once followed from exactly these claims, or nil.
func rememberedHolding(said holdingClaims) *holding {
	if h := holdingSlot(&said).Load(); h != nil && h.said == said {
		return h
	}
	return nil
}

// rememberHolding takes the place of another holding, so that there never are more than the table has. Those that are large, or that
// little text says much of, are not remembered.
func rememberHolding(h *holding) {
	const mostText, mostPermissions = 1 << 10, 128
	s := &h.said
	if len(s.features)+len(s.plans)+len(s.permissions)+len(s.masks)+len(s.role) <= mostText && len(h.permissions) <= mostPermissions {
		holdingSlot(s).Store(h)
	}
}
