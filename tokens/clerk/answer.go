// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/admitrpc/admit/internal/identifier"
)

// An answer has the members of the object that the API answered, by their exact names.
type answer map[string]json.RawMessage

// readAnswer reads a text that is one JSON object. It refuses what two readers could read differently: a member that comes twice, at any
// depth, and text that is not UTF-8.
func readAnswer(text []byte) (answer, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := readValue(d, 0); err != nil {
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil || a == nil {
		return nil, errors.New("not one JSON object")
	}
	return a, nil
}

// maxDepth is how deep objects and arrays may be in each other.
const maxDepth = 64

var errJSON = errors.New("not JSON")

// readValue reads one value to its end.
func readValue(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return errJSON
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth >= maxDepth {
		return fmt.Errorf("more than %d levels", maxDepth)
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			text, ok := name.(string)
			if err != nil || !ok {
				return errJSON
			}
			if seen[text] {
				return errors.New("a member twice")
			}
			seen[text] = true
		}
		if err := readValue(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errJSON
	}
	return nil
}

// has reports whether there is a member that is not null.
func (a answer) has(name string) bool {
	raw, ok := a[name]
	return ok && string(raw) != "null"
}

// identifier returns a member that must be there, as a text that says something.
func (a answer) identifier(name string) (string, error) {
	var text *string
	if err := json.Unmarshal(a[name], &text); err != nil || text == nil {
		return "", fmt.Errorf("%s is not a text", name)
	}
	if err := identifier.Check(*text); err != nil {
		return "", fmt.Errorf("%s %w", name, err)
	}
	return strings.Clone(*text), nil
}

// flag returns a member that must be there, as true or false.
func (a answer) flag(name string) (bool, error) {
	switch string(a[name]) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, fmt.Errorf("%s is neither true nor false", name)
	}
}

// maxMillis is the last millisecond of the year 9999.
const maxMillis = 253402300799999

// date returns a member in milliseconds since 1970; the zero time if it is missing or null.
func (a answer) date(name string) (time.Time, error) {
	if !a.has(name) {
		return time.Time{}, nil
	}
	var millis int64
	if err := json.Unmarshal(a[name], &millis); err != nil || millis < 0 || millis > maxMillis {
		return time.Time{}, fmt.Errorf("%s is not a date in milliseconds", name)
	}
	return time.UnixMilli(millis), nil
}

// maxElements is how many elements a list may have.
const maxElements = 256

// list returns a member that is an array of texts that say something; nil if it is missing or null.
func (a answer) list(name string) ([]string, error) {
	if !a.has(name) {
		return nil, nil
	}
	var elements []*string
	if err := json.Unmarshal(a[name], &elements); err != nil {
		return nil, fmt.Errorf("%s is not an array of texts", name)
	}
	if len(elements) > maxElements {
		return nil, fmt.Errorf("%s has more than %d elements", name, maxElements)
	}
	texts := make([]string, 0, len(elements))
	for _, element := range elements {
		if element == nil || identifier.Check(*element) != nil {
			return nil, fmt.Errorf("%s has an element that is no text, or that is empty or has characters that are not seen", name)
		}
		texts = append(texts, *element)
	}
	return texts, nil
}

// object returns a member that is an object; nil if it is missing or null.
func (a answer) object(name string) (answer, error) {
	if !a.has(name) {
		return nil, nil
	}
	var o answer
	if err := json.Unmarshal(a[name], &o); err != nil {
		return nil, fmt.Errorf("%s is not an object", name)
	}
	return o, nil
}
