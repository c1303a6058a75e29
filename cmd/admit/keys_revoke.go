// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store"
)

func keysRevoke() command {
	return command{
		name: "keys revoke", operands: "ID",
		summary: "revoke a key, for good",
		details: "Servers that use the store refuse the key from then on, and end its open streams. To revoke it again changes nothing.",
		prepare: func(flags *flag.FlagSet) action {
			f := &keysRevokeFlags{}
			f.define(flags)
			return f.run
		},
	}
}

type keysRevokeFlags struct {
	common
	reason string
}

func (f *keysRevokeFlags) define(flags *flag.FlagSet) {
	f.common.define(flags)
	flags.StringVar(&f.reason, "reason", "", "why, a `text` for people")
}

func (f *keysRevokeFlags) run(ctx context.Context, p *program, operands []string) error {
	id, err := keyID("keys revoke", operands)
	if err != nil {
		return err
	}
	where, err := f.place(p)
	if err != nil {
		return err
	}
	return where.use(ctx, changes, func(st store.Store) error {
		keys, err := apikey.NewKeys(st)
		if err != nil {
			return err
		}
		record, err := keys.Revoke(ctx, id, f.reason)
		if err != nil {
			return failed("revoking", id, where, err)
		}
		if f.json {
			return writeJSON(p.stdout, viewOf(record, time.Now()))
		}
		text := "revoked " + label(record) + " as of " + day(record.RevokedAt, "")
		if record.RevokedFor != "" {
			text += ": " + shown(record.RevokedFor)
		}
		return write(p.stdout, []byte(text+"\n"))
	})
}
