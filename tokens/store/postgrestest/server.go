// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgrestest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startTimeout = 60 * time.Second // for initdb, and for a start
	stopTimeout  = 20 * time.Second // before the server is killed
	owner        = "admit"          // the superuser and the database that initdb is told to make
)

// A Server is a PostgreSQL server of one's own. [Launch] makes it. Its methods may be called by several goroutines.
type Server struct {
	binaries string
	dir      string
	password string
	port     int
	user     *account

	mutex   sync.Mutex // guards process and closed
	process *process   // nil: stopped
	closed  bool
}

// Launch makes a server and starts it; [Server.Close] stops and removes it. The error is [ErrNotInstalled] where there are no binaries. It
// takes about a second.
func Launch(ctx context.Context) (*Server, error) {
	binaries, err := find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "admit-postgres-")
	if err != nil {
		return nil, fmt.Errorf("postgrestest: %w", err)
	}
	s := &Server{binaries: binaries, dir: dir, password: rand.Text()}
	if err = s.create(ctx); err == nil {
		err = s.startSomewhere(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// create makes the folder of the server's data.
func (s *Server) create(ctx context.Context) (err error) {
	if s.user, err = unprivileged(); err != nil {
		return err
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("postgrestest: %w", err)
	}
	if err := s.user.own(s.dir, secret); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// The password goes over the loopback interface in the clear: to derive a key from it would be most of what tests do under the race detector.
	//nolint:gosec // the program is PostgreSQL's own
	initdb := exec.CommandContext(ctx, filepath.Join(s.binaries, creator), "--pgdata", s.data(), "--username", owner, "--pwfile", secret,
		"--auth", "password", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = s.dir, s.user.attributes()
	initdb.WaitDelay = time.Second
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("postgrestest: initdb: %w\n%s", err, out)
	}
	return nil
}

// startSomewhere looks for a free port. Another process may take it before the server does, so it tries more than once.
func (s *Server) startSomewhere(ctx context.Context) (err error) {
	for range 5 {
		var l net.Listener
		if l, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("postgrestest: %w", err)
		}
		s.port = l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if err = s.Start(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// URL returns the URL of a database, with the name and the password of a superuser. It stays the same when the server is stopped and
// started again.
func (s *Server) URL() string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(owner, s.password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path: "/postgres", RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Start starts the server and returns when it takes connections. A server that runs is left alone.
func (s *Server) Start(ctx context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		return errors.New("postgrestest: the server was closed")
	}
	if s.process != nil {
		return nil
	}
	//nolint:gosec,noctx // the program is PostgreSQL's own, and outlives the context
	command := exec.Command(filepath.Join(s.binaries, program), "-D", s.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-k", s.dir,
		"-c", "max_connections=200", "-c", "log_min_messages=fatal")
	command.Dir, command.SysProcAttr = s.dir, s.user.attributes()
	p, err := run(command)
	if err != nil {
		return err
	}
	if err := s.ready(ctx, p); err != nil {
		p.end(syscall.SIGKILL)
		return fmt.Errorf("postgrestest: the server does not start: %w\n%s", err, p.output.Bytes())
	}
	s.process = p
	return nil
}

// ready waits until the server takes connections.
func (s *Server) ready(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		pause := time.NewTimer(20 * time.Millisecond)
		select {
		case <-p.ended:
			pause.Stop()
			return errors.New("it has ended")
		case <-ctx.Done():
			pause.Stop()
			return err
		case <-pause.C:
		}
	}
}

// Stop stops the server as an administrator would: connections are closed, transactions rolled back. It returns when the server has ended.
func (s *Server) Stop() error { return s.stop(syscall.SIGINT) }

// Crash stops the server as a crash would: what was acknowledged is found again after [Server.Start], from the log.
func (s *Server) Crash() error { return s.stop(syscall.SIGQUIT) }

func (s *Server) stop(signal syscall.Signal) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.process == nil {
		return nil
	}
	p := s.process
	s.process = nil
	if !p.end(signal) {
		return fmt.Errorf("postgrestest: the server had to be killed after %s", stopTimeout)
	}
	return nil
}

// Close stops the server and removes what it kept. It may be called more than once.
func (s *Server) Close() error {
	err := s.stop(syscall.SIGQUIT)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.closed = true
	return errors.Join(err, os.RemoveAll(s.dir))
}

// A process is a server that was started. One goroutine starts it and waits for its end.
type process struct {
	command *exec.Cmd
	output  bytes.Buffer // read it when ended is closed
	ended   chan struct{}
}

// run starts a command. The goroutine that does keeps its thread to itself, because Linux signals the end of the parent when the thread that
// made the child ends.
func run(command *exec.Cmd) (*process, error) {
	p := &process{command: command, ended: make(chan struct{})}
	command.Stdout, command.Stderr = &p.output, &p.output
	command.WaitDelay = time.Second
	started := make(chan error)
	go func() {
		defer close(p.ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait() // how it ends is up to those who end it
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("postgrestest: %w", err)
	}
	return p, nil
}

// end sends a signal, waits until the process has ended, and reports whether it did so before it was killed.
func (p *process) end(signal syscall.Signal) bool {
	_ = p.command.Process.Signal(signal) // it may have ended
	patience := time.NewTimer(stopTimeout)
	defer patience.Stop()
	select {
	case <-p.ended:
		return true
	case <-patience.C:
		_ = p.command.Process.Kill()
		<-p.ended
		return false
	}
}
