// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store"
)

func revoke() command {
	return command{
		name: "revoke", operands: "(key|token|session|subject|client) VALUE",
		summary: "revoke a credential, or all that a subject or client was given up to a time",
		details: "VALUE is the id of the key, the claim jti of the token, or the id of the session, subject or client. It may be one that the\n" +
			"store has never seen: tokens that others issued are revoked like this. What is revoked stays so. For the keys of this\n" +
			"store `admit keys revoke` is the one that finds typing mistakes.",
		prepare: func(flags *flag.FlagSet) action {
			f := &revokeFlags{}
			f.define(flags)
			return f.run
		},
	}
}

type revokeFlags struct {
	common
	issuer, reason string
	before, until  time.Time
}

func (f *revokeFlags) define(flags *flag.FlagSet) {
	f.common.define(flags)
	flags.StringVar(&f.issuer, "issuer", "", "revoke the credentials of this `issuer` alone; default: of every issuer")
	flags.StringVar(&f.reason, "reason", "", "why, a `text` for people")
	flags.Func("before", "`time` up to which credentials of a subject or client were issued: now, 2027-01-31T00:00:00Z, or -1h; default: now",
		func(text string) (err error) { f.before, err = past(text); return err })
	flags.Func("until", "`time` after which it may be forgotten, because all of it has expired: 2027-01-31T00:00:00Z, or 720h; default: never",
		func(text string) (err error) { f.until, err = future(text); return err })
}

// revocation reads the operands.
func (f *revokeFlags) revocation(operands []string) (revocation.Revocation, error) {
	none := revocation.Revocation{}
	if len(operands) != 2 {
		return none, usagef("revoke: write what and which, as in `admit revoke subject user_1`; `admit revoke -h` explains it")
	}
	target, err := revocation.ParseTarget(operands[0])
	if err != nil {
		return none, usagef("revoke: it revokes a key, token, session, subject or client, and not %q", operands[0])
	}
	if isCredential(operands[1]) {
		return none, usagef("revoke: that is a credential itself, which does not belong on a command line; write its id, of a JWT the claim jti")
	}
	r := revocation.Revocation{Target: target, Value: operands[1], Issuer: f.issuer, Before: f.before, Until: f.until, Reason: f.reason}
	dated := target == revocation.Subject || target == revocation.Client
	switch {
	case dated && r.Before.IsZero():
		r.Before = time.Now().UTC().Truncate(time.Microsecond) // as it is kept
	case !dated && !r.Before.IsZero():
		return none, usagef("revoke: a %s is revoked for good; leave out -before", target)
	case target == revocation.Key && r.Issuer != "":
		return none, usagef("revoke: API keys have no issuer; leave out -issuer")
	}
	if err := r.Check(); err != nil {
		return none, usagef("revoke: %v", err)
	}
	return r, nil
}

func (f *revokeFlags) run(ctx context.Context, p *program, operands []string) error {
	r, err := f.revocation(operands)
	if err != nil {
		return err
	}
	where, err := f.place(p)
	if err != nil {
		return err
	}
	return where.use(ctx, changes, func(st store.Store) error {
		revision, err := st.Revoke(ctx, r)
		if err != nil {
			return fmt.Errorf("revoking the %s: %w", r.Target, err)
		}
		if f.json {
			return writeJSON(p.stdout, revocationView{
				Target: r.Target.String(), Value: r.Value, Issuer: r.Issuer, Before: r.Before.UTC(), Until: r.Until.UTC(), Reason: r.Reason,
				Revision: revision,
			})
		}
		return write(p.stdout, []byte(revoked(r)+"\n"))
	})
}

// A revocationView is what JSON tells of a revocation.
type revocationView struct {
	Target   string    `json:"target"`
	Value    string    `json:"value"`
	Issuer   string    `json:"issuer,omitempty"`
	Before   time.Time `json:"before,omitzero"`
	Until    time.Time `json:"until,omitzero"`
	Reason   string    `json:"reason,omitempty"`
	Revision uint64    `json:"revision"`
}

// revoked says for people what was revoked.
func revoked(r revocation.Revocation) string {
	text := fmt.Sprintf("revoked %s %s", r.Target, shown(r.Value))
	if !r.Before.IsZero() {
		text = fmt.Sprintf("revoked every credential of %s %s issued up to %s", r.Target, shown(r.Value), day(r.Before, ""))
	}
	if r.Issuer != "" {
		text += " of issuer " + shown(r.Issuer)
	}
	if !r.Until.IsZero() {
		text += ", remembered until " + day(r.Until, "")
	}
	return text
}
