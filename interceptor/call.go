// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// A Request is what a guard reads of a call before its messages.
type Request struct {
	// Authorization are all values of the header authorization.
	Authorization []string
	// Header are the headers of the request, by their names as net/http spells them, where the transport has them at hand.
	Header http.Header
	// HeaderOf returns the values of a header from the call's context, by its name in lower case, where the transport has them there.
	HeaderOf func(ctx context.Context, name string) []string
	// Cookies says that the transport is one that browsers speak, so that a session cookie may be read from Header.
	Cookies bool
	// Authority returns the host that was called, as the caller wrote it, from the call's context and Header; nil or "": the transport does
	// not tell.
	Authority func(ctx context.Context, header http.Header) string
	// Peer is the caller's network address, as the transport tells it; it may be empty.
	Peer string
	// TLS returns the state of the caller's connection from the call's context; it is asked only for a credential that is not remembered.
	// Nil, or a nil state: the transport has none or does not tell.
	TLS func(ctx context.Context) *tls.ConnectionState
	// Identity is a pointer that the transport has for this very call and for no other, by which [Guard.Take] knows it again; nil where
	// there is none, and then a call that was let begin is not known again.
	Identity any
}

// A Call is one call that was let begin. It is the context of the handler: it carries the caller, masks whatever caller the transport's
// context carried, and is what [Require] and [Settled] find.
type Call struct {
	tokens.Context

	guard     *Guard
	procedure *policy.Procedure
	identity  any
	decision  policy.Decision
	tenant    *Tenant  // whose verifiers were asked about the caller
	epoch     uint64   // of its revocations; the caller was verified in it
	refused   *Refusal // of the one message of a call that is not a stream: the answer, whatever the handler makes of it
	marks     atomic.Uint32
}

// What marks tell of a call.
const (
	markTaken   = 1 << iota // an interceptor has found it
	markSettled             // the handler has settled what its rule leaves to it
	markDecided             // the one message of a call that is not a stream was decided
)

func (c *Call) mark(m uint32) (was bool) { return c.marks.Or(m)&m != 0 }

func (c *Call) marked(m uint32) bool { return c.marks.Load()&m != 0 }

// callKey finds the call of a guard, or the innermost when guard is nil.
type callKey struct{ guard *Guard }

// Value returns the call for this package's own key, the caller for package tokens, and the parent's values otherwise.
func (c *Call) Value(key any) any {
	if k, ok := key.(callKey); ok && (k.guard == nil || k.guard == c.guard) {
		return c
	}
	return c.Context.Value(key)
}

// Begin decides the call phase from the headers. name is the procedure's name as the transport knows it, for the observer.
//
// It returns a call, or a refusal; nothing of the body has been read then, and nothing may be. Nothing is taken from ctx but its values
// and its end: a call inside a call is decided afresh. r is only read, and not kept; nil is a request without headers.
func (g *Guard) Begin(ctx context.Context, name string, p *policy.Procedure, r *Request) (*Call, *Refusal) {
	if g == nil || g.tenant == nil && g.resolver == nil {
		return nil, newRefusal(tokens.ReasonInternal, errors.New("the guard is nil; make it with interceptor.New"))
	}
	if r == nil {
		r = &Request{}
	}
	var v verified
	var d policy.Decision
	var ignored tokens.Reason
	if p == nil || p.Public() == policy.UnreadCredential {
		d = p.DecideCall(nil)
	} else {
		v = g.verify(ctx, p, r)
		if p.Public() != policy.NotPublic {
			v, ignored = anonymous(v)
		}
		if v.refusal == nil {
			d = p.DecideCall(v.principal())
		}
	}
	if v.refusal == nil && d.Outcome == policy.Refused {
		v.refusal = refusalOf(d)
	}
	if v.refusal != nil {
		v.refusal.metadata = g.metadata
	}
	if g.observers != nil {
		g.observe(ctx, name, p, v, int(d.Grant), ignored)
	}
	if v.refusal != nil {
		return nil, v.refusal
	}
	return &Call{
		Context: tokens.MakeContext(ctx, v.principal(), ignored), guard: g, procedure: p, identity: r.Identity, decision: d,
		tenant: v.tenant, epoch: v.epoch(),
	}, nil
}

// observe tells of the end of the call phase.
func (g *Guard) observe(ctx context.Context, name string, p *policy.Procedure, v verified, grant int, ignored tokens.Reason) {
	g.observers.Observe(ctx, Event{
		Procedure: p, Name: name, Tenant: v.tenant.Name(), Kind: v.kind, Principal: v.principal(), Grant: grant, Refusal: v.refusal, Ignored: ignored,
	})
}

// anonymous makes of a credential that a public procedure does not believe none, and keeps why.
func anonymous(v verified) (verified, tokens.Reason) {
	switch {
	case v.refusal != nil && ignorable(v.refusal):
		return verified{tenant: v.tenant}, v.refusal.reason
	case v.refusal == nil && v.principal().Pending():
		return verified{tenant: v.tenant}, tokens.ReasonSessionPending
	default:
		return v, ""
	}
}

// Take finds the call that this guard let begin for this procedure in ctx, once. The mark that a call was decided belongs to that very
// call: a context that another call inherits has another identity. ok is false when there is none, and then the call must be decided.
func (g *Guard) Take(ctx context.Context, procedure string, identity any) (call *Call, ok bool) {
	if g == nil || identity == nil {
		return nil, false
	}
	c, _ := ctx.Value(callKey{guard: g}).(*Call)
	if c == nil || c.identity != identity || c.procedure.Name() != procedure || c.mark(markTaken) {
		return nil, false
	}
	return c, true
}

// Procedure returns what was called.
func (c *Call) Procedure() *policy.Procedure { return c.procedure }

// NeedsMessages reports whether every received message must be decided with [Call.Message].
func (c *Call) NeedsMessages() bool { return c.decision.Outcome == policy.NeedsMessage }

// Message decides the one message of a call that is not a stream; nil lets it through. A call whose messages need no decision lets all
// through. A refused message is reset, so that nothing of it reaches the handler.
func (c *Call) Message(message any) *Refusal {
	if !c.NeedsMessages() {
		return nil
	}
	_, refusal := c.decide(c.decision, message)
	if refusal != nil {
		c.refused = refusal
		reset(message)
	}
	c.mark(markDecided)
	return refusal
}

func reset(message any) {
	if m, ok := message.(proto.Message); ok {
		proto.Reset(m)
	}
}

// decide decides a message after the decision d, and tells the observer of a refusal.
func (c *Call) decide(d policy.Decision, message any) (policy.Decision, *Refusal) {
	if !c.NeedsMessages() {
		return d, nil
	}
	m, _ := message.(proto.Message)
	next := c.procedure.DecideMessage(d, c.Principal(), m)
	if next.Outcome == policy.Admitted {
		return next, nil
	}
	refusal := c.refusalOf(next)
	c.observe(refusal, int(next.Grant))
	return next, refusal
}

// refusal makes a refusal of this call.
func (c *Call) refusal(reason tokens.Reason, cause error) *Refusal {
	r := newRefusal(reason, cause)
	r.metadata = c.guard.metadata
	return r
}

// refusalOf makes a refusal of a decision about this call.
func (c *Call) refusalOf(d policy.Decision) *Refusal {
	r := refusalOf(d)
	r.metadata = c.guard.metadata
	return r
}

// observe tells of the end of a call that had begun.
func (c *Call) observe(refusal *Refusal, grant int) {
	if c.guard.observers != nil {
		c.guard.observers.Observe(c, Event{
			Procedure: c.procedure, Name: c.procedure.Name(), Tenant: c.tenant.Name(), Kind: c.Principal().Kind(), Principal: c.Principal(),
			Grant: grant, Refusal: refusal, Message: true, Ignored: tokens.ReasonFromContext(c),
		})
	}
}

// deadline returns when a stream of this call ends with its credential; ok is false when it does not.
func (c *Call) deadline() (deadline time.Time, ok bool) {
	deadline, ok = c.Principal().Deadline()
	return deadline.Add(c.procedure.Outlive()), ok
}

// unsettled returns the refusal of a handler that answers without having settled what its rule leaves to it, or nil.
func (c *Call) unsettled() *Refusal {
	if c.procedure.Handler() == "" || c.marked(markSettled) {
		return nil
	}
	refusal := c.refusal(tokens.ReasonInternal, errors.New("the handler answered without interceptor.Require or interceptor.Settled, which its rule demands"))
	c.observe(refusal, 0)
	return refusal
}

// Finish has the last word about the error of a handler: a refusal, however wrapped, is answered as such; any other error is the
// handler's own and comes back as it is; and success without having settled what the rule leaves to the handler is INTERNAL.
//
// Of a call that is not a stream, a refused message is the answer, and so is INTERNAL where a message had to be decided and none was.
func (c *Call) Finish(err error) error {
	if c.refused != nil {
		return c.refused
	}
	if err == nil && c.NeedsMessages() && !c.marked(markDecided) {
		refusal := c.refusal(tokens.ReasonInternal, errors.New("the handler answered without its message, which its rule needs to decide"))
		c.observe(refusal, 0)
		return refusal
	}
	return c.finish(err)
}

// finish is Finish but for the message.
func (c *Call) finish(err error) error {
	if err == nil {
		if refusal := c.unsettled(); refusal != nil {
			return refusal
		}
		return nil
	}
	if refusal := RefusalOf(err); refusal != nil {
		return refusal
	}
	return err
}
