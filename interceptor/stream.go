// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
)

// A Stream holds a stream to the decision of its call: every received message is decided where the rule needs it, nothing is sent before
// that, and it ends when the credential does, also while the handler is blocked in Receive.
//
// One goroutine may call Receive while another calls Send, as transports allow.
type Stream struct {
	call    *Call
	ctx     context.Context //nolint:containedctx // It is the handler's, and ends with the stream.
	cancel  context.CancelCauseFunc
	receive func(any) error
	pump    *pump // nil where nothing but the transport ends the stream

	decision policy.Decision // of the last message; Receive only
	decided  atomic.Bool     // a message has been decided, or none needs to be
	mu       sync.Mutex
	refusal  *Refusal    // guarded by mu: the first refusal, which is the answer
	timer    *time.Timer // guarded by mu, as what follows: ends the stream at the deadline; nil: there is none
	deadline time.Time
	closed   bool
}

// Bare reports whether a stream of this call needs no holding: no message to decide, no expiry, nothing left to the handler. A transport
// may then pass its own stream on, with the call as context.
func (c *Call) Bare() bool {
	_, ends := c.deadline()
	return !ends && !c.revocable() && !c.NeedsMessages() && c.procedure.Handler() == ""
}

// Stream begins a stream. receive is the transport's own; it is called by one goroutine at a time, and may be left blocked when the
// stream ends, until the transport ends it. Close must be called when the handler has returned.
func (c *Call) Stream(receive func(message any) error) *Stream {
	s := &Stream{call: c, receive: receive, decision: c.decision}
	s.ctx, s.cancel = context.WithCancelCause(c)
	s.decided.Store(!c.NeedsMessages())
	deadline, ends := c.deadline()
	if !ends && !c.revocable() {
		return s
	}
	s.pump = &pump{in: make(chan any), out: make(chan error, 1), closed: make(chan struct{})}
	if ends {
		s.endBy(deadline)
	}
	if c.revocable() {
		c.tenant.revocations.add(s)
	}
	return s
}

// revocable reports whether the caller's credential can be revoked while the call is under way.
func (c *Call) revocable() bool {
	return c.tenant != nil && c.tenant.revocations != nil && c.Principal() != nil
}

// endBy ends the stream at a time, unless it ends before.
func (s *Stream) endBy(deadline time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.timer != nil && !deadline.Before(s.deadline) {
		return
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.deadline, s.timer = deadline, time.AfterFunc(time.Until(deadline), s.expire)
}

// Context returns the handler's context. It ends with the stream.
func (s *Stream) Context() context.Context { return s.ctx }

// Close ends what the stream started. A receive that is still blocked ends with the transport's stream.
func (s *Stream) Close() {
	if s.call.revocable() {
		s.call.tenant.revocations.remove(s)
	}
	s.mu.Lock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	if s.pump != nil {
		close(s.pump.closed)
	}
	s.cancel(nil)
}

func (s *Stream) expire() {
	_ = s.fail(tokens.ReasonTokenExpired, "the credential expired while the stream was open")
}

// fail ends the stream for a reason, unless it has ended before, tells the observer, and returns the refusal that counts.
func (s *Stream) fail(reason tokens.Reason, cause string) *Refusal {
	refusal := s.call.refusal(reason, errors.New(cause))
	first := s.end(refusal)
	if first == refusal {
		s.call.observe(refusal, 0)
	}
	return first
}

// end ends the stream with a refusal, unless it has ended with one before, and returns the one that counts.
func (s *Stream) end(refusal *Refusal) *Refusal {
	s.mu.Lock()
	if s.refusal == nil {
		s.refusal = refusal
	}
	first := s.refusal
	s.mu.Unlock()
	s.cancel(first)
	return first
}

// ended returns the refusal that ended the stream, or nil.
func (s *Stream) ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal == nil {
		return nil
	}
	return s.refusal
}

// Receive receives a message and decides it. A refused message is reset, so that nothing of it reaches the handler. After the stream has
// ended the message may belong to a receive that is still under way, and must not be touched.
func (s *Stream) Receive(message any) error {
	if err := s.ended(); err != nil {
		return err
	}
	ours, err := s.pull(message)
	if ended := s.ended(); ended != nil {
		if ours {
			reset(message)
		}
		return ended
	}
	if !s.call.NeedsMessages() {
		return err
	}
	m, _ := message.(proto.Message)
	if errors.Is(err, io.EOF) && !s.decided.Load() && m != nil {
		// A stream closed without a message is decided as if it had sent an empty one.
		if refusal := s.decide(m.ProtoReflect().New().Interface()); refusal != nil {
			return refusal
		}
	}
	if err != nil {
		if !errors.Is(err, io.EOF) {
			reset(message) // a part of it may have been decoded, and was not decided
		}
		return err
	}
	if refusal := s.decide(message); refusal != nil {
		reset(message)
		return refusal
	}
	return nil
}

func (s *Stream) decide(message any) *Refusal {
	next, refusal := s.call.decide(s.decision, message)
	if refusal != nil {
		return s.end(refusal)
	}
	s.decision = next
	s.decided.Store(true)
	return nil
}

// Send says whether the handler may send: not before a message was decided where one must be, not before the handler has settled what
// its rule leaves to it, and not after the stream has ended. Call it before each message.
func (s *Stream) Send() error {
	if err := s.ended(); err != nil {
		return err
	}
	if !s.decided.Load() {
		return s.fail(tokens.ReasonInternal, "the handler sent before it received a message, which its rule needs to decide")
	}
	if refusal := s.call.unsettled(); refusal != nil {
		return s.end(refusal)
	}
	return nil
}

// Finish returns the error to answer with: the refusal that ended the stream, whatever the handler made of it, and otherwise that of
// [Call.Finish].
func (s *Stream) Finish(err error) error {
	if ended := s.ended(); ended != nil {
		return ended
	}
	if err == nil && !s.decided.Load() {
		return s.fail(tokens.ReasonInternal, "the handler answered before it received a message, which its rule needs to decide")
	}
	return s.call.finish(err)
}

// A pump receives on a goroutine of its own, so that the handler's Receive can return while the transport's is blocked. It is started by
// the first Receive and ends after Close, at the latest when the transport ends the stream.
type pump struct {
	start  sync.Once
	in     chan any
	out    chan error // buffered, so that a receive nobody waits for any more can end
	closed chan struct{}
}

func (p *pump) run(receive func(any) error) {
	for {
		select {
		case message := <-p.in:
			p.out <- receive(message)
		case <-p.closed:
			return
		}
	}
}

// pull receives a message from the transport, or returns when the stream ends; the message is then not ours to touch, since the pump may
// still have it.
func (s *Stream) pull(message any) (ours bool, err error) {
	if s.pump == nil {
		return true, s.receive(message)
	}
	s.pump.start.Do(func() { go s.pump.run(s.receive) })
	select {
	case s.pump.in <- message:
	case <-s.ctx.Done():
		return false, s.left()
	}
	select {
	case err := <-s.pump.out:
		return true, err
	case <-s.ctx.Done():
		return false, s.left()
	}
}

// left is the error of a Receive that the end of the context ended. It stays: the pump may be left with a message.
func (s *Stream) left() error { return s.end(gone(s.ctx.Err())) }
