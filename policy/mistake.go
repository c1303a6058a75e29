// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Mistake is something wrong with a rule, found before the first call.
type Mistake struct {
	// File is the .proto file at fault, or the function that the rule was given to, such as "policy.For".
	File string
	// Line is the line in File, from 1; 0 where the descriptor does not tell, as generated code does not.
	Line int
	// Subject is the full name of the method or service, or the pattern that the rule was given with.
	Subject string
	// Text says what is wrong and what to write.
	Text string
}

// String returns "file:line: subject: text".
func (m Mistake) String() string {
	var b strings.Builder
	b.WriteString(m.File)
	if m.Line > 0 {
		fmt.Fprintf(&b, ":%d", m.Line)
	}
	b.WriteString(": ")
	if m.Subject != "" {
		b.WriteString(m.Subject + ": ")
	}
	b.WriteString(m.Text)
	return b.String()
}

// Mistakes is the error of [New] and [Rules.Bind]: every mistake, ordered by file and line.
type Mistakes []Mistake

// Error returns one mistake a line.
func (m Mistakes) Error() string {
	lines := make([]string, 0, len(m)+1)
	lines = append(lines, fmt.Sprintf("policy: %d mistake(s)", len(m)))
	for _, mistake := range m {
		lines = append(lines, "  "+mistake.String())
	}
	return strings.Join(lines, "\n")
}

// err returns the mistakes in order and without repetition as an error, or nil.
func (m Mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	sorted := slices.Clone(m)
	slices.SortStableFunc(sorted, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	var unique Mistakes
	for _, mistake := range sorted {
		if !slices.Contains(unique, mistake) {
			unique = append(unique, mistake)
		}
	}
	return unique
}

// A place is where a rule was written; mistakes are told about it.
type place struct {
	file    string
	line    int
	subject string
}

func placeOf(d protoreflect.Descriptor) place {
	p := place{file: d.ParentFile().Path(), subject: string(d.FullName())}
	if location := d.ParentFile().SourceLocations().ByDescriptor(d); len(location.Path) > 0 {
		p.line = location.StartLine + 1
	}
	return p
}

func (p place) mistake(format string, args ...any) Mistake {
	return Mistake{File: p.file, Line: p.line, Subject: p.subject, Text: fmt.Sprintf(format, args...)}
}
