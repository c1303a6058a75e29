// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"log/slog"
	"strings"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// An Event is what became of a call. It contains no credential.
type Event struct {
	// Procedure is what was called; nil when it is not served.
	Procedure *policy.Procedure
	// Name is the procedure's name as the transport knows it.
	Name string
	// Tenant is the name of the tenant whose verifiers were asked; "" where none were, and where the guard has no tenants.
	Tenant string
	// Kind is the kind that the credential was classified as; 0 when there was none, or none was recognised.
	Kind tokens.Kind
	// Principal is the verified caller; nil when there is none.
	Principal *tokens.Principal
	// Grant is the number of the grant that admitted or refused; 0 when no grant did.
	Grant int
	// Refusal is how the call was refused; nil when it was admitted.
	Refusal *Refusal
	// Message says that a message was refused, after the call phase had let the call begin, or that the call ended later.
	Message bool
	// Ignored is why a credential on a public procedure was not believed; "" otherwise.
	Ignored tokens.Reason
}

// begun reports whether the call phase left the decision to the messages.
func (e Event) begun() bool {
	return e.Procedure.Public() == policy.NotPublic && e.Grant == 0
}

// An Observer is told what became of every call: once when the call phase ends, and once more when a message or an expiry ends it later.
// It is called on the path of the call, so it should be quick, concurrently, and must not panic.
type Observer interface {
	Observe(ctx context.Context, event Event)
}

// A logObserver writes events to a log.
type logObserver struct {
	log   *slog.Logger
	debug bool
}

// NewLogObserver returns an observer that logs refusals: INTERNAL at level Error, VERIFIER_UNAVAILABLE at Warn, all others at Info, and
// admissions at Debug. With debug it adds what was found, which rule applied and why the call ended so, and writes every event at Info
// or above. A nil log is slog.Default().
func NewLogObserver(log *slog.Logger, debug bool) Observer {
	if log == nil {
		log = slog.Default()
	}
	return &logObserver{log: log, debug: debug}
}

// Observe logs the event.
func (o *logObserver) Observe(ctx context.Context, e Event) {
	level := o.level(e)
	if !o.log.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{slog.String("procedure", e.Name)}
	if e.Tenant != "" {
		attributes = append(attributes, slog.String("tenant", e.Tenant))
	}
	if e.Principal != nil {
		attributes = append(attributes, slog.Any("caller", e.Principal))
	}
	message := "admitted"
	if e.Refusal == nil && e.begun() {
		message = "let begin"
	}
	if e.Refusal != nil {
		message = "refused"
		attributes = append(attributes, slog.String("reason", string(e.Refusal.Reason())), slog.String("code", e.Refusal.Code().String()))
		if o.debug || e.Refusal.Reason() == tokens.ReasonInternal || e.Refusal.Reason() == tokens.ReasonVerifierUnavailable {
			attributes = append(attributes, slog.String("detail", e.Refusal.Error()))
		}
	}
	if o.debug {
		attributes = append(attributes, slog.String("found", found(e)), slog.String("rule", e.Procedure.Source().String()),
			slog.String("grants", strings.Join(e.Procedure.Grants(), " or ")), slog.Int("grant", e.Grant), slog.String("why", why(e)))
	}
	o.log.LogAttrs(ctx, level, message, attributes...)
}

func (o *logObserver) level(e Event) slog.Level {
	switch {
	case e.Refusal == nil && o.debug:
		return slog.LevelInfo
	case e.Refusal == nil:
		return slog.LevelDebug
	case e.Refusal.Reason() == tokens.ReasonInternal:
		return slog.LevelError
	case e.Refusal.Reason() == tokens.ReasonVerifierUnavailable:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// found says what credential there was.
func found(e Event) string {
	switch {
	case e.Principal != nil:
		return e.Kind.String() + ", verified"
	case e.Kind != 0:
		return e.Kind.String() + ", not verified"
	case e.Procedure.Public() == policy.UnreadCredential:
		return "credentials are not read here"
	case e.Ignored != "":
		return "a credential that was not believed: " + string(e.Ignored)
	case e.Refusal != nil && (e.Refusal.Reason() == tokens.ReasonTokenInvalid || e.Refusal.Reason() == tokens.ReasonCredentialMalformed):
		return "a credential of no known form"
	default:
		return "no credential"
	}
}

// why says what ended the call phase as it did.
func why(e Event) string {
	switch {
	case e.Refusal == nil && e.Procedure.Public() != policy.NotPublic:
		return "the procedure is public"
	case e.Refusal == nil && e.begun():
		return "a grant can hold; messages are decided as they come"
	case e.Refusal == nil:
		return "the grant holds"
	case e.Refusal.Demand() != "" && e.Message:
		return "the call needs " + e.Refusal.Demand()
	case e.Refusal.Demand() != "":
		return "the rule needs " + e.Refusal.Demand()
	default:
		return e.Refusal.Text()
	}
}

// observers tells several.
type observers []Observer

func (o observers) Observe(ctx context.Context, e Event) {
	for _, each := range o {
		each.Observe(ctx, e)
	}
}
