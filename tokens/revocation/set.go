// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// A set is what is in force, as far as a feed has told. What it holds is only ever added to, and forgotten when it is too old to matter:
// neither a reset nor a feed that goes backwards takes a revocation back.
type set struct {
	keep time.Duration // for how long what was read before a change may still be around

	epoch atomic.Uint64 // counts the batches that changed something, and is counted up before they do; it is this set's own, and never goes back

	mutex sync.RWMutex
	floor uint64 // what was read in an earlier epoch must be read again, whatever it is
	rules map[name][]rule
	marks map[string]mark // records of keys that were changed, by id
}

type name struct {
	target Target
	value  string
}

// A rule is a revocation of one name, for one issuer or for all.
type rule struct {
	issuer string
	before time.Time // zero: of every time
	until  time.Time // zero: never to be forgotten
}

// A mark is the last change of a record.
type mark struct {
	epoch     uint64
	expiresAt time.Time
	at        time.Time
}

// maxMarks is how many changed records are told apart; beyond it everything is read again.
const maxMarks = 100_000

func newSet(keep time.Duration) *set {
	return &set{keep: keep, rules: map[name][]rule{}, marks: map[string]mark{}}
}

// apply adds a batch.
func (s *set) apply(b Batch, now time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	epoch := s.epoch.Add(1)
	if b.Reset {
		s.floor = epoch
		clear(s.marks)
	}
	for _, c := range b.Changes {
		if c.Record != "" {
			s.marks[c.Record] = mark{epoch: epoch, expiresAt: c.ExpiresAt, at: now}
		}
		if c.Revocation.Target != 0 {
			s.add(c.Revocation, now)
		}
	}
	if len(s.marks) > maxMarks {
		s.floor = epoch
		clear(s.marks)
	}
}

func (s *set) add(r Revocation, now time.Time) {
	added := rule{issuer: r.Issuer, before: r.Before}
	if !r.Until.IsZero() {
		added.until = r.Until.Add(tokens.MaxSkew) // for as long a verifier may take what has expired
		if earliest := now.Add(s.keep); added.until.Before(earliest) {
			added.until = earliest // what was read before may be around for as long
		}
	}
	n := name{r.Target, r.Value}
	for i, known := range s.rules[n] {
		if known.issuer == added.issuer {
			s.rules[n][i] = known.join(added)
			return
		}
	}
	s.rules[n] = append(s.rules[n], added)
}

// join returns a rule that revokes what either does.
func (r rule) join(other rule) rule {
	if other.before.IsZero() || !r.before.IsZero() && other.before.After(r.before) {
		r.before = other.before
	}
	if !r.until.IsZero() && (other.until.IsZero() || other.until.After(r.until)) {
		r.until = other.until
	}
	return r
}

// forget drops what is too old to matter.
func (s *set) forget(now time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for n, rules := range s.rules {
		kept := rules[:0]
		for _, r := range rules {
			if r.until.IsZero() || now.Before(r.until) {
				kept = append(kept, r)
			}
		}
		if len(kept) == 0 {
			delete(s.rules, n)
		} else {
			s.rules[n] = kept
		}
	}
	for id, m := range s.marks {
		if now.Sub(m.at) > s.keep {
			delete(s.marks, id)
		}
	}
}

// judge says what the set has against a principal that was verified in an epoch, and in which epoch it says so.
func (s *set) judge(p *tokens.Principal, verified uint64) (Verdict, uint64) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	epoch := s.epoch.Load()
	if len(s.rules) > 0 && s.revoked(p) {
		return Revoked, epoch
	}
	if p.Kind() == tokens.APIKey && (verified < s.floor || s.marks[p.ID()].epoch > verified) {
		return Changed, epoch
	}
	return Good, epoch
}

func (s *set) revoked(p *tokens.Principal) bool {
	var of Target
	switch p.Kind() {
	case tokens.APIKey:
		of = Key
	case tokens.SessionToken:
		of = Session
	case tokens.OAuthToken, tokens.M2MToken:
		of = Token
	}
	client := p.ClientID()
	if client == "" && p.Kind() == tokens.M2MToken {
		client = p.Subject()
	}
	if s.names(p, of, p.ID()) || s.names(p, Subject, p.Subject()) || s.names(p, Client, client) {
		return true
	}
	actor, _ := p.Actor()
	user := p.UserID()
	return s.names(p, Subject, actor.Subject) || user != p.Subject() && s.names(p, Subject, user)
}

func (s *set) names(p *tokens.Principal, target Target, value string) bool {
	if value == "" {
		return false
	}
	for _, r := range s.rules[name{target, value}] {
		if r.issuer != "" && r.issuer != p.Issuer() {
			continue
		}
		if issued := p.IssuedAt(); r.before.IsZero() || issued.IsZero() || !issued.After(r.before) {
			return true
		}
	}
	return false
}

// ends returns when a key now ends whose record was changed since it was verified; zero: never. ok is false when that is not known.
func (s *set) ends(p *tokens.Principal, verified uint64) (at time.Time, ok bool) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	m, ok := s.marks[p.ID()]
	return m.expiresAt, ok && m.epoch > verified && verified >= s.floor
}
