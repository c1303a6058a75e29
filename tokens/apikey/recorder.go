// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// The bounds of a [Recorder].
const (
	// DefaultInterval is how often uses are written where no other interval is given.
	DefaultInterval = time.Minute
	// maxUses is of how many keys uses are noted between two writings; those of others are noted after the next.
	maxUses = 100_000
	// maxUpgrades is how many upgrades wait at most; others are tried at the next use of their keys.
	maxUpgrades = 64
	// touchAtOnce is how many uses are written in one go, so that none holds up other writers for long.
	touchAtOnce = 1000
	// touchTime is how long one such writing may take, and upgradeTime one upgrade.
	touchTime, upgradeTime = 10 * time.Second, 5 * time.Second
	// closeTime is how long Close may take.
	closeTime = 5 * time.Second
)

// A Recorder writes down what verifications notice: when keys were used, and which imported keys can be upgraded. It does so in the
// background, so that no verification waits for it or fails with it; what cannot be written is noticed again at a later use. Make it with
// [NewRecorder], and give it to a verifier with [WithRecorder]; several may share one. It is safe for concurrent use.
//
// A guard remembers whom it verified, so a time is as coarse as its memory, 30 seconds unless told otherwise, and the interval together.
// Uses that were not written when the process is killed are lost.
type Recorder struct {
	records Records
	log     *slog.Logger
	pending chan upgrade
	stop    context.CancelFunc
	stopped chan struct{}
	close   sync.Once

	mutex sync.Mutex
	uses  map[string]time.Time // guarded by mutex
}

// An upgrade is an imported key of which the whole text was seen.
type upgrade struct {
	id, from string // the handle under which it was imported
	digest   Digest
	to       string
}

// A RecorderOption changes a default of [NewRecorder].
type RecorderOption interface{ applyTo(r *Recorder) error }

type recorderOption func(r *Recorder) error

func (o recorderOption) applyTo(r *Recorder) error { return o(r) }

// WithLog logs what could not be written, once until it can be again. Default: nothing is logged.
func WithLog(log *slog.Logger) RecorderOption {
	return recorderOption(func(r *Recorder) error {
		if log == nil {
			return errors.New("the logger is nil; leave the option out")
		}
		r.log = log
		return nil
	})
}

// NewRecorder begins to write to records, uses once in an interval; 0: [DefaultInterval]. Call Close when no verifier uses it any more.
func NewRecorder(records Records, interval time.Duration, opts ...RecorderOption) (*Recorder, error) {
	var mistakes []error
	if isNil(records) {
		mistakes = append(mistakes, errors.New("apikey: a recorder needs records"))
	}
	if interval < 0 {
		mistakes = append(mistakes, fmt.Errorf("apikey: an interval of %s is negative", interval))
	}
	r := &Recorder{
		records: records, log: slog.New(slog.DiscardHandler), pending: make(chan upgrade, maxUpgrades), stopped: make(chan struct{}),
		uses: map[string]time.Time{},
	}
	for _, opt := range opts {
		if opt == nil {
			mistakes = append(mistakes, errors.New("apikey: an option is nil"))
			continue
		}
		if err := opt.applyTo(r); err != nil {
			mistakes = append(mistakes, fmt.Errorf("apikey: %w", err))
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	if interval == 0 {
		interval = DefaultInterval
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:gosec // Close calls stop.
	r.stop = stop
	go r.run(ctx, interval)
	return r, nil
}

// Close writes the uses that were noted, waits for that 5 seconds at most, and ends what the recorder started. What is noticed later is
// lost. It may be called more than once.
func (r *Recorder) Close() {
	r.close.Do(r.stop)
	<-r.stopped
}

// used notes that a key was used.
func (r *Recorder) used(id string, at time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if noted, ok := r.uses[id]; ok && !at.After(noted) || !ok && len(r.uses) >= maxUses {
		return
	}
	r.uses[id] = at
}

// upgrade asks for an upgrade, and forgets about it when too many wait.
func (r *Recorder) upgrade(u upgrade) {
	select {
	case r.pending <- u:
	default:
	}
}

func (r *Recorder) run(ctx context.Context, interval time.Duration) {
	defer close(r.stopped)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var touching, upgrading trouble
	for {
		select {
		case <-ctx.Done():
			// Its own context has ended, and so has that of the process perhaps.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
			defer cancel()
			touching.is(last, r.log, "the uses of API keys cannot be written", r.flush(last))
			return
		case <-ticker.C:
			touching.is(ctx, r.log, "the uses of API keys cannot be written", r.flush(ctx))
			upgrading.rest = false
		case u := <-r.pending:
			if upgrading.rest {
				continue // until the next interval: where nothing can be written, trying at each use is of no use
			}
			upgrading.is(ctx, r.log, "imported API keys cannot be upgraded", r.write(ctx, u))
			upgrading.rest = upgrading.lasts
		}
	}
}

// A trouble is what was logged and has not ended yet.
type trouble struct{ lasts, rest bool }

func (t *trouble) is(ctx context.Context, logger *slog.Logger, text string, err error) {
	if err != nil && !t.lasts {
		logger.WarnContext(ctx, text, "error", err)
	}
	t.lasts = err != nil
}

// flush writes the uses that were noted, and notes those again that could not be written.
func (r *Recorder) flush(ctx context.Context) error {
	r.mutex.Lock()
	uses := r.uses
	r.uses = make(map[string]time.Time, min(len(uses), touchAtOnce))
	r.mutex.Unlock()
	for len(uses) > 0 {
		some := make(map[string]time.Time, min(len(uses), touchAtOnce))
		for id, at := range uses {
			if some[id] = at; len(some) == touchAtOnce {
				break
			}
		}
		if err := r.touch(ctx, some); err != nil {
			for id, at := range uses {
				r.used(id, at)
			}
			return err
		}
		maps.DeleteFunc(uses, func(id string, _ time.Time) bool {
			_, written := some[id]
			return written
		})
	}
	return nil
}

func (r *Recorder) touch(ctx context.Context, uses map[string]time.Time) (err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(ctx, touchTime)
	defer cancel()
	return r.records.Touch(ctx, uses)
}

// write upgrades a key, unless somebody else was faster.
func (r *Recorder) write(ctx context.Context, u upgrade) (err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(ctx, upgradeTime)
	defer cancel()
	_, err = r.records.Change(ctx, u.id, func(record *Record) (*Record, error) {
		if record.Handle == u.from {
			record.Digest, record.Handle = u.digest, u.to
		}
		return nil, nil
	})
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) {
		return nil // The key is gone, or was imported under both handles: nothing that trying later would mend.
	}
	return err
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the store of API keys panicked with a %T", r)
	}
}
