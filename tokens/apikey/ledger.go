// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/admitrpc/admit/tokens/revocation"
)

// maxChanges is how many changes a ledger tells one by one; who asks for older ones is told all that is in force.
const maxChanges = 10_000

// A ledger is what a [MemoryStore] tells of. Its zero value is empty and ready; who uses it holds the mutex.
type ledger struct {
	count   uint64              // of all changes ever
	changes []revocation.Change // the newest, in order
	pruned  uint64              // changes up to this revision are not among them
	inForce map[revoked]revocation.Change
	news    chan struct{} // closed at the next change; nil: nobody waits
	closed  bool
}

// revoked is what a revocation names.
type revoked struct {
	target        revocation.Target
	value, issuer string
}

// revision is the newest one. It begins at 1.
func (l *ledger) revision() uint64 { return l.count + 1 }

// tell adds a change, and returns its revision.
func (l *ledger) tell(c revocation.Change) uint64 {
	l.count++
	c.Revision = l.revision()
	c.ExpiresAt = stored(c.ExpiresAt)
	if r := &c.Revocation; r.Target != 0 {
		r.Before, r.Until = stored(r.Before), stored(r.Until)
		name := revoked{r.Target, r.Value, r.Issuer}
		if known, ok := l.inForce[name]; ok {
			*r = join(known.Revocation, *r)
		}
		if l.inForce == nil {
			l.inForce = map[revoked]revocation.Change{}
		}
		l.inForce[name] = c
	}
	if l.changes = append(l.changes, c); len(l.changes) > maxChanges {
		l.prune()
	}
	if l.news != nil {
		close(l.news)
		l.news = nil
	}
	return l.revision()
}

// join returns a revocation that revokes what either does.
func join(known, added revocation.Revocation) revocation.Revocation {
	if known.Before.After(added.Before) {
		added.Before = known.Before
	}
	if known.Until.IsZero() || !added.Until.IsZero() && known.Until.After(added.Until) {
		added.Until = known.Until
	}
	added.Reason = cmp.Or(added.Reason, known.Reason)
	return added
}

// prune forgets the older half of the changes, and what need not be told any more.
func (l *ledger) prune() {
	half := len(l.changes) / 2
	l.pruned = l.changes[half-1].Revision
	l.changes = slices.Clone(l.changes[half:])
	now := time.Now()
	for name, c := range l.inForce {
		if forgotten(c, now) {
			delete(l.inForce, name)
		}
	}
}

func forgotten(c revocation.Change, now time.Time) bool {
	until := c.Revocation.Until
	return !until.IsZero() && !now.Before(until)
}

func (l *ledger) since(after uint64, now time.Time) revocation.Batch {
	batch := revocation.Batch{Revision: l.revision()}
	byRevision := func(c revocation.Change, revision uint64) int { return cmp.Compare(c.Revision, revision) }
	if after > 0 && after >= l.pruned && after <= l.revision() {
		first, _ := slices.BinarySearchFunc(l.changes, after+1, byRevision)
		batch.Changes = slices.Clone(l.changes[first:])
		return batch
	}
	batch.Reset = true
	for _, c := range l.inForce {
		if !forgotten(c, now) {
			batch.Changes = append(batch.Changes, c)
		}
	}
	slices.SortFunc(batch.Changes, func(a, b revocation.Change) int { return byRevision(a, b.Revision) })
	return batch
}

// wait returns what is closed when there is something else than the revision to tell, or at the end.
func (l *ledger) wait(after uint64) (<-chan struct{}, error) {
	if err := l.ended(); err != nil {
		return nil, err
	}
	if l.news == nil {
		l.news = make(chan struct{})
	}
	if after != l.revision() {
		now := make(chan struct{})
		close(now)
		return now, nil
	}
	return l.news, nil
}

func (l *ledger) ended() error {
	if l.closed {
		return errClosed
	}
	return nil
}

func (l *ledger) close() {
	l.closed = true
	if l.news != nil {
		close(l.news)
		l.news = nil
	}
}

var errClosed = errors.New("apikey: the store was closed")
