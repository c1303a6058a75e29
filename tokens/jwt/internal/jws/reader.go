// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jws

import (
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
	text     string
	nodes    []node
	names    *Names
	numbered *[MaxNames + 1]uint32 // see document
	capitals *bool                 // see document
	err      error                 // why a method failed
}

const failed = -1

func (r *reader) fail(err error) int {
	r.err = err
	return failed
}

// read reads a text that is one object into the document, in which only the memory of the nodes is used again.
func (d *document) read(text string, names *Names) error {
	if len(text) > math.MaxInt32 {
		return errLong
	}
	if names == nil {
		names = noNames
	}
	d.text, d.names, d.numbered, d.capitals = text, names, [MaxNames + 1]uint32{}, false
	r := reader{text: text, nodes: d.nodes[:0], names: names, numbered: &d.numbered, capitals: &d.capitals}
	if cap(r.nodes) == 0 {
		// There is a value behind each comma and each opening bracket. For texts that are not large this is enough at once.
		r.nodes = make([]node, 0, min(strings.Count(text, ",")+4, fewNodes))
	}
	start, c := r.next(0)
	end := r.value(start, c, 0, 1)
	d.nodes = r.nodes
	if end == failed {
		return r.err
	}
	if c != '{' {
		return errNotObject
	}
	if rest, _ := r.next(end); rest != len(text) {
		return errSyntax
	}
	return nil
}

// next steps over white space, and returns the byte behind it, or 0, which stands nowhere outside a string, at the end.
func (r *reader) next(at int) (int, byte) {
	for at < len(r.text) {
		if c := r.text[at]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return at, c
		}
		at++
	}
	return at, 0
}

// byte returns the byte at a place, and 0 at the end.
func (r *reader) byte(at int) byte {
	if at < len(r.text) {
		return r.text[at]
	}
	return 0
}

// add adds the node of a value.
func (r *reader) add(l label, start, end int) {
	nodes := r.nodes
	last := len(nodes)
	if last == cap(nodes) {
		nodes = slices.Grow(nodes, last)
	}
	nodes = nodes[:last+1]
	// Field by field, which is quicker than a value that is made elsewhere and copied.
	n := &nodes[last]
	n.label = l
	n.start, n.end, n.size = uint32(start), uint32(end), 1 //nolint:gosec // See read.
	r.nodes = nodes
}

// value reads one value, of which the first byte is given too.
func (r *reader) value(at int, c byte, l label, depth int) int {
	var end int
	switch c {
	case '"':
		var traits label
		end, traits = r.string(at)
		l |= traits
	case '{', '[':
		return r.container(at, l, depth)
	case 't':
		end = r.word(at, "true")
	case 'f':
		end = r.word(at, "false")
	case 'n':
		end = r.word(at, "null")
	default:
		var traits label
		end, traits = r.number(at)
		l |= traits
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
	at, c := r.next(at + 1)
	if c == ']' {
		return at + 1
	}
	for {
		if at = r.value(at, c, 0, depth+1); at == failed {
			return failed
		}
		switch at, c = r.next(at); c {
		case ',':
			at, c = r.next(at + 1)
		case ']':
			return at + 1
		default:
			return r.fail(errSyntax)
		}
	}
}

func (r *reader) object(at, depth int) int {
	at, c := r.next(at + 1)
	if c == '}' {
		return at + 1
	}
	before := seen{first: len(r.nodes)}
	for {
		if c != '"' {
			return r.fail(errSyntax)
		}
		l, end := r.label(at)
		if end == failed {
			return failed
		}
		if l&numbered == 0 {
			if before.twice(l, r) {
				return r.fail(errTwice)
			}
		} else {
			if before.numberTwice(l) {
				return r.fail(errTwice)
			}
			if depth == 1 {
				r.numbered[l.tag()&MaxNames] = uint32(len(r.nodes)) //nolint:gosec // No more than there are bytes, see read.
			}
		}
		if at, c = r.next(end); c != ':' {
			return r.fail(errSyntax)
		}
		at, c = r.next(at + 1)
		if at = r.value(at, c, l, depth+1); at == failed {
			return failed
		}
		switch at, c = r.next(at); c {
		case ',':
			at, c = r.next(at + 1)
		case '}':
			return at + 1
		default:
			return r.fail(errSyntax)
		}
	}
}

// label reads the name of a member. Most are short words in lower case, which are read at one look.
func (r *reader) label(at int) (l label, end int) {
	start := at + 1
	if len(r.text)-start >= headSize {
		word := load(r.text, start)
		if end := quotes(word); end != 0 {
			length := bits.TrailingZeros64(end) / 8
			inside := end&-end>>7 - 1
			head := word&inside | uint64(length)<<(8*(headSize-1)) //nolint:gosec // From 0 to 7. See headOf.
			slot := r.names.hash(head, "")
			if number := r.names.number(slot, head, ""); number != 0 {
				return newLabel(start, length, uint8(number), numbered), start + length + 1
			}
			if (special(word)|capitals(word))&inside == 0 {
				return newLabel(start, length, slot, 0), start + length + 1
			}
		}
	}
	end, traits := r.string(at)
	if end == failed {
		return 0, failed
	}
	length := end - 1 - start
	if length > math.MaxUint16 {
		return 0, r.fail(errLong)
	}
	name := r.text[start : end-1]
	if traits&isEscaped != 0 {
		l, name = escaped, unescape(name)
	}
	if !lower(name) {
		l |= capital
		*r.capitals = true
	}
	head := headOf(name)
	slot := r.names.hash(head, name)
	if number := r.names.number(slot, head, name); number != 0 {
		return newLabel(start, length, uint8(number), l|numbered), end
	}
	return newLabel(start, length, slot, l), end
}

const ones, highs = 0x0101010101010101, 0x8080808080808080

// load returns eight bytes of the text, the first one lowest.
func load(text string, at int) uint64 {
	s := text[at : at+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// quotes returns a high bit for each of eight bytes that is a quote. Bits above the lowest one may be wrong.
func quotes(word uint64) uint64 {
	word ^= '"' * ones // to zero
	return (word - ones) &^ word & highs
}

// special returns a high bit for each of eight bytes that is not an ordinary part of a string: a quote, a backslash, or one that is not
// printable ASCII. Bits above the lowest one may be wrong.
func special(word uint64) uint64 {
	quote, backslash := word^'"'*ones, word^'\\'*ones
	return ((quote - ones) | (backslash - ones) | (word - 0x20*ones) | (word + ones) | word) & highs
}

// capitals returns a high bit for each of eight bytes that is A to Z. Those above one that is not ASCII may be wrong.
func capitals(word uint64) uint64 {
	return (word + (0x80-'A')*ones) &^ (word + (0x7F-'Z')*ones) & highs
}

// lower reports whether a name is ASCII without capital letters: then another such name that differs, differs in more than case.
func lower(name string) bool {
	for i := range len(name) {
		if c := name[i]; c >= 0x80 || c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// string steps over a string, and returns what is to be said of it.
func (r *reader) string(at int) (end int, traits label) {
	text := r.text
	traits = isString | isPlain
	for at++; ; {
		// Eight bytes at a time, for as long as they are ordinary.
		for len(text)-at >= 8 {
			if ends := special(load(text, at)); ends != 0 {
				at += bits.TrailingZeros64(ends) / 8
				break
			}
			at += 8
		}
		switch c := r.byte(at); {
		case c == '"':
			return at + 1, traits
		case c == '\\':
			traits = isString | isEscaped
			if at = r.escape(at); at == failed {
				return failed, 0
			}
		case c < 0x20: // or the end
			return r.fail(errSyntax), 0
		case c >= 0x7F:
			traits &^= isPlain
			_, size := utf8.DecodeRuneInString(text[at:])
			if size == 1 && c >= utf8.RuneSelf {
				return r.fail(errUTF8), 0
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

// number steps over a number (RFC 8259 §6), and returns what is to be said of it.
func (r *reader) number(at int) (end int, traits label) {
	if r.byte(at) == '-' {
		at++
	} else {
		traits = isPlain
	}
	whole := at
	if at = r.digits(at); at == whole || r.text[whole] == '0' && at > whole+1 {
		return r.fail(errSyntax), 0
	}
	if r.byte(at) == '.' {
		traits = 0
		fraction := at + 1
		if at = r.digits(fraction); at == fraction {
			return r.fail(errSyntax), 0
		}
	}
	if c := r.byte(at); c == 'e' || c == 'E' {
		traits = 0
		exponent := at + 1
		if c := r.byte(exponent); c == '+' || c == '-' {
			exponent++
		}
		if at = r.digits(exponent); at == exponent {
			return r.fail(errSyntax), 0
		}
	}
	return at, traits
}

// digits steps over decimal digits.
func (r *reader) digits(at int) int {
	for len(r.text)-at >= 8 {
		word := load(r.text, at) ^ '0'*ones // of digits, 0 to 9
		// The lowest bit is right, as those of special are.
		if others := (word + (0x7F-9)*ones | word) & highs; others != 0 {
			return at + bits.TrailingZeros64(others)/8
		}
		at += 8
	}
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
