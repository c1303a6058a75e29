// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
)

// An entry is one key of a file to import, as it is written.
type entry struct {
	line         int
	Handle       string          `json:"handle"`
	Hash         string          `json:"hash"`
	Algorithm    string          `json:"algorithm"`
	User         string          `json:"user"`
	Organization string          `json:"organization"`
	Name         string          `json:"name"`
	Scopes       []string        `json:"scopes"`
	Claims       json.RawMessage `json:"claims"`
	Created      string          `json:"created"`
	Expires      string          `json:"expires"`
}

// columns are the names of an entry's columns, and how a cell is put into it.
var columns = map[string]func(*entry, string){
	"handle":       func(e *entry, cell string) { e.Handle = cell },
	"hash":         func(e *entry, cell string) { e.Hash = cell },
	"algorithm":    func(e *entry, cell string) { e.Algorithm = cell },
	"user":         func(e *entry, cell string) { e.User = cell },
	"organization": func(e *entry, cell string) { e.Organization = cell },
	"name":         func(e *entry, cell string) { e.Name = cell },
	"scopes":       func(e *entry, cell string) { e.Scopes = strings.Fields(cell) },
	"claims":       func(e *entry, cell string) { e.Claims = append(e.Claims, cell...) },
	"created":      func(e *entry, cell string) { e.Created = cell },
	"expires":      func(e *entry, cell string) { e.Expires = cell },
}

const columnNames = "handle or hash and algorithm, user or organization, name, scopes, claims, created, expires"

// The formats of a file.
const (
	formatCSV  = "csv"
	formatJSON = "jsonl"
)

// The bounds of a file.
const (
	maxFile  = 256 << 20 // bytes
	maxEntry = 1 << 20   // bytes of a line of JSON
)

// read reads the entries of a text, and notes what is wrong with it. The format is csv, jsonl, or empty: what it looks like.
func (s *sheet) read(in io.Reader, format string) []entry {
	limited := &io.LimitedReader{R: in, N: maxFile + 1}
	buffered := bufio.NewReaderSize(limited, 64<<10)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" { // as spreadsheets begin their files
		_, _ = buffered.Discard(3)
	}
	if format == "" {
		format = formatCSV
		if start, _ := buffered.Peek(1024); bytes.HasPrefix(bytes.TrimSpace(start), []byte("{")) {
			format = formatJSON
		}
	}
	var entries []entry
	if format == formatJSON {
		entries = s.readJSON(buffered)
	} else {
		entries = s.readCSV(buffered)
	}
	if limited.N == 0 {
		s.wrong(1, "the file is longer than %d MiB; import it in parts", maxFile>>20)
	}
	return entries
}

func (s *sheet) readCSV(in io.Reader) []entry {
	reader := csv.NewReader(in)
	header, err := reader.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		s.wrong(1, "the first line must name the columns: %v", err)
		return nil
	}
	header = slices.Clone(header)
	for i, name := range header {
		header[i] = strings.ToLower(strings.TrimSpace(name))
		if columns[header[i]] == nil {
			s.wrong(1, "column %d is none of %s", i+1, columnNames) // Its name might be a key, in a file without a header.
		} else if slices.Contains(header[:i], header[i]) {
			s.wrong(1, "the column %s is there twice", header[i])
		}
	}
	if len(s.found) > 0 {
		return nil
	}
	var entries []entry
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return entries
		}
		var parse *csv.ParseError
		switch {
		case errors.As(err, &parse) && errors.Is(err, csv.ErrFieldCount):
			s.wrong(parse.Line, "%d columns, where the first line has %d", len(cells), len(header))
			continue
		case errors.As(err, &parse):
			s.wrong(parse.Line, "%v", parse.Err)
			return entries // What follows would be read askew.
		case err != nil:
			s.wrong(1, "%v", err)
			return entries
		}
		line, _ := reader.FieldPos(0)
		e := entry{line: line}
		for i, cell := range cells {
			columns[header[i]](&e, strings.TrimSpace(cell))
		}
		entries = append(entries, e)
	}
}

func (s *sheet) readJSON(in io.Reader) []entry {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, maxEntry)
	var entries []entry
	line := 0
	for scanner.Scan() {
		line++
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		e := entry{}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&e)
		if err == nil && decoder.More() {
			err = errors.New("more than one object")
		}
		if err != nil {
			s.wrong(line, "not a JSON object with %s: %s", columnNames, jsonMistake(err))
			continue
		}
		e.line = line
		entries = append(entries, e)
	}
	if err := scanner.Err(); err != nil {
		s.wrong(line+1, "%v", err)
	}
	return entries
}

func jsonMistake(err error) string {
	if kind := (*json.UnmarshalTypeError)(nil); errors.As(err, &kind) {
		return strings.TrimSpace(kind.Field + " has the JSON type " + kind.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// foreign checks an entry, and returns the key that it describes with all that is wrong with it.
func (e entry) foreign(prefix string) (apikey.Foreign, []error) {
	key := apikey.Foreign{Spec: apikey.Spec{
		Prefix: prefix, Name: e.Name, UserID: e.User, OrganizationID: e.Organization, Scopes: e.Scopes, Claims: e.Claims,
	}}
	var wrong []error
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	now := time.Now()
	var err error
	key.Handle, err = e.handle()
	note(err)
	key.CreatedAt, err = instant("created", e.Created)
	note(err)
	if key.CreatedAt.After(now) {
		note(errors.New("created: it is in the future"))
	}
	key.Spec.ExpiresAt, err = instant("expires", e.Expires)
	note(err)
	if ends := key.Spec.ExpiresAt; !ends.IsZero() && !ends.After(now) {
		note(errors.New("expires: it is past; leave the key out"))
		key.Spec.ExpiresAt = time.Time{}
	}
	if (e.User == "") == (e.Organization == "") {
		note(errors.New("whose key? set either user or organization"))
	} else if _, _, err := apikey.New(key.Spec); err != nil { // It checks the rest.
		note(err)
	}
	return key, wrong
}

// handle returns the handle of an entry: the one that it has, or that of its hash. Neither is repeated in an error: it might be a key.
func (e entry) handle() (string, error) {
	switch {
	case e.Handle != "" && (e.Hash != "" || e.Algorithm != ""):
		return "", errors.New("set either handle, or hash and algorithm")
	case e.Handle != "":
		return apikey.ParseHandle(e.Handle)
	case e.Hash == "" || e.Algorithm == "":
		return "", errors.New("which key? set handle, or hash and algorithm")
	}
	digits := strings.TrimPrefix(e.Hash, `\x`) // as PostgreSQL writes bytes
	if hash, err := hex.DecodeString(digits); err == nil {
		return apikey.ParseHandle(e.Algorithm + ":" + hex.EncodeToString(hash))
	}
	if hash, err := base64.StdEncoding.DecodeString(digits); err == nil {
		return apikey.ParseHandle(e.Algorithm + ":" + hex.EncodeToString(hash))
	}
	return "", errors.New("the hash is neither hexadecimal nor base64")
}

// instant reads the time of a column; empty: the zero time.
func instant(column, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: write a time as 2027-01-31T00:00:00Z, or nothing", column)
	}
	return at, nil
}
