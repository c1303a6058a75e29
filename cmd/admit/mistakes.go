// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// mistakes are all that is wrong with a file, each on a line of its own.
type mistakes []string

func (m mistakes) Error() string { return strings.Join(m, "\n") }

// maxMistakes is how many are told.
const maxMistakes = 50

// A sheet is a file that is read, and what is wrong with it.
type sheet struct {
	name  string
	found []mistake
	more  int // mistakes beyond maxMistakes
}

type mistake struct {
	line int
	text string
}

// wrong notes a mistake on a line, counted from 1.
func (s *sheet) wrong(line int, format string, args ...any) {
	if len(s.found) == maxMistakes {
		s.more++
		return
	}
	s.found = append(s.found, mistake{line, oneLine(fmt.Sprintf(format, args...))})
}

// err returns the mistakes in the order of their lines, and what became of the import; nil if there are none.
func (s *sheet) err() error {
	if len(s.found) == 0 {
		return nil
	}
	slices.SortStableFunc(s.found, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var told mistakes
	for _, m := range s.found {
		told = append(told, fmt.Sprintf("%s:%d: %s", s.name, m.line, m.text))
	}
	if s.more > 0 {
		told = append(told, fmt.Sprintf("%s: and %d more", s.name, s.more))
	}
	return append(told, "nothing was imported")
}
