// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
)

// full is a stdout that takes nothing, as that of a full disk.
type full struct {
	got       bytes.Buffer
	interrupt func() // called with the write; nil: nothing
}

var errFull = errors.New("no space left on device")

func (f *full) Write(p []byte) (int, error) {
	f.got.Write(p)
	if f.interrupt != nil {
		f.interrupt()
	}
	return 0, errFull
}

// states lists the keys of a store, by id.
func states(t *testing.T, store string) map[string]keyView {
	t.Helper()
	found := map[string]keyView{}
	for line := range strings.Lines(admit(t, "keys", "list", "-json", "-store", store)) {
		var view keyView
		if err := json.Unmarshal([]byte(line), &view); err != nil {
			t.Fatal(err)
		}
		found[view.ID] = view
	}
	return found
}

// An interrupt at that moment does not keep the key alive.
func TestKeyThatCannotBeWrittenIsRevoked(t *testing.T) {
	t.Parallel()
	for _, format := range [][]string{nil, {"-json"}} {
		store := newFile(t)
		ctx, cancel := context.WithCancel(t.Context())
		stdout := full{interrupt: cancel}
		var stderr bytes.Buffer
		code := run(ctx, append([]string{"keys", "create", "-user", "u", "-store", store}, format...), nothing{}, &stdout, &stderr)
		want := regexp.MustCompile(`^admit: the new key could not be written: stdout: no space left on device; it was revoked again, key (\w{16})\n$`)
		found := want.FindStringSubmatch(stderr.String())
		if code != exitFailed || found == nil {
			t.Fatalf("exit code %d, stderr %s", code, stderr.String())
		}
		if view := states(t, store)[found[1]]; view.State != stateRevoked || view.RevokedFor != "its secret could not be written" {
			t.Errorf("%+v", view)
		}
		secret := secretShape.FindString(stdout.got.String())
		if secret == "" || strings.Contains(stderr.String(), secret[21:40]) {
			t.Errorf("stdout was offered %q, stderr %q", stdout.got.String(), stderr.String())
		}
	}
}

func TestSuccessorThatCannotBeWrittenIsRevoked(t *testing.T) {
	t.Parallel()
	for overlap, want := range map[string]string{
		"1h": `^admit: the new key could not be written: stdout: no space left on device; it was revoked again, key (\w{16}); ` +
			"key (\\w{16}) is taken until [-0-9TZ:]+, so make another with `admit keys create`\n$",
		"0": `^admit: the new key could not be written: stdout: no space left on device; it was revoked again, key (\w{16}); ` +
			"key (\\w{16}) is revoked, so make another with `admit keys create`\n$",
	} {
		store := newFile(t)
		id := secretShape.FindStringSubmatch(admit(t, "keys", "create", "-user", "u", "-store", store))[1]
		var stderr bytes.Buffer
		code := run(t.Context(), []string{"keys", "rotate", id, "-overlap", overlap, "-store", store}, nothing{}, &full{}, &stderr)
		found := regexp.MustCompile(want).FindStringSubmatch(stderr.String())
		if code != exitFailed || found == nil || found[2] != id {
			t.Fatalf("exit code %d, stderr %s", code, stderr.String())
		}
		if view := states(t, store)[found[1]]; view.State != stateRevoked {
			t.Errorf("%+v", view)
		}
	}
}

func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	store := newFile(t)
	id := secretShape.FindStringSubmatch(admit(t, "keys", "create", "-user", "u", "-store", store))[1]
	for _, args := range [][]string{
		{"keys", "list", "-store", store},
		{"keys", "list", "-json", "-store", store},
		{"keys", "revoke", id, "-store", store},
		{"keys", "revoke", "-json", id, "-store", store},
		{"revoke", "session", "s", "-store", store},
		{"revoke", "session", "s", "-json", "-store", store},
		{"help"},
		{"keys", "list", "-h"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, nothing{}, &full{}, &stderr); code != exitFailed || stderr.String() != "admit: stdout: no space left on device\n" {
			t.Errorf("%v: exit code %d, stderr %s", args, code, stderr.String())
		}
	}
}

// unwilling are records that change nothing.
type unwilling struct{ *apikey.MemoryStore }

func (unwilling) Change(context.Context, string, func(*apikey.Record) (*apikey.Record, error)) (apikey.Record, error) {
	return apikey.Record{}, errors.New("the store is read-only")
}

func TestWithdrawalThatFails(t *testing.T) {
	t.Parallel()
	keys, err := apikey.NewKeys(unwilling{apikey.NewMemoryStore()})
	if err != nil {
		t.Fatal(err)
	}
	err = withdraw(t.Context(), keys, "0123456789abcdef")
	want := "and it is still valid: revoke it with `admit keys revoke 0123456789abcdef`: the store is read-only"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	store := newFile(t)
	id := secretShape.FindStringSubmatch(admit(t, "keys", "create", "-user", "u", "-store", store))[1]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never, writer := io.Pipe() // a stdin at which nobody types
	defer writer.Close()
	for _, args := range [][]string{
		{"keys", "create", "-user", "u"},
		{"keys", "list"},
		{"keys", "rotate", id},
		{"keys", "revoke", id},
		{"keys", "import"},
		{"revoke", "session", "s"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(ctx, append(args, "-store", store), never, &stdout, &stderr)
		if code != exitFailed || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "admit: interrupted: ") || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, stdout.String(), stderr.String())
		}
	}
	if view := states(t, store)[id]; view.State != stateActive {
		t.Errorf("%+v", view)
	}
}

// process is the command itself, in a process of its own.
func process(t *testing.T, args ...string) (command *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	command = exec.CommandContext(ctx, os.Args[0], args...)
	stderr = &bytes.Buffer{}
	command.Env, command.Stderr = append(os.Environ(), role+"=admit"), stderr
	return command, stderr
}

// A reader that goes away, as head does, must not leave a key behind that nobody has.
func TestProcessWithoutReader(t *testing.T) {
	t.Parallel()
	store := newFile(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	command, stderr := process(t, "keys", "create", "-user", "u", "-store", store)
	command.Stdout = writer
	err = command.Run()
	_ = writer.Close()
	if command.ProcessState.ExitCode() != exitFailed || !strings.Contains(stderr.String(), "broken pipe; it was revoked again, key ") {
		t.Errorf("%v, stderr %s", err, stderr.String())
	}
	for _, view := range states(t, store) {
		if view.State != stateRevoked {
			t.Errorf("%+v", view)
		}
	}
}

func TestProcessInterrupted(t *testing.T) {
	t.Parallel()
	store := newFile(t)
	command, stderr := process(t, "keys", "import", "-store", store)
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	// More than a pipe holds, so that once it is written the command reads, and is ready for a signal.
	if _, err := io.WriteString(input, "handle,user\n"+strings.Repeat("sha256:1,u\n", 100_000)); err != nil {
		t.Fatal(err)
	}
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err = command.Wait()
	if command.ProcessState.ExitCode() != exitFailed || stderr.String() != "admit: interrupted: reading stdin: context canceled\n" {
		t.Errorf("%v, stderr %s", err, stderr.String())
	}
	if _, err := os.Stat(store); err == nil {
		t.Error("a store was made")
	}
}
