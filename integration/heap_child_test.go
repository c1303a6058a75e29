// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/integration/gen/admittest/v1/admittestv1connect"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/interceptor/connectauth"
	"github.com/admitrpc/admit/interceptor/grpcauth"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store/sqlite"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

const (
	// heapEnv makes the test binary the server of TestHeapDumpHasNoKey, with the store at the path that it is.
	heapEnv   = "ADMIT_TEST_HEAP"
	logSuffix = ".log" // after the path of the store, the log
	dumped    = "dumped"
	actKeep   = "keep" // what a handler is told who is to keep a header
)

// kept is what a handler kept.
var kept []string

// keeper keeps the header of a call where it is told to.
type keeper struct{ connectGate }

func (k keeper) AnyUnary(ctx context.Context, r *connect.Request[admittestv1.GateRequest]) (*connect.Response[admittestv1.GateResponse], error) {
	if r.Msg.GetAction() == actKeep {
		kept = append(kept, r.Header().Get("Authorization"))
	}
	return k.connectGate.AnyUnary(ctx, r)
}

// A counter counts the connections that a listener accepted and that are still open.
type counter struct {
	net.Listener

	open *atomic.Int64
}

func (c counter) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	return &counted{Conn: conn, open: c.open}, nil
}

type counted struct {
	net.Conn

	open   *atomic.Int64
	closed atomic.Bool
}

func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		defer c.open.Add(-1)
	}
	return c.Conn.Close()
}

// serveHeap serves, and dumps its heap to each path that it reads, until standard input ends.
func serveHeap(path string) error {
	log.SetOutput(os.Stderr)
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	slog.SetDefault(logger)
	store, err := sqlite.Open(context.Background(), path, sqlite.WithReadOnly())
	if err != nil {
		return err
	}
	defer store.Close()
	guard, err := heapGuard(store, logger)
	if err != nil {
		return err
	}
	defer guard.Close()
	var open atomic.Int64
	addresses, stop, err := listenHeap(guard, &open)
	if err != nil {
		return err
	}
	defer stop()
	idle, err := idleGoroutines() // before anybody knows where to call
	if err != nil {
		return err
	}
	fmt.Println(addresses)
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var to string
		if err := in.Decode(&to); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := dumpHeap(to, &open, idle); err != nil {
			return err
		}
		fmt.Println(dumped)
	}
}

// idleGoroutines returns how many goroutines there are as long as nobody calls. Each look at the file has some of its own, and for a moment
// between two waits there is one less, so it is nearly the least over a while. The one that looks is the last that the guard begins, after it
// has asked the store for the first time.
func idleGoroutines() (int, error) {
	for began := time.Now(); !someGoroutineIn("sqlite.(*Store).follow("); time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			return 0, errors.New("nothing looks at the file")
		}
	}
	counts := make([]int, 100)
	for i := range counts {
		time.Sleep(time.Millisecond)
		counts[i] = runtime.NumGoroutine()
	}
	slices.Sort(counts)
	return counts[len(counts)/10], nil
}

// dumpHeap writes the heap of a process that has no connection any more, nor anything that it does for one, after two collections.
func dumpHeap(to string, open *atomic.Int64, idle int) error {
	for began := time.Now(); open.Load() > 0 || runtime.NumGoroutine() > idle; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			return fmt.Errorf("%d connections are open still, and there are %d goroutines instead of %d", open.Load(), runtime.NumGoroutine(), idle)
		}
	}
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	runtime.GC()
	runtime.GC()
	debug.WriteHeapDump(file.Fd())
	return file.Close()
}

// heapGuard guards a service whose streams take keys too, and logs all that there is to log.
func heapGuard(store *sqlite.Store, logger *slog.Logger) (*interceptor.Guard, error) {
	issuer, err := tokenstest.StartIssuer()
	if err != nil {
		return nil, err
	}
	known := policy.Allow(policy.Any())
	rules, err := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")),
		policy.Override(procedure("SessionServer"), known), policy.Override(procedure("SessionClient"), known),
		policy.Override(procedure("SessionBidi"), known))
	if err != nil {
		return nil, err
	}
	keys, err := apikey.NewVerifier(store)
	if err != nil {
		return nil, err
	}
	verifiers, err := tokens.NewVerifiers(issuer.SessionVerifier(), issuer.OAuthVerifier(), issuer.M2MVerifier(), keys)
	if err != nil {
		return nil, err
	}
	return interceptor.New(rules, verifiers, interceptor.WithRevocations(store), interceptor.WithLogger(logger), interceptor.WithDebug())
}

// listenHeap serves over every transport.
func listenHeap(guard *interceptor.Guard, open *atomic.Int64) (addresses string, stop func(), err error) {
	var config net.ListenConfig
	forHTTP, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	forGRPC, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	g := newGate()
	mux := http.NewServeMux()
	mux.Handle(admittestv1connect.NewGateServiceHandler(keeper{connectGate{g}}, connectauth.Protect(guard)))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	overHTTP := &http.Server{Handler: connectauth.Handler(mux), Protocols: protocols, ReadHeaderTimeout: 5 * time.Second}
	overGRPC := grpcauth.NewServer(guard)
	admittestv1.RegisterGateServiceServer(overGRPC, grpcGate{gate: g})
	go func() { _ = overHTTP.Serve(counter{forHTTP, open}) }() // both end with stop
	go func() { _ = overGRPC.Serve(counter{forGRPC, open}) }()
	return fmt.Sprintf("http://%s %s", forHTTP.Addr(), forGRPC.Addr()), func() {
		_ = overHTTP.Close()
		overGRPC.Stop()
	}, nil
}
