// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may be nested.
const MaxDepth = 64

// An Object is a JSON object whose text has been checked. The zero Object has no members.
type Object struct {
	text    json.RawMessage
	members map[string]json.RawMessage
}

// ParseObject reads a text that is one JSON object (RFC 8259) and nothing else.
//
// It refuses what two parsers could read differently: bytes that are not UTF-8, escapes of half a surrogate pair, a member name that
// comes twice at any depth, members that differ from one of the known names only in case, and more than [MaxDepth] levels.
func ParseObject(text []byte, known ...string) (Object, error) {
	switch {
	case !utf8.Valid(text):
		return Object{}, errors.New("not UTF-8")
	case !json.Valid(text):
		return Object{}, errors.New("not JSON")
	}
	// From here on the syntax is good, so that the scanner needs to look only for what the standard library lets pass.
	s := scanner{text: text}
	s.space()
	if s.text[s.at] != '{' {
		return Object{}, errors.New("not a JSON object")
	}
	members := map[string]json.RawMessage{}
	if err := s.object(1, members); err != nil {
		return Object{}, err
	}
	for name := range members {
		for _, k := range known {
			if name != k && strings.EqualFold(name, k) {
				return Object{}, fmt.Errorf("a member that is %q in another case", k)
			}
		}
	}
	return Object{text: text, members: members}, nil
}

// Text returns the JSON of the object. It must not be changed.
func (o Object) Text() json.RawMessage { return o.text }

// Has reports whether the object has a member of exactly this name, null included.
func (o Object) Has(name string) bool {
	_, ok := o.members[name]
	return ok
}

// Member returns the JSON of a member, or nil when there is none. It must not be changed.
func (o Object) Member(name string) json.RawMessage { return o.members[name] }

// String returns the value of a member. ok is false when there is none; a member that is not a string is an error.
func (o Object) String(name string) (value string, ok bool, err error) {
	raw, ok := o.members[name]
	if !ok {
		return "", false, nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		return "", true, fmt.Errorf("%s is not a string", name)
	}
	return value, true, nil
}

// Strings returns the elements of a member. ok is false when there is none; a member that is not an array of strings is an error.
func (o Object) Strings(name string) (values []string, ok bool, err error) {
	raw, ok := o.members[name]
	if !ok {
		return nil, false, nil
	}
	// Pointers, so that null, which encoding/json reads as "", is seen.
	var elements []*string
	if raw[0] != '[' || json.Unmarshal(raw, &elements) != nil {
		return nil, true, fmt.Errorf("%s is not an array of strings", name)
	}
	values = make([]string, 0, len(elements))
	for _, e := range elements {
		if e == nil {
			return nil, true, fmt.Errorf("%s is not an array of strings", name)
		}
		values = append(values, *e)
	}
	return values, true, nil
}

// Object returns a member that is an object, whose case variants of the known names are refused. ok is false when there is none; a
// member that is not an object is an error.
func (o Object) Object(name string, known ...string) (value Object, ok bool, err error) {
	raw, ok := o.members[name]
	if !ok {
		return Object{}, false, nil
	}
	value, err = ParseObject(raw, known...)
	if err != nil {
		return Object{}, true, fmt.Errorf("%s: %w", name, err)
	}
	return value, true, nil
}

// A scanner walks over JSON of good syntax.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// value walks over one value at a depth.
func (s *scanner) value(depth int) error {
	switch s.text[s.at] {
	case '{':
		return s.object(depth, map[string]json.RawMessage{})
	case '[':
		return s.array(depth)
	case '"':
		return s.string()
	default: // a number or a word
		for s.at < len(s.text) && strings.IndexByte(",]} \t\r\n", s.text[s.at]) < 0 {
			s.at++
		}
		return nil
	}
}

// object walks over an object and puts its members into the map.
func (s *scanner) object(depth int, members map[string]json.RawMessage) error {
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	for s.next() != '}' {
		start := s.at
		if err := s.string(); err != nil {
			return err
		}
		var name string
		if err := json.Unmarshal(s.text[start:s.at], &name); err != nil {
			return errors.New("a member name that is not a string")
		}
		if _, twice := members[name]; twice {
			return errors.New("a member twice")
		}
		s.next() // over the colon
		start = s.at
		if err := s.value(depth + 1); err != nil {
			return err
		}
		members[name] = json.RawMessage(s.text[start:s.at])
		s.space()
	}
	s.at++
	return nil
}

func (s *scanner) array(depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	for s.next() != ']' {
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.space()
	}
	s.at++
	return nil
}

// next steps over an opening bracket, a comma or a colon and the space behind it, and returns the byte there. Of a closing bracket that
// is already reached it steps over nothing.
func (s *scanner) next() byte {
	s.space()
	if c := s.text[s.at]; c != '}' && c != ']' {
		s.at++
		s.space()
	}
	return s.text[s.at]
}

// string walks over a string.
func (s *scanner) string() error {
	for s.at++; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] != '\\' {
			continue
		}
		s.at++
		if s.text[s.at] != 'u' {
			continue
		}
		unit := s.unit()
		switch {
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return errors.New("half a surrogate pair")
		case unit >= 0xD800 && unit <= 0xDBFF:
			if s.text[s.at+1] != '\\' || s.text[s.at+2] != 'u' {
				return errors.New("half a surrogate pair")
			}
			s.at += 2
			if low := s.unit(); low < 0xDC00 || low > 0xDFFF {
				return errors.New("half a surrogate pair")
			}
		}
	}
	s.at++
	return nil
}

// unit reads the four digits behind a "u" and stops on the last.
func (s *scanner) unit() uint64 {
	unit, err := strconv.ParseUint(string(s.text[s.at+1:s.at+5]), 16, 16)
	if err != nil {
		return 0xDC00 // cannot be, since the syntax is good; refused if it is
	}
	s.at += 4
	return unit
}
