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
//
// Its methods take where they begin and return where they end, or failed. So that place stays in a register, which is most of their speed.
type reader struct {
	text  string
	nodes []node
	err   error // why a method failed
}

const failed = -1

func (r *reader) fail(err error) int {
	r.err = err
	return failed
}

// read returns the nodes of a text that is one object.
func read(text string, nodes []node) ([]node, error) {
	if len(text) > math.MaxInt32 {
		return nil, errLong
	}
	if nodes == nil {
		// There is a value behind each comma and each opening bracket. For texts that are not large this is enough at once.
		nodes = make([]node, 0, min(strings.Count(text, ",")+4, fewNodes))
	}
	r := reader{text: text, nodes: nodes}
	start := r.skip(0)
	end := r.value(start, 0, 1)
	switch {
	case end == failed:
		return nil, r.err
	case text[start] != '{':
		return nil, errNotObject
	case r.skip(end) != len(text):
		return nil, errSyntax
	}
	return r.nodes, nil
}

// skip steps over white space.
func (r *reader) skip(at int) int {
	for at < len(r.text) {
		if c := r.text[at]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			break
		}
		at++
	}
	return at
}

// byte returns the byte at a place, and 0, which stands nowhere outside a string, at the end.
func (r *reader) byte(at int) byte {
	if at < len(r.text) {
		return r.text[at]
	}
	return 0
}

// add adds the node of a value.
func (r *reader) add(l label, start, end int) {
	last := len(r.nodes)
	if last == cap(r.nodes) {
		r.nodes = slices.Grow(r.nodes, last)
	}
	r.nodes = r.nodes[:last+1]
	// Field by field, which is quicker than a value that is made elsewhere and copied.
	n := &r.nodes[last]
	n.label = l
	n.start, n.end, n.size = uint32(start), uint32(end), 1 //nolint:gosec // See read.
	n.slot, n.chain = 0, 0                                 // the memory may have been used before
}

// value reads one value.
func (r *reader) value(at int, l label, depth int) int {
	var end int
	switch r.byte(at) {
	case '"':
		var escapes bool
		if end, escapes = r.string(at); escapes {
			l |= isEscaped
		}
		l |= isString
	case '{', '[':
		return r.container(at, l, depth)
	case 't':
		end = r.word(at, "true")
	case 'f':
		end = r.word(at, "false")
	case 'n':
		end = r.word(at, "null")
	default:
		end = r.number(at)
	}
	if end != failed {
		r.add(l, at, end)
	}
	return end
}

// container reads an object or an array, the end and size of which are known at the end.
func (r *reader) container(at int, l label, depth int) int {
	if depth > MaxDepth {
		return r.fail(errDepth)
	}
	index := len(r.nodes)
	var end int
	if r.text[at] == '{' {
		r.add(l|isObject, at, 0)
		end = r.object(at, depth)
	} else {
		r.add(l|isArray, at, 0)
		end = r.array(at, depth)
	}
	if end != failed {
		n := &r.nodes[index]
		n.end, n.size = uint32(end), uint32(len(r.nodes)-index) //nolint:gosec // No longer than the text, see read.
	}
	return end
}

func (r *reader) word(at int, word string) int {
	if !strings.HasPrefix(r.text[at:], word) {
		return r.fail(errSyntax)
	}
	return at + len(word)
}

func (r *reader) array(at, depth int) int {
	at = r.skip(at + 1)
	if r.byte(at) == ']' {
		return at + 1
	}
	for {
		if at = r.value(at, 0, depth+1); at == failed {
			return failed
		}
		at = r.skip(at)
		switch r.byte(at) {
		case ',':
			at = r.skip(at + 1)
		case ']':
			return at + 1
		default:
			return r.fail(errSyntax)
		}
	}
}

func (r *reader) object(at, depth int) int {
	at = r.skip(at + 1)
	if r.byte(at) == '}' {
		return at + 1
	}
	seen := names{first: len(r.nodes)}
	for {
		if r.byte(at) != '"' {
			return r.fail(errSyntax)
		}
		l, end := r.label(at)
		if end == failed {
			return failed
		}
		if seen.twice(l, r) {
			return r.fail(errTwice)
		}
		if at = r.skip(end); r.byte(at) != ':' {
			return r.fail(errSyntax)
		}
		if at = r.value(r.skip(at+1), l, depth+1); at == failed {
			return failed
		}
		at = r.skip(at)
		switch r.byte(at) {
		case ',':
			at = r.skip(at + 1)
		case '}':
			return at + 1
		default:
			return r.fail(errSyntax)
		}
	}
}

// label reads the name of a member. Most are short words in lower case, which need no more than one look at each byte.
func (r *reader) label(at int) (l label, end int) {
	start := at + 1
	for i := start; i < len(r.text); i++ {
		if simple[r.text[i]] {
			continue
		}
		if r.text[i] != '"' || i-start > math.MaxUint16 {
			break
		}
		return newLabel(start, i-start, hashName(r.text[start:i]), 0), i + 1
	}
	end, escapes := r.string(at)
	if end == failed {
		return 0, failed
	}
	length := end - 1 - start
	if length > math.MaxUint16 {
		return 0, r.fail(errLong)
	}
	if escapes {
		l = escaped
	}
	name := newLabel(start, length, 0, l).in(r.text)
	if !lower(name) {
		l |= capital
	}
	return newLabel(start, length, hashName(name), l), end
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
func (r *reader) string(at int) (end int, escapes bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for at++; ; {
		// Eight bytes at a time, for as long as they are ordinary.
		for len(r.text)-at >= 8 {
			word := binary.LittleEndian.Uint64([]byte(r.text[at : at+8]))
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
		if at >= len(r.text) {
			return r.fail(errSyntax), false
		}
		switch c := r.text[at]; {
		case c == '"':
			return at + 1, escapes
		case c == '\\':
			escapes = true
			if at = r.escape(at); at == failed {
				return failed, false
			}
		case c < 0x20:
			return r.fail(errSyntax), false
		case c >= utf8.RuneSelf:
			_, size := utf8.DecodeRuneInString(r.text[at:])
			if size == 1 {
				return r.fail(errUTF8), false
			}
			at += size
		default:
			at++
		}
	}
}

// escape steps over a backslash and what it escapes.
func (r *reader) escape(at int) int {
	switch r.byte(at + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return at + 2
	case 'u':
	default:
		return r.fail(errSyntax)
	}
	high, ok := unit(r.text[at:])
	if !ok {
		return r.fail(errSyntax)
	}
	at += 6
	if !utf16.IsSurrogate(high) {
		return at
	}
	low, _ := unit(r.text[at:])
	if utf16.DecodeRune(high, low) == utf8.RuneError {
		return r.fail(errSurrogate)
	}
	return at + 6
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
func (r *reader) number(at int) int {
	if r.byte(at) == '-' {
		at++
	}
	whole := at
	if at = r.digits(at); at == whole || r.text[whole] == '0' && at > whole+1 {
		return r.fail(errSyntax)
	}
	if r.byte(at) == '.' {
		fraction := at + 1
		if at = r.digits(fraction); at == fraction {
			return r.fail(errSyntax)
		}
	}
	if c := r.byte(at); c == 'e' || c == 'E' {
		exponent := at + 1
		if c := r.byte(exponent); c == '+' || c == '-' {
			exponent++
		}
		if at = r.digits(exponent); at == exponent {
			return r.fail(errSyntax)
		}
	}
	return at
}

// digits steps over decimal digits.
func (r *reader) digits(at int) int {
	for at < len(r.text) && r.text[at]-'0' <= 9 {
		at++
	}
	return at
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
