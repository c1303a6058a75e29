// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// The bounds on what strangers can make verifiers do.
const (
	// DefaultVerifications is how many verifications of one form of credential run at once.
	DefaultVerifications = 64
	// DefaultWaiting is how many more wait for their turn.
	DefaultWaiting = 1024
	// rejectedSize and rejectedAge bound what is remembered of credentials that a source of truth does not know.
	rejectedSize = 10_000
	rejectedAge  = 5 * time.Second
)

// WithVerifyLimit sets how many verifications of each form of credential run at once, and how many more wait for their turn, for as long as
// [WithVerifyTimeout] says. Every other is refused with RATE_LIMITED. Credentials that are remembered do not count, nor do calls that
// wait for a verification that is under way. running must be positive, waiting not negative. Default: [DefaultVerifications] and
// [DefaultWaiting].
func WithVerifyLimit(running, waiting int) Option {
	return tenantOption("WithVerifyLimit", func(c *config) error {
		if running <= 0 || waiting < 0 {
			return fmt.Errorf("%d verifications at once and %d waiting; the first must be positive, the second not negative", running, waiting)
		}
		c.running, c.waiting = running, waiting
		return nil
	})
}

// A limit bounds the verifications of one form. A verification that does not heed its context keeps its place until it ends.
type limit struct {
	running chan struct{}
	waiting atomic.Int64
	most    int64
}

var errLimited = &tokens.Error{Reason: tokens.ReasonRateLimited, RetryAfter: time.Second}

// enter waits for a place. leave must be called when it returns nil.
func (l *limit) enter(ctx context.Context) error {
	select {
	case l.running <- struct{}{}:
		return nil
	default:
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > l.most {
		return errLimited
	}
	select {
	case l.running <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errLimited
	}
}

func (l *limit) leave() { <-l.running }

// limits has a limit for each prefix and issuer, so that what is slow about one does not keep the others waiting.
type limits map[limited]*limit

type limited struct {
	kind tokens.Kind
	name string
}

// limitedBy is where a form is counted. A form has a prefix or an issuer and never both, so nothing is joined.
func limitedBy(form *tokens.Form) limited { return limited{form.Kind, form.Prefix + form.Issuer} }

func newLimits(forms []tokens.Form, running, waiting int) limits {
	all := limits{}
	for i := range forms {
		if by := limitedBy(&forms[i]); all[by] == nil {
			all[by] = &limit{running: make(chan struct{}, running), most: int64(waiting)}
		}
	}
	return all
}
