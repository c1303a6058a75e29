// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

// serve holds a store open and verifies the keys that it reads, one on each line: it answers "ok", or the reason of the refusal.
func serve(source string, in io.Reader, out io.Writer) int {
	ctx := context.Background()
	where, err := (&common{store: source}).place(&program{})
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	st, err := where.open(ctx, makes)
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	defer st.Close()
	verifier, err := apikey.NewVerifier(st, apikey.WithPrefixes("ak_live"))
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	fmt.Fprintln(out, "ready")
	for lines := bufio.NewScanner(in); lines.Scan(); {
		_, err := verifier.Verify(ctx, tokens.Credential{Secret: tokens.NewSecret(lines.Text())})
		switch reason := tokens.ReasonOf(err); {
		case err == nil:
			fmt.Fprintln(out, "ok")
		case reason == tokens.ReasonVerifierUnavailable:
			fmt.Fprintln(out, reason, err)
		default:
			fmt.Fprintln(out, reason)
		}
	}
	return 0
}

// A server is a process that serves.
type server struct {
	t      *testing.T
	input  io.Writer
	output *bufio.Scanner
}

func startServer(t *testing.T, store string) *server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // which outlives the test's own
	command := exec.CommandContext(ctx, os.Args[0], store)
	command.Env = append(os.Environ(), role+"=server")
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("a server: %v", err)
		}
		cancel()
	})
	s := &server{t: t, input: input, output: bufio.NewScanner(output)}
	if got := s.answer(); got != "ready" {
		t.Fatalf("a server: %s", got)
	}
	return s
}

func (s *server) answer() string {
	s.t.Helper()
	if !s.output.Scan() {
		s.t.Fatalf("a server ended: %v", s.output.Err())
	}
	return s.output.Text()
}

func (s *server) verify(key string) string {
	s.t.Helper()
	fmt.Fprintln(s.input, key)
	return s.answer()
}

// Test14TheCommandWhileServersRun makes, rotates and revokes keys in a store that two servers hold open.
func Test14TheCommandWhileServersRun(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		commandWhileServersRun(t, newFile(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		commandWhileServersRun(t, postgrestest.URL(t))
	})
}

func commandWhileServersRun(t *testing.T, store string) {
	t.Helper()
	all := func(servers []*server, key, want string) {
		t.Helper()
		for i, s := range servers {
			if got := s.verify(key); got != want {
				t.Errorf("server %d: %s, want %s", i+1, got, want)
			}
		}
	}
	servers := []*server{startServer(t, store), startServer(t, store)}
	create := func() string {
		return strings.TrimSpace(admit(t, "keys", "create", "-store", store, "-organization", "org_1", "-prefix", "ak_live"))
	}
	id := func(key string) string { return secretShape.FindStringSubmatch(key)[1] }

	first := create()
	all(servers, first, "ok")
	second := strings.TrimSpace(admit(t, "keys", "rotate", "-store", store, id(first)))
	all(servers, first, "ok") // for the overlap
	all(servers, second, "ok")
	admit(t, "keys", "revoke", "-store", store, id(first))
	all(servers, first, string(tokens.ReasonTokenRevoked))
	all(servers, second, "ok")
	admit(t, "revoke", "-store", store, "key", id(second))
	all(servers, second, string(tokens.ReasonTokenRevoked))

	third := create()
	all(servers, third, "ok")
	admit(t, "keys", "rotate", "-store", store, "-overlap", "0", id(third))
	all(servers, third, string(tokens.ReasonTokenRevoked))
}
