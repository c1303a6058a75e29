// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

// Transcripts on a new store each.
var transcripts = []struct {
	name  string
	steps []step
}{
	{"life", []step{
		{args: "keys create -store STORE -organization org_1 -name 'build server' -scope invoices:read -scope 'invoices:write a:b' -prefix ak_live -expires 720h"},
		{args: `keys create -store STORE -user user_1 -claims '{"tier":"gold"}'`},
		{args: "keys list -store STORE"},
		{args: "keys list -store STORE -organization org_1"},
		{args: "keys list -store STORE -user nobody"},
		{args: "keys rotate ID1 -store STORE"},
		{args: "keys rotate ID1 -store STORE"},
		{args: "keys rotate -overlap 0 -store STORE ID2"},
		{args: "keys rotate -overlap 1h -store STORE -- ID3"},
		{args: "keys revoke ID5 -reason 'laptop lost' -store STORE"},
		{args: "keys revoke ID5 -store STORE -reason again"},
		{args: "keys list -store STORE"},
		{args: "keys revoke 0000000000000000 -store STORE"},
		{args: "keys rotate 0000000000000000 -store STORE"},
		{args: "keys rotate ID5 -store STORE"},
	}},
	{"json", []step{
		{args: `keys create -json -store STORE -organization org_1 -name '<b>' -scope a -claims '{"a": 1}' -expires 2126-01-31T00:00:00+01:00`},
		{args: "keys list -store STORE -json"},
		{args: "keys rotate ID1 -store STORE -json"},
		{args: "keys revoke ID2 -store STORE -json -reason gone"},
		{args: "keys list -store STORE -json"},
		{args: "keys import -store STORE -json", stdin: `{"handle":"sha256:` + strings.Repeat("a", 64) + `","user":"user_1","scopes":["a","b"],"claims":{"x":1}}` + "\n\n"},
		{args: "keys list -store STORE -json -user user_1"},
		{args: "revoke client ci -store STORE -json -before -1h -until 24h -issuer https://id.example.com -reason leaked"},
		{args: "revoke key 0000000000000000 -store STORE -json"},
		{args: "keys revoke 0000000000000000 -store STORE -json"},
	}},
	{"revoke", []step{
		{args: "keys create -store STORE -user user_1"},
		{args: "revoke subject user_1 -store STORE -reason 'left us'"},
		{args: "revoke client ci -store STORE -before 2020-01-31T00:00:00Z -issuer https://id.example.com -until 2126-01-31T00:00:00Z"},
		{args: "revoke session sess_1 -store STORE"},
		{args: "revoke token -store STORE -- -jti-"},
		{args: "revoke key ID1 -store STORE -reason 'by the ledger'"},
		{args: "keys list -store STORE -json"},
	}},
	{"import", []step{
		{args: "keys import -store STORE -json DIR/keys.csv"},
		{args: "keys list -store STORE"},
		{args: "keys import -store STORE DIR/keys.csv"},
		{args: "keys import -store STORE -format jsonl", stdin: `{"hash":"` + strings.Repeat("E", 43) + `=","algorithm":"sha256","organization":"org_2"}`},
		{args: "keys rotate ID1 -store STORE"},
	}},
}

const importedCSV = "\ufeffhandle,Hash,algorithm,user,organization,name,scopes,claims,created,expires\r\n" +
	"sha256:1111111111111111111111111111111111111111111111111111111111111111,,,user_1,,first,a b,,2020-01-31T00:00:00Z,\r\n" +
	`,\x2222222222222222222222222222222222222222222222222222222222222222,sha256-long,,org_1,"second, or more","","{""a"":1}",,2126-01-31T00:00:00Z` + "\r\n"

func playTranscripts(t *testing.T, newStore func(t *testing.T) string) {
	t.Helper()
	for _, tt := range transcripts {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newTranscript(t, newStore(t))
			if err := os.WriteFile(filepath.Join(s.dir, "keys.csv"), []byte(importedCSV), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, step := range tt.steps {
				s.run(step)
			}
			s.finish(tt.name)
		})
	}
}

func newFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "keys.db")
}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	playTranscripts(t, newFile)
}

// TestMistakes has what is refused before a store is opened or made.
func TestMistakes(t *testing.T) {
	t.Parallel()
	steps := []step{
		{args: ""},
		{args: "nothing"},
		{args: "keys"},
		{args: "keys nothing"},
		{args: "keys create"},
		{args: "keys create -user u"},
		{args: "keys create -user u -organization o -store STORE"},
		{args: "keys create -user u extra -store STORE"},
		{args: "keys create -user u -nothing -store STORE"},
		{args: "keys create -user u -store"},
		{args: "keys create -user u -store STORE -prefix AK"},
		{args: "keys create -user u -store STORE -scope ''"},
		{args: "keys create -user u -store STORE -claims [1]"},
		{args: "keys create -user u -store STORE -claims null"},
		{args: "keys create -user u -store STORE -expires tomorrow"},
		{args: "keys create -user u -store STORE -expires 2020-01-31T00:00:00Z"},
		{args: "keys create -user u -store STORE -expires -1h"},
		{args: "keys list -store STORE extra"},
		{args: "keys list -store STORE -user u -organization o"},
		{args: "keys list -store STORE"},
		{args: "keys list -store DIR"},
		{args: "keys list -store DIR/empty.db"},
		{args: "keys list -store DIR/text.db"},
		{args: "keys create -user u -store DIR/text.db"},
		{args: "keys create -user u -store DIR/none/keys.db"},
		{args: "keys rotate -store STORE"},
		{args: "keys rotate -store STORE 0000000000000000 0000000000000001"},
		{args: "keys rotate -store STORE 0000000000000000 -overlap -1h"},
		{args: "keys rotate -store STORE 0000000000000000"},
		{args: "keys revoke -store STORE id"},
		{args: "keys revoke -store STORE 0000000000000000"},
		{args: "keys import -store STORE a b"},
		{args: "keys import -store STORE -format xml"},
		{args: "keys import -store STORE -prefix AK"},
		{args: "keys import -store STORE"},
		{args: "keys import -store STORE DIR/none.csv"},
		{args: "revoke -store STORE"},
		{args: "revoke -store STORE subject"},
		{args: "revoke -store STORE door front"},
		{args: "revoke -store STORE subject ''"},
		{args: "revoke -store STORE key k -before now"},
		{args: "revoke -store STORE key k -issuer i"},
		{args: "revoke -store STORE client c -before 1h"},
		{args: "revoke -store STORE client c -until 2020-01-31T00:00:00Z"},
		{args: "revoke -store STORE client c"},
		{args: "keys list -store mysql://u:hidden@host/db"},
		{args: "keys list -store postgres://u:hid%zzden@host/db"},
		{args: "keys list -store postgres://u:hid/den@host/db"},
		{args: "keys list -store postgres://u:12?hidden@host/db"},
		{args: "keys list -store postgres://u:12#hidden@host/db"},
		{args: "keys list -store 'host=h password=hidden'"},
		{args: "keys list -store postgres://u:hidden@127.0.0.1:1/db?connect_timeout=1"},
	}
	s := newTranscript(t, newFile(t))
	for name, text := range map[string]string{"empty.db": "", "text.db": strings.Repeat("not a database\n", 100)} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range steps {
		s.run(step)
	}
	s.finish("mistakes")
	if strings.Contains(s.outputs.String(), "hid") || strings.Contains(s.outputs.String(), "u:12") {
		t.Error("a password was written")
	}
	if _, err := os.Stat(s.store); err == nil {
		t.Error("a store was made")
	}
}

// TestImportMistakes has files with mistakes, none of which makes a store.
func TestImportMistakes(t *testing.T) {
	t.Parallel()
	one := "sha256:" + strings.Repeat("1", 64)
	steps := []step{
		{stdin: ""},
		{stdin: "handle,user\n"},
		{stdin: "handle,user,expire,user\n"},
		{stdin: "ak_0123456789abcdef_" + strings.Repeat("x", 49) + ",user_1\n"},
		{stdin: "handle,user,organization,scopes,claims,created,expires\n" +
			one + ",user_1,,,,,\n" +
			one + ",user_1,,,,,\n" +
			one[:70] + ",user_1,,,,,\n" +
			"md5:" + strings.Repeat("2", 32) + ",,,,,,\n" +
			"sha256:" + strings.Repeat("3", 64) + ",user_1,org_1,,,tomorrow,tomorrow\n" +
			"too,few\n" +
			"sha256:" + strings.Repeat("4", 64) + ",user_1,,,nothing,2126-01-31T00:00:00Z,2020-01-31T00:00:00Z\n" +
			",user_1,,,,,\n"},
		{stdin: "hash,algorithm,user\n" + strings.Repeat("1", 64) + ",,u\nxyz!,sha256,u\n" + strings.Repeat("1", 62) + ",sha256,u\n"},
		{stdin: "handle,user\n\"unclosed,\n"},
		{stdin: `{"handle":"` + one + `","user":"u"}` + "\n" + `{"handle":"` + one + `","user":"u"}` + "\n" + `{"key":"x"}` + "\n" +
			`{"handle":1}` + "\n" + `{"handle":"` + one + `"} {}` + "\n[]\n" + `{"handle":"` + one + `","hash":"1","user":"u"}`},
		{stdin: "handle,user\n" + strings.Repeat("sha256:1,user_1\n", 60)},
	}
	s := newTranscript(t, newFile(t))
	for _, step := range steps {
		step.args = "keys import -store STORE -"
		s.run(step)
	}
	s.finish("import-mistakes")
	if _, err := os.Stat(s.store); err == nil {
		t.Error("a store was made")
	}
}

// TestHelp has what is explained, and where it is written.
func TestHelp(t *testing.T) {
	t.Parallel()
	s := newTranscript(t, "keys.db")
	for _, args := range []string{"help", "-h", "--help", "keys -h", "help keys", "keys help", "keys create -h", "help keys rotate", "keys list -h",
		"keys revoke x -help", "keys import -h", "revoke -h", "help revoke", "help nothing", "help keys nothing"} {
		s.run(step{args: args})
	}
	s.finish("help")
}

// TestPostgres plays the transcripts on PostgreSQL, where the same must come out.
func TestPostgres(t *testing.T) {
	t.Parallel()
	playTranscripts(t, func(t *testing.T) string {
		t.Helper()
		return postgrestest.URL(t)
	})
}

// An empty database is not filled by who only looks.
func TestPostgresThatIsEmpty(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	url := postgrestest.URL(t)
	if code := run(t.Context(), []string{"keys", "list", "-store", url}, nothing{}, &stdout, &stderr); code != exitFailed || stdout.Len() > 0 {
		t.Errorf("exit code %d, stdout %q", code, stdout.String())
	}
	if !strings.HasPrefix(stderr.String(), "admit: the store "+displayed(url)+": ") {
		t.Errorf("stderr %q", stderr.String())
	}
}

func TestStoreFromTheEnvironment(t *testing.T) {
	store := newFile(t)
	t.Setenv(storeVariable, store)
	admit(t, "keys", "create", "-user", "u")
	if found := states(t, ""); len(found) != 1 {
		t.Errorf("%v", found)
	}
	if code := run(t.Context(), []string{"keys", "list", "-store", store + "x"}, nothing{}, io.Discard, io.Discard); code != exitFailed {
		t.Errorf("exit code %d: the flag does not come first", code)
	}
}

// TestCredentialsInArguments has what belongs on no command line, and is not repeated.
func TestCredentialsInArguments(t *testing.T) {
	t.Parallel()
	store := newFile(t)
	key := strings.TrimSpace(admit(t, "keys", "create", "-user", "u", "-prefix", "ak_live", "-store", store))
	const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyXzEifQ.c2lnbmF0dXJl"
	for _, args := range [][]string{
		{"keys", "revoke", key},
		{"keys", "rotate", key[:len(key)-9]},
		{"keys", "revoke", key[25:]},
		{"revoke", "key", key},
		{"revoke", "token", jwt},
		{"revoke", key, "x"},
		{"keys", key},
		{key},
		{"keys", "list", "-" + key},
		{"keys", "create", "-expires", key},
		{"keys", "list", "-store", jwt},
		{"keys", "import", key},
	} {
		if !slices.Contains(args, "-store") {
			args = append(args, "-store", store)
		}
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), args, nothing{}, &stdout, &stderr)
		if code == exitDone || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, stdout.String(), stderr.String())
		}
		if strings.Contains(stderr.String(), key[30:38]) || strings.Contains(stderr.String(), jwt[25:33]) {
			t.Errorf("%v: stderr %q", args, stderr.String())
		}
	}
	for _, view := range states(t, store) {
		if view.State != stateActive {
			t.Errorf("%+v", view)
		}
	}
}

// TestListOfManyPages lists more keys than a store lists at once.
func TestListOfManyPages(t *testing.T) {
	t.Parallel()
	const n = 2*apikey.MaxLimit + 1
	store := newFile(t)
	var file strings.Builder
	for i := range n {
		fmt.Fprintf(&file, `{"handle":"sha256:%064x","user":"user_%d"}`+"\n", i, i%2)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"keys", "import", "-store", store}, strings.NewReader(file.String()), &stdout, &stderr); code != exitDone {
		t.Fatal(stderr.String())
	}
	if want := fmt.Sprintf("imported %d keys into %s\n", n, store); stdout.String() != want {
		t.Errorf("stdout %q, want %q", stdout.String(), want)
	}
	if found := states(t, store); len(found) != n {
		t.Errorf("%d keys in JSON", len(found))
	}
	if lines := strings.Count(admit(t, "keys", "list", "-store", store), "\n"); lines != n+1 {
		t.Errorf("%d lines", lines)
	}
	if lines := strings.Count(admit(t, "keys", "list", "-store", store, "-user", "user_1"), "\n"); lines != n/2+1 {
		t.Errorf("%d lines of one user", lines)
	}
}

// TestTextsOfStrangers has names and reasons that would steer a terminal, turn a line around, or be another line.
func TestTextsOfStrangers(t *testing.T) {
	t.Parallel()
	store := newFile(t)
	const name, reason = "a\u202eb", "x\x1b[2J\nanother line"
	var stderr bytes.Buffer
	var key bytes.Buffer
	if code := run(t.Context(), []string{"keys", "create", "-user", name, "-name", name, "-scope", name, "-store", store}, nothing{}, &key, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	id := secretShape.FindStringSubmatch(key.String())[1]
	told := stderr.String() + admit(t, "keys", "list", "-store", store) + admit(t, "keys", "revoke", id, "-reason", reason, "-store", store) +
		admit(t, "revoke", "session", reason, "-issuer", reason, "-store", store)
	if strings.ContainsAny(told, "\u202e\x1b") || strings.Contains(told, "\nanother") {
		t.Errorf("%q", told)
	}
}

func TestScrub(t *testing.T) {
	t.Parallel()
	const key = "ak_live_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBBBBB"
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "key 0123456789abcdef of user user_1", "key 0123456789abcdef of user user_1"},
		{"hint", "ak_live_0123456789abcdef…BBBB", "ak_live_0123456789abcdef…BBBB"},
		{"key", "x " + key + " y", "x xxxxx y"},
		{"cut key", key[:60], "xxxxx"},
		{"continued key", key + "=", "xxxxx="},
		{"JWT", "token eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.", "token xxxxx"},
		{"host", "no excellentapp.example.com here", "no excellentapp.example.com here"},
		{"URL", "cannot parse postgres://me:pa ss@w@rd@host/db", "cannot parse postgres://me:xxxxx@host/db"},
		{"URL without name", "postgres://:secret@host", "postgres://:xxxxx@host"},
		{"URL without password", "postgres://me@host:5432/db", "postgres://me@host:5432/db"},
		{"parameter", "host?password=secret&sslmode=disable", "host?password=xxxxx&sslmode=disable"},
		{"setting", "host=h password='a b' user=u", "host=h password=xxxxx user=u"},
		{"control", "a\x1bb", `"a\x1bb"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := scrub(tt.text); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
