// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// A pointerError is an error that cannot say what it is when it is nil.
type pointerError struct{ text string }

func (e *pointerError) Error() string { return e.text }

// Semantics 4, SEC-88 and SEC-125: what a verifier may not do ends the call with INTERNAL, on public procedures too.
func TestVerifiersThatMisbehave(t *testing.T) {
	t.Parallel()
	const token = "st_canary"
	type result = struct {
		principal *tokens.Principal
		err       error
	}
	returns := func(of func() result) answer {
		return func(context.Context, tokens.Credential) (*tokens.Principal, error) {
			r := of()
			return r.principal, r.err
		}
	}
	good, err := tokens.NewPrincipal(factsOf(tokens.SessionToken))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]answer{
		"panics with the credential": func(_ context.Context, c tokens.Credential) (*tokens.Principal, error) {
			panic("bad " + c.Secret.Reveal())
		},
		"panics with an error": func(_ context.Context, c tokens.Credential) (*tokens.Principal, error) {
			panic(errors.New(c.Secret.Reveal()))
		},
		"panics with nil":            func(context.Context, tokens.Credential) (*tokens.Principal, error) { panic(nil) }, //nolint:govet // On purpose.
		"ends its goroutine":         func(context.Context, tokens.Credential) (*tokens.Principal, error) { runtime.Goexit(); return nil, nil },
		"neither":                    returns(func() result { return result{} }),
		"both":                       returns(func() result { return result{good, errors.New("and yet")} }),
		"an untyped error":           returns(func() result { return result{nil, errors.New("connection refused")} }),
		"a typed nil error":          returns(func() result { return result{nil, (*tokens.Error)(nil)} }),
		"a nil of another error":     returns(func() result { return result{good, (*pointerError)(nil)} }),
		"a wrapped nil error":        returns(func() result { return result{nil, fmt.Errorf("verify: %w", (*tokens.Error)(nil))} }),
		"an error without a reason":  returns(func() result { return result{nil, &tokens.Error{}} }),
		"a reason of nobody":         returns(func() result { return result{nil, tokens.NewError("ADMITTED", nil)} }),
		"canceled by itself":         returns(func() result { return result{nil, context.Canceled} }),
		"another kind":               believe(factsOf(tokens.M2MToken)),
		"a principal of no kind":     returns(func() result { return result{&tokens.Principal{}, nil} }),
		"a principal that cannot be": believe(tokens.Facts{Kind: tokens.SessionToken}),
	}
	for _, reason := range []tokens.Reason{ // A verifier has no say about what a caller may do.
		tokens.ReasonCredentialMissing, tokens.ReasonTokenTypeNotAccepted, tokens.ReasonSessionPending, tokens.ReasonPermissionMissing,
		tokens.ReasonScopeMissing, tokens.ReasonReverificationRequired, tokens.ReasonCallerNotAllowed, tokens.ReasonImpersonationForbidden,
		tokens.ReasonOrganizationMismatch, tokens.ReasonResourceMismatch, tokens.ReasonConditionFailed, tokens.ReasonRuleMissing, tokens.ReasonInternal,
	} {
		tests["says "+string(reason)] = refuse(tokens.NewError(reason, nil))
	}
	for name, misbehave := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			handler := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})
			w := newWorld(t, standard, map[string]answer{token: misbehave}, interceptor.WithLogger(slog.New(handler)), interceptor.WithDebug())
			for i, method := range []string{"Session", "Optional"} {
				call, refusal := w.call(t.Context(), method, "Bearer "+token)
				if call != nil || reasonOf(refusal) != tokens.ReasonInternal {
					t.Fatalf("%s: refused with %q", method, reasonOf(refusal))
				}
				if refusal.Code() != code.Code_INTERNAL || refusal.Text() != "internal error" || len(refusal.Details(true)) != 1 || refusal.Challenge() != "" {
					t.Errorf("%s: the answer is %s %q %v", method, refusal.Code(), refusal.Text(), refusal.Details(true))
				}
				if strings.Contains(refusal.Error()+fmt.Sprintf("%+v %#v", refusal, w.events.last(t)), token) {
					t.Errorf("%s: the refusal has the credential: %+v", method, refusal)
				}
				if got := w.verifier.calls.Load(); got != int64(i+1) {
					t.Errorf("%s: %d calls: a failure was remembered", method, got)
				}
			}
			if text := log.String(); strings.Contains(text, token) || strings.Count(text, "level=ERROR") != 2 {
				t.Errorf("the log is %s", text)
			}
			w.begun(t, t.Context(), "Session", "Bearer st_good") // the guard goes on
		})
	}
}

// The reasons that verifiers may use come through, and with them how long to wait.
func TestVerifiersSayWhenToComeAgain(t *testing.T) {
	t.Parallel()
	for _, reason := range []tokens.Reason{tokens.ReasonRateLimited, tokens.ReasonVerifierUnavailable, tokens.ReasonTokenInvalid} {
		for _, wait := range []time.Duration{-time.Second, 0, 7 * time.Second} {
			e := tokens.NewError(reason, errors.New("the cause"))
			e.RetryAfter = wait
			w := newWorld(t, standard, map[string]answer{"st_x": refuse(fmt.Errorf("wrapped: %w", e))})
			_, refusal := w.call(t.Context(), "Session", "Bearer st_x")
			if reasonOf(refusal) != reason || !errors.Is(refusal, e) {
				t.Errorf("%s became %v", reason, refusal)
			}
			want := max(wait, 0)
			if want == 0 {
				want = time.Second
			}
			details := refusal.Details(false)
			if reason == tokens.ReasonTokenInvalid {
				if len(details) != 1 {
					t.Errorf("%s has details %v", reason, details)
				}
				continue
			}
			if got := details[1].(*errdetails.RetryInfo).GetRetryDelay().AsDuration(); got != want {
				t.Errorf("%s after %s: told to wait %s", reason, wait, got)
			}
		}
	}
}

// SEC-125: a verifier that never answers does not hold its callers for longer than the timeout, whether it heeds its context or not.
func TestVerifiersThatBlock(t *testing.T) {
	t.Parallel()
	for name, heeds := range map[string]bool{"and heeds its context": true, "and heeds nothing": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				forever := make(chan struct{})
				defer func() { close(forever); synctest.Wait() }()
				w := newWorld(t, standard, map[string]answer{"st_x": func(ctx context.Context, _ tokens.Credential) (*tokens.Principal, error) {
					if heeds {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					<-forever
					return tokens.NewPrincipal(factsOf(tokens.SessionToken))
				}}, interceptor.WithVerifyTimeout(3*time.Second))
				for range 2 { // the second is not stuck behind the first
					began := time.Now()
					_, refusal := w.call(t.Context(), "Session", "Bearer st_x")
					if reasonOf(refusal) != tokens.ReasonVerifierUnavailable || time.Since(began) != 3*time.Second {
						t.Errorf("after %s: %v", time.Since(began), refusal)
					}
				}
				w.begun(t, t.Context(), "Session", "Bearer st_good")
			})
		})
	}
}

// SEC-69 and SEC-124: who leaves is told so at once, and does not end the verification for the others who wait for it.
func TestCallersWhoLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, standard, map[string]answer{"st_slow": func(ctx context.Context, _ tokens.Credential) (*tokens.Principal, error) {
			select {
			case <-time.After(2 * time.Second):
				return tokens.NewPrincipal(factsOf(tokens.SessionToken))
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}})
		first, cancel := context.WithCancel(t.Context())
		late, cancelLate := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancelLate()
		because, cancelCause := context.WithCancelCause(t.Context())
		type leaver struct {
			ctx  context.Context
			code code.Code
			text string
			at   time.Duration
		}
		var group sync.WaitGroup
		began := time.Now()
		for _, caller := range []leaver{ // the first makes the verification
			{first, code.Code_CANCELLED, "canceled", time.Second},
			{late, code.Code_DEADLINE_EXCEEDED, "deadline exceeded", 1500 * time.Millisecond},
			{because, code.Code_CANCELLED, "canceled", time.Second},
			{t.Context(), code.Code_OK, "", 2 * time.Second},
			{t.Context(), code.Code_OK, "", 2 * time.Second},
		} {
			group.Go(func() {
				call, refusal := w.call(caller.ctx, "Session", "Bearer st_slow")
				if time.Since(began) != caller.at {
					t.Errorf("answered after %s, not %s", time.Since(began), caller.at)
				}
				if caller.code == code.Code_OK {
					if refusal != nil || call == nil {
						t.Errorf("who stayed is refused: %v", refusal)
					}
					return
				}
				if refusal == nil || refusal.Code() != caller.code || refusal.Reason() != "" || refusal.Text() != caller.text ||
					refusal.Details(true) != nil || refusal.Challenge() != "" {
					t.Errorf("who left is told %v", refusal)
				}
			})
			synctest.Wait()
		}
		time.Sleep(time.Second)
		cancel()
		cancelCause(tokens.NewError(tokens.ReasonTokenInvalid, nil)) // a cause is the program's own business
		group.Wait()
		if got := w.verifier.calls.Load(); got != 1 {
			t.Errorf("%d verifications", got)
		}
	})
}

// Who has left before the call begins is refused, public or not.
func TestCallersWhoHaveLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standard, map[string]answer{"st_slow": func(ctx context.Context, _ tokens.Credential) (*tokens.Principal, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}, interceptor.WithVerifyTimeout(time.Millisecond))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, method := range []string{"Session", "Optional"} {
		if _, refusal := w.call(gone, method, "Bearer st_slow"); refusal == nil || refusal.Code() != code.Code_CANCELLED {
			t.Errorf("%s: %v", method, refusal)
		}
	}
}
