// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store"
)

func keysList() command {
	return command{
		name: "keys list", operands: "",
		summary: "list the API keys, all of them or those of one owner",
		details: "States are active, waiting (not valid yet), expiring (rotated, and taken until it expires), expired and revoked.\n" +
			"When a key was last used is coarse and late by a minute. With -json there is one object on each line.",
		prepare: func(flags *flag.FlagSet) action {
			f := &listFlags{}
			f.define(flags)
			return f.run
		},
	}
}

type listFlags struct {
	common
	filter apikey.Filter
}

func (f *listFlags) define(flags *flag.FlagSet) {
	f.common.define(flags)
	flags.StringVar(&f.filter.UserID, "user", "", "list the keys of the user with this `id`")
	flags.StringVar(&f.filter.OrganizationID, "organization", "", "list the keys of the organization with this `id`")
}

func (f *listFlags) run(ctx context.Context, p *program, operands []string) error {
	if len(operands) > 0 {
		return usagef("keys list: it takes flags alone; `admit keys list -h` lists them")
	}
	if f.filter.UserID != "" && f.filter.OrganizationID != "" {
		return usagef("keys list: a key has one owner; write -user or -organization")
	}
	where, err := f.place(p)
	if err != nil {
		return err
	}
	f.filter.Limit = apikey.MaxLimit
	return where.use(ctx, reads, func(st store.Store) error {
		if f.json {
			return pages(ctx, st, f.filter, func(records []apikey.Record) error { return listJSON(p.stdout, records) })
		}
		var text bytes.Buffer
		table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tSTATE\tOWNER\tNAME\tSCOPES\tCREATED\tEXPIRES\tLAST USED\tHINT")
		found := 0
		err := pages(ctx, st, f.filter, func(records []apikey.Record) error {
			found += len(records)
			rows(table, records)
			return nil
		})
		switch {
		case err != nil:
			return err
		case found == 0:
			fmt.Fprintf(p.stderr, "no keys in %s\n", where.name)
			return nil
		}
		_ = table.Flush() // into memory
		return write(p.stdout, text.Bytes())
	})
}

// pages calls do with the records that the filter names, page by page.
func pages(ctx context.Context, st store.Store, filter apikey.Filter, do func([]apikey.Record) error) error {
	for {
		records, err := st.List(ctx, filter)
		if err != nil {
			return fmt.Errorf("listing the keys: %w", err)
		}
		if len(records) == 0 {
			return nil
		}
		if err := do(records); err != nil {
			return err
		}
		filter.After = records[len(records)-1].ID
	}
}

func listJSON(out io.Writer, records []apikey.Record) error {
	var text bytes.Buffer
	now := time.Now()
	for _, r := range records {
		if err := writeJSON(&text, viewOf(r, now)); err != nil {
			return err
		}
	}
	return write(out, text.Bytes())
}

func rows(table io.Writer, records []apikey.Record) {
	now := time.Now()
	for _, r := range records {
		cells := []string{
			r.ID, stateOf(r, now), owner(r), or(shown(r.Name), "-"), scopes(r), day(r.CreatedAt, "-"), day(r.ExpiresAt, "never"),
			day(r.LastUsedAt, "never"), shown(r.Hint),
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
}
