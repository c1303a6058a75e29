// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
)

// Only what was verified is remembered, and not for longer than the age.
func TestWhatIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{
			"st_down": refuse(tokens.NewError(tokens.ReasonVerifierUnavailable, errors.New("down"))),
		}, interceptor.WithCache(10, time.Minute))
		for i, step := range []struct {
			wait  time.Duration
			token string
			calls int64
		}{
			{0, "st_good", 1}, {0, "st_good", 1}, {time.Minute - 1, "st_good", 1}, {1, "st_good", 2}, {0, "st_good", 2},
			{0, "st_bad", 3}, {0, "st_bad", 4}, {0, "st_down", 5}, {0, "st_down", 6}, {0, "st_good", 6},
		} {
			time.Sleep(step.wait)
			_, refusal := w.call(t.Context(), "Session", "Bearer "+step.token)
			if (refusal == nil) != (step.token == "st_good") {
				t.Errorf("step %d: %v", i, refusal)
			}
			if got := w.verifier.calls.Load(); got != step.calls {
				t.Errorf("step %d: %d calls, not %d", i, got, step.calls)
			}
		}
	})
}

// SEC-71: expiry is looked at on every hit: admitted until the last moment, and then refused without a call of the verifier.
func TestExpiryIsLookedAtOnHits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const end, skew = 10 * time.Second, 5 * time.Second
		w := newWorld(t, standard, map[string]answer{"st_ends": withSkew(end, skew)}, interceptor.WithCache(10, time.Hour))
		for i, step := range []struct {
			wait             time.Duration
			refused, ignored tokens.Reason
		}{
			{0, "", ""}, {end, "", ""}, {skew - 1, "", ""}, {1, tokens.ReasonTokenExpired, tokens.ReasonTokenExpired},
			{time.Minute, tokens.ReasonTokenExpired, tokens.ReasonTokenExpired},
		} {
			time.Sleep(step.wait)
			if _, refusal := w.call(t.Context(), "Session", "Bearer st_ends"); reasonOf(refusal) != step.refused {
				t.Errorf("step %d: %v", i, refusal)
			}
			if call := w.begun(t, t.Context(), "Optional", "Bearer st_ends"); tokens.ReasonFromContext(call) != step.ignored {
				t.Errorf("step %d: the handler reads %q", i, tokens.ReasonFromContext(call))
			}
			// Expiry is told after the kind, and before what the rule demands.
			if _, refusal := w.call(t.Context(), "Key", "Bearer st_ends"); reasonOf(refusal) != tokens.ReasonTokenTypeNotAccepted {
				t.Errorf("step %d: %v", i, refusal)
			}
			demanded := step.refused
			if demanded == "" {
				demanded = tokens.ReasonPermissionMissing
			}
			if _, refusal := w.call(t.Context(), "Hidden", "Bearer st_ends"); reasonOf(refusal) != demanded {
				t.Errorf("step %d: %v", i, refusal)
			}
		}
		if got := w.verifier.calls.Load(); got != 1 {
			t.Errorf("%d calls of the verifier", got)
		}
	})
}

// A thousand callers with one credential cost one verification; others never share it.
func TestOneVerificationForManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := map[string]answer{}
		subjects := []string{"user_1", "user_2", "user_3"}
		for _, subject := range subjects {
			facts := factsOf(tokens.SessionToken)
			facts.Subject = subject
			answers["st_"+subject] = func(context.Context, tokens.Credential) (*tokens.Principal, error) {
				time.Sleep(time.Second)
				return tokens.NewPrincipal(facts)
			}
		}
		w := newWorld(t, standard, answers)
		for round, calls := range []int64{3, 3} { // the second round is answered from the cache
			var group sync.WaitGroup
			for i := range 1000 * len(subjects) {
				subject := subjects[i%len(subjects)]
				group.Go(func() {
					call, refusal := w.call(t.Context(), "Session", "Bearer st_"+subject)
					if refusal != nil {
						t.Errorf("%s: %v", subject, refusal)
						return
					}
					if caller, _ := tokens.FromContext(call); caller.Subject() != subject {
						t.Errorf("%s is taken for %s", subject, caller.Subject())
					}
				})
			}
			group.Wait()
			if got := w.verifier.calls.Load(); got != calls {
				t.Errorf("round %d: %d verifications, not %d", round, got, calls)
			}
		}
	})
}

// An error of a verification is told to all who waited for it, each on his own.
func TestOneFailureForManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_x": func(context.Context, tokens.Credential) (*tokens.Principal, error) {
			time.Sleep(time.Second)
			return nil, tokens.NewError(tokens.ReasonTokenRevoked, nil)
		}})
		refusals := make([]*interceptor.Refusal, 100)
		var group sync.WaitGroup
		for i := range refusals {
			group.Go(func() { _, refusals[i] = w.call(t.Context(), "Session", "Bearer st_x") })
		}
		group.Wait()
		for i, refusal := range refusals {
			if reasonOf(refusal) != tokens.ReasonTokenRevoked || i > 0 && refusal == refusals[0] {
				t.Errorf("caller %d: %v", i, refusal)
			}
		}
		if got := w.verifier.calls.Load(); got != 1 {
			t.Errorf("%d verifications", got)
		}
	})
}

// Two guards do not share what they remember.
func TestGuardsDoNotShare(t *testing.T) {
	t.Parallel()
	one, two := newWorld(t, standard, nil), newWorld(t, standard, map[string]answer{"st_good": refuse(tokens.NewError(tokens.ReasonTokenInvalid, nil))})
	one.begun(t, t.Context(), "Session", "Bearer st_good")
	if _, refusal := two.call(t.Context(), "Session", "Bearer st_good"); reasonOf(refusal) != tokens.ReasonTokenInvalid {
		t.Errorf("refused as %v", refusal)
	}
}

// Credentials that differ in one byte, in length or in case are others (SEC-74).
func TestCredentialsThatAreAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	alike := []string{"st_good", "st_a_good", "st_A_good", "st_aa_good", "st_b_good"}
	for i, token := range alike {
		w.begun(t, t.Context(), "Session", "Bearer "+token)
		if got := w.verifier.calls.Load(); got != int64(i+1) {
			t.Errorf("%d calls after %d credentials", got, i+1)
		}
	}
	for _, token := range []string{"st_good=", "st_goo", "ST_good"} {
		if _, refusal := w.call(t.Context(), "Session", "Bearer "+token); refusal == nil {
			t.Errorf("%q is admitted", token)
		}
	}
}

// SEC-77: what is remembered is bounded.
func TestTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil, interceptor.WithCache(16, time.Hour))
	for i := range 2000 {
		w.begun(t, t.Context(), "Session", fmt.Sprintf("Bearer st_%d_good", i))
	}
	before := w.verifier.calls.Load()
	for i := range 2000 {
		w.begun(t, t.Context(), "Session", fmt.Sprintf("Bearer st_%d_good", i))
	}
	again := int(w.verifier.calls.Load() - before)
	if again < 1900 {
		t.Errorf("only %d of 2000 were forgotten", again)
	}
}

// A closed guard decides as before.
func TestAClosedGuardGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, nil)
	w.begun(t, t.Context(), "Session", "Bearer st_good")
	w.Close()
	w.Close()
	w.begun(t, t.Context(), "Session", "Bearer st_good")
	w.begun(t, t.Context(), "Key", "Bearer ak_good")
	if _, refusal := w.call(t.Context(), "Session"); reasonOf(refusal) != tokens.ReasonCredentialMissing {
		t.Errorf("refused as %v", refusal)
	}
}
