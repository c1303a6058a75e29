// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// width is what fits into a line.
const width = 120

// A style is how a text looks on a terminal.
type style string

// The styles, as SGR parameters (ECMA-48 §8.3.117).
const (
	plain style = ""
	bold  style = "1"
	faint style = "2"
	red   style = "1;31"
	green style = "32"
)

// A screen is where the demo prints.
type screen struct {
	out    io.Writer
	colour bool
}

// newScreen colours what goes to a terminal, unless NO_COLOR is set.
func newScreen(out io.Writer) *screen {
	s := &screen{out: out}
	if file, ok := out.(*os.File); ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		info, err := file.Stat()
		s.colour = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return s
}

func (s *screen) line(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *screen) heading(text string) { s.line("\n%s\n", s.styled(bold, text)) }

func (s *screen) styled(as style, text string) string {
	if !s.colour || as == plain || text == "" {
		return text
	}
	return "\x1b[" + string(as) + "m" + text + "\x1b[0m"
}

// A cell is a text of a row.
type cell struct {
	text string
	as   style
}

// row prints cells in columns of the widths, two spaces apart. The last cell has no width, and a longer text pushes the rest aside.
func (s *screen) row(widths []int, cells ...cell) {
	var b strings.Builder
	for i, c := range cells {
		b.WriteString(s.styled(c.as, c.text))
		if i < len(cells)-1 {
			b.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(c.text))+2))
		}
	}
	s.line("%s", strings.TrimRight(b.String(), " "))
}

// wrap breaks a text between words into lines of at most limit characters; longer words stay whole.
func wrap(text string, limit int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > limit {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
