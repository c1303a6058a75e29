// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"fmt"
	"slices"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// A Class says how tokens of one class are told from all others of their issuer, which may be signed with the same key. The zero Class
// is no class, and an error in constructors. It is immutable and safe for concurrent use.
type Class struct {
	marker  tokens.Marker // how the table of forms tells its tokens from the issuer's others
	types   []string      // what typ may be, "" being none; nil: anything
	header  string        // a member of the header,
	values  []string      // and what it may be, "" being none
	demands []demand      // what else must hold of its tokens
	err     error
}

// ClassType names tokens whose header typ is one of these, compared without regard to case and to a leading "application/" (RFC 8725
// §3.11). A token without typ is of no such class.
func ClassType(types ...string) Class {
	c := Class{marker: tokens.Marker{Types: slices.Clone(types)}, types: slices.Clone(types)}
	if len(types) == 0 || slices.Contains(types, "") {
		c.err = errors.New(`ClassType needs types that are not empty, such as jwt.ClassType("at+jwt")`)
	}
	return c
}

// plain are the types of tokens that are told from others by something else: JWT, or none.
var plain = []string{"JWT", ""}

// ClassSubjectPrefix names tokens whose claim sub begins with a prefix, compared byte by byte, and whose typ is JWT or absent. Use it only
// where the issuer lets nobody choose a subject.
func ClassSubjectPrefix(prefix string) Class {
	c := Class{marker: tokens.Marker{SubjectPrefix: prefix}, types: plain}
	if prefix == "" {
		c.err = errors.New(`ClassSubjectPrefix needs a prefix, such as jwt.ClassSubjectPrefix("mch_")`)
	}
	return c
}

// ClassHeader names tokens whose protected header has a member with a value, compared byte by byte, and whose typ is JWT or absent. Such a
// class is its issuer's default in the table of forms, so that an issuer can have one of them there.
func ClassHeader(name, value string) Class {
	c := Class{header: name, values: []string{value}, types: plain}
	if name == "" || value == "" || slices.Contains([]string{"alg", "kid", "typ", "cty"}, name) {
		c.err = errors.New(`ClassHeader needs the name and value of a header of the issuer's own, such as jwt.ClassHeader("cat", "session")`)
	}
	return c
}

func (c *Class) check() error {
	switch {
	case c.err != nil:
		return c.err
	case c.header == "" && c.marker.Compare(tokens.Marker{}) == 0:
		return errors.New("a class is needed; say how these tokens are told from others of the issuer, " +
			"with jwt.ClassType, jwt.ClassSubjectPrefix or jwt.ClassHeader")
	default:
		return nil
	}
}

// ofHeader refuses a header that is not of the class.
func (c *Class) ofHeader(h *jws.Header) error {
	if c.types != nil && !slices.ContainsFunc(c.types, func(t string) bool { return tokens.EqualType(t, h.Type) }) {
		return errors.New("typ is not that of the class")
	}
	if c.header != "" {
		value, ok, err := h.Object.Member(c.header).Text()
		if err != nil || ok && value == "" || !slices.Contains(c.values, value) {
			return fmt.Errorf("header %s is not that of the class", c.header)
		}
	}
	return nil
}

// marks reports whether the table of forms takes a token with such a header and claims for one of the class, if no other class has it.
func (c *Class) marks(h *jws.Header, of claims) bool {
	return c.marker.Fits(h.Type, func(name string) string { return textOf(of.Member(name)) })
}

// has returns nil for a token that is of the class, and what is amiss for every other.
func (c *Class) has(h *jws.Header, of claims) error {
	if err := c.ofHeader(h); err != nil {
		return err
	}
	return c.fits(h, of)
}

// fits is has of a token whose header is known to be of the class.
func (c *Class) fits(h *jws.Header, of claims) error {
	if !c.marks(h, of) {
		return errors.New("the token does not have the mark of the class")
	}
	for _, demand := range c.demands {
		if err := demand(h, of); err != nil {
			return err
		}
	}
	return nil
}
