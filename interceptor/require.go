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
	c, _ := ctx.Value(callKey{}).(*Call)
	if c == nil {
		return newRefusal(tokens.ReasonInternal, errors.New("no guard decided this call; install one, and hand on the handler's context"))
	}
	requirement, err := policy.NewRequirement(c.procedure.Hides(), grants...)
	if err != nil {
		return newRefusal(tokens.ReasonInternal, err)
	}
	d := requirement.DecideCall(c.principal)
	if d.Outcome == policy.Admitted {
		c.settled.Store(true)
		return nil
	}
	refusal := c.refusalOf(d)
	if c.principal == nil && tokens.ReasonFromContext(ctx) != "" {
		refusal = c.refusal(tokens.ReasonFromContext(ctx), nil)
	}
	c.observe(refusal, d.Grant)
	return refusal
}

// Settled says that the handler has decided what its rule leaves to it, and that the call may be answered. It is an error, to be returned
// by the handler, if no guard made the context.
func Settled(ctx context.Context) error {
	c, _ := ctx.Value(callKey{}).(*Call)
	if c == nil {
		return newRefusal(tokens.ReasonInternal, errors.New("no guard decided this call; install one, and hand on the handler's context"))
	}
	c.settled.Store(true)
	return nil
}
