// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	// A pipe whose reader went away is then an error of the write, which ends with the key revoked, and not the end of the process.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second one ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// run does what the arguments say and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv}
	err := p.run(ctx, args)
	if err == nil {
		return exitDone
	}
	for _, line := range lines(err) {
		fmt.Fprintf(stderr, "admit: %s\n", scrub(bare(line)))
	}
	if usage := (*usageError)(nil); errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// A program is one run of admit.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// A usageError is a mistake in the arguments. Nothing was done.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{text: fmt.Sprintf(format, args...)} }

// lines returns what to print of an error: a line for each mistake of a list of mistakes, and otherwise one.
func lines(err error) []string {
	if found := (mistakes)(nil); errors.As(err, &found) {
		return found
	}
	if errors.Is(err, context.Canceled) {
		return []string{"interrupted: " + oneLine(err.Error())}
	}
	return []string{oneLine(err.Error())}
}

// oneLine joins the lines of a text, as those of joined errors.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// bare returns a text without the names of packages that errors begin with.
func bare(text string) string {
	for _, name := range []string{"revocation", "apikey", "tokens"} {
		text = strings.ReplaceAll(text, name+": ", "")
	}
	return text
}
