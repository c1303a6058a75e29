// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	invoicesv1 "github.com/admitrpc/admit/cmd/demo/gen/invoices/v1"
	"github.com/admitrpc/admit/cmd/demo/gen/invoices/v1/invoicesv1connect"
	"github.com/admitrpc/admit/tokens/apikey"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A buffer is written by the demo while the test reads it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func readState(t *testing.T, path string) state {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var st state
	if err := json.Unmarshal(text, &st); err != nil {
		t.Fatal(err)
	}
	return st
}

// noneLeaked looks for credentials in what was printed: each whole, the part of it that proves anything, and the beginning of any JWT, which
// is too long to stand in an id by chance.
func noneLeaked(t *testing.T, st state, printed string) {
	t.Helper()
	for name, credential := range st.Credentials {
		separator := "." // of a JWT
		if name == "api_key" {
			separator = "_"
		}
		proof := credential[strings.LastIndex(credential, separator)+1:]
		if len(proof) < 20 {
			t.Fatalf("the credential %s has no proof to look for", name)
		}
		if strings.Contains(printed, credential) || strings.Contains(printed, proof) {
			t.Errorf("the credential %s was printed", name)
		}
	}
	if beginning.MatchString(printed) {
		t.Error("part of a token was printed")
	}
}

// beginning is that of a JWT, whose header begins with alg, typ, kid or cat.
var beginning = regexp.MustCompile(`eyJ(hbGci|0eXAi|raWQi|jYXQi)`)

var marked = regexp.MustCompile(`(?m) (ok|DIFFERS)$`)

func TestOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, nil, 0o644); err != nil { // others may read this one; not what takes its place
		t.Fatal(err)
	}
	var stdout, stderr buffer
	if code := run(t.Context(), []string{"-once", "-debug", "-state", path}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d; stderr:\n%s", code, &stderr)
	}
	rows := marked.FindAllStringSubmatch(stdout.String(), -1)
	if len(rows) < 30 {
		t.Errorf("%d rows", len(rows))
	}
	for _, row := range rows {
		if row[1] != "ok" {
			t.Errorf("a row differs:\n%s", &stdout)
			break
		}
	}
	for line := range strings.Lines(stdout.String()) {
		if len(strings.TrimSuffix(line, "\n")) > width {
			t.Errorf("wider than %d: %q", width, line)
		}
	}
	if strings.Contains(stdout.String(), "\x1b") {
		t.Error("coloured, although it is no terminal")
	}
	if !strings.Contains(stderr.String(), "TOKEN_EXPIRED") {
		t.Error("-debug logged no refusal")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the state has the permissions %v", info.Mode())
	}
	noneLeaked(t, readState(t, path), stdout.String()+stderr.String())
}

// The tour reaches every procedure that is served, and each kind of caller over each protocol.
func TestTourIsComplete(t *testing.T) {
	d, err := start(t.Context(), "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "keys.db"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop()
	visited, over := map[string]bool{}, map[protocol]bool{}
	for _, stop := range tour() {
		visited[procedureOf(stop.method)] = true
		for _, v := range stop.visits {
			over[v.over] = true
			if _, ok := d.credentials[v.caller]; !ok {
				t.Errorf("%s has no credential", v.caller)
			}
		}
	}
	for _, p := range d.guard.Rules().Procedures() {
		if !visited[p.Name()] {
			t.Errorf("the tour leaves out %s", p.Name())
		}
	}
	for _, p := range []protocol{overConnect, overGRPC, overWeb, overGRPCGo} {
		if !over[p] {
			t.Errorf("the tour does not use %s", p)
		}
	}
}

func TestTourTellsWhatDiffers(t *testing.T) {
	d, err := start(t.Context(), "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "keys.db"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop()
	stops := publicStops()[:1]
	stops[0].visits[1].want = says("hello, somebody else")
	stops[0].visits[2].want = unauthenticated("TOKEN_EXPIRED")
	var out buffer
	err = printTour(t.Context(), newScreen(&out), d, stops)
	if err == nil || err.Error() != "2 of 4 calls did not end as expected" {
		t.Errorf("the error is %v", err)
	}
	if strings.Count(out.String(), "DIFFERS") != 2 || strings.Contains(out.String(), "All ") {
		t.Errorf("it says:\n%s", &out)
	}
}

func TestState(t *testing.T) {
	credentials := map[string]string{}
	for _, caller := range stateCallers {
		credentials[caller] = "of " + caller
	}
	key, record, err := apikey.New(apikey.Spec{UserID: "user_1"})
	if err != nil {
		t.Fatal(err)
	}
	credentials[keyAcme] = key.Reveal()
	path := filepath.Join(t.TempDir(), "state.json")
	made, err := newState(&demo{url: "http://127.0.0.1:1", grpcAddr: "127.0.0.1:2", keys: &keyFile{path: "keys.db"}, credentials: credentials})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.write(path); err != nil {
		t.Fatal(err)
	}
	st := readState(t, path)
	var names []string
	for name, credential := range st.Credentials {
		names = append(names, name)
		if credential == "" {
			t.Errorf("%s is empty", name)
		}
	}
	slices.Sort(names)
	want := []string{"api_key", "expired", "foreign", "m2m", "oauth", "session", "tampered"}
	if !slices.Equal(names, want) || st.ConnectURL != "http://127.0.0.1:1" || st.GRPCAddr != "127.0.0.1:2" || st.Keys != "keys.db" || st.KeyID != record.ID {
		t.Errorf("%v %+v", names, st)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left: %v", len(left), err)
	}
}

// serving runs the demo until it serves. The result ends it, and returns its exit code.
func serving(t *testing.T, stdout, stderr *buffer, args ...string) (st state, end func() int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.json")
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, append([]string{"-addr", "127.0.0.1:0", "-grpc-addr", "127.0.0.1:0", "-state", path}, args...), stdout, stderr)
	}()
	for deadline := time.Now().Add(15 * time.Second); !strings.Contains(stdout.String(), "Ctrl-C stops"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not serve:\n%s%s", stdout, stderr)
		}
	}
	return readState(t, path), func() int {
		cancel()
		select {
		case code := <-done:
			return code
		case <-time.After(5 * time.Second):
			t.Fatal("it does not stop")
			return -1
		}
	}
}

func TestServes(t *testing.T) {
	var stdout, stderr buffer
	st, end := serving(t, &stdout, &stderr)

	client := invoicesv1connect.NewInvoiceServiceClient(http.DefaultClient, st.ConnectURL)
	request := connect.NewRequest(&invoicesv1.WhoAmIRequest{})
	request.Header().Set("Authorization", "Bearer "+st.Credentials["session"])
	response, err := client.WhoAmI(t.Context(), request)
	if err != nil || response.Msg.GetOrganizationId() != acme {
		t.Errorf("over connect: %v, %v", response, err)
	}

	conn, err := grpc.NewClient(st.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	onGRPC := invoicesv1.NewInvoiceServiceClient(conn)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+st.Credentials["m2m"])
	ping, err := onGRPC.Ping(ctx, &invoicesv1.PingRequest{})
	if err != nil || ping.GetKind() != "m2m_token" {
		t.Errorf("over grpc-go: %v, %v", ping, err)
	}
	if _, err := onGRPC.Ping(t.Context(), &invoicesv1.PingRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a credential: %v", err)
	}
	stream, err := onGRPC.Reconcile(ctx) // does not end by itself
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&invoicesv1.ReconcileRequest{InvoiceId: "inv_1"}); err != nil {
		t.Fatal(err)
	}
	if answer, err := stream.Recv(); err != nil || !answer.GetKnown() {
		t.Errorf("in a stream: %v, %v", answer, err)
	}

	if code := end(); code != 0 || stderr.String() != "" {
		t.Errorf("exit code %d, stderr %q", code, &stderr)
	}
	if !strings.HasSuffix(stdout.String(), "\nstopped\n") {
		t.Errorf("it does not say that it stopped:\n%s", &stdout)
	}
	noneLeaked(t, st, stdout.String())
	if _, err := client.WhoAmI(t.Context(), request); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("it still serves: %v", err)
	}
}

// The commands that need nothing but curl and jq work as they are printed.
func TestCommands(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	var stdout, stderr buffer
	_, end := serving(t, &stdout, &stderr)
	defer end()
	_, commands, _ := strings.Cut(stdout.String(), "Commands to paste")
	for i, want := range []string{
		`"userId":"user_ada"`, `"CREDENTIAL_MISSING"`, `"id":"inv_1"`, `"not_found"`, `"bookedBy":"invoices"`, `"TOKEN_TYPE_NOT_ACCEPTED"`, `{}`,
		`"kind":"m2m_token"`,
	} {
		_, after, ok := strings.Cut(commands, "# "+curls[i].shows+"\n")
		if !ok {
			t.Fatalf("no command shows %q", curls[i].shows)
		}
		command, _, _ := strings.Cut(after, "\n\n")
		out, err := exec.CommandContext(t.Context(), "bash", "-c", command).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s\nsays\n%s", curls[i].shows, err, command, out)
		}
	}
	if len(curls) != 8 {
		t.Errorf("%d commands", len(curls))
	}
}

func TestStartFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	nowhere := filepath.Join(t.TempDir(), "missing", "state.json")
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"taken":          {[]string{"-addr", address, "-grpc-addr", "127.0.0.1:0"}, 1, "-addr 127.0.0.1:0"},
		"taken for gRPC": {[]string{"-addr", "127.0.0.1:0", "-grpc-addr", address}, 1, "-grpc-addr 127.0.0.1:0"},
		"no such folder": {[]string{"-once", "-state", nowhere}, 1, "write the state"},
		"a stray word":   {[]string{"once"}, 2, "unknown argument"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr buffer
			code := run(t.Context(), test.args, &stdout, &stderr)
			said := stderr.String()
			if code != test.code || !strings.HasPrefix(said, "demo: ") || !strings.Contains(said, test.says) || stdout.String() != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, &stdout, said)
			}
			if code == 1 && strings.Count(said, "\n") != 1 {
				t.Errorf("more than a line: %q", said)
			}
		})
	}
}

// An interrupted tour stops without a complaint, unless a verdict was asked for.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr buffer
	time.AfterFunc(30*time.Millisecond, cancel)
	path := filepath.Join(t.TempDir(), "state.json")
	if code := run(ctx, []string{"-once", "-state", path}, &stdout, &stderr); code != 1 || strings.Contains(stdout.String(), "All ") {
		t.Errorf("exit code %d, stderr %q", code, &stderr)
	}
}
