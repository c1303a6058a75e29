// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store"
)

func keysImport() command {
	return command{
		name: "keys import", operands: "[FILE|-]",
		summary: "import keys of another system by their hashes, all or none",
		details: "The file, or stdin, is CSV with a line of column names, or an object of the same names on each line:\n\n" +
			"  handle                  sha256:, sha512: or sha256-long: (what follows the last _ of the key) and hexadecimal digits;\n" +
			"  hash, algorithm         or both apart, the hash hexadecimal or base64\n" +
			"  user, organization      one of them, the owner\n" +
			"  name, scopes, claims    scopes apart by spaces, in JSON a list; claims a JSON object\n" +
			"  created, expires        as 2027-01-31T00:00:00Z\n\n" +
			"All that is wrong is told with its line, and then nothing is imported. Import only keys that were made of at least 128\n" +
			"random bits: others can be found from their hashes. Servers take them if their verifier was made with WithImported.\n" +
			"A SQLite file that is not there is made.",
		prepare: func(flags *flag.FlagSet) action {
			f := &importFlags{}
			f.define(flags)
			return f.run
		},
	}
}

type importFlags struct {
	common
	format, prefix string
}

func (f *importFlags) define(flags *flag.FlagSet) {
	f.common.define(flags)
	flags.StringVar(&f.format, "format", "", "`format` of the file, csv or jsonl; default: what the file looks like")
	flags.StringVar(&f.prefix, "prefix", apikey.DefaultPrefix, "`prefix` of the keys that will replace these")
}

func (f *importFlags) run(ctx context.Context, p *program, operands []string) error {
	switch {
	case len(operands) > 1:
		return usagef("keys import: one file, please")
	case f.format != "" && f.format != formatCSV && f.format != formatJSON:
		return usagef("keys import: the format is csv or jsonl")
	}
	if _, _, err := apikey.New(apikey.Spec{Prefix: f.prefix, UserID: "nobody"}); err != nil {
		return usagef("keys import: %v", err)
	}
	where, err := f.place(p)
	if err != nil {
		return err
	}
	file := &sheet{name: "stdin"}
	in := p.stdin
	if len(operands) == 1 && operands[0] != "-" {
		opened, err := os.Open(operands[0])
		if err != nil {
			return err
		}
		defer func() { _ = opened.Close() }()
		file.name, in = operands[0], opened
	}
	keys, at, err := f.read(ctx, file, in)
	if err != nil {
		return err
	}
	return where.use(ctx, makes, func(st store.Store) error { return f.write(ctx, p, st, where, file, keys, at) })
}

// read reads the keys of a file, and the line of each. It returns when ctx ends, though nothing can end a read of a terminal.
func (f *importFlags) read(ctx context.Context, file *sheet, in io.Reader) (keys []apikey.Foreign, at map[string]int, err error) {
	read := &sheet{name: file.name} // not shared with a read that goes on
	done := make(chan []entry, 1)
	go func() { done <- read.read(in, f.format) }()
	var entries []entry
	select {
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("reading %s: %w", file.name, ctx.Err())
	case entries = <-done:
		*file = *read
	}
	at = make(map[string]int, len(entries))
	for _, e := range entries {
		key, wrong := e.foreign(f.prefix)
		for _, err := range wrong {
			file.wrong(e.line, "%v", err)
		}
		if first, twice := at[key.Handle]; twice {
			file.wrong(e.line, "the same key as on line %d", first)
		} else if key.Handle != "" {
			at[key.Handle] = e.line
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 && len(file.found) == 0 {
		file.wrong(1, "there are no keys in it")
	}
	return keys, at, file.err()
}

func (f *importFlags) write(
	ctx context.Context, p *program, st store.Store, where place, file *sheet, foreign []apikey.Foreign, at map[string]int,
) error {
	keys, err := apikey.NewKeys(st)
	if err != nil {
		return err
	}
	records, err := keys.Import(ctx, foreign...)
	if errors.Is(err, apikey.ErrExists) {
		for _, key := range foreign {
			if there, err := st.LookupHandle(ctx, key.Handle); err == nil {
				file.wrong(at[key.Handle], "the key was imported before, as key %s", there.ID)
			}
		}
		if found := file.err(); found != nil {
			return found
		}
	}
	if err != nil {
		return fmt.Errorf("importing %d keys: %w", len(foreign), err)
	}
	if f.json {
		ids := make([]string, 0, len(records))
		for _, r := range records {
			ids = append(ids, r.ID)
		}
		return writeJSON(p.stdout, importView{Imported: len(records), IDs: ids})
	}
	what := fmt.Sprintf("%d keys", len(records))
	if len(records) == 1 {
		what = "1 key"
	}
	return write(p.stdout, []byte("imported "+what+" into "+where.name+"\n"))
}

// An importView is what JSON tells of an import.
type importView struct {
	Imported int      `json:"imported"`
	IDs      []string `json:"ids"`
}
