// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
)

const foreignText = "sk_live_BRTRKFsL_51FwqftsmMDHHbJAMEXXHCgG"

func TestHandles(t *testing.T) {
	t.Parallel()
	whole, longer := sha256.Sum256([]byte(foreignText)), sha512.Sum512([]byte(foreignText))
	long := sha256.Sum256([]byte("51FwqftsmMDHHbJAMEXXHCgG"))
	want := []string{fmt.Sprintf("sha256:%x", whole), fmt.Sprintf("sha512:%x", longer), fmt.Sprintf("sha256-long:%x", long)}
	if got := apikey.Handles(foreignText); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, handle := range want {
		kind, digits, _ := strings.Cut(handle, ":")
		for _, text := range []string{handle, kind + ":" + strings.ToUpper(digits)} {
			if got, err := apikey.ParseHandle(text); got != handle || err != nil {
				t.Errorf("ParseHandle(%q): %q, %v", text, got, err)
			}
		}
	}
	for _, text := range []string{"nounderscore", "ends_", ""} {
		if got := apikey.Handles(text); len(got) != 2 {
			t.Errorf("Handles(%q): %q", text, got)
		}
	}
}

func TestParseHandleRefuses(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("0f", 32)
	for _, text := range []string{
		"", digits, "sha256:", "sha256:" + digits[1:], "sha256:" + digits + "0", "sha256:" + digits + "00", "sha512:" + digits, "SHA256:" + digits,
		"sha256-long:" + digits + digits, "md5:" + digits, "bcrypt:" + digits, " sha256:" + digits, "sha256:" + digits[:62] + "0g", "sha256: " + digits[1:],
		"sha256:" + digits + "\n", foreignText,
	} {
		got, err := apikey.ParseHandle(text)
		if got != "" || err == nil {
			t.Errorf("%q is %q", text, got)
		} else if text != "" && strings.Contains(err.Error(), text) && len(text) > 20 {
			t.Errorf("the error repeats what may be a key: %v", err)
		}
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		keys := newKeys(t, apikey.NewMemoryStore())
		handles := apikey.Handles(foreignText)
		spec := apikey.Spec{Prefix: "ak_live", UserID: "user_1", Name: "ci", Scopes: []string{"a"}, ExpiresAt: now.Add(time.Hour)}
		records, err := keys.Import(t.Context(),
			apikey.Foreign{Spec: spec, Handle: "sha256:" + strings.ToUpper(handles[0][7:]), CreatedAt: now.Add(-time.Hour)},
			apikey.Foreign{Spec: apikey.Spec{OrganizationID: "org_1"}, Handle: handles[2]})
		if err != nil || len(records) != 2 {
			t.Fatal(records, err)
		}
		want := []apikey.Record{
			{
				ID: records[0].ID, Digest: sha256.Sum256([]byte(foreignText)), Hint: "ak_live_" + records[0].ID, Name: "ci", UserID: "user_1",
				Scopes: []string{"a"}, CreatedAt: now.Add(-time.Hour).UTC().Round(0), ExpiresAt: now.Add(time.Hour).UTC().Round(0), Handle: handles[0],
			},
			{ID: records[1].ID, Hint: "ak_" + records[1].ID, OrganizationID: "org_1", CreatedAt: now.UTC().Round(0), Handle: handles[2]},
		}
		if !reflect.DeepEqual(records, want) {
			t.Errorf("got  %+v\nwant %+v", records, want)
		}
		for i, r := range records {
			if got := get(t, keys, r.ID); !reflect.DeepEqual(got, want[i]) || len(r.ID) != 16 {
				t.Errorf("kept %+v", got)
			}
		}
		// Its successor is a key of ours.
		next, _, err := keys.Rotate(t.Context(), records[0].ID, time.Minute)
		if err != nil || !strings.HasPrefix(next.Reveal(), "ak_live_") {
			t.Errorf("rotated: %v", err)
		}
	})
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	good := apikey.Foreign{Spec: apikey.Spec{UserID: "user_1"}, Handle: apikey.Handles("sk_live_good")[0]}
	with := func(change func(f *apikey.Foreign)) apikey.Foreign {
		f := good
		f.Handle = apikey.Handles("sk_live_other")[1]
		change(&f)
		return f
	}
	for _, tt := range []struct {
		name string
		key  apikey.Foreign
		want string
	}{
		{"no handle", with(func(f *apikey.Foreign) { f.Handle = "" }), "key 2 of the import: apikey: not a handle"},
		{"the key itself", with(func(f *apikey.Foreign) { f.Handle = foreignText }), "not a handle"},
		{"no owner", with(func(f *apikey.Foreign) { f.Spec.UserID = "" }), "exactly one"},
		{"expired", with(func(f *apikey.Foreign) { f.Spec.ExpiresAt = time.Now().Add(-time.Hour) }), "expire before"},
		{"from the future", with(func(f *apikey.Foreign) { f.CreatedAt = time.Now().Add(time.Hour) }), "in the future"},
		{"twice", good, "key 2 of the import is key 1"},
		{"imported before", with(func(f *apikey.Foreign) { f.Handle = apikey.Handles("sk_live_before")[0] }), apikey.ErrExists.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			keys := newKeys(t, apikey.NewMemoryStore())
			before := with(func(f *apikey.Foreign) { f.Handle = apikey.Handles("sk_live_before")[0] })
			if _, err := keys.Import(t.Context(), before); err != nil {
				t.Fatal(err)
			}
			records, err := keys.Import(t.Context(), good, tt.key)
			if records != nil || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "BRTR") {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if kept, _ := keys.List(t.Context(), apikey.Filter{}); len(kept) != 1 {
				t.Errorf("%d records are kept", len(kept))
			}
		})
	}
	if records, err := newKeys(t, failing{}).Import(t.Context()); records != nil || err != nil {
		t.Errorf("nothing to import: %v", err)
	}
}

// A counted is a store that counts how it is asked.
type counted struct {
	apikey.Records

	lookups, handles atomic.Int64
	answer           func(apikey.Record, error) (apikey.Record, error)
}

func (c *counted) Lookup(ctx context.Context, id string) (apikey.Record, error) {
	c.lookups.Add(1)
	return c.Records.Lookup(ctx, id)
}

func (c *counted) LookupHandle(ctx context.Context, handles ...string) (apikey.Record, error) {
	c.handles.Add(1)
	record, err := c.Records.LookupHandle(ctx, handles...)
	if c.answer != nil {
		return c.answer(record, err)
	}
	return record, err
}

// TestVerifyImported takes keys of each kind of handle, and looks each up once.
func TestVerifyImported(t *testing.T) {
	t.Parallel()
	for i, kind := range []string{"sha256", "sha512", "sha256-long"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			store := &counted{Records: apikey.NewMemoryStore()}
			keys := newKeys(t, store)
			records, err := keys.Import(t.Context(), apikey.Foreign{
				Spec: apikey.Spec{OrganizationID: "org_1", Scopes: []string{"a"}}, Handle: apikey.Handles(foreignText)[i],
			})
			if err != nil {
				t.Fatal(err)
			}
			v := newVerifier(t, store, apikey.WithImported("sk_live_", "legacy-"))
			p, err := v.Verify(t.Context(), credential(foreignText))
			if err != nil || p.ID() != records[0].ID || p.Organization().ID != "org_1" || store.handles.Load() != 1 || store.lookups.Load() != 0 {
				t.Errorf("principal %v, error %v, %d and %d lookups", p, err, store.handles.Load(), store.lookups.Load())
			}
			if got := get(t, keys, records[0].ID); !reflect.DeepEqual(got, records[0]) {
				t.Errorf("without a recorder the record was changed: %+v", got)
			}
			if _, err := keys.Revoke(t.Context(), records[0].ID, "leaked"); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(t.Context(), credential(foreignText)); tokens.ReasonOf(err) != tokens.ReasonTokenRevoked {
				t.Errorf("revoked: %v", err)
			}
		})
	}
}

// TestVerifyImportedRefuses has what the store says instead of the record of the key that is presented.
func TestVerifyImportedRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(apikey.Record, error) (apikey.Record, error)
		want   tokens.Reason
	}{
		{"unknown", func(apikey.Record, error) (apikey.Record, error) { return apikey.Record{}, apikey.ErrNotFound }, tokens.ReasonTokenInvalid},
		{"down", func(apikey.Record, error) (apikey.Record, error) { return apikey.Record{}, errDown }, tokens.ReasonVerifierUnavailable},
		{"no record", func(apikey.Record, error) (apikey.Record, error) { return apikey.Record{}, nil }, tokens.ReasonInternal},
		{"a record beside an error", func(r apikey.Record, _ error) (apikey.Record, error) { return r, apikey.ErrNotFound }, tokens.ReasonTokenInvalid},
		{"another record", func(r apikey.Record, _ error) (apikey.Record, error) {
			r.Handle = apikey.Handles("sk_live_other")[0]
			return r, nil
		}, tokens.ReasonInternal},
		{"another digest", func(r apikey.Record, _ error) (apikey.Record, error) {
			r.Digest[3] ^= 1
			return r, nil
		}, tokens.ReasonTokenInvalid},
		{"no owner", func(r apikey.Record, _ error) (apikey.Record, error) {
			r.UserID = ""
			return r, nil
		}, tokens.ReasonInternal},
		{"expired", func(r apikey.Record, _ error) (apikey.Record, error) {
			r.ExpiresAt = time.Now().Add(-time.Hour)
			return r, nil
		}, tokens.ReasonTokenExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := &counted{Records: apikey.NewMemoryStore(), answer: tt.answer}
			foreign := apikey.Foreign{Spec: apikey.Spec{UserID: "user_1"}, Handle: apikey.Handles(foreignText)[0]}
			if _, err := newKeys(t, store).Import(t.Context(), foreign); err != nil {
				t.Fatal(err)
			}
			v := newVerifier(t, store, apikey.WithImported("sk_live_"))
			p, err := v.Verify(t.Context(), credential(foreignText))
			if p != nil || tokens.ReasonOf(err) != tt.want || store.handles.Load() != 1 {
				t.Errorf("principal %v, error %v, want %s", p, err, tt.want)
			}
			checkSilent(t, err, foreignText)
		})
	}
}

// TestVerifyImportedAsksForNothingElse has which texts are looked up, by what, with keys of ours that begin alike.
func TestVerifyImportedAsksForNothingElse(t *testing.T) {
	t.Parallel()
	store := &counted{Records: apikey.NewMemoryStore()}
	keys := newKeys(t, store)
	own, _ := create(t, keys, apikey.Spec{UserID: "user_1", Prefix: "acme"})
	live, _ := create(t, keys, apikey.Spec{UserID: "user_1", Prefix: "acme_live"})
	if _, err := keys.Import(t.Context(), apikey.Foreign{Spec: apikey.Spec{UserID: "user_2"}, Handle: apikey.Handles("acme_old")[0]}); err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, store, apikey.WithPrefixes("acme"), apikey.WithImported("acme_", "acme_live_", "sk_"))
	for _, tt := range []struct {
		name, text       string
		user             string
		lookups, handles int64
	}{
		{"a key of ours", own.Reveal(), "user_1", 1, 0},
		{"a key of ours, mistyped", own.Reveal()[:len(own.Reveal())-1] + "-", "", 0, 1},
		{"a key of ours with a wrong checksum", own.Reveal()[:len(own.Reveal())-6] + "000000", "", 0, 0},
		{"a key of another environment", live.Reveal(), "", 0, 1},
		{"an imported key", "acme_old", "user_2", 0, 1},
		{"another", "acme_new", "", 0, 1},
		{"another prefix", "pk_old", "", 0, 0},
		{"nothing", "", "", 0, 0},
		{"a long text", "sk_" + strings.Repeat("x", 1021), "", 0, 1},
		{"too long a text", "sk_" + strings.Repeat("x", 1022), "", 0, 0},
	} {
		store.lookups.Store(0)
		store.handles.Store(0)
		p, err := v.Verify(t.Context(), credential(tt.text))
		if p.UserID() != tt.user || store.lookups.Load() != tt.lookups || store.handles.Load() != tt.handles {
			t.Errorf("%s: user %q, error %v, %d and %d lookups", tt.name, p.UserID(), err, store.lookups.Load(), store.handles.Load())
		}
		if tt.user == "" && tokens.ReasonOf(err) != tokens.ReasonTokenInvalid {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestWithImportedRefuses(t *testing.T) {
	t.Parallel()
	full, bare := apikey.NewMemoryStore(), &storeFunc{}
	for _, tt := range []struct {
		name  string
		store apikey.Store
		opts  []apikey.Option
		want  string
	}{
		{"no prefix", full, []apikey.Option{apikey.WithImported()}, "no prefix of imported keys"},
		{"empty prefix", full, []apikey.Option{apikey.WithImported("")}, `prefix "" of imported keys takes`},
		{"twice", full, []apikey.Option{apikey.WithImported("sk_", "sk_")}, "twice"},
		{"of a JWT", full, []apikey.Option{apikey.WithImported("ey")}, "beginning of a JWT"},
		{"of no token", full, []apikey.Option{apikey.WithImported("sk live")}, "characters that no bearer token has"},
		{"before one of ours", full, []apikey.Option{apikey.WithPrefixes("ak_live"), apikey.WithImported("ak_")}, `prefix "ak_" of imported keys takes what begins with "ak_live_"`},
		{"before one of ours, no underscore", full, []apikey.Option{apikey.WithImported("ak")}, `prefix "ak" of imported keys takes`},
		{"a store without handles", bare, []apikey.Option{apikey.WithImported("sk_")}, "LookupHandle"},
		{"nil recorder", full, []apikey.Option{apikey.WithRecorder(nil)}, "the recorder is nil"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := apikey.NewVerifier(tt.store, tt.opts...)
			if v != nil || err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "apikey: ") {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	v := newVerifier(t, full, apikey.WithImported("sk_", "ak_", "ak_old_", "legacy-"))
	var got []string
	for _, form := range v.Forms() {
		got = append(got, form.Prefix)
	}
	if want := []string{"ak_", "sk_", "ak_old_", "legacy-"}; !reflect.DeepEqual(got, want) {
		t.Errorf("forms %q, want %q", got, want)
	}
	if _, err := tokens.NewVerifiers(v); err != nil {
		t.Error(err)
	}
}

// TestVerifyImportedUnknownIsTheSameError has the same value for what is not there and what does not match.
func TestVerifyImportedUnknownIsTheSameError(t *testing.T) {
	t.Parallel()
	store := &counted{Records: apikey.NewMemoryStore()}
	keys := newKeys(t, store)
	own, _ := create(t, keys, apikey.Spec{UserID: "user_1"})
	v := newVerifier(t, store, apikey.WithImported("sk_"))
	_, unknown := v.Verify(t.Context(), credential("sk_unknown"))
	_, wrong := v.Verify(t.Context(), credential(otherSecret(t, own)))
	if unknown == nil || unknown != wrong || errors.Is(unknown, apikey.ErrNotFound) {
		t.Errorf("unknown %v, wrong %v", unknown, wrong)
	}
}
