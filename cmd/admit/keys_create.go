// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store"
)

func keysCreate() command {
	return command{
		name: "keys create", operands: "(-user U | -organization O)",
		summary: "make an API key and write its secret to stdout, once",
		details: "The secret is alone on stdout, as in KEY=$(admit keys create -organization org_1); what else there is to know goes to\n" +
			"stderr. It cannot be shown again. A SQLite file that is not there is made.",
		prepare: func(flags *flag.FlagSet) action {
			f := &createFlags{}
			f.define(flags)
			return f.run
		},
	}
}

type createFlags struct {
	common
	spec apikey.Spec
}

func (f *createFlags) define(flags *flag.FlagSet) {
	f.common.define(flags)
	flags.StringVar(&f.spec.UserID, "user", "", "`id` of the user who will own the key")
	flags.StringVar(&f.spec.OrganizationID, "organization", "", "`id` of the organization that will own the key")
	flags.StringVar(&f.spec.Name, "name", "", "what the owner calls the key, a `text`")
	flags.StringVar(&f.spec.Prefix, "prefix", apikey.DefaultPrefix, "`prefix` that the key begins with, as ak_live")
	flags.Func("scope", "a `scope` of the key, or several apart by spaces; may be given several times", func(text string) error {
		if strings.TrimSpace(text) == "" {
			return errors.New("it is empty")
		}
		f.spec.Scopes = append(f.spec.Scopes, strings.Fields(text)...)
		return nil
	})
	flags.Func("claims", "a `JSON` object with what else handlers should know of the key", func(text string) error {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
			return errors.New("it is no JSON object")
		}
		f.spec.Claims = json.RawMessage(text)
		return nil
	})
	flags.Func("expires", "`time` when the key ends, 2027-01-31T00:00:00Z, or how long from now, 720h; default: never",
		func(text string) (err error) { f.spec.ExpiresAt, err = future(text); return err })
}

func (f *createFlags) run(ctx context.Context, p *program, operands []string) error {
	if len(operands) > 0 {
		return usagef("keys create: it takes flags alone; `admit keys create -h` lists them")
	}
	if (f.spec.UserID == "") == (f.spec.OrganizationID == "") {
		return usagef("keys create: whose key? write either -user or -organization")
	}
	if _, _, err := apikey.New(f.spec); err != nil { // Before a store is made for it.
		return usagef("keys create: %s", err.Error())
	}
	where, err := f.place(p)
	if err != nil {
		return err
	}
	return where.use(ctx, makes, func(st store.Store) error {
		keys, err := apikey.NewKeys(st)
		if err != nil {
			return err
		}
		key, record, err := keys.Create(ctx, f.spec)
		if err != nil {
			return fmt.Errorf("making the key: %w", err)
		}
		if err := f.tell(p.stdout, key, record, nil); err != nil {
			return errors.Join(fmt.Errorf("the new key could not be written: %w", err), withdraw(ctx, keys, record.ID))
		}
		if !f.json {
			fmt.Fprintf(p.stderr, "made %s in %s; stdout has its secret, this once\n", label(record), where.name)
			facts(p.stderr, record)
		}
		return nil
	})
}

// tell writes the secret of a new key to stdout.
func (c *common) tell(out io.Writer, key apikey.Key, record apikey.Record, replaced *apikey.Record) error {
	if !c.json {
		return write(out, []byte(key.Reveal()+"\n"))
	}
	now := time.Now()
	view := secretView{Secret: key.Reveal(), Record: viewOf(record, now)}
	if replaced != nil {
		old := viewOf(*replaced, now)
		view.Replaces = &old
	}
	return writeJSON(out, view)
}

// withdrawal is how long there is to revoke a key that nobody got.
const withdrawal = 10 * time.Second

// withdraw revokes a key whose secret could not be written, and says what became of it. An interrupt does not keep it from that.
func withdraw(ctx context.Context, keys *apikey.Keys, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawal)
	defer cancel()
	if _, err := keys.Revoke(ctx, id, "its secret could not be written"); err != nil {
		return fmt.Errorf("and it is still valid: revoke it with `admit keys revoke %s`: %w", id, err)
	}
	return fmt.Errorf("it was revoked again, key %s", id)
}
