// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"errors"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// Require demands of the caller, in a handler, that one of the grants holds, with the same reasons, codes and hiding as the rule of the
// procedure. It settles what the rule leaves to the handler. The error is to be returned by the handler, wrapped or not.
//
// Grants judge the caller alone: one with a match or a condition, no grant at all, and a context that no guard made are INTERNAL.
func Require(ctx context.Context, grants ...policy.Grant) error {
	c := callOf(ctx)
	if c == nil {
		return unguarded()
	}
	requirement, err := policy.NewRequirement(c.procedure.Hides(), grants...)
	if err != nil {
		refusal := c.refusal(tokens.ReasonInternal, err)
		c.observe(refusal, 0)
		return refusal
	}
	d := requirement.DecideCall(c.Principal())
	if d.Outcome == policy.Admitted {
		c.mark(markSettled)
		return nil
	}
	refusal := c.refusalOf(d)
	if ignored := tokens.ReasonFromContext(c); ignored != "" {
		refusal = c.refusal(ignored, nil)
	}
	c.observe(refusal, int(d.Grant))
	return refusal
}

// Settled says that the handler has decided what its rule leaves to it, and that the call may be answered. It is an error, to be returned
// by the handler, if no guard made the context.
func Settled(ctx context.Context) error {
	c := callOf(ctx)
	if c == nil {
		return unguarded()
	}
	c.mark(markSettled)
	return nil
}

// callOf finds the innermost call that a guard let begin, or nil. A Call that someone else made has no guard.
func callOf(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	if c == nil || c.guard == nil {
		return nil
	}
	return c
}

func unguarded() error {
	return newRefusal(tokens.ReasonInternal, errors.New("no guard decided this call; install one, and hand on the handler's context"))
}
