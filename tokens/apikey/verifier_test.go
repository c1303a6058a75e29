// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
)

// A storeFunc is a store that counts how often it is asked.
type storeFunc struct {
	lookup func(ctx context.Context, id string) (apikey.Record, error)
	asked  atomic.Int64
}

func (s *storeFunc) Lookup(ctx context.Context, id string) (apikey.Record, error) {
	s.asked.Add(1)
	return s.lookup(ctx, id)
}

func credential(text string) tokens.Credential {
	return tokens.Credential{Secret: tokens.NewSecret(text), Form: tokens.Form{Kind: tokens.APIKey, Prefix: "ak_"}}
}

func newVerifier(tb testing.TB, store apikey.Store, opts ...apikey.Option) *apikey.Verifier {
	tb.Helper()
	v, err := apikey.NewVerifier(store, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// otherSecret returns a key with the id of another and a secret of its own.
func otherSecret(tb testing.TB, key apikey.Key) string {
	tb.Helper()
	own := newKey(tb, "ak").Reveal()
	return signed("ak_" + key.ID() + own[19:len(own)-6])
}

func TestVerifyFacts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for _, tt := range []struct {
			name, subject, user, organization string
			spec                              apikey.Spec
		}{
			{"user", "user_1", "user_1", "", apikey.Spec{UserID: "user_1"}},
			{"organization", "org_1", "", "org_1", apikey.Spec{OrganizationID: "org_1", Prefix: "ak_live"}},
		} {
			tt.spec.Scopes = []string{"invoices:read"}
			tt.spec.Claims = json.RawMessage(`{"tier":"gold"}`)
			tt.spec.NotBefore = now
			tt.spec.ExpiresAt = now.Add(time.Hour)
			store := apikey.NewMemoryStore()
			key, _, err := newKeys(t, store).Create(t.Context(), tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			p, err := newVerifier(t, store, apikey.WithPrefixes("ak", "ak_live")).Verify(t.Context(), credential(key.Reveal()))
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			claim, _ := p.Claim("tier")
			got := []any{p.Kind(), p.ID(), p.Subject(), p.UserID(), p.Organization(), p.Scopes(), string(claim), p.ExpiresAt().Unix(), p.IssuedAt().Unix()}
			want := []any{
				tokens.APIKey, key.ID(), tt.subject, tt.user, tokens.Organization{ID: tt.organization}, []string{"invoices:read"},
				`"gold"`, now.Add(time.Hour).Unix(), now.Unix(),
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v, want %v", tt.name, got, want)
			}
			if deadline, ok := p.Deadline(); !ok || !deadline.Equal(now.Add(time.Hour+5*time.Second)) {
				t.Errorf("%s: deadline %v", tt.name, deadline)
			}
		}
	})
}

// An answer is what a store says instead of a good record.
type answer func(apikey.Record) (apikey.Record, error)

func edit(change func(r *apikey.Record)) answer {
	return func(r apikey.Record) (apikey.Record, error) {
		change(&r)
		return r, nil
	}
}

func fail(err error) answer { return func(r apikey.Record) (apikey.Record, error) { return r, err } }

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	down := errors.New("connection refused")
	for _, tt := range []struct {
		name    string
		wrong   bool // The secret that is presented is another.
		answers answer
		want    tokens.Reason
		is      error
	}{
		{"unknown id", false, fail(apikey.ErrNotFound), tokens.ReasonTokenInvalid, nil},
		{"unknown id, wrapped", false, fail(fmt.Errorf("db: %w", apikey.ErrNotFound)), tokens.ReasonTokenInvalid, nil},
		{"wrong secret", true, fail(nil), tokens.ReasonTokenInvalid, nil},
		{"no digest", false, edit(func(r *apikey.Record) { r.Digest = apikey.Digest{} }), tokens.ReasonTokenInvalid, nil},
		{"revoked", false, edit(func(r *apikey.Record) { r.RevokedAt = now }), tokens.ReasonTokenRevoked, nil},
		{"revoked in the future", false, edit(func(r *apikey.Record) { r.RevokedAt = now.Add(time.Hour) }), tokens.ReasonTokenRevoked, nil},
		{"revoked, wrong secret", true, edit(func(r *apikey.Record) { r.RevokedAt = now }), tokens.ReasonTokenInvalid, nil},
		{"expired", false, edit(func(r *apikey.Record) { r.ExpiresAt = now.Add(-time.Minute) }), tokens.ReasonTokenExpired, nil},
		{"expired, wrong secret", true, edit(func(r *apikey.Record) { r.ExpiresAt = now.Add(-time.Minute) }), tokens.ReasonTokenInvalid, nil},
		{"expired and revoked", false, edit(func(r *apikey.Record) { r.ExpiresAt, r.RevokedAt = now.Add(-time.Minute), now }), tokens.ReasonTokenExpired, nil},
		{"expired at the epoch", false, edit(func(r *apikey.Record) { r.ExpiresAt = time.Unix(0, 0) }), tokens.ReasonTokenExpired, nil},
		{"not yet valid", false, edit(func(r *apikey.Record) { r.NotBefore = now.Add(time.Hour) }), tokens.ReasonTokenNotYetValid, nil},
		{"not yet valid, wrong secret", true, edit(func(r *apikey.Record) { r.NotBefore = now.Add(time.Hour) }), tokens.ReasonTokenInvalid, nil},
		{"revoked before it is valid", false, edit(func(r *apikey.Record) { r.NotBefore, r.RevokedAt = now.Add(time.Hour), now }), tokens.ReasonTokenRevoked, nil},
		{"store is down", false, fail(down), tokens.ReasonVerifierUnavailable, down},
		{"store is down, wrong secret", true, fail(down), tokens.ReasonVerifierUnavailable, down},
		{"caller went away", false, fail(context.Canceled), tokens.ReasonVerifierUnavailable, context.Canceled},
		{"no time left", false, fail(context.DeadlineExceeded), tokens.ReasonVerifierUnavailable, context.DeadlineExceeded},
		{"a refusal from the store", false, fail(tokens.NewError(tokens.ReasonTokenExpired, nil)), tokens.ReasonVerifierUnavailable, nil},
		{"another record", false, edit(func(r *apikey.Record) { r.ID = "0000000000000000" }), tokens.ReasonInternal, nil},
		{"no record", false, edit(func(r *apikey.Record) { *r = apikey.Record{} }), tokens.ReasonInternal, nil},
		{"no owner", false, edit(func(r *apikey.Record) { r.UserID = "" }), tokens.ReasonInternal, nil},
		{"no owner, wrong secret", true, edit(func(r *apikey.Record) { r.UserID = "" }), tokens.ReasonTokenInvalid, nil},
		{"two owners", false, edit(func(r *apikey.Record) { r.OrganizationID = "org_1" }), tokens.ReasonInternal, nil},
		{"empty scope", false, edit(func(r *apikey.Record) { r.Scopes = []string{""} }), tokens.ReasonInternal, nil},
		{"claims are not an object", false, edit(func(r *apikey.Record) { r.Claims = json.RawMessage(`"x"`) }), tokens.ReasonInternal, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, record, err := apikey.New(apikey.Spec{UserID: "user_1"})
			if err != nil {
				t.Fatal(err)
			}
			store := &storeFunc{lookup: func(_ context.Context, id string) (apikey.Record, error) {
				if id != key.ID() {
					t.Errorf("asked for %q", id)
				}
				return tt.answers(record)
			}}
			text := key.Reveal()
			if tt.wrong {
				text = otherSecret(t, key)
			}
			p, err := newVerifier(t, store).Verify(t.Context(), credential(text))
			if p != nil || tokens.ReasonOf(err) != tt.want {
				t.Fatalf("principal %v, error %v, want %s", p, err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v does not wrap %v", err, tt.is)
			}
			if store.asked.Load() != 1 {
				t.Errorf("the store was asked %d times", store.asked.Load())
			}
			checkSilent(t, err, text)
		})
	}
}

// checkSilent fails if an error tells anything of a key but its prefix.
func checkSilent(tb testing.TB, err error, text string) {
	tb.Helper()
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Error("refused", "error", err)
	encoded, _ := json.Marshal(err)
	printed := fmt.Sprintf("%v %+v %#v %q", err, err, err, err) + log.String() + string(encoded)
	for wrapped := err; wrapped != nil; wrapped = errors.Unwrap(wrapped) {
		printed += fmt.Sprintf("%v %+v %#v", wrapped, wrapped, wrapped)
	}
	for at := strings.IndexByte(text, '_') + 1; at+8 <= len(text); at++ {
		if strings.Contains(printed, text[at:at+8]) {
			tb.Errorf("the error tells %q of the key: %s", text[at:at+8], printed)
			return
		}
	}
}

func TestVerifyUnknownIDAndWrongSecretAreTheSame(t *testing.T) {
	t.Parallel()
	store := apikey.NewMemoryStore()
	key, _, err := newKeys(t, store).Create(t.Context(), apikey.Spec{UserID: "user_1"})
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, store)
	_, unknown := v.Verify(t.Context(), credential(newKey(t, "ak").Reveal()))
	_, wrong := v.Verify(t.Context(), credential(otherSecret(t, key)))
	if unknown == nil || unknown != wrong { // The very same value.
		t.Errorf("unknown id %v, wrong secret %v", unknown, wrong)
	}
}

// TestVerifyWithoutStore has what is refused before the store is asked.
func TestVerifyWithoutStore(t *testing.T) {
	t.Parallel()
	good := newKey(t, "ak").Reveal()
	for _, tt := range []struct{ name, text string }{
		{"empty", ""},
		{"prefix alone", "ak_"},
		{"like a JWT", "ak_x.y.z"},
		{"wrong checksum", good[:len(good)-1] + map[bool]string{true: "0", false: "1"}[good[len(good)-1] != '0']},
		{"cut", good[:len(good)-1]},
		{"continued", good + "a"},
		{"other prefix", newKey(t, "sk").Reveal()},
		{"longer prefix of another environment", newKey(t, "ak_test").Reveal()},
		{"shorter prefix", newKey(t, "a").Reveal()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := &storeFunc{lookup: func(context.Context, string) (apikey.Record, error) { return apikey.Record{}, nil }}
			p, err := newVerifier(t, store, apikey.WithPrefixes("ak", "ak_live")).Verify(t.Context(), credential(tt.text))
			if p != nil || tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
				t.Errorf("principal %v, error %v", p, err)
			}
			if store.asked.Load() != 0 {
				t.Error("the store was asked")
			}
			checkSilent(t, err, tt.text)
		})
	}
}

func TestVerifyGivesTheStoreTheContextAndNothingElse(t *testing.T) {
	t.Parallel()
	type contextKey struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, 1))
	cancel()
	store := &storeFunc{lookup: func(ctx context.Context, id string) (apikey.Record, error) {
		if ctx.Value(contextKey{}) != 1 || len(id) != 16 {
			t.Errorf("context %v, id %q", ctx, id)
		}
		return apikey.Record{}, ctx.Err()
	}}
	_, err := newVerifier(t, store).Verify(ctx, credential(newKey(t, "ak").Reveal()))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestVerifyBoundaries walks over the edges of a key's life, with the default skew of 5 s and with none.
func TestVerifyBoundaries(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, 5 * time.Second, tokens.MaxSkew} {
		synctest.Test(t, func(t *testing.T) {
			opts := []apikey.Option{apikey.WithSkew(skew)}
			if skew == 5*time.Second {
				opts = nil
			}
			store, start := apikey.NewMemoryStore(), time.Now()
			begins, ends := start.Add(time.Hour), start.Add(2*time.Hour)
			key, _, err := newKeys(t, store).Create(t.Context(), apikey.Spec{UserID: "user_1", NotBefore: begins, ExpiresAt: ends})
			if err != nil {
				t.Fatal(err)
			}
			v := newVerifier(t, store, opts...)
			for _, step := range []struct {
				at   time.Time
				want tokens.Reason
			}{
				{begins.Add(-skew - 1), tokens.ReasonTokenNotYetValid},
				{begins.Add(-skew), ""},
				{ends.Add(skew - 1), ""},
				{ends.Add(skew), tokens.ReasonTokenExpired},
			} {
				time.Sleep(time.Until(step.at))
				_, err := v.Verify(t.Context(), credential(key.Reveal()))
				if got := tokens.ReasonOf(err); got != step.want {
					t.Errorf("skew %s, after %s: %q, want %q", skew, time.Since(start), got, step.want)
				}
			}
		})
	}
}

func TestRevokedKeyIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	store := apikey.NewMemoryStore()
	key, record, err := newKeys(t, store).Create(t.Context(), apikey.Spec{UserID: "user_1"})
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, store)
	if _, err := v.Verify(t.Context(), credential(key.Reveal())); err != nil {
		t.Fatal(err)
	}
	if _, err := newKeys(t, store).Revoke(t.Context(), record.ID, "lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), credential(key.Reveal())); tokens.ReasonOf(err) != tokens.ReasonTokenRevoked {
		t.Errorf("error %v", err)
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	t.Parallel()
	good := apikey.NewMemoryStore()
	for _, tt := range []struct {
		name  string
		store apikey.Store
		opts  []apikey.Option
		want  []string
	}{
		{"nil store", nil, nil, []string{"needs a store"}},
		{"typed nil store", (*apikey.MemoryStore)(nil), nil, []string{"needs a store"}},
		{"nil option", good, []apikey.Option{nil}, []string{"option is nil"}},
		{"no prefix", good, []apikey.Option{apikey.WithPrefixes()}, []string{"no prefix"}},
		{"empty prefix", good, []apikey.Option{apikey.WithPrefixes("")}, []string{`prefix ""`}},
		{"bad prefix", good, []apikey.Option{apikey.WithPrefixes("ak", "Ak_")}, []string{`prefix "Ak_"`}},
		{"same prefix", good, []apikey.Option{apikey.WithPrefixes("ak", "ak")}, []string{`prefix "ak" twice`}},
		{"negative skew", good, []apikey.Option{apikey.WithSkew(-1)}, []string{"skew of -1ns"}},
		{"too much skew", good, []apikey.Option{apikey.WithSkew(tokens.MaxSkew + 1)}, []string{"skew of"}},
		{"all mistakes", good, []apikey.Option{apikey.WithSkew(-1), nil, apikey.WithPrefixes()}, []string{"skew", "nil", "no prefix"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := apikey.NewVerifier(tt.store, tt.opts...)
			if v != nil || err == nil {
				t.Fatalf("verifier %v, error %v", v, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	prefixes := []string{"ak_live", "ak_test"}
	option := apikey.WithPrefixes(prefixes...)
	prefixes[0] = "changed"
	v := newVerifier(t, apikey.NewMemoryStore(), option)
	v.Forms()[0].Prefix = "changed_"
	table, err := tokens.NewVerifiers(v)
	if err != nil {
		t.Fatal(err)
	}
	want := []tokens.Form{{Kind: tokens.APIKey, Prefix: "ak_live_", Fresh: true}, {Kind: tokens.APIKey, Prefix: "ak_test_", Fresh: true}}
	if !reflect.DeepEqual(table.Forms(), want) {
		t.Errorf("forms %v", table.Forms())
	}
	for prefix, ok := range map[string]bool{"ak_live": true, "ak_test": true, "ak": false} {
		form, _, got := table.Classify(newKey(t, prefix).Reveal())
		if got != ok || ok && !slices.ContainsFunc(want, func(f tokens.Form) bool { return f.Prefix == form.Prefix && f.Prefix == prefix+"_" }) {
			t.Errorf("%s: form %v, %t", prefix, form, got)
		}
	}
}

func TestDefaultPrefix(t *testing.T) {
	t.Parallel()
	store := apikey.NewMemoryStore()
	key, _, err := newKeys(t, store).Create(t.Context(), apikey.Spec{UserID: "user_1"})
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, store)
	if _, err := v.Verify(t.Context(), credential(key.Reveal())); err != nil || v.Forms()[0].Prefix != "ak_" {
		t.Errorf("forms %v, error %v", v.Forms(), err)
	}
}
