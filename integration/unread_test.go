// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // so that the server takes gzip
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// ballast is the size of the message, of which gzip makes about 50 kB.
const ballast = 50 << 20

// childEnv makes this test binary the server of TestRefusedMeansUnread, in a process of its own, so that only its allocations count.
const childEnv = "ADMIT_TEST_SERVER"

// stats are what the server tells of itself.
type stats struct {
	Allocated  uint64 // bytes, in all
	Unmarshals int64
	Hits       int64
}

// countingCodec is connect's binary codec, counted.
type countingCodec struct{ unmarshals *atomic.Int64 }

func (countingCodec) Name() string { return "proto" }

func (countingCodec) Marshal(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, errors.New("not a message")
	}
	return proto.Marshal(m)
}

func (c countingCodec) Unmarshal(data []byte, message any) error {
	c.unmarshals.Add(1)
	m, ok := message.(proto.Message)
	if !ok {
		return errors.New("not a message")
	}
	return proto.Unmarshal(data, m)
}

// countingCodecV2 is grpc-go's, counted.
type countingCodecV2 struct {
	encoding.CodecV2
	unmarshals *atomic.Int64
}

func (c countingCodecV2) Unmarshal(data mem.BufferSlice, message any) error {
	c.unmarshals.Add(1)
	return c.CodecV2.Unmarshal(data, message)
}

// serveAsChild serves until standard input ends.
func serveAsChild() error {
	verifiers, err := tokens.NewVerifiers(believer{})
	if err != nil {
		return err
	}
	rules, err := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")),
		policy.Override(procedure("OAuthServer"), policy.Public()), policy.Override(procedure("MachineBidi"), policy.Public()),
		policy.Override(procedure("KeyUnary"), policy.Public()))
	if err != nil {
		return err
	}
	guard, err := interceptor.New(rules, verifiers)
	if err != nil {
		return err
	}
	g, unmarshals := newGate(), &atomic.Int64{}
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(connectGate{g}, connectauth.Protect(guard), connect.WithCodec(countingCodec{unmarshals})))
	mux.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		g.mu.Lock()
		defer g.mu.Unlock()
		s := stats{Allocated: memory.TotalAlloc, Unmarshals: unmarshals.Load()}
		for _, hits := range g.hits {
			s.Hits += int64(hits)
		}
		_ = json.NewEncoder(w).Encode(s)
	})
	server := grpcauth.NewServer(guard, grpc.MaxRecvMsgSize(ballast*2),
		grpc.ForceServerCodecV2(countingCodecV2{encoding.GetCodecV2(grpcproto.Name), unmarshals}))
	admittestv1.RegisterGateServiceServer(server, grpcGate{gate: g})
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	var lc net.ListenConfig
	overHTTP, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	overGRPC, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_ = (&http.Server{Handler: mux, Protocols: protocols, ReadHeaderTimeout: time.Minute}).Serve(overHTTP)
	}()
	go func() { _ = server.Serve(overGRPC) }()
	fmt.Printf("http://%s http://%s\n", overHTTP.Addr(), overGRPC.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// believer believes every string that begins with "tok_".
type believer struct{}

func (believer) Forms() []tokens.Form {
	return []tokens.Form{{Kind: tokens.SessionToken, Prefix: "tok_"}}
}

func (believer) Verify(context.Context, tokens.Credential) (*tokens.Principal, error) {
	return tokens.NewPrincipal(tokens.Facts{
		Kind: tokens.SessionToken, Subject: "user_1", Organization: tokens.Organization{ID: "org_1"}, Permissions: []string{"org:gates:open"},
	})
}

// startChild starts the server, and returns its two addresses.
func startChild(t *testing.T) (connectURL, grpcURL string) {
	t.Helper()
	// Built anew without the race detector, under which pools forget at random and so allocate more than a server does.
	binary := filepath.Join(t.TempDir(), "server")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	command := exec.CommandContext(t.Context(), binary, "-test.run=^$")
	command.Env = append(os.Environ(), childEnv+"=1")
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	must(t, err)
	out, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	addresses := strings.Fields(line)
	return addresses[0], addresses[1]
}

// TestRefusedMeansUnread sends a message of 50 MiB in a body of 50 kB, without a credential: nothing of it may be read, decompressed or
// decoded.
func TestRefusedMeansUnread(t *testing.T) {
	connectURL, grpcURL := startChild(t)
	bomb := compress(t, &admittestv1.GateRequest{OrganizationId: "org_1", Ballast: make([]byte, ballast)})
	t.Logf("%d bytes stand for %d", len(bomb), ballast)
	client := newH2Client(t)
	observe := func() (s stats) {
		response, err := client.Get(connectURL + "/stats")
		must(t, err)
		defer response.Body.Close()
		must(t, json.NewDecoder(response.Body).Decode(&s))
		return s
	}
	for _, transport := range []struct {
		name, url, content, encoding string
		methods                      []string
		enveloped                    bool
	}{
		{"connect unary", connectURL, "application/proto", "Content-Encoding", []string{"SessionUnary", "BoundUnary"}, false},
		{"connect streams", connectURL, "application/connect+proto", "Connect-Content-Encoding", []string{"SessionServer", "SessionClient", "SessionBidi", "BoundBidi"}, true},
		{"connect as grpc", connectURL, "application/grpc", "Grpc-Encoding", []string{"SessionUnary", "SessionServer", "SessionClient", "SessionBidi"}, true},
		{"connect as grpc-web", connectURL, "application/grpc-web", "Grpc-Encoding", []string{"SessionUnary", "SessionBidi"}, true},
		{"grpc-go", grpcURL, "application/grpc", "Grpc-Encoding", []string{"SessionUnary", "BoundUnary", "SessionServer", "SessionClient", "SessionBidi", "BoundBidi"}, true},
	} {
		for _, method := range transport.methods {
			t.Run(transport.name+"/"+method, func(t *testing.T) {
				body := bomb
				if transport.enveloped {
					body = binary.BigEndian.AppendUint32([]byte{1}, uint32(len(bomb)))
					body = append(body, bomb...)
				}
				send := func(token string) {
					r, err := http.NewRequestWithContext(within(t, time.Minute), http.MethodPost, transport.url+procedure(method), bytes.NewReader(body))
					must(t, err)
					r.Header.Set("Content-Type", transport.content)
					r.Header.Set(transport.encoding, "gzip")
					r.Header.Set("TE", "trailers")
					if token != "" {
						r.Header.Set("Authorization", "Bearer "+token)
					}
					response, err := client.Do(r)
					if err != nil {
						return // the server need not take the whole body
					}
					_, _ = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
				send("") // connections and pools are made once
				const calls = 100
				before := observe()
				for range calls {
					send("")
				}
				after := observe()
				perCall := (after.Allocated - before.Allocated) / calls
				if n := after.Unmarshals - before.Unmarshals; n != 0 || after.Hits != before.Hits {
					t.Errorf("%d messages were decoded, and a handler ran %d times", n, after.Hits-before.Hits)
				}
				if perCall >= 256<<10 {
					t.Errorf("%d bytes were allocated for each call", perCall)
				}
				// The same message with a credential is read, so the counters do count.
				send("tok_good")
				if control := observe(); control.Unmarshals == after.Unmarshals || control.Hits == after.Hits && !strings.HasPrefix(method, "Bound") || control.Allocated-after.Allocated < ballast {
					t.Errorf("a good call was not counted: %+v after %+v", control, after)
				}
				t.Logf("%d bytes for each call", perCall)
			})
		}
	}
}

func compress(t *testing.T, message proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(message)
	must(t, err)
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	must(t, err)
	_, err = z.Write(raw)
	must(t, errors.Join(err, z.Close()))
	return out.Bytes()
}
