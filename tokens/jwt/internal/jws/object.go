// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/admitrpc/admit/internal/checked"
)

// An Object is a JSON object whose text has been checked. The zero Object has no members.
type Object struct {
	*document     // that it is of
	at        int // its node
}

// A document is a text that was read.
type document struct {
	text  string
	nodes []node
}

// ParseObject reads a text that is one JSON object (RFC 8259) and nothing else.
//
// It refuses what two parsers could read differently: bytes that are not UTF-8, escapes of half a surrogate pair, a member name that
// comes twice at any depth, members that differ from one of the known names only in case, and more than [MaxDepth] levels.
// Known names, here and elsewhere, are lower case ASCII; variants of others are not found.
func ParseObject(text []byte, known ...string) (Object, error) {
	return parseObject(string(text), new(document), known)
}

// fewNodes is how many nodes most texts have at most.
const fewNodes = 64

// A Scratch is memory that an object is read into which nobody keeps: what it reads next takes the place of what it read before. Texts of the
// object stay. The zero Scratch is ready. It is for one goroutine.
type Scratch struct{ document }

// Reset forgets the object, and memory that only a large one needed.
func (s *Scratch) Reset() {
	s.text = ""
	if s.nodes = s.nodes[:0]; cap(s.nodes) > 2*fewNodes {
		s.nodes = nil
	}
}

// parseObject reads a text into a document, whose memory it uses again.
func parseObject(text string, into *document, known []string) (Object, error) {
	nodes, err := read(text, into.nodes)
	if err != nil {
		return Object{}, err
	}
	enter(nodes)
	into.text, into.nodes = text, nodes
	o := Object{document: into}
	if err := o.checkNames(known); err != nil {
		return Object{}, err
	}
	return o, nil
}

// checkNames refuses members that are variants of the known names.
func (o Object) checkNames(known []string) error {
	nodes := o.tree(o.at)
	for i := 1; i < len(nodes); i += int(nodes[i].size) {
		if nodes[i].label&capital != 0 {
			if err := checkVariants(nodes[i].in(o.text), known); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkVariants(name string, known []string) error {
	for _, k := range known {
		if name != k && strings.EqualFold(name, k) {
			return fmt.Errorf("a member that is %q in another case", k)
		}
	}
	return nil
}

// Text returns a copy of the JSON of the object, or nil of the zero Object.
func (o Object) Text() json.RawMessage {
	if o.document == nil {
		return nil
	}
	return json.RawMessage(o.raw(o.at))
}

// Checked returns the JSON of the object for those who would check it again.
func (o Object) Checked() checked.Object {
	if o.document == nil {
		return checked.Object{}
	}
	return checked.NewObject(o.raw(o.at))
}

// Has reports whether the object has a member of exactly this name, null included.
func (o Object) Has(name string) bool { return o.find(name) != 0 }

// Member returns a copy of the JSON of a member, or nil when there is none.
func (o Object) Member(name string) json.RawMessage {
	at := o.find(name)
	if at == 0 {
		return nil
	}
	return json.RawMessage(o.raw(at))
}

// Raw returns the JSON of a member, or "" when there is none.
func (o Object) Raw(name string) string {
	at := o.find(name)
	if at == 0 {
		return ""
	}
	return o.raw(at)
}

// String returns the value of a member. ok is false when there is none; a member that is not a string is an error.
func (o Object) String(name string) (value string, ok bool, err error) {
	at := o.find(name)
	if at == 0 {
		return "", false, nil
	}
	value, ok = o.string(at)
	if !ok {
		return "", true, fmt.Errorf("%s is not a string", name)
	}
	return value, true, nil
}

// Strings returns the elements of a member. ok is false when there is none; a member that is not an array of strings is an error.
func (o Object) Strings(name string) (values []string, ok bool, err error) {
	at := o.find(name)
	if at == 0 {
		return nil, false, nil
	}
	if o.nodes[at].label&isArray == 0 {
		return nil, true, fmt.Errorf("%s is not an array of strings", name)
	}
	values = make([]string, len(o.tree(at))-1)
	for i := range values {
		// Strings are one node each, so that the first of something else is met where it is not one.
		if values[i], ok = o.string(at + 1 + i); !ok {
			return nil, true, fmt.Errorf("%s is not an array of strings", name)
		}
	}
	return values, true, nil
}

// Object returns a member that is an object, whose case variants of the known names are refused. ok is false when there is none; a
// member that is not an object is an error.
func (o Object) Object(name string, known ...string) (value Object, ok bool, err error) {
	at := o.find(name)
	if at == 0 {
		return Object{}, false, nil
	}
	if o.nodes[at].label&isObject == 0 {
		return Object{}, true, fmt.Errorf("%s: %w", name, errNotObject)
	}
	value = Object{document: o.document, at: at}
	if err := value.checkNames(known); err != nil {
		return Object{}, true, fmt.Errorf("%s: %w", name, err)
	}
	return value, true, nil
}

// find returns the index of a member's node, or 0 when there is none.
func (o Object) find(name string) int {
	if o.document == nil {
		return 0
	}
	hash := hashName(name)
	if o.at == 0 && len(o.nodes) <= math.MaxUint16 {
		at := o.nodes[slotOf(o.nodes, hash)].slot
		for at != 0 && (o.nodes[at].hash() != hash || o.nodes[at].in(o.text) != name) {
			at = o.nodes[at].chain
		}
		return int(at)
	}
	for i, end := o.at+1, o.at+int(o.nodes[o.at].size); i < end; i += int(o.nodes[i].size) {
		if o.nodes[i].hash() == hash && o.nodes[i].in(o.text) == name {
			return i
		}
	}
	return 0
}

// raw returns the JSON of a node.
func (o *document) raw(at int) string { return o.text[o.nodes[at].start:o.nodes[at].end] }

// tree returns the nodes that a node is.
func (o *document) tree(at int) []node { return o.nodes[at : at+int(o.nodes[at].size)] }

// string returns the value of a node that is a string.
func (o *document) string(at int) (string, bool) {
	n := &o.nodes[at]
	switch n.label & (isString | isEscaped) {
	case isString:
		return o.text[n.start+1 : n.end-1], true
	case isString | isEscaped:
		return unescape(o.text[n.start+1 : n.end-1]), true
	default:
		return "", false
	}
}
