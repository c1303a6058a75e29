// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"fmt"
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
	text     string
	nodes    []node
	names    *Names
	numbered [MaxNames + 1]uint32 // the nodes of the members of the outermost object that have numbers; 0: none
	capitals bool                 // whether any name is one that is capital
}

// ParseObject reads a text that is one JSON object (RFC 8259) and nothing else. Members of the names are found by number.
//
// It refuses what two parsers could read differently: bytes that are not UTF-8, escapes of half a surrogate pair, a member name that
// comes twice at any depth, members that differ from one of the known names only in case, and more than [MaxDepth] levels.
// Known names, here and elsewhere, are lower case ASCII; variants of others are not found.
func ParseObject(text []byte, names *Names, known ...string) (Object, error) {
	return parseObject(string(text), new(document), names, known)
}

// fewNodes is how many nodes most texts have at most.
const fewNodes = 64

// reset forgets the text, and memory that only a large one needed.
func (d *document) reset() {
	d.text = ""
	if d.nodes = d.nodes[:0]; cap(d.nodes) > 2*fewNodes {
		d.nodes = nil
	}
}

// parseObject reads a text into a document, whose memory it uses again.
func parseObject(text string, into *document, names *Names, known []string) (Object, error) {
	if err := into.read(text, names); err != nil {
		return Object{}, err
	}
	o := Object{document: into}
	if err := o.checkNames(known); err != nil {
		return Object{}, err
	}
	return o, nil
}

// checkNames refuses members that are variants of the known names.
func (o Object) checkNames(known []string) error {
	if !o.capitals {
		return nil
	}
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

// Checked returns the JSON of the object for those who would check it again.
func (o Object) Checked() checked.Object {
	if o.document == nil {
		return checked.Object{}
	}
	return checked.NewObject(o.raw(o.at))
}

// Known returns the member whose name has a number.
func (o Object) Known(number Number) Value {
	if o.document == nil || o.at != 0 {
		return o.inner(number)
	}
	return Value{document: o.document, at: int(o.numbered[number&MaxNames])}
}

// inner is Known of an object that is inside another, or that is none.
func (o Object) inner(number Number) Value {
	if o.document == nil {
		return Value{}
	}
	return Value{document: o.document, at: o.find(newLabel(0, 0, uint8(number), numbered), "")}
}

// Member returns the member with exactly this name.
func (o Object) Member(name string) Value {
	if o.document == nil {
		return Value{}
	}
	head := headOf(name)
	slot := o.names.hash(head, name)
	if number := o.names.number(slot, head, name); number != 0 {
		return o.Known(number)
	}
	return Value{document: o.document, at: o.find(newLabel(0, 0, slot, 0), name)}
}

// find returns the index of the node with a tag and, where that is no number, a name, or 0 when there is none.
func (o Object) find(tag label, name string) int {
	nodes := o.tree(o.at)
	for i := 1; i < len(nodes); {
		n := &nodes[i]
		if n.sameTag(tag) && (n.label&numbered != 0 || n.in(o.text) == name) {
			return o.at + i
		}
		i += int(n.size)
	}
	return 0
}

// A Value is that of a member, or none. The zero Value is none. Errors begin with the name of the member.
type Value struct {
	*document
	at int // its node; 0: none
}

// Exists reports whether there is a member, null included.
func (v Value) Exists() bool { return v.at != 0 }

// Raw returns the JSON of the value, or "" when there is none.
func (v Value) Raw() string {
	if v.at == 0 {
		return ""
	}
	return v.raw(v.at)
}

// Plain returns a string of printable ASCII that is written without escapes, as nearly every one is; ok is false for every other value.
func (v Value) Plain() (text string, ok bool) {
	if !v.is(isString | isPlain) {
		return "", false
	}
	n := &v.nodes[v.at]
	return v.text[n.start+1 : n.end-1], true
}

// Digits returns the JSON of a number that is digits alone; ok is false for every other value.
func (v Value) Digits() (digits string, ok bool) {
	if !v.is(isPlain) {
		return "", false
	}
	return v.raw(v.at), true
}

// is reports whether the value has these traits, and of isString and isPlain no other.
func (v Value) is(traits label) bool {
	return v.at != 0 && v.nodes[v.at].label&(isString|isPlain) == traits
}

// Text returns the text of a string. ok is false when there is none; a value that is not a string is an error.
func (v Value) Text() (text string, ok bool, err error) {
	if v.at == 0 {
		return "", false, nil
	}
	if text, ok = v.string(v.at); !ok {
		return "", true, fmt.Errorf("%s is not a string", v.name())
	}
	return text, true, nil
}

// Texts returns the elements of an array of strings. ok is false when there is none; a value that is not one is an error.
func (v Value) Texts() (texts []string, ok bool, err error) {
	if v.at == 0 {
		return nil, false, nil
	}
	if v.nodes[v.at].label&isArray == 0 {
		return nil, true, fmt.Errorf("%s is not an array of strings", v.name())
	}
	texts = make([]string, len(v.tree(v.at))-1)
	for i := range texts {
		// Strings are one node each, so that the first of something else is met where it is not one.
		if texts[i], ok = v.string(v.at + 1 + i); !ok {
			return nil, true, fmt.Errorf("%s is not an array of strings", v.name())
		}
	}
	return texts, true, nil
}

// Pair returns the elements of an array that has two, neither of which is an array or object with anything in it.
func (v Value) Pair() (first, second Value, ok bool) {
	if v.at == 0 || v.nodes[v.at].label&isArray == 0 || v.nodes[v.at].size != 3 || v.nodes[v.at+1].size != 1 {
		return Value{}, Value{}, false
	}
	return Value{document: v.document, at: v.at + 1}, Value{document: v.document, at: v.at + 2}, true
}

// Object returns a value that is an object, whose case variants of the known names are refused. ok is false when there is none; a value that
// is not an object is an error.
func (v Value) Object(known ...string) (object Object, ok bool, err error) {
	if v.at == 0 {
		return Object{}, false, nil
	}
	if v.nodes[v.at].label&isObject == 0 {
		return Object{}, true, fmt.Errorf("%s: %w", v.name(), errNotObject)
	}
	object = Object(v)
	if err := object.checkNames(known); err != nil {
		return Object{}, true, fmt.Errorf("%s: %w", v.name(), err)
	}
	return object, true, nil
}

// name returns the name of the member that there is.
func (v Value) name() string { return v.nodes[v.at].in(v.text) }

// raw returns the JSON of a node.
func (d *document) raw(at int) string { return d.text[d.nodes[at].start:d.nodes[at].end] }

// tree returns the nodes that a node is.
func (d *document) tree(at int) []node { return d.nodes[at : at+int(d.nodes[at].size)] }

// string returns the value of a node that is a string.
func (d *document) string(at int) (string, bool) {
	n := &d.nodes[at]
	switch n.label & (isString | isEscaped) {
	case isString:
		return d.text[n.start+1 : n.end-1], true
	case isString | isEscaped:
		return unescape(d.text[n.start+1 : n.end-1]), true
	default:
		return "", false
	}
}
