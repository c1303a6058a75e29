// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second one ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the demo and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // package flag has said why
	}
	if err := c.run(ctx, newScreen(stdout), stderr); err != nil {
		fmt.Fprintf(stderr, "demo: %v\n", err)
		return 1
	}
	return 0
}

// A config is what the flags say.
type config struct {
	once, debug          bool
	address, grpcAddress string
	state, keys          string
	origins              origins
	stateIsOurs          bool // nobody asked for it, so it goes when the demo goes
}

func parse(args []string, stderr io.Writer) (*config, error) {
	c := &config{}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&c.once, "once", false, "exit after the tour, with code 1 if a call did not end as expected; default ports are free ones")
	flags.BoolVar(&c.debug, "debug", false, "log every decision of the guard to stderr")
	flags.StringVar(&c.address, "addr", "127.0.0.1:8080", "`address` of the server of Connect, gRPC and gRPC-Web; port 0 is a free one")
	flags.StringVar(&c.grpcAddress, "grpc-addr", "127.0.0.1:9090", "`address` of the server of grpc-go; port 0 is a free one")
	flags.Func("origin", "`origin` of a web application, such as http://127.0.0.1:3000, that may call from browsers with session cookies;\n"+
		"may be given more than once; none: only the demo's own page", c.origins.add)
	flags.StringVar(&c.keys, "keys", filepath.Join(os.TempDir(), "admit-demo.db"), "`file` to keep API keys in while the demo runs; it is made anew")
	flags.StringVar(&c.state, "state", filepath.Join(os.TempDir(), "admit-demo.json"), "`file` to write addresses and credentials to")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "demo: unknown argument %q\n", flags.Arg(0))
		flags.Usage()
		return nil, errors.New("unknown argument")
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	c.stateIsOurs = !given["state"]
	const free = "127.0.0.1:0"
	if c.once && !given["addr"] {
		c.address = free
	}
	if c.once && !given["grpc-addr"] {
		c.grpcAddress = free
	}
	if c.once && c.stateIsOurs { // beside that of a demo that goes on serving
		c.state = filepath.Join(os.TempDir(), fmt.Sprintf("admit-demo-%d.json", os.Getpid()))
	}
	if c.once && !given["keys"] {
		c.keys = filepath.Join(os.TempDir(), fmt.Sprintf("admit-demo-%d.db", os.Getpid()))
	}
	return c, nil
}

func (c *config) run(ctx context.Context, s *screen, stderr io.Writer) error {
	var debug io.Writer
	if c.debug {
		debug = stderr
	}
	d, err := start(ctx, c.address, c.grpcAddress, c.keys, c.origins, debug)
	if err != nil {
		return err
	}
	err = c.guide(ctx, s, stderr, d)
	d.stop()
	if err == nil && !c.once {
		s.line("stopped")
	}
	return err
}

// guide shows the demo, and goes on serving until ctx ends unless it is to be shown once.
func (c *config) guide(ctx context.Context, s *screen, stderr io.Writer, d *demo) error {
	st, err := newState(d)
	if err != nil {
		return err
	}
	if err := st.write(c.state); err != nil {
		return err
	}
	if c.stateIsOurs {
		defer func() { _ = os.Remove(c.state) }()
	}
	printPolicy(s, d.guard.Rules().Procedures())
	err = printTour(ctx, s, d, tour())
	switch {
	case c.once:
		return err
	case errors.Is(err, errInterrupted):
		return nil
	case err != nil: // worth a look, so go on serving
		fmt.Fprintf(stderr, "demo: %v\n", err)
	}
	printCommands(s, d, c.state)
	s.line("In a browser: %s/", d.url)
	for _, origin := range d.origins {
		s.line("Web applications of %s may call, with session cookies too.", origin)
	}
	s.line("Serving Connect, gRPC and gRPC-Web on %s, and gRPC of grpc-go on %s. Ctrl-C stops.", d.url, d.grpcAddr)
	return d.wait(ctx)
}
