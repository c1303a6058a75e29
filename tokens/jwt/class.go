// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// A Class says how tokens of one class are told from all others of their issuer, which may be signed with the same key. The zero Class
// is no class, and an error in constructors. It is immutable and safe for concurrent use.
type Class struct {
	types         []string
	subjectPrefix string
	header, value string
	err           error
}

// ClassType names tokens whose header typ is one of these, compared without regard to case and to a leading "application/" (RFC 8725
// §3.11). A token without typ is of no such class.
func ClassType(types ...string) Class {
	c := Class{types: slices.Clone(types)}
	if len(types) == 0 || slices.Contains(types, "") {
		c.err = errors.New(`ClassType needs types that are not empty, such as jwt.ClassType("at+jwt")`)
	}
	return c
}

// ClassSubjectPrefix names tokens whose claim sub begins with a prefix, compared byte by byte. Use it only where the issuer lets nobody
// choose a subject.
func ClassSubjectPrefix(prefix string) Class {
	c := Class{subjectPrefix: prefix}
	if prefix == "" {
		c.err = errors.New(`ClassSubjectPrefix needs a prefix, such as jwt.ClassSubjectPrefix("mch_")`)
	}
	return c
}

// ClassHeader names tokens whose protected header has a member with a value, compared byte by byte. Such a class is its issuer's default
// in the table of forms, so that an issuer can have one of them there.
func ClassHeader(name, value string) Class {
	c := Class{header: name, value: value}
	if name == "" || value == "" || slices.Contains([]string{"alg", "kid", "typ", "cty"}, name) {
		c.err = errors.New(`ClassHeader needs the name and value of a header of the issuer's own, such as jwt.ClassHeader("cat", "session")`)
	}
	return c
}

func (c Class) check() error {
	switch {
	case c.err != nil:
		return c.err
	case len(c.types) == 0 && c.subjectPrefix == "" && c.header == "":
		return errors.New("a class is needed; say how these tokens are told from others of the issuer, " +
			"with jwt.ClassType, jwt.ClassSubjectPrefix or jwt.ClassHeader")
	default:
		return nil
	}
}

func (c Class) marker() tokens.Marker {
	return tokens.Marker{SubjectPrefix: c.subjectPrefix, Types: slices.Clone(c.types)}
}

// ofHeader refuses a header that is not of the class.
func (c Class) ofHeader(h jws.Header) error {
	if len(c.types) > 0 {
		if !slices.ContainsFunc(c.types, func(t string) bool { return h.Type != "" && tokens.EqualType(t, h.Type) }) {
			return errors.New("typ is not that of the class")
		}
	}
	if c.header != "" {
		if value, ok, err := h.Object.String(c.header); err != nil || !ok || value != c.value {
			return fmt.Errorf("header %s is not that of the class", c.header)
		}
	}
	return nil
}

// ofSubject refuses a subject that is not of the class.
func (c Class) ofSubject(subject string) error {
	if c.subjectPrefix != "" && !strings.HasPrefix(subject, c.subjectPrefix) {
		return errors.New("sub is not that of the class")
	}
	return nil
}
