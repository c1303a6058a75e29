// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A path leads from a request message to the strings or integers that a match compares.
type path struct {
	steps  []step
	isText bool // of the leaf; otherwise an integer
}

// A step is one field on the way, with what is asked of its descriptor on every message.
type step struct {
	field      protoreflect.FieldDescriptor
	isPresence bool // it can be unset
	isList     bool
}

func parsePath(message protoreflect.MessageDescriptor, dotted string) (*path, error) {
	p := &path{}
	names := strings.Split(dotted, ".")
	for i, name := range names {
		field := message.Fields().ByName(protoreflect.Name(name))
		if field == nil {
			return nil, fmt.Errorf("field %q: %s has no field %q; write names as in the .proto", dotted, message.FullName(), name)
		}
		p.steps = append(p.steps, step{field: field, isPresence: field.HasPresence(), isList: field.IsList()})
		if i == len(names)-1 {
			return p, p.leaf(dotted, field)
		}
		switch {
		case field.IsMap():
			return nil, fmt.Errorf("field %q: %q is a map, which a match cannot look into", dotted, name)
		case field.Message() == nil:
			return nil, fmt.Errorf("field %q: %q is not a message", dotted, name)
		case opaqueMessage(field.Message()):
			return nil, fmt.Errorf("field %q: a match cannot look into %s", dotted, field.Message().FullName())
		}
		message = field.Message()
	}
	return p, nil
}

func opaqueMessage(m protoreflect.MessageDescriptor) bool {
	switch m.FullName() {
	case "google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue":
		return true
	}
	return strings.HasPrefix(string(m.FullName()), "google.protobuf.") && strings.HasSuffix(string(m.Name()), "Value")
}

func (p *path) leaf(dotted string, field protoreflect.FieldDescriptor) error {
	if field.IsMap() {
		return fmt.Errorf("field %q is a map; a match needs a string or an integer", dotted)
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		p.isText = true
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Int64Kind, protoreflect.Sint64Kind,
		protoreflect.Sfixed64Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
	default:
		return fmt.Errorf("field %q is a %s; a match needs a string or an integer", dotted, field.Kind())
	}
	return nil
}

// A found says how a request compares with the caller, over all values that a path leads to.
type found uint8

const (
	foundOther  found = iota // some value is another's
	foundAbsent              // no value is another's, and some value is absent
	foundOwn                 // every value is there and the caller's own
)

// compare looks at every value. An unset field, an empty list at any level, an empty string and the integer 0 are absent, whatever the
// default of a field with presence says.
func (p *path) compare(message protoreflect.Message, want string, pattern *resource) found {
	return p.compareFrom(0, message, want, pattern)
}

func (p *path) compareFrom(depth int, message protoreflect.Message, want string, pattern *resource) found {
	at := &p.steps[depth]
	if at.isPresence && !message.Has(at.field) {
		return foundAbsent
	}
	value := message.Get(at.field)
	if !at.isList {
		if p.isText && pattern == nil && depth == len(p.steps)-1 {
			return compareText(value.String(), want) // as nearly every match
		}
		return p.compareValue(depth, value, want, pattern)
	}
	list := value.List()
	if list.Len() == 0 {
		return foundAbsent
	}
	worst := foundOwn
	for i := range list.Len() {
		worst = min(worst, p.compareValue(depth, list.Get(i), want, pattern))
	}
	return worst
}

func (p *path) compareValue(depth int, value protoreflect.Value, want string, pattern *resource) found {
	if depth < len(p.steps)-1 {
		return p.compareFrom(depth+1, value.Message(), want, pattern)
	}
	if !p.isText {
		return compareInteger(p.steps[depth].field.Kind(), value, want)
	}
	text := value.String()
	if pattern != nil && text != "" {
		captured, ok := pattern.capture(text)
		if !ok {
			return foundOther
		}
		text = captured
	}
	return compareText(text, want)
}

func compareText(text, want string) found {
	switch {
	case text == "":
		return foundAbsent
	case text != want:
		return foundOther
	default:
		return foundOwn
	}
}

func compareInteger(kind protoreflect.Kind, value protoreflect.Value, want string) found {
	var buffer [20]byte
	var text []byte
	switch kind {
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if value.Uint() == 0 {
			return foundAbsent
		}
		text = strconv.AppendUint(buffer[:0], value.Uint(), 10)
	default:
		if value.Int() == 0 {
			return foundAbsent
		}
		text = strconv.AppendInt(buffer[:0], value.Int(), 10)
	}
	if want == "" || string(text) != want {
		return foundOther
	}
	return foundOwn
}
