// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// A keyServer is a JWKS endpoint on loopback whose answer can be changed.
type keyServer struct {
	*httptest.Server

	answer  atomic.Pointer[http.HandlerFunc]
	fetches atomic.Int64
}

func newKeyServer(tb testing.TB, answer http.HandlerFunc) *keyServer {
	tb.Helper()
	k := &keyServer{}
	k.answer.Store(&answer)
	k.Server = httptest.NewServer(k)
	tb.Cleanup(k.Close)
	return k
}

func (k *keyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.fetches.Add(1)
	(*k.answer.Load())(w, r)
}

func (k *keyServer) set(tb testing.TB, opts ...jwt.RemoteKeySetOption) *jwt.RemoteKeySet {
	tb.Helper()
	s := must(jwt.NewRemoteKeySet(k.URL, opts...))
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func (k *keyServer) serve(answer http.HandlerFunc) { k.answer.Store(&answer) }

func answers[T string | []byte](body T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func later(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond) // What a network would take. It is not waited for.
		answer(w, r)
	}
}

// SEC-68 over HTTP: 1,000 callers at once, and one fetch.
func TestHTTPStampede(t *testing.T) {
	t.Parallel()
	k := newKeyServer(t, later(answers(jwksOf(t, "a"))))
	s := k.set(t)
	var group sync.WaitGroup
	for range 1000 {
		group.Go(func() {
			if _, err := s.Key(t.Context(), "a", "ES256"); err != nil {
				t.Errorf("error %v", err)
			}
		})
	}
	group.Wait()
	if n := k.fetches.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

// SEC-65 over HTTP: random kids, and bad signatures on a known kid, while good tokens are verified all along. The signatures alone cause
// no fetch at all.
func TestHTTPFlood(t *testing.T) {
	t.Parallel()
	iss, _ := newIssuer(t)
	k := newKeyServer(t, later(answers(iss.Keys())))
	v := must(jwt.NewSessionVerifier(iss.URL(), []string{tokenstest.Party}, iss.SessionClass(), k.set(t)))
	token := iss.Session(tokenstest.SessionClaims{})
	bad := iss.Tamper(token)
	start := time.Now()
	accepted(t, v, token)
	spray := func(tokens ...string) {
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				for range 50 {
					for _, bad := range tokens {
						refused(t, v, bad, invalid)
					}
					accepted(t, v, token)
				}
			})
		}
		group.Wait()
	}
	spray(bad)
	if n := k.fetches.Load(); n != 1 {
		t.Errorf("%d fetches after bad signatures, want 1", n)
	}
	others := make([]string, 20)
	for i := range others {
		others[i] = withKID(token, fmt.Sprint("x", i))
	}
	spray(append(others, bad)...)
	if n, most := k.fetches.Load(), 3+int64(time.Since(start)/(5*time.Second)); n > most {
		t.Errorf("%d fetches after random kids, want %d at most", n, most)
	}
}

// withKID returns a token with another kid, whose signature no longer matches.
func withKID(token, kid string) string {
	_, rest, _ := strings.Cut(token, ".")
	return b64(fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"JWT","cat":"session"}`, kid)) + "." + rest
}

// SEC-66 over HTTP: a new key is found at once when it is quiet, and 5 seconds later at most under a flood. Only the flood takes time.
func TestHTTPRotation(t *testing.T) {
	t.Parallel()
	before, after, last := jwksOf(t, "a"), jwksOf(t, "a", "b"), jwksOf(t, "b", "c")
	k := newKeyServer(t, later(answers(before)))
	s := k.set(t)
	has(t, s, "a", good)
	k.serve(answers(after))
	has(t, s, "b", good)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var group sync.WaitGroup
	var found atomic.Bool
	burst := make(chan struct{})
	for worker := range 4 {
		group.Go(func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for i := 0; !found.Load() && ctx.Err() == nil; i++ {
				_, _ = s.Key(ctx, fmt.Sprintf("x%d-%d", worker, i), "ES256")
				if worker == 0 && i == 50 {
					close(burst)
				}
				<-tick.C
			}
		})
	}
	<-burst
	k.serve(answers(last))
	start := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !found.Load() && ctx.Err() == nil {
		_, err := s.Key(ctx, "c", "ES256")
		found.Store(err == nil)
		<-tick.C
	}
	group.Wait()
	if took := time.Since(start); !found.Load() || took > 6*time.Second {
		t.Errorf("found: %t, after %s; want 5s and a fetch at most", found.Load(), took)
	}
	has(t, s, "a", invalid) // It was removed.
	if n := k.fetches.Load(); n > 4 {
		t.Errorf("%d fetches, want 4 at most", n)
	}
}

// What an endpoint may do to those who ask it, before and after it was good once: it is down. Known keys are believed.
func TestHTTPHostileEndpoint(t *testing.T) {
	t.Parallel()
	body := jwksOf(t, "a")
	var visited atomic.Int64
	target := newKeyServer(t, func(http.ResponseWriter, *http.Request) { visited.Add(1) })
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			_, _ = w.Write(body)
		}
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   tokens.Reason
	}{
		{"good", answers(body), good},
		{"compressed", compressed(body, 0), good},
		{"chunked", chunked(body), good},
		{"SEC-57 one bad key among good", answers(bytes.Replace(body, []byte("["), []byte(`[{"kty":"RSA"},`), 1)), good},
		{"SEC-57 all bad", answers(`{"keys":[{"kty":"RSA","kid":"z"}]}`), down},
		{"SEC-58 HTML", answers("<html>"), down},
		{"SEC-58 empty", answers(""), down},
		{"SEC-58 {}", answers("{}"), down},
		{"SEC-58 null", answers("null"), down},
		{"SEC-58 keys null", answers(`{"keys":null}`), down},
		{"SEC-58 no keys", answers(`{"keys":[]}`), down},
		{"SEC-58 100,000 keys", answers(`{"keys":[` + strings.Repeat("{},", 1e5) + "{}]}"), down},
		{"SEC-58 100,000 keys, small enough to be read", answers(`{"keys":[` + strings.Repeat("0,", 1e5) + "0]}"), down},
		{"SEC-55 kid twice", answers(bytes.Replace(body, []byte("["), []byte(`[{"kid":"a"},`), 1)), down},
		{"SEC-59 large", answers(padded(body)), down},
		{"SEC-59 100 MiB compressed", compressed(body, 100<<20), down},
		{"SEC-59 endless", endlessly(32<<10, false), down},
		{"SEC-59 endless, chunk by chunk", endlessly(64, true), down},
		{"SEC-59 endless header", endlessHeader, down},
		{"SEC-61 redirect to another host", redirect(target.URL), down},
		{"SEC-61 redirect to itself", redirect("/"), down},
		{"SEC-61 redirect to a file", redirect("file:///etc/passwd"), down},
		{"SEC-61 redirect to gopher", redirect("gopher://127.0.0.1/"), down},
		{"SEC-61 redirect to another loopback address", redirect(strings.Replace(target.URL, "127.0.0.1", "[::1]", 1)), down},
		{"SEC-67 503", status(http.StatusServiceUnavailable, body), down},
		{"SEC-67 404", status(http.StatusNotFound, body), down},
		{"204", status(http.StatusNoContent, nil), down},
		{"SEC-67 hung up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, down},
		{"SEC-67 hung up amid the body", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(body[:len(body)/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, down},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k := newKeyServer(t, test.answer)
			cold := k.set(t)
			start := time.Now()
			has(t, cold, "a", test.want)
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("it took %s", took)
			}
			k.serve(answers(body))
			warm := k.set(t)
			has(t, warm, "a", good)
			k.serve(test.answer)
			if test.want == down {
				has(t, warm, "b", down) // It may be a key that we could not fetch.
			}
			has(t, warm, "a", good)
			has(t, warm, "", good)
			if visited.Load() > 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

func status(code int, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write(body)
	}
}

func chunked(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, b := range body {
			_, _ = w.Write([]byte{b})
			_ = http.NewResponseController(w).Flush()
		}
	}
}

func padded(body []byte) []byte {
	return append(bytes.Clone(body), bytes.Repeat([]byte(" "), 512<<10)...)
}

// compressed answers with a body and spaces behind it, in gzip.
func compressed(body []byte, spaces int) http.HandlerFunc {
	var b bytes.Buffer
	w := must(gzip.NewWriterLevel(&b, gzip.BestSpeed))
	_, _ = w.Write(body)
	for block := bytes.Repeat([]byte(" "), 1<<20); spaces > 0; spaces -= len(block) {
		_, _ = w.Write(block)
	}
	_ = w.Close()
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(b.Bytes())
	}
}

// endlessly answers with blocks until nobody reads any more, each as a chunk of its own if so.
func endlessly(block int, chunks bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		spaces := bytes.Repeat([]byte(" "), block)
		for {
			if _, err := w.Write(spaces); err != nil {
				return
			}
			if chunks && http.NewResponseController(w).Flush() != nil {
				return
			}
		}
	}
}

// endlessHeader answers with a header that does not end.
func endlessHeader(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = connection.Close() }()
	_, err = io.WriteString(connection, "HTTP/1.1 200 OK\r\n")
	for i := 0; err == nil; i++ {
		_, err = fmt.Fprintf(connection, "X-%d: %s\r\n", i, strings.Repeat("x", 1000))
	}
}

// SEC-67 over HTTP: nobody listens there.
func TestHTTPNobodyListens(t *testing.T) {
	t.Parallel()
	body := jwksOf(t, "a")
	k := newKeyServer(t, answers(body))
	warm := k.set(t)
	has(t, warm, "a", good)
	k.Close()
	has(t, warm, "b", down)
	has(t, warm, "a", good)
	has(t, k.set(t), "a", down)
}

// SEC-60 over HTTP: an endpoint that answers a byte at a time holds nobody longer than their own context, known keys not at all, and not
// who closes the set. That the fetch itself ends after 5 seconds is TestRemoteDeadline's.
func TestHTTPSlow(t *testing.T) {
	t.Parallel()
	body := jwksOf(t, "a")
	drip := func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
			}
		}
	}
	k := newKeyServer(t, answers(body))
	s := k.set(t)
	has(t, s, "a", good)
	k.serve(drip)
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Key(ctx, "b", "ES256"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := s.Key(t.Context(), "b", "ES256")
		waiting <- err
	}()
	for range 100 {
		has(t, s, "a", good)
	}
	_ = s.Close()
	if err := <-waiting; tokens.ReasonOf(err) != down {
		t.Errorf("who waited: %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}

// SEC-63: a dialer that refuses addresses is asked before anything is sent.
func TestHTTPDialPolicy(t *testing.T) {
	t.Parallel()
	k := newKeyServer(t, answers(jwksOf(t, "a")))
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		if host, _, err := net.SplitHostPort(address); err != nil || net.ParseIP(host).IsLoopback() {
			return errors.New("not an address of the internet")
		}
		return nil
	}}
	s := k.set(t, jwt.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}))
	has(t, s, "a", down)
	if k.fetches.Load() != 0 {
		t.Error("something was sent")
	}
}

// SEC-64
func TestHTTPCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(answers(jwksOf(t, "a")))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	s := must(jwt.NewRemoteKeySet(server.URL))
	defer func() { _ = s.Close() }()
	has(t, s, "a", down)
	trusting := must(jwt.NewRemoteKeySet(server.URL, jwt.WithHTTPClient(server.Client())))
	defer func() { _ = trusting.Close() }()
	has(t, trusting, "a", good)
}

// SEC-65: tokens of issuers that are not known are of no form, so that no verifier and no key source ever sees them.
func TestHTTPUnknownIssuer(t *testing.T) {
	t.Parallel()
	iss, _ := newIssuer(t)
	k := newKeyServer(t, answers(iss.Keys()))
	v := must(jwt.NewSessionVerifier(iss.URL(), []string{tokenstest.Party}, iss.SessionClass(), k.set(t)))
	table := must(tokens.NewVerifiers(v))
	for _, issuer := range []string{"https://evil.example", iss.URL() + "/", strings.ToUpper(iss.URL()), ""} {
		token := b64(`{"alg":"ES256","kid":"x","cat":"session"}`) + "." + b64(fmt.Sprintf(`{"iss":%q}`, issuer)) + "." + b64("signature")
		if _, _, ok := table.Classify(token); ok {
			t.Errorf("a token of %q has a form", issuer)
		}
	}
	if _, _, ok := table.Classify(iss.Session(tokenstest.SessionClaims{})); !ok {
		t.Error("a token of the issuer has no form")
	}
	if k.fetches.Load() != 0 {
		t.Error("something was fetched")
	}
}
