// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// A step is one invocation. In its arguments, STORE is the store, DIR a folder, and ID1 the first id that the transcript saw; single quotes
// hold words together.
type step struct {
	args, stdin string
}

// A transcript runs steps on one store and tells what came of each, with what differs between runs replaced by names.
type transcript struct {
	t          *testing.T
	store, dir string
	began      time.Time
	text       strings.Builder
	ids        []string
	secrets    []string
	outputs    strings.Builder // all that was written, as it was
}

var (
	secretShape = regexp.MustCompile(`\b[a-z][a-z0-9_]*_([0-9A-Za-z]{16})_[0-9A-Za-z]{49}\b`)
	hintShape   = regexp.MustCompile(`([a-z][a-z0-9_]*)_([0-9A-Za-z]{16})…[0-9A-Za-z]{4}`)
	timeShape   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	importShape = regexp.MustCompile(`(?:"ids":\[|","|as key )"?([0-9A-Za-z]{16})\b`)
)

func newTranscript(t *testing.T, store string) *transcript {
	t.Helper()
	return &transcript{t: t, store: store, dir: t.TempDir(), began: time.Now()}
}

func (s *transcript) run(step step) {
	s.t.Helper()
	args := words(s.expand(step.args))
	var stdout, stderr bytes.Buffer
	code := run(s.t.Context(), args, strings.NewReader(step.stdin), &stdout, &stderr)
	for _, found := range secretShape.FindAllStringSubmatch(stdout.String(), -1) {
		s.secrets = append(s.secrets, found[0])
		s.ids = append(s.ids, found[1])
	}
	for _, found := range importShape.FindAllStringSubmatch(stdout.String()+stderr.String(), -1) {
		if !slices.Contains(s.ids, found[1]) {
			s.ids = append(s.ids, found[1])
		}
	}
	s.outputs.WriteString(stdout.String() + stderr.String())
	fmt.Fprintf(&s.text, "$ admit %s\n", step.args)
	out := s.name(stdout.String())
	if strings.HasPrefix(step.args, "keys list -store") { // The ids are random, and so is their order.
		rows := strings.SplitAfter(out, "\n")
		if strings.HasPrefix(rows[0], "ID ") {
			slices.Sort(rows[1:])
		} else {
			slices.Sort(rows)
		}
		out = strings.Join(rows, "")
	}
	s.tell("", out)
	s.tell("stderr: ", s.name(stderr.String()))
	if code != 0 {
		fmt.Fprintf(&s.text, "exit code %d\n", code)
	}
	s.text.WriteString("\n")
}

func (s *transcript) tell(prefix, output string) {
	for line := range strings.Lines(output) {
		s.text.WriteString(strings.TrimRight(prefix+line, " \n") + "\n")
	}
}

func (s *transcript) expand(text string) string {
	for i, id := range slices.Backward(s.ids) {
		text = strings.ReplaceAll(text, fmt.Sprintf("ID%d", i+1), id)
	}
	for i, secret := range slices.Backward(s.secrets) {
		text = strings.ReplaceAll(text, fmt.Sprintf("SECRET%d", i+1), secret)
	}
	return strings.NewReplacer("STORE", s.store, "DIR", s.dir).Replace(text)
}

func (s *transcript) name(text string) string {
	for i, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, fmt.Sprintf("SECRET%d", i+1))
	}
	text = hintShape.ReplaceAllString(text, "${1}_$2…HINT")
	for i, id := range s.ids {
		text = strings.ReplaceAll(text, id, fmt.Sprintf("ID%d", i+1))
	}
	text = timeShape.ReplaceAllStringFunc(text, func(at string) string {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return at
		}
		switch after := when.Sub(s.began).Round(time.Hour); {
		case after == 0:
			return "<now>"
		case after.Abs() > 1e5*time.Hour: // written in the test, and perhaps added to
			return when.Truncate(time.Second).Format(time.RFC3339)
		case after.Abs() > 720*time.Hour || at == "2027-01-31T00:00:00Z": // written in the test, or in the texts
			return at
		default:
			return fmt.Sprintf("<now%+.0fh>", after.Hours())
		}
	})
	return strings.NewReplacer(displayed(s.store), "STORE", s.dir, "DIR").Replace(text)
}

// displayed is how a store is named to people.
func displayed(store string) string {
	where, err := (&common{store: store}).place(&program{})
	if err != nil {
		return store
	}
	return where.name
}

// finish compares the transcript with its golden file, and checks that each secret was written once.
func (s *transcript) finish(name string) {
	s.t.Helper()
	for i, secret := range s.secrets {
		if n := strings.Count(s.outputs.String(), secret); n != 1 {
			s.t.Errorf("secret %d was written %d times", i+1, n)
		}
		if random := secret[len(secret)-49 : len(secret)-6]; strings.Count(s.outputs.String(), random[:8]) != 1 {
			s.t.Errorf("a part of secret %d was written", i+1)
		}
	}
	compare(s.t, name, s.text.String())
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs, which go test -update would write:\n%s\nwant:\n%s", path, got, want)
	}
}

// words splits a line at spaces outside of single quotes.
func words(line string) []string {
	var found []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			found = append(found, part)
		} else {
			found = append(found, strings.Fields(part)...)
		}
	}
	return found
}

// admit runs one invocation that must succeed, and returns its stdout.
func admit(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, nothing{}, &stdout, &stderr); code != 0 {
		t.Fatalf("admit %v: exit code %d: %s", args, code, stderr.String())
	}
	return stdout.String()
}

// nothing is an empty stdin.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
