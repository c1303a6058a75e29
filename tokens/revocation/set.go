// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation

import (
	"sync"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// A set is what is in force, as far as a feed has told. What it holds is only ever added to, and forgotten when it is too old to matter:
// neither a reset nor a feed that goes backwards takes a revocation back.
type set struct {
	keep time.Duration // for how long what was read before a change may still be around

	mutex sync.RWMutex
	epoch uint64 // counts the batches that changed something; it is this set's own, and never goes back
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

// apply adds a batch and returns the epoch it began.
func (s *set) apply(b Batch, now time.Time) uint64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.epoch++
	if b.Reset {
		s.floor = s.epoch
		clear(s.marks)
	}
	for _, c := range b.Changes {
		if c.Record != "" {
			s.marks[c.Record] = mark{epoch: s.epoch, expiresAt: c.ExpiresAt, at: now}
		}
		if c.Revocation.Target != 0 {
			s.add(c.Revocation, now)
		}
	}
	if len(s.marks) > maxMarks {
		s.floor = s.epoch
		clear(s.marks)
	}
	return s.epoch
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
	if len(s.rules) > 0 && s.revoked(p) {
		return Revoked, s.epoch
	}
	if verified < s.floor || p.Kind() == tokens.APIKey && s.marks[p.ID()].epoch > verified {
		return Changed, s.epoch
	}
	return Good, s.epoch
}

func (s *set) revoked(p *tokens.Principal) bool {
	of := Token
	switch p.Kind() {
	case tokens.APIKey:
		of = Key
	case tokens.SessionToken:
		of = Session
	}
	if s.names(p, of, p.ID()) || s.names(p, Subject, p.Subject()) || s.names(p, Client, p.ClientID()) {
		return true
	}
	user := p.UserID()
	return user != p.Subject() && s.names(p, Subject, user)
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

// ends returns when the credential of a principal now ends by a change that was made to its record since it was verified; zero: no change says.
func (s *set) ends(p *tokens.Principal, verified uint64) time.Time {
	if p.Kind() != tokens.APIKey {
		return time.Time{}
	}
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	if m := s.marks[p.ID()]; m.epoch > verified {
		return m.expiresAt
	}
	return time.Time{}
}
