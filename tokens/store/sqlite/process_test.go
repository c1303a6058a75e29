// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

// TestMain lets the test binary be another process: what it does then is in the environment.
func TestMain(m *testing.M) {
	switch file := os.Getenv("ADMIT_TEST_FILE"); os.Getenv("ADMIT_TEST_PROCESS") {
	case "":
		os.Exit(m.Run())
	case "revoke":
		os.Exit(revokeForever(file))
	case "open":
		os.Exit(openOnce(file))
	default:
		os.Exit(2)
	}
}

// revokeForever makes keys and revokes them, and writes the id of each and the revision once that is acknowledged.
func revokeForever(file string) int {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	keys, err := apikey.NewKeys(s)
	if err != nil {
		return 1
	}
	for i := 0; ; i++ {
		_, record, err := keys.Create(ctx, apikey.Spec{UserID: "user_1"})
		if err == nil && i%2 == 0 {
			_, err = keys.Revoke(ctx, record.ID, "leaked")
		} else if err == nil {
			_, err = s.Revoke(ctx, revocation.Revocation{Target: revocation.Key, Value: record.ID})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(record.ID)
	}
}

// openOnce opens a new file together with others, and makes a key in it.
func openOnce(file string) int {
	s, err := sqlite.Open(context.Background(), file)
	if err == nil {
		_, record, _ := apikey.New(apikey.Spec{UserID: "user_1"})
		err = s.Insert(context.Background(), record)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// process is the command that runs the test binary as another process.
func process(t *testing.T, what, file string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "-test.run=^$")
	command.Env = append(os.Environ(), "ADMIT_TEST_PROCESS="+what, "ADMIT_TEST_FILE="+file)
	command.Stderr = os.Stderr
	return command
}

// TestKilledWriterLosesNothing kills a process at some point between two revocations or within one, several times on one file, while another
// store has it open.
func TestKilledWriterLosesNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.db")
	var acknowledged []string
	for round := range 6 {
		command := process(t, "revoke", file)
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		enough := len(acknowledged) + 5 + rand.IntN(20)
		for lines.Scan() {
			acknowledged = append(acknowledged, strings.TrimSpace(lines.Text()))
			if len(acknowledged) == enough {
				// It goes on meanwhile, so that it is killed anywhere.
				time.AfterFunc(rand.N(5*time.Millisecond), func() { _ = command.Process.Kill() })
			}
		}
		_ = command.Wait()
		if len(acknowledged) < enough {
			t.Fatalf("round %d: the process ended after %d revocations", round, len(acknowledged))
		}

		s := open(t, file)
		batch, err := s.Since(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range acknowledged {
			record, err := s.Lookup(t.Context(), id)
			if err != nil || record.RevokedAt.IsZero() {
				t.Errorf("round %d: a revocation that was acknowledged is lost: %v", round, err)
			}
			if !slices.ContainsFunc(batch.Changes, func(c revocation.Change) bool { return c.Revocation.Value == id }) {
				t.Errorf("round %d: the feed does not tell of a revocation that was acknowledged", round)
			}
		}
		if round%2 == 0 {
			_ = s.Close() // The others stay open, while the next process is killed.
		}
	}
	if len(acknowledged) < 30 {
		t.Errorf("only %d revocations were acknowledged", len(acknowledged))
	}
}

// TestProcessesOpenANewFileAtOnce lets several make the tables.
func TestProcessesOpenANewFileAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.db")
	const processes = 6
	var running sync.WaitGroup
	for i := range processes {
		running.Go(func() {
			if out, err := process(t, "open", file).Output(); err != nil {
				t.Errorf("process %d: %v: %s", i, err, out)
			}
		})
	}
	running.Wait()
	records, err := open(t, file, sqlite.WithReadOnly()).List(t.Context(), apikey.Filter{})
	if err != nil || len(records) != processes {
		t.Errorf("%d keys, %v", len(records), err)
	}
}

// TestFeedHearsOfAnotherProcess waits for what another process revokes.
func TestFeedHearsOfAnotherProcess(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.db")
	writer := open(t, file)
	reader := open(t, file, sqlite.WithReadOnly())
	if _, err := writer.Revoke(t.Context(), revocation.Revocation{Target: revocation.Token, Value: "first"}); err != nil {
		t.Fatal(err)
	}
	batch, err := reader.Since(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := process(t, "revoke", file)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for len(told) < 20 {
		if err := reader.Wait(ctx, batch.Revision); err != nil {
			t.Fatal(err)
		}
		if batch, err = reader.Since(ctx, batch.Revision); err != nil || batch.Reset {
			t.Fatal(batch, err)
		}
		for _, c := range batch.Changes {
			told[c.Revocation.Value] = true
		}
	}
	_ = command.Process.Kill()
	lines, first := bufio.NewScanner(out), 0
	for first < 15 && lines.Scan() {
		if id := strings.TrimSpace(lines.Text()); !told[id] {
			t.Errorf("the feed does not tell of revocation %s", strconv.Itoa(first))
		}
		first++
	}
	_ = command.Wait()
}
