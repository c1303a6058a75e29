// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
)

// A slow is a store whose writes count, and can be made to fail, to panic, or to take until their context ends.
type slow struct {
	apikey.Records

	touches, changes atomic.Int64
	mode             atomic.Value // of string
	mutex            sync.Mutex
	most             int // uses written at once; guarded by mutex
}

func (s *slow) trouble(ctx context.Context) error {
	switch s.mode.Load() {
	case "fails":
		return errDown
	case "panics":
		panic("with a secret")
	case "hangs":
		<-ctx.Done()
		return ctx.Err()
	default:
		return nil
	}
}

func (s *slow) Touch(ctx context.Context, uses map[string]time.Time) error {
	s.touches.Add(1)
	s.mutex.Lock()
	s.most = max(s.most, len(uses))
	s.mutex.Unlock()
	if err := s.trouble(ctx); err != nil {
		return err
	}
	return s.Records.Touch(ctx, uses)
}

func (s *slow) Change(ctx context.Context, id string, change func(*apikey.Record) (*apikey.Record, error)) (apikey.Record, error) {
	s.changes.Add(1)
	if err := s.trouble(ctx); err != nil {
		return apikey.Record{}, err
	}
	return s.Records.Change(ctx, id, change)
}

func newRecorder(tb testing.TB, records apikey.Records, opts ...apikey.RecorderOption) *apikey.Recorder {
	tb.Helper()
	r, err := apikey.NewRecorder(records, 0, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Close)
	return r
}

// verify verifies a text, or ends the test.
func verify(tb testing.TB, v *apikey.Verifier, text string) {
	tb.Helper()
	if _, err := v.Verify(tb.Context(), credential(text)); err != nil {
		tb.Fatal(err)
	}
}

func TestRecorderNotesUses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Records: apikey.NewMemoryStore()}
		keys := newKeys(t, store)
		key, record := create(t, keys, apikey.Spec{UserID: "user_1"})
		idle, unused := create(t, keys, apikey.Spec{UserID: "user_1"})
		recorder := newRecorder(t, store)
		v := newVerifier(t, store, apikey.WithRecorder(recorder))
		start := time.Now()
		for range 3 {
			time.Sleep(10 * time.Second)
			verify(t, v, key.Reveal())
			_, _ = v.Verify(t.Context(), credential(otherSecret(t, idle))) // which is no use
		}
		if got := get(t, keys, record.ID); !got.LastUsedAt.IsZero() || store.touches.Load() != 0 {
			t.Errorf("written before the interval: %v", got.LastUsedAt)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if got := get(t, keys, record.ID); !got.LastUsedAt.Equal(start.Add(30*time.Second)) || store.touches.Load() != 1 {
			t.Errorf("last used %v, %d writings", got.LastUsedAt.Sub(start), store.touches.Load())
		}
		if got := get(t, keys, unused.ID); !got.LastUsedAt.IsZero() {
			t.Error("a wrong secret was a use")
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if store.touches.Load() != 1 {
			t.Error("nothing was written")
		}
		verify(t, v, key.Reveal())
		last := time.Now()
		recorder.Close()
		recorder.Close()
		if got := get(t, keys, record.ID); !got.LastUsedAt.Equal(last) {
			t.Error("Close did not write")
		}
		verify(t, v, key.Reveal()) // and fails for no recorder
	})
}

// TestRecorderTriesAgain keeps what could not be written, and says so once.
func TestRecorderTriesAgain(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"fails", "panics", "hangs"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var text strings.Builder
				store := &slow{Records: apikey.NewMemoryStore()}
				keys := newKeys(t, store)
				key, record := create(t, keys, apikey.Spec{UserID: "user_1"})
				recorder := newRecorder(t, store, apikey.WithLog(slog.New(slog.NewTextHandler(&text, nil))))
				v := newVerifier(t, store, apikey.WithRecorder(recorder))
				store.mode.Store(mode)
				used := time.Now()
				verify(t, v, key.Reveal())
				time.Sleep(3*time.Minute + 30*time.Second)
				synctest.Wait()
				if tries := store.touches.Load(); tries != 3 {
					t.Errorf("%d tries in 3 intervals", tries)
				}
				store.mode.Store("")
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := get(t, keys, record.ID); !got.LastUsedAt.Equal(used) {
					t.Errorf("last used %v, want %v", got.LastUsedAt, used)
				}
				store.mode.Store(mode)
				verify(t, v, key.Reveal())
				closing := time.Now()
				recorder.Close()
				if took := time.Since(closing); took > 5*time.Second {
					t.Errorf("Close took %s", took)
				}
				if lines := strings.Count(text.String(), "\n"); lines != 2 || strings.Contains(text.String(), "secret") {
					t.Errorf("logged: %s", text.String())
				}
			})
		})
	}
}

// TestRecorderWritesInParts holds no writer up for long.
func TestRecorderWritesInParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Records: apikey.NewMemoryStore()}
		keys := newKeys(t, store)
		recorder := newRecorder(t, store)
		v := newVerifier(t, store, apikey.WithRecorder(recorder))
		const many = 2500
		for range many {
			key, _ := create(t, keys, apikey.Spec{UserID: "user_1"})
			verify(t, v, key.Reveal())
		}
		recorder.Close()
		store.mutex.Lock()
		defer store.mutex.Unlock()
		if store.touches.Load() != 3 || store.most != 1000 {
			t.Errorf("%d writings of up to %d uses", store.touches.Load(), store.most)
		}
		for after := ""; ; {
			records, err := keys.List(t.Context(), apikey.Filter{After: after, Limit: apikey.MaxLimit})
			if err != nil {
				t.Fatal(err)
			}
			if len(records) == 0 {
				break
			}
			for _, r := range records {
				if r.LastUsedAt.IsZero() {
					t.Fatal("a use was lost")
				}
				after = r.ID
			}
		}
	})
}

func TestRecorderUpgrades(t *testing.T) {
	t.Parallel()
	for i, kind := range []string{"sha256", "sha512", "sha256-long"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &slow{Records: apikey.NewMemoryStore()}
				keys := newKeys(t, store)
				handles := apikey.Handles(foreignText)
				imported, err := keys.Import(t.Context(), apikey.Foreign{Spec: apikey.Spec{UserID: "user_1"}, Handle: handles[i]})
				if err != nil {
					t.Fatal(err)
				}
				v := newVerifier(t, store, apikey.WithImported("sk_live_"), apikey.WithRecorder(newRecorder(t, store)))
				verify(t, v, foreignText)
				synctest.Wait()
				want := imported[0]
				want.Digest, want.Handle = sha256.Sum256([]byte(foreignText)), handles[0]
				if got := get(t, keys, want.ID); got.Digest != want.Digest || got.Handle != want.Handle || got.CreatedAt != want.CreatedAt {
					t.Errorf("got %+v, want %+v", got, want)
				}
				changes := store.changes.Load()
				if changed := i > 0; changed != (changes == 1) || changes > 1 {
					t.Errorf("%d changes", changes)
				}
				verify(t, v, foreignText)
				synctest.Wait()
				if store.changes.Load() != changes {
					t.Error("it was upgraded again")
				}
			})
		})
	}
}

// TestRecorderUpgradesLater lets no verification wait for an upgrade or fail with it, and tries again at a use in another interval.
func TestRecorderUpgradesLater(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"fails", "panics", "hangs"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &slow{Records: apikey.NewMemoryStore()}
				keys := newKeys(t, store)
				const many = 200
				var foreign []apikey.Foreign
				for i := range many {
					text := fmt.Sprintf("%s%d", foreignText, i)
					foreign = append(foreign, apikey.Foreign{Spec: apikey.Spec{UserID: "user_1"}, Handle: apikey.Handles(text)[1]})
				}
				if _, err := keys.Import(t.Context(), foreign...); err != nil {
					t.Fatal(err)
				}
				recorder := newRecorder(t, store)
				v := newVerifier(t, store, apikey.WithImported("sk_live_"), apikey.WithRecorder(recorder))
				store.mode.Store(mode)
				start := time.Now()
				for i := range many {
					verify(t, v, fmt.Sprintf("%s%d", foreignText, i))
				}
				if took := time.Since(start); took > 0 {
					t.Errorf("verifications waited for %s", took)
				}
				time.Sleep(59 * time.Second)
				synctest.Wait()
				if store.changes.Load() != 1 {
					t.Errorf("%d tries, though nothing can be written", store.changes.Load())
				}
				store.mode.Store("")
				time.Sleep(2 * time.Minute)
				for i := range many {
					verify(t, v, fmt.Sprintf("%s%d", foreignText, i))
					synctest.Wait()
				}
				for i := range many {
					text := fmt.Sprintf("%s%d", foreignText, i)
					if _, err := store.LookupHandle(t.Context(), apikey.Handles(text)[0]); err != nil {
						t.Fatalf("key %d: %v", i, err)
					}
				}
			})
		})
	}
}

// TestRecorderLeavesTwins leaves a key alone that was imported by two of its hashes.
func TestRecorderLeavesTwins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		store := apikey.NewMemoryStore()
		keys := newKeys(t, store)
		for _, handle := range apikey.Handles(foreignText)[:2] {
			if _, err := keys.Import(t.Context(), apikey.Foreign{Spec: apikey.Spec{UserID: "user_1"}, Handle: handle}); err != nil {
				t.Fatal(err)
			}
		}
		recorder := newRecorder(t, store, apikey.WithLog(slog.New(slog.NewTextHandler(&text, nil))))
		v := newVerifier(t, store, apikey.WithImported("sk_live_"), apikey.WithRecorder(recorder))
		verify(t, v, foreignText)
		synctest.Wait()
		if text.Len() > 0 {
			t.Errorf("logged: %s", text.String())
		}
	})
}

// A meddler is a store in which somebody else changes a record between its verification and its upgrade.
type meddler struct{ *apikey.MemoryStore }

func (m meddler) Change(ctx context.Context, id string, change func(*apikey.Record) (*apikey.Record, error)) (apikey.Record, error) {
	_, err := m.MemoryStore.Change(ctx, id, func(r *apikey.Record) (*apikey.Record, error) {
		r.Handle = apikey.Handles("sk_live_other")[0]
		return nil, nil
	})
	if err != nil {
		return apikey.Record{}, err
	}
	return m.MemoryStore.Change(ctx, id, change)
}

func TestRecorderUpgradesWhatItSaw(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := meddler{apikey.NewMemoryStore()}
		keys := newKeys(t, store)
		imported, err := keys.Import(t.Context(), apikey.Foreign{Spec: apikey.Spec{UserID: "user_1"}, Handle: apikey.Handles(foreignText)[1]})
		if err != nil {
			t.Fatal(err)
		}
		v := newVerifier(t, store, apikey.WithImported("sk_live_"), apikey.WithRecorder(newRecorder(t, store)))
		verify(t, v, foreignText)
		synctest.Wait()
		if got := get(t, keys, imported[0].ID); got.Handle != apikey.Handles("sk_live_other")[0] || got.Digest != (apikey.Digest{}) {
			t.Errorf("a record that has another handle by now was upgraded: %+v", got)
		}
	})
}

func TestNewRecorderRefuses(t *testing.T) {
	t.Parallel()
	good := apikey.NewMemoryStore()
	for _, tt := range []struct {
		name     string
		records  apikey.Records
		interval time.Duration
		opts     []apikey.RecorderOption
		want     string
	}{
		{"nil records", nil, 0, nil, "needs records"},
		{"typed nil", (*apikey.MemoryStore)(nil), 0, nil, "needs records"},
		{"negative interval", good, -1, nil, "is negative"},
		{"nil option", good, 0, []apikey.RecorderOption{nil}, "option is nil"},
		{"nil logger", good, 0, []apikey.RecorderOption{apikey.WithLog(nil)}, "logger is nil"},
	} {
		if r, err := apikey.NewRecorder(tt.records, tt.interval, tt.opts...); r != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
