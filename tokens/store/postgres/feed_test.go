// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/store/postgres"
)

// listener returns the process of the server that serves the connection with that name that listens; 0: there is none.
func listener(tb testing.TB, url, name string) int {
	tb.Helper()
	return ask[int](tb, url, `select coalesce(max(pid), 0) from pg_stat_activity where application_name = $1
		and query ~ '^(listen "admit_|-- ping)'`, name)
}

// listening begins a Wait that nothing ends before its context, and returns when the store listens.
func listening(tb testing.TB, s *postgres.Store, url, name string) (pid int) {
	tb.Helper()
	after := since(tb, s, 0).Revision
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s.Wait(ctx, after) == nil {
		}
	}()
	tb.Cleanup(func() { cancel(); <-done })
	eventually(tb, "listening", func() bool {
		pid = listener(tb, url, name)
		return pid != 0
	})
	return pid
}

// pushed asserts that changes are pushed: were each noticed by the heartbeat alone, so many would take three times as long as is given.
func pushed(tb testing.TB, writer, reader *postgres.Store) {
	tb.Helper()
	ctx := within(tb, 5*time.Second)
	after := since(tb, reader, 0).Revision
	for i := range 15 {
		heard := make(chan error, 1)
		go func(after uint64) { heard <- hear(ctx, reader, after, after+1) }(after)
		after = revoke(tb, writer, fmt.Sprint("pushed ", i))
		if err := <-heard; err != nil {
			tb.Fatal(err)
		}
	}
}

func TestStoresTellEachOther(t *testing.T) {
	t.Parallel()
	url := empty(t)
	one, other := open(t, url), open(t, url, postgres.WithReadOnly())
	listening(t, other, named(t, url, "admit"), "admit")
	pushed(t, one, other)
	r := insert(t, one)
	if got, err := other.Lookup(t.Context(), r.ID); err != nil || got.Digest != r.Digest {
		t.Errorf("the other store has %+v, %v", got, err)
	}
}

func TestListenerIsKilled(t *testing.T) {
	t.Parallel()
	url, name := empty(t), "killed-listener"
	writer, reader := open(t, url), open(t, named(t, url, name))
	pid := listening(t, reader, url, name)
	after := revoke(t, writer, "before")
	execute(t, url, "select pg_terminate_backend($1)", pid)
	heard := make(chan error, 1)
	ctx := within(t, 5*time.Second)
	go func() { heard <- hear(ctx, reader, after, after+1) }()
	revoke(t, writer, "while nobody listens")
	if err := <-heard; err != nil {
		t.Fatal(err)
	}
	eventually(t, "listening again", func() bool {
		again := listener(t, url, name)
		return again != 0 && again != pid
	})
	pushed(t, writer, reader)
}

// A connection that is lost in silence, and a pooler that drops notifications, cost a second.
func TestListenerIsDeaf(t *testing.T) {
	t.Parallel()
	direct, name := empty(t), "deaf-listener"
	between := newBetween(t, direct)
	writer, reader := open(t, direct), open(t, named(t, between.url(t), name))
	pid := listening(t, reader, direct, name)
	eventually(t, "listening through what is between", func() bool { return between.listeners() > 0 })
	between.deafen()
	after := since(t, reader, 0).Revision
	ctx := within(t, 5*time.Second)
	heard := make(chan error, 1)
	go func() { heard <- hear(ctx, reader, after, after+1) }()
	revoke(t, writer, "unheard")
	if err := <-heard; err != nil {
		t.Fatal(err)
	}
	// It is noticed that nothing is heard, and another connection listens.
	eventually(t, "listening again", func() bool { return between.listeners() > 1 && listener(t, direct, name) != pid })
	pushed(t, writer, reader)
}

// Everybody in a database may notify. Who does with a revision that is not makes nobody believe it.
func TestStrangersNotify(t *testing.T) {
	t.Parallel()
	url, name := empty(t), "misled-listener"
	s := open(t, named(t, url, name))
	listening(t, s, url, name)
	channel := ask[string](t, url, "select 'admit_' || 'admit_state'::regclass::oid")
	ctx := within(t, 10*time.Second)
	heard := make(chan error, 1)
	go func() { heard <- s.Wait(ctx, 1_000_000) }()
	for _, payload := range []string{"9000000", "9223372036854775808", "-1", "no revision", ""} {
		execute(t, url, "select pg_notify($1, $2)", channel, payload)
	}
	if err := <-heard; err != nil {
		t.Fatal(err)
	}
	revision := since(t, s, 0).Revision // and it is known what is so
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	returns := 0
	for short.Err() == nil {
		if err := s.Wait(short, revision); err == nil {
			returns++
		}
	}
	if returns > 10 {
		t.Errorf("Wait returned %d times in a tenth of a second for a revision that is not", returns)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := open(t, empty(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v, want the end of its context", err)
	}
	revision := revoke(t, s, "one")
	if err := s.Wait(t.Context(), revision-1); err != nil {
		t.Errorf("Wait for what has come: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var err error
	for err == nil { // it may return early
		err = s.Wait(ctx, revision)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait: %v, want the end of its context", err)
	}
}

// A between forwards connections to a server, and can stop to forward what the server says to those that listen.
type between struct {
	listener net.Listener
	server   string // the URL
	address  string
	work     sync.WaitGroup

	mutex sync.Mutex // guards all below
	conns []net.Conn
	ears  []*ear
}

// An ear is a connection that listens.
type ear struct {
	mutex sync.Mutex // guards deaf
	deaf  bool
}

func newBetween(tb testing.TB, server string) *between {
	tb.Helper()
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	b := &between{listener: l, server: server, address: u.Host}
	b.work.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			b.forward(client)
		}
	})
	tb.Cleanup(func() {
		l.Close()
		b.mutex.Lock()
		for _, c := range b.conns {
			c.Close()
		}
		b.mutex.Unlock()
		b.work.Wait()
	})
	return b
}

func (b *between) url(tb testing.TB) string {
	return edited(tb, b.server, func(u *url.URL) { u.Host = b.listener.Addr().String() })
}

func (b *between) forward(client net.Conn) {
	server, err := net.Dial("tcp", b.address)
	if err != nil {
		client.Close()
		return
	}
	b.mutex.Lock()
	b.conns = append(b.conns, client, server)
	b.mutex.Unlock()
	e := &ear{}
	b.work.Go(func() {
		defer server.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := client.Read(buffer)
			if bytes.Contains(buffer[:n], []byte(`listen "admit_`)) {
				b.mutex.Lock()
				b.ears = append(b.ears, e)
				b.mutex.Unlock()
			}
			if _, failed := server.Write(buffer[:n]); err != nil || failed != nil {
				return
			}
		}
	})
	b.work.Go(func() {
		defer client.Close()
		_, _ = io.Copy(e.filter(client), server)
	})
}

// filter drops what is written while the ear is deaf.
func (e *ear) filter(w io.Writer) io.Writer {
	return writer(func(p []byte) (int, error) {
		e.mutex.Lock()
		defer e.mutex.Unlock()
		if e.deaf {
			return len(p), nil
		}
		return w.Write(p)
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// deafen drops, from now on, what the server says to those that listen now.
func (b *between) deafen() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, e := range b.ears {
		e.mutex.Lock()
		e.deaf = true
		e.mutex.Unlock()
	}
}

// listeners is how many connections have listened so far.
func (b *between) listeners() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return len(b.ears)
}
