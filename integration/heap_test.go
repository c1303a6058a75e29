// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store/sqlite"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
)

// A heapKey is a key, or what looks like one, of which nothing secret may be found.
type heapKey struct {
	what     string
	text     string
	admitted bool
}

// window is how much of a secret in a row counts as found. That many characters are of 95 random bits.
const window = 16

// A finder finds pieces of secrets in bytes.
type finder struct {
	pieces map[[window]byte]string // what they are of
	maybe  [1 << 16]bool           // a piece may begin so
}

func newFinder(keys []heapKey) *finder {
	f := &finder{pieces: map[[window]byte]string{}}
	for _, key := range keys {
		secret := key.text[secretAt(key.text):]
		f.add(key.what, secret)
		// HTTP/2 writes headers as Huffman has it, from the first character on; what of it is of the secret begins after what comes before.
		coded := hpack.AppendHuffmanString(nil, "Bearer "+key.text)
		before := hpack.AppendHuffmanString(nil, "Bearer "+strings.TrimSuffix(key.text, secret))
		f.add(key.what+", as HPACK has it", string(coded[len(before):]))
	}
	return f
}

// secretAt is where the secret of a key begins: after prefix and id, which may be told.
func secretAt(text string) int { return len("ak_") + 16 + len("_") }

func (f *finder) add(what, secret string) {
	for i := 0; i+window <= len(secret); i++ {
		piece := [window]byte([]byte(secret[i : i+window]))
		f.pieces[piece], f.maybe[start(piece[:])] = what, true
	}
}

func start(piece []byte) uint16 { return uint16(binary.LittleEndian.Uint32(piece) * 2654435761 >> 16) }

// find returns what the pieces are of that are in data, with how many there are.
func (f *finder) find(data []byte) map[string]int {
	found := map[string]int{}
	for i := 0; i+window <= len(data); i++ {
		if !f.maybe[start(data[i:])] {
			continue
		}
		if what, ok := f.pieces[[window]byte(data[i:])]; ok {
			found[what]++
		}
	}
	return found
}

// heapKeys makes keys of every fate, in a store at a path.
func heapKeys(t *testing.T, path string) []heapKey {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	must(t, err)
	defer store.Close()
	var records []apikey.Record
	var keys []heapKey
	for _, fate := range []struct {
		what   string
		change func(*apikey.Record)
		text   func(string) string
	}{
		{what: "a good key"},
		{what: "a revoked key", change: func(r *apikey.Record) { r.RevokedAt = time.Now() }},
		{what: "an expired key", change: func(r *apikey.Record) { r.ExpiresAt = time.Now().Add(-time.Minute) }},
		{what: "a key that is not valid yet", change: func(r *apikey.Record) { r.NotBefore = time.Now().Add(time.Hour) }},
		{what: "a key without the scope", change: func(r *apikey.Record) { r.Scopes = nil }},
		{what: "a key with another secret", text: reseal},
		{what: "a mistyped key", text: flipLast},
		{what: "a key with a bad character", text: func(key string) string { return key + "~" }},
		{what: "a key with a forbidden character", text: func(key string) string { return key + "\"" }},
		{what: "a key twice", text: func(key string) string { return key + ", Bearer " + key }},
		{what: "a key that nobody stored", change: func(r *apikey.Record) { r.ID = "" }},
	} {
		for range 4 {
			key, record, err := apikey.New(apikey.Spec{OrganizationID: "org_1", Scopes: []string{"gates:open"}})
			must(t, err)
			if fate.change != nil {
				fate.change(&record)
			}
			if record.ID != "" {
				records = append(records, record)
			}
			made := heapKey{fate.what, key.Reveal(), fate.what == "a good key"}
			if fate.text != nil {
				made.text = fate.text(made.text)
			}
			keys = append(keys, made)
			secrets.add(fmt.Sprintf("%s %d", fate.what, len(keys)), key.Reveal())
		}
	}
	must(t, store.Insert(t.Context(), records...))
	return keys
}

// TestHeapDumpHasNoKey calls a server, a process of its own, with many keys over every transport. When all connections are closed and two
// collections have run, nothing of a secret is in its heap, nor in what it logged at the most talkative.
func TestHeapDumpHasNoKey(t *testing.T) {
	if path := os.Getenv(heapEnv); path != "" {
		must(t, serveHeap(path))
		return
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "keys.db")
	keys := heapKeys(t, path)
	child := startHeap(t, path)
	for _, way := range child.ways(t) {
		for _, key := range keys {
			for _, method := range way.methods {
				got := way.call(within(t, 10*time.Second), way.world, method, bearer(key.text), msgs(msg("", "")))
				if (got.code == codes.OK) != (key.admitted || key.what == "a key without the scope" && method != "KeyUnary") {
					t.Errorf("%s, %s with %s: %v %s", way.name, method, key.what, got.code, got.reason)
				}
			}
		}
		way.close()
	}
	wanted := newFinder(keys)
	dump := child.dump(t, filepath.Join(folder, "heap"))
	for what, count := range wanted.find(dump) {
		t.Errorf("in the heap: %s, %d pieces of %d bytes", what, count, window)
	}
	log, err := os.ReadFile(path + logSuffix)
	must(t, err)
	for what, count := range wanted.find(log) {
		t.Errorf("in the log: %s, %d pieces of %d bytes", what, count, window)
	}
	for _, key := range keys {
		if id := key.text[len("ak_") : secretAt(key.text)-1]; key.admitted && !strings.Contains(string(log), id) {
			t.Fatalf("the log does not even have the id of a good key: it is not the log")
		}
	}
	t.Logf("searched %d bytes of heap and %d of log for %d pieces", len(dump), len(log), len(wanted.pieces))
	child.control(t, keys[0], filepath.Join(folder, "control"))
}

// A heapChild is the process whose heap is searched.
type heapChild struct {
	in        io.Writer
	out       *bufio.Reader
	url, addr string
}

func startHeap(t *testing.T, path string) *heapChild {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHeapDumpHasNoKey$")
	command.Env = append(os.Environ(), heapEnv+"="+path, "GRPC_GO_LOG_SEVERITY_LEVEL=info", "GRPC_GO_LOG_VERBOSITY_LEVEL=99")
	log, err := os.Create(path + logSuffix)
	must(t, err)
	command.Stderr = log
	in, err := command.StdinPipe()
	must(t, err)
	out, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait()
		_ = log.Close()
	})
	c := &heapChild{in: in, out: bufio.NewReader(out)}
	addresses := strings.Fields(c.line(t))
	if len(addresses) != 2 {
		t.Fatalf("the server says %q", addresses)
	}
	c.url, c.addr = addresses[0], addresses[1]
	return c
}

func (c *heapChild) line(t *testing.T) string {
	t.Helper()
	line, err := c.out.ReadString('\n')
	must(t, err)
	return line
}

// dump asks for a dump of the heap, by a pipe that no key ever went through.
func (c *heapChild) dump(t *testing.T, path string) []byte {
	t.Helper()
	must(t, json.NewEncoder(c.in).Encode(path))
	if said := c.line(t); said != dumped+"\n" {
		more, _ := io.ReadAll(c.out)
		t.Fatalf("the server says %q", said+string(more))
	}
	dump, err := os.ReadFile(path)
	must(t, err)
	if len(dump) < 100_000 {
		t.Fatalf("a dump of %d bytes is no dump", len(dump))
	}
	return dump
}

// control lets a handler keep the header of a call, which must be found, so that a search that finds nothing says something.
func (c *heapChild) control(t *testing.T, key heapKey, path string) {
	t.Helper()
	ways := c.ways(t)
	got := ways[0].call(within(t, 10*time.Second), ways[0].world, "AnyUnary", bearer(key.text), msgs(msg("", actKeep)))
	must(t, got.err)
	for _, way := range ways {
		way.close()
	}
	if found := newFinder([]heapKey{key}).find(c.dump(t, path)); found[key.what] == 0 {
		t.Errorf("the key that a handler kept is not found: %v", found)
	}
}

// A way is one by which keys reach the server.
type way struct {
	name    string
	call    func(ctx context.Context, w *world, method string, authorization []string, messages []*admittestv1.GateRequest) outcome
	methods []string
	world   *world
	close   func()
}

func (c *heapChild) ways(t *testing.T) []way {
	t.Helper()
	all := []string{"KeyUnary", "AnyUnary", "SessionServer", "SessionClient", "SessionBidi"}
	over := func(name string, methods []string, set func(*http.Protocols), options ...connect.ClientOption) way {
		protocols := new(http.Protocols)
		set(protocols)
		transport := &http.Transport{Protocols: protocols}
		return way{name, overConnect(options...), methods, &world{url: c.url, h2: &http.Client{Transport: transport}}, transport.CloseIdleConnections}
	}
	one, two := func(p *http.Protocols) { p.SetHTTP1(true) }, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }
	conn, err := grpc.NewClient(c.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	return []way{
		over("connect over HTTP/1.1", all[:4], one),
		over("connect over HTTP/2", all, two),
		over("gRPC-Web over HTTP/1.1", all[:4], one, connect.WithGRPCWeb()),
		over("gRPC-Web over HTTP/2", all, two, connect.WithGRPCWeb()),
		over("connect as gRPC", all, two, connect.WithGRPC()),
		{"grpc-go", overGRPC, all, &world{conn: conn}, func() { _ = conn.Close() }},
	}
}
