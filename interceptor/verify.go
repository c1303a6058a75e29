// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/cache"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// A verified is what came of the credential of a call. It has four fields and four words, and is returned in registers and not through memory:
// every call gets one.
type verified struct {
	kind    tokens.Kind
	entry   *cache.Entry // the caller; nil when it is anonymous or not known
	tenant  *Tenant      // whose verifiers were asked
	refusal *Refusal
}

// principal returns the caller; nil when it is anonymous or not known.
func (v verified) principal() *tokens.Principal {
	if v.entry == nil {
		return nil
	}
	return v.entry.Principal
}

// epoch returns that of revocations in which the caller was verified.
func (v verified) epoch() uint64 {
	if v.entry == nil {
		return 0
	}
	return v.entry.Epoch
}

// verify turns the credential of a request into a principal.
func (g *Guard) verify(ctx context.Context, p *policy.Procedure, r *Request) verified {
	token, err := tokens.ParseBearer(r.Authorization)
	if err != nil {
		return verified{refusal: refusalFrom(ctx, err)}
	}
	if token == "" {
		return g.verifyCookie(ctx, p, r)
	}
	t := g.tenant
	if t == nil {
		var refusal *Refusal
		if t, refusal = g.tenantOf(ctx, p.Name(), r); refusal != nil {
			return verified{refusal: refusal}
		}
	}
	return t.verify(ctx, p, r, token)
}

// verify turns a token into a principal. Of a credential that was verified before only the digest is looked at; that its kind is accepted,
// that it has not expired and that it was not revoked is asked on every call.
func (t *Tenant) verify(ctx context.Context, p *policy.Procedure, r *Request, token string) verified {
	key := cache.KeyOf(token)
	if !p.Fresh() {
		now := t.clock.now()
		if entry, ok := t.cache.Get(key, now); ok {
			if t.revocations.current(entry, now) {
				return t.judge(p, entry, now)
			}
			if v, again := t.judgeAgain(ctx, p, entry, now); !again {
				return v
			}
		}
	}
	v := t.verifyNew(ctx, p, *r, token, key)
	v.tenant = t
	return v
}

// verifyNew verifies a credential that is not remembered. It is apart from verify for what it needs of the stack, which every call would
// otherwise clear.
func (t *Tenant) verifyNew(ctx context.Context, p *policy.Procedure, r Request, token string, key cache.Key) verified {
	if err := tokens.CheckBearer(token); err != nil {
		return verified{refusal: refusalFrom(ctx, err)}
	}
	form, verifier, ok := t.verifiers.Classify(token)
	if !ok {
		return verified{refusal: newRefusal(tokens.ReasonTokenInvalid, errors.New("no verifier declared the form of the credential"))}
	}
	if !p.Accepts(form.Kind) {
		return verified{kind: form.Kind, refusal: refusalOf(p.NotAccepted())}
	}
	if err, ok := t.rejected.Get(key, time.Now()); ok && !p.Fresh() {
		return verified{kind: form.Kind, refusal: refusalFrom(ctx, err)}
	}
	credential := tokens.Credential{Secret: tokens.NewSecret(token), Form: form, Fresh: p.Fresh(), Procedure: p.Name(), Peer: r.Peer}
	if r.TLS != nil {
		credential.TLS = r.TLS(ctx)
	}
	for range maxAttempts {
		entry, err := t.ask(ctx, key, verifier, credential)
		if err != nil {
			if form.Fresh && definitive(err) {
				t.cache.Forget(key) // which a call with a rule that is not fresh would believe
				t.rejected.Add(key, err)
			}
			return verified{kind: form.Kind, refusal: refusalFrom(ctx, err)}
		}
		if v, again := t.judgeAgain(ctx, p, entry, time.Now()); !again {
			return v
		}
	}
	return verified{kind: form.Kind, refusal: newRefusal(tokens.ReasonVerifierUnavailable, errors.New("the credential's record changes faster than it can be read"))}
}

// definitive reports whether a source of truth has said no, and will say it again: what it rejected is remembered for a moment, so that
// whoever insists does not cost it another answer.
func definitive(err error) bool {
	switch tokens.ReasonOf(err) {
	case tokens.ReasonTokenInvalid, tokens.ReasonTokenExpired, tokens.ReasonTokenRevoked:
		return true
	default:
		return false
	}
}

// maxAttempts is how often a credential is verified because its record was changed meanwhile.
const maxAttempts = 3

// ask asks the verifier, and what it says of a credential is remembered. Everything that the feed of revocations had to tell before is
// known by then, so that a read that was slow cannot bring back what was revoked meanwhile.
func (t *Tenant) ask(ctx context.Context, key cache.Key, verifier tokens.Verifier, credential tokens.Credential) (*cache.Entry, error) {
	limit := t.limits[limitedBy(&credential.Form)]
	verify := func(ctx context.Context) (*tokens.Principal, error) {
		if err := limit.enter(ctx); err != nil {
			return nil, err
		}
		defer limit.leave()
		return call(ctx, verifier, credential)
	}
	if !credential.Fresh {
		return t.cache.Do(ctx, key, t.revocations.epoch(), verify) //nolint:wrapcheck // It is the verifier's own.
	}
	if err := t.revocations.sync(ctx); err != nil {
		return nil, err
	}
	return t.cache.Fresh(ctx, key, t.revocations.epoch(), verify) //nolint:wrapcheck // It is the verifier's own.
}

// judgeAgain judges a credential about which something may have been told since it was verified; again says that it must be verified
// again. That it expired is told before that it was revoked.
func (t *Tenant) judgeAgain(ctx context.Context, p *policy.Procedure, entry *cache.Entry, now time.Time) (v verified, again bool) {
	v = t.judge(p, entry, now)
	if v.refusal != nil && v.refusal.reason != tokens.ReasonTokenExpired {
		return v, false
	}
	refusal, again := t.revocations.judgeEntry(ctx, entry) // also of what has expired: its record may now say otherwise
	if v.refusal == nil {
		v.refusal = refusal
	}
	return v, again
}

// judge asks of a verified credential what is asked on every call.
func (t *Tenant) judge(p *policy.Procedure, entry *cache.Entry, now time.Time) verified {
	v := verified{kind: entry.Principal.Kind(), entry: entry, tenant: t}
	switch {
	case !p.Accepts(v.kind):
		v.refusal = refusalOf(p.NotAccepted())
	case entry.Principal.Expired(now):
		v.refusal = newRefusal(tokens.ReasonTokenExpired, nil)
	}
	return v
}

// call calls a verifier and holds it to its contract.
func call(ctx context.Context, verifier tokens.Verifier, credential tokens.Credential) (principal *tokens.Principal, err error) {
	defer func() {
		if r := recover(); r != nil {
			// The value may contain the credential, so only its type is told.
			principal, err = nil, tokens.NewError(tokens.ReasonInternal, fmt.Errorf("verifier %T panicked with a %T", verifier, r))
		}
	}()
	principal, err = verifier.Verify(ctx, credential)
	switch {
	case isNilPointer(err):
		// Its methods may panic, here or in a log.
		return nil, tokens.NewError(tokens.ReasonInternal, fmt.Errorf("verifier %T returned a nil %T as an error", verifier, err))
	case err != nil:
		return nil, err //nolint:wrapcheck // Its reason is read from it.
	case principal == nil:
		return nil, tokens.NewError(tokens.ReasonInternal, fmt.Errorf("verifier %T returned neither a principal nor an error", verifier))
	case principal.Kind() != credential.Form.Kind:
		return nil, tokens.NewError(tokens.ReasonInternal, fmt.Errorf("verifier %T made a %s of a %s", verifier, principal.Kind(), credential.Form.Kind))
	}
	return principal, nil
}

func isNilPointer(a any) bool {
	v := reflect.ValueOf(a)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// refusalFrom makes a refusal of an error of extraction or of a verifier.
func refusalFrom(ctx context.Context, err error) *Refusal {
	if ctx.Err() != nil && !isTokenError(err) {
		return gone(ctx.Err())
	}
	e, ok := errors.AsType[*tokens.Error](err)
	if ok && e == nil {
		return newRefusal(tokens.ReasonInternal, errors.New("the verifier wrapped a nil *tokens.Error")) // whose methods panic
	}
	if !ok {
		if errors.Is(err, context.DeadlineExceeded) {
			return newRefusal(tokens.ReasonVerifierUnavailable, errors.New("the verifier timed out"))
		}
		return newRefusal(tokens.ReasonInternal, err)
	}
	switch e.Reason { // A verifier has no say about what a caller may do.
	case tokens.ReasonCredentialMalformed, tokens.ReasonTokenInvalid, tokens.ReasonTokenExpired, tokens.ReasonTokenNotYetValid,
		tokens.ReasonTokenRevoked, tokens.ReasonRateLimited, tokens.ReasonVerifierUnavailable:
	default:
		return newRefusal(tokens.ReasonInternal, err)
	}
	r := newRefusal(e.Reason, err)
	if e.RetryAfter > 0 && r.retryAfter > 0 {
		r.retryAfter = e.RetryAfter
	}
	return r
}

func isTokenError(err error) bool {
	_, ok := errors.AsType[*tokens.Error](err)
	return ok
}

// ignorable reports whether a public procedure takes a refused credential for none.
func ignorable(r *Refusal) bool {
	return r.code == code.Code_UNAUTHENTICATED && !tokens.IsTwoCredentials(r.cause) && !errors.Is(r.cause, errTwoCookies)
}
