// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens"
)

func TestError(t *testing.T) {
	t.Parallel()
	cause := errors.New("key set: 503")
	for _, tt := range []struct {
		name string
		err  *tokens.Error
		want string
	}{
		{"reason and cause", tokens.NewError(tokens.ReasonVerifierUnavailable, cause), "VERIFIER_UNAVAILABLE: key set: 503"},
		{"reason alone", tokens.NewError(tokens.ReasonTokenExpired, nil), "TOKEN_EXPIRED"},
		{"cause alone", tokens.NewError("", cause), "INTERNAL: key set: 503"},
		{"zero", &tokens.Error{}, "INTERNAL"},
		{"with a wait", &tokens.Error{Reason: tokens.ReasonRateLimited, RetryAfter: time.Second}, "RATE_LIMITED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if err := tokens.NewError(tokens.ReasonInternal, cause); !errors.Is(err, cause) {
		t.Error("the cause cannot be found")
	}
	if err := tokens.NewError(tokens.ReasonInternal, nil); err.Unwrap() != nil {
		t.Errorf("unwraps to %v", err.Unwrap())
	}
}

func TestReasonOf(t *testing.T) {
	t.Parallel()
	expired := tokens.NewError(tokens.ReasonTokenExpired, errors.New("cause"))
	for _, tt := range []struct {
		name string
		err  error
		want tokens.Reason
	}{
		{"nil", nil, ""},
		{"an Error", expired, tokens.ReasonTokenExpired},
		{"wrapped", fmt.Errorf("verify: %w", expired), tokens.ReasonTokenExpired},
		{"joined", errors.Join(errors.New("other"), expired), tokens.ReasonTokenExpired},
		{"the first of two", errors.Join(tokens.NewError(tokens.ReasonTokenInvalid, nil), expired), tokens.ReasonTokenInvalid},
		{"the outer of two", tokens.NewError(tokens.ReasonVerifierUnavailable, expired), tokens.ReasonVerifierUnavailable},
		{"without a reason", tokens.NewError("", nil), tokens.ReasonInternal},
		{"without a reason around one with", tokens.NewError("", expired), tokens.ReasonInternal},
		{"of another type", errors.New("connection refused"), tokens.ReasonInternal},
		{"that says a reason", errors.New("TOKEN_EXPIRED"), tokens.ReasonInternal},
		{"wrapped as text", fmt.Errorf("verify: %v", expired), tokens.ReasonInternal},
		{"a nil Error", (*tokens.Error)(nil), tokens.ReasonInternal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tokens.ReasonOf(tt.err); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestErrorDoesNotTellWhatItsCauseHides(t *testing.T) {
	t.Parallel()
	err := tokens.NewError(tokens.ReasonTokenInvalid, fmt.Errorf("bad credential %v", tokens.NewSecret("canary")))
	if printed := fmt.Sprintf("%v %+v %#v %q", err, err, err, err); strings.Contains(printed, "canary") {
		t.Error(printed)
	}
}
