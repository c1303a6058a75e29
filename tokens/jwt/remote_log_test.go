// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"log"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens/jwt"
)

// A journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text []byte
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text = append(j.text, p...)
	return len(p), nil
}

// take returns what was logged since it was called last.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := string(j.text)
	j.text = nil
	return text
}

// What an operator is told: when fetches begin to fail and when they end to, and, SEC-56, that a set has what it must not have; each
// once, and nothing of the keys. It is not parallel, since the logger is the process's.
func TestRemoteLogs(t *testing.T) {
	var told journal
	before, writer, flags := slog.Default(), log.Writer(), log.Flags()
	defer func() {
		slog.SetDefault(before)
		log.SetOutput(writer) // SetDefault changes these too.
		log.SetFlags(flags)
	}()
	slog.SetDefault(slog.New(slog.NewTextHandler(&told, nil)))
	private := set(jwk(t, rsaKey(), map[string]any{"kid": "a", "alg": "RS256"}))
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{body: private}
		s := e.set(t)
		defer func() { _ = s.Close() }()
		tells := func(want ...string) {
			t.Helper()
			synctest.Wait()
			lines := strings.Split(strings.TrimSuffix(told.take(), "\n"), "\n")
			if len(want) == 0 && lines[0] == "" {
				return
			}
			if len(lines) != len(want) {
				t.Fatalf("told %q, want %q", lines, want)
			}
			for i, line := range lines {
				if !strings.Contains(line, want[i]) || !strings.Contains(line, "source=https://issuer.example/jwks.json") {
					t.Errorf("told %q, want %q", line, want[i])
				}
				if d := rsaKey().D.Text(16); strings.Contains(line, d) || strings.Contains(line, `"d"`) { //nolint:staticcheck // What must not be told.
					t.Error("the key is told")
				}
			}
		}
		if _, err := s.Key(t.Context(), "a", "RS256"); err != nil {
			t.Fatal(err)
		}
		tells("private key")
		time.Sleep(time.Hour)
		tells()
		e.serve(nil)
		time.Sleep(time.Hour)
		tells("cannot be fetched")
		e.serve(private)
		time.Sleep(time.Hour)
		tells("fetched again")
	})
	synctest.Test(t, func(t *testing.T) {
		web := &site{pages: map[string]string{theOIDC: metadata(theIssuer, theKeys), theKeys: string(private)}}
		s := must(jwt.NewDiscoveredKeySet(theIssuer, jwt.WithHTTPClient(clientOf(web))))
		defer func() { _ = s.Close() }()
		_, _ = s.Key(t.Context(), "a", "RS256")
		web.remove(theOIDC)
		told.take()
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if text := told.take(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "discovery failed") {
			t.Errorf("told %q", text)
		}
	})
}
