// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store"
)

func keysRotate() command {
	return command{
		name: "keys rotate", operands: "ID",
		summary: "make the successor of a key and write its secret to stdout, once",
		details: "The successor has the owner, name, scopes and claims of the key. The key itself is taken for the overlap, so that it can be\n" +
			"replaced where it is used. -overlap 0 ends it now, as befits one that leaked.",
		prepare: func(flags *flag.FlagSet) action {
			f := &rotateFlags{}
			f.define(flags)
			return f.run
		},
	}
}

type rotateFlags struct {
	common
	overlap time.Duration
}

func (f *rotateFlags) define(flags *flag.FlagSet) {
	f.common.define(flags)
	flags.DurationVar(&f.overlap, "overlap", apikey.DefaultOverlap, "`duration` for which the key is still taken")
}

func (f *rotateFlags) run(ctx context.Context, p *program, operands []string) error {
	id, err := keyID("keys rotate", operands)
	if err != nil {
		return err
	}
	if f.overlap < 0 {
		return usagef("keys rotate: an overlap cannot be negative; write 0 to end the key now")
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
		key, record, err := keys.Rotate(ctx, id, f.overlap)
		if err != nil {
			return failed("rotating", id, where, err)
		}
		// The secret is worth more than what is said of the key that it replaces.
		var replaced *apikey.Record
		if old, err := keys.Get(ctx, id); err == nil {
			replaced = &old
		}
		if err := f.tell(p.stdout, key, record, replaced); err != nil {
			return errors.Join(fmt.Errorf("the new key could not be written: %w", err), withdraw(ctx, keys, record.ID),
				fmt.Errorf("key %s %s, so make another with `admit keys create`", id, ending(replaced)))
		}
		if !f.json {
			fmt.Fprintf(p.stderr, "made %s in %s; stdout has its secret, this once\n", label(record), where.name)
			facts(p.stderr, record)
			fmt.Fprintf(p.stderr, "key %s %s\n", id, ending(replaced))
		}
		return nil
	})
}

// ending says how a key ends that was rotated; nil: it could not be asked.
func ending(r *apikey.Record) string {
	switch {
	case r == nil:
		return "ends with the overlap"
	case !r.RevokedAt.IsZero():
		return "is revoked"
	default:
		return "is taken until " + day(r.ExpiresAt, "")
	}
}

// keyID reads the id of a key, the only operand. It repeats nothing that might be a secret.
func keyID(name string, operands []string) (string, error) {
	if len(operands) != 1 {
		return "", usagef("%s: it takes the id of one key; `admit keys list` shows the ids", name)
	}
	id := operands[0]
	if isCredential(id) {
		return "", usagef("%s: that is a key itself, which does not belong on a command line; write its id, the 16 characters after its prefix", name)
	}
	if len(id) != idLength {
		return "", usagef("%s: ids of keys have %d characters; `admit keys list` shows them", name, idLength)
	}
	return id, nil
}

const idLength = 16

// failed says what was tried with a key, and why it failed.
func failed(what, id string, where place, err error) error {
	if errors.Is(err, apikey.ErrNotFound) {
		return fmt.Errorf("there is no key %s in %s; `admit keys list` shows the ids", shown(id), where.name)
	}
	return fmt.Errorf("%s key %s: %w", what, shown(id), err)
}
