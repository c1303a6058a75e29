// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// A command is one thing that admit does.
type command struct {
	// name is what is typed after admit.
	name string
	// operands are what follows it besides flags, for people.
	operands string
	// summary is what it does, on one line.
	summary string
	// details are what is to be known of it.
	details string
	// prepare defines the flags and returns what does the command once they are parsed.
	prepare func(*flag.FlagSet) action
}

// An action does a command. The operands are all that is no flag.
type action func(ctx context.Context, p *program, operands []string) error

func commands() []command {
	return []command{keysCreate(), keysList(), keysRotate(), keysRevoke(), keysImport(), revoke()}
}

// run finds the command that the arguments name, and does it.
func (p *program) run(ctx context.Context, args []string) error {
	asked := len(args) > 0 && asksHelp(args[0]) // admit help keys, admit -h
	if asked {
		args = args[1:]
	}
	group := ""
	for _, c := range commands() {
		noun, verb, nested := strings.Cut(c.name, " ")
		if len(args) == 0 || args[0] != noun {
			continue
		}
		if !nested {
			return p.do(ctx, c, args[1:], asked)
		}
		if len(args) > 1 && args[1] == verb {
			return p.do(ctx, c, args[2:], asked)
		}
		group = noun
	}
	rest := args
	if group != "" {
		rest = args[1:]
		asked = asked || len(rest) > 0 && asksHelp(rest[0])
	}
	switch {
	case asked && (len(rest) == 0 || asksHelp(rest[0])):
		return p.overview(p.stdout, group)
	case len(rest) == 0:
		_ = p.overview(p.stderr, group)
		return usagef("which command? the list is above")
	default:
		return usagef("%q is no command of %s; `admit help` lists them", rest[0], strings.TrimSpace("admit "+group))
	}
}

func asksHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "-help" || arg == "--help"
}

// do parses flags and operands, in whatever order they come, and does the command.
func (p *program) do(ctx context.Context, c command, args []string, asked bool) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	act := c.prepare(flags)
	if asked {
		return p.help(c, flags)
	}
	var operands []string
	for {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			return p.help(c, flags)
		}
		if err != nil {
			return usagef("%s: %v; `admit %s -h` explains the flags", c.name, err, c.name)
		}
		rest := flags.Args()
		ended := len(rest) < len(args) && args[len(args)-len(rest)-1] == "--"
		if len(rest) == 0 || ended {
			operands = append(operands, rest...)
			break
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
	return act(ctx, p, operands)
}

// overview lists the commands, those of one group alone if it is not empty.
func (p *program) overview(out io.Writer, group string) error {
	var text strings.Builder
	if group == "" {
		text.WriteString("admit keeps API keys and revocations in a SQLite file or a PostgreSQL database, also while servers use it.\n\n")
	}
	text.WriteString("usage: " + strings.TrimSpace("admit "+group) + " <command> [flags] [operands]\n\ncommands:\n")
	for _, c := range commands() {
		if group == "" || strings.HasPrefix(c.name, group+" ") {
			fmt.Fprintf(&text, "  %-13s %s\n", c.name, c.summary)
		}
	}
	text.WriteString("\nThe store is named by -store or by ADMIT_STORE: a file, or postgres://user@host/database.\n" +
		"`admit <command> -h` explains a command. Exit codes: 0 done, 1 failed, 2 wrong usage.\n")
	return write(out, []byte(text.String()))
}

// help explains a command.
func (p *program) help(c command, flags *flag.FlagSet) error {
	var text strings.Builder
	fmt.Fprintf(&text, "usage: %s\n\n%s\n\n%s\n\nflags:\n",
		strings.TrimSpace("admit "+c.name+" [flags] "+c.operands), strings.ToUpper(c.summary[:1])+c.summary[1:]+".", c.details)
	flags.SetOutput(&text)
	flags.PrintDefaults()
	return write(p.stdout, []byte(text.String()))
}
