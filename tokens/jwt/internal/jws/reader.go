// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may be nested.
const MaxDepth = 64

var (
	errSyntax    = errors.New("not JSON")
	errUTF8      = errors.New("not UTF-8")
	errNotObject = errors.New("not a JSON object")
	errSurrogate = errors.New("half a surrogate pair")
	errTwice     = errors.New("a member twice")
	errDepth     = fmt.Errorf("nested deeper than %d", MaxDepth)
	errLong      = errors.New("longer than JSON is read")
)

// A reader reads a text once, from its beginning to its end, and checks all of it: the grammar (RFC 8259), UTF-8, pairs of surrogates,
// depth, and that no name comes twice in an object.
type reader struct {
	text  string
	at    int
	nodes []node
}

// read returns the nodes of a text that is one object.
func read(text string) ([]node, error) {
	if len(text) > math.MaxInt32 {
		return nil, errLong
	}
	// There is a value behind each comma and each opening bracket. For texts that are not large this is enough at once.
	const most = 64
	r := reader{text: text, nodes: make([]node, 0, min(strings.Count(text, ",")+4, most))}
	first := r.space()
	if err := r.value(0, 1); err != nil {
		return nil, err
	}
	if first != '{' {
		return nil, errNotObject
	}
	r.space()
	if r.at != len(text) {
		return nil, errSyntax
	}
	return r.nodes, nil
}

// add adds the node of a value that begins at start and ends where the reader is.
func (r *reader) add(l label, start int) {
	last := len(r.nodes)
	if last == cap(r.nodes) {
		r.nodes = slices.Grow(r.nodes, last)
	}
	r.nodes = r.nodes[:last+1]
	// Field by field, which is quicker than a value that is made elsewhere and copied.
	n := &r.nodes[last]
	n.label = l
	n.start, n.end, n.size = uint32(start), uint32(r.at), 1 //nolint:gosec // See read.
}

// space steps over white space and returns the byte behind it, 0 at the end.
func (r *reader) space() byte {
	for r.at < len(r.text) {
		c := r.text[r.at]
		if c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
		r.at++
	}
	return 0
}

// value reads one value.
func (r *reader) value(l label, depth int) error {
	start := r.at
	if start >= len(r.text) {
		return errSyntax
	}
	switch r.text[start] {
	case '"':
		escapes, err := r.string()
		if err != nil {
			return err
		}
		l |= isString
		if escapes {
			l |= isEscaped
		}
		r.add(l, start)
		return nil
	case '{', '[':
		return r.container(l, depth)
	case 't':
		return r.word(l, "true")
	case 'f':
		return r.word(l, "false")
	case 'n':
		return r.word(l, "null")
	default:
		if err := r.number(); err != nil {
			return err
		}
		r.add(l, start)
		return nil
	}
}

// container reads an object or an array, the end and size of which are known at the end.
func (r *reader) container(l label, depth int) (err error) {
	if depth > MaxDepth {
		return errDepth
	}
	index := len(r.nodes)
	if r.text[r.at] == '{' {
		l |= isObject
		r.add(l, r.at)
		err = r.object(depth)
	} else {
		l |= isArray
		r.add(l, r.at)
		err = r.array(depth)
	}
	if err != nil {
		return err
	}
	n := &r.nodes[index]
	n.end, n.size = uint32(r.at), uint32(len(r.nodes)-index) //nolint:gosec // No longer than the text, see read.
	return nil
}

func (r *reader) word(l label, word string) error {
	start := r.at
	if !strings.HasPrefix(r.text[start:], word) {
		return errSyntax
	}
	r.at += len(word)
	r.add(l, start)
	return nil
}

func (r *reader) array(depth int) error {
	r.at++
	if r.space() == ']' {
		r.at++
		return nil
	}
	for {
		r.space()
		if err := r.value(0, depth+1); err != nil {
			return err
		}
		switch r.space() {
		case ',':
			r.at++
		case ']':
			r.at++
			return nil
		default:
			return errSyntax
		}
	}
}

func (r *reader) object(depth int) error {
	r.at++
	if r.space() == '}' {
		r.at++
		return nil
	}
	seen := names{first: len(r.nodes)}
	for {
		if r.space() != '"' {
			return errSyntax
		}
		l, err := r.label()
		if err != nil {
			return err
		}
		if seen.twice(l, r) {
			return errTwice
		}
		if r.space() != ':' {
			return errSyntax
		}
		r.at++
		r.space()
		if err := r.value(l, depth+1); err != nil {
			return err
		}
		switch r.space() {
		case ',':
			r.at++
		case '}':
			r.at++
			return nil
		default:
			return errSyntax
		}
	}
}

// label reads the name of a member. Most are short words in lower case, which need no more than one look at each byte.
func (r *reader) label() (label, error) {
	start := r.at + 1
	for i := start; i < len(r.text); i++ {
		if simple[r.text[i]] {
			continue
		}
		if r.text[i] != '"' || i-start > math.MaxUint16 {
			break
		}
		r.at = i + 1
		return newLabel(start, i-start, hashName(r.text[start:i]), 0), nil
	}
	escapes, err := r.string()
	if err != nil {
		return 0, err
	}
	length := r.at - 1 - start
	if length > math.MaxUint16 {
		return 0, errLong
	}
	var of label
	if escapes {
		of = escaped
	}
	name := newLabel(start, length, 0, of).in(r.text)
	if !lower(name) {
		of |= capital
	}
	return newLabel(start, length, hashName(name), of), nil
}

// simple are the bytes that a name in lower case may have as they are.
var simple = func() (set [256]bool) {
	for c := byte(0x20); c < utf8.RuneSelf; c++ {
		set[c] = c != '"' && c != '\\' && (c < 'A' || c > 'Z')
	}
	return set
}()

// lower reports whether a name is ASCII without capital letters: then another such name that differs, differs in more than case.
func lower(name string) bool {
	for i := range len(name) {
		if c := name[i]; c >= 0x80 || c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// string steps over a string.
func (r *reader) string() (escapes bool, err error) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	text, at := r.text, r.at+1
	for {
		// Eight bytes at a time, for as long as they are ordinary.
		for len(text)-at >= 8 {
			word := binary.LittleEndian.Uint64([]byte(text[at : at+8]))
			// A high bit for each byte that is zero once the byte looked for is taken away. Those above the lowest such one may be
			// wrong, the lowest is not.
			quote, backslash := word^('"'*ones), word^('\\'*ones)
			special := ((quote-ones)&^quote | (backslash-ones)&^backslash | (word-0x20*ones)&^word | word) & highs
			if special != 0 {
				at += bits.TrailingZeros64(special) / 8
				break
			}
			at += 8
		}
		if at >= len(text) {
			return false, errSyntax
		}
		switch c := text[at]; {
		case c == '"':
			r.at = at + 1
			return escapes, nil
		case c == '\\':
			escapes = true
			r.at = at
			if err := r.escape(); err != nil {
				return false, err
			}
			at = r.at
		case c < 0x20:
			return false, errSyntax
		case c >= utf8.RuneSelf:
			_, size := utf8.DecodeRuneInString(text[at:])
			if size == 1 {
				return false, errUTF8
			}
			at += size
		default:
			at++
		}
	}
}

// escape steps over a backslash and what it escapes.
func (r *reader) escape() error {
	if r.at+1 >= len(r.text) {
		return errSyntax
	}
	switch r.text[r.at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		r.at += 2
		return nil
	case 'u':
	default:
		return errSyntax
	}
	high, ok := unit(r.text[r.at:])
	if !ok {
		return errSyntax
	}
	r.at += 6
	if !utf16.IsSurrogate(high) {
		return nil
	}
	low, _ := unit(r.text[r.at:])
	if utf16.DecodeRune(high, low) == utf8.RuneError {
		return errSurrogate
	}
	r.at += 6
	return nil
}

// unit reads \u and four hexadecimal digits.
func unit(text string) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var u rune
	for i := 2; i < 6; i++ {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		u = u<<4 | rune(c)
	}
	return u, true
}

// number steps over a number (RFC 8259 §6).
func (r *reader) number() error {
	if r.text[r.at] == '-' {
		r.at++
	}
	switch whole := r.at; {
	case r.digits() == 0:
		return errSyntax
	case r.text[whole] == '0' && r.at > whole+1:
		return errSyntax
	}
	if r.at < len(r.text) && r.text[r.at] == '.' {
		r.at++
		if r.digits() == 0 {
			return errSyntax
		}
	}
	if r.at < len(r.text) && (r.text[r.at] == 'e' || r.text[r.at] == 'E') {
		r.at++
		if r.at < len(r.text) && (r.text[r.at] == '+' || r.text[r.at] == '-') {
			r.at++
		}
		if r.digits() == 0 {
			return errSyntax
		}
	}
	return nil
}

// digits steps over decimal digits and returns how many they were.
func (r *reader) digits() int {
	start := r.at
	for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
		r.at++
	}
	return r.at - start
}

// unescape returns what the inside of a string says that was read before.
func unescape(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 || i+1 >= len(text) {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		c := text[i+1]
		if c == 'u' {
			u, _ := unit(text[i:])
			text = text[min(i+6, len(text)):]
			if utf16.IsSurrogate(u) {
				low, _ := unit(text)
				u = utf16.DecodeRune(u, low)
				text = text[min(6, len(text)):]
			}
			b.WriteRune(u)
			continue
		}
		text = text[i+2:]
		if at := strings.IndexByte("bfnrt", c); at >= 0 {
			c = "\b\f\n\r\t"[at]
		}
		b.WriteByte(c)
	}
}
