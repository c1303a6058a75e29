// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/revocation"
)

// A script is a feed whose next answers are given to it.
type script struct {
	first, second revocation.Batch // second is the answer where the first is told to be a regress
	asked         []uint64         // since the answers were given
}

func (s *script) Since(_ context.Context, after uint64) (revocation.Batch, error) {
	s.asked = append(s.asked, after)
	if len(s.asked) > 1 {
		return s.second, nil
	}
	return s.first, nil
}

func (s *script) Wait(ctx context.Context, _ uint64) error {
	<-ctx.Done()
	return ctx.Err()
}

// A model is what a follower should know, kept in the simplest way: all that was ever told.
type model struct {
	random   *rand.Rand
	told     []revocation.Revocation
	revision uint64
	callers  []*caller
}

// A caller is a principal, when it was last verified, and whether it should be verified again.
type caller struct {
	*tokens.Principal

	verified uint64
	stale    bool
	revoked  bool // was ever told to be
}

var (
	modelTime  = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	modelKinds = []tokens.Kind{tokens.SessionToken, tokens.OAuthToken, tokens.APIKey, tokens.M2MToken}
)

func pick[T any](m *model, of ...T) T { return of[m.random.IntN(len(of))] }

func (m *model) time() time.Time {
	return pick(m, time.Time{}, modelTime, modelTime.Add(time.Second), modelTime.Add(2*time.Second), modelTime.Add(3*time.Second))
}

func (m *model) name() string { return pick(m, "a", "b", "c", "d", "e") }

// revocation is one of any form, also of forms that no store keeps.
func (m *model) revocation() revocation.Revocation {
	return revocation.Revocation{
		Target: pick(m, revocation.Targets()...), Value: m.name(), Issuer: pick(m, "", "", "x", "y"), Before: m.time(),
		Until: pick(m, time.Time{}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)),
	}
}

// names is what a revocation means, in words: what it names, of the issuer if there is one, up to the time if there is one.
func names(r revocation.Revocation, p *tokens.Principal) bool {
	if r.Issuer != "" && r.Issuer != p.Issuer() {
		return false
	}
	if !r.Before.IsZero() && !p.IssuedAt().IsZero() && p.IssuedAt().After(r.Before) {
		return false
	}
	switch r.Target {
	case revocation.Key:
		return p.Kind() == tokens.APIKey && p.ID() == r.Value
	case revocation.Session:
		return p.Kind() == tokens.SessionToken && p.ID() == r.Value
	case revocation.Token:
		return (p.Kind() == tokens.OAuthToken || p.Kind() == tokens.M2MToken) && p.ID() == r.Value
	case revocation.Subject:
		actor, _ := p.Actor()
		return p.Subject() == r.Value || p.UserID() == r.Value || actor.Subject == r.Value
	case revocation.Client:
		return p.ClientID() == r.Value || p.Kind() == tokens.M2MToken && p.ClientID() == "" && p.Subject() == r.Value
	default:
		return false
	}
}

// batch makes the next answers of a feed, and notes what should come of them.
func (m *model) batch() *script {
	var b revocation.Batch
	for range m.random.IntN(4) {
		m.revision++
		c := revocation.Change{Revision: m.revision}
		switch {
		case m.random.IntN(3) == 0:
			c.Record = m.name()
		case len(m.told) > 0 && m.random.IntN(3) == 0:
			c.Revocation = pick(m, m.told...) // again, as at least once allows
		default:
			c.Revocation = m.revocation()
		}
		b.Changes = append(b.Changes, c)
	}
	b.Revision = m.revision
	s := &script{first: b}
	switch m.random.IntN(8) {
	case 0: // a gap; what is in force need not be all that was
		s.first.Reset = true
	case 1: // a restore from a backup
		m.revision = uint64(m.random.IntN(int(m.revision + 1)))
		s.first = revocation.Batch{Revision: m.revision}
		s.second = revocation.Batch{Revision: m.revision, Reset: m.random.IntN(2) == 0, Changes: b.Changes}
	}
	return s
}

// heard notes what should come of the answer that the follower took.
func (m *model) heard(s *script) {
	b := s.first
	if len(s.asked) > 1 {
		b = s.second
		b.Reset = true
	}
	for _, c := range b.Changes {
		if c.Revocation.Target != 0 {
			m.told = append(m.told, c.Revocation)
		}
	}
	for _, each := range m.callers {
		each.stale = each.stale || b.Reset && each.Kind() == tokens.APIKey && !(b.Revision == 0 && slices.Equal(s.asked, []uint64{0}))
		for _, c := range b.Changes {
			each.stale = each.stale || c.Record == each.ID() && each.Kind() == tokens.APIKey
		}
	}
}

func (m *model) check(t *testing.T, f *revocation.Follower) {
	t.Helper()
	for i, each := range m.callers {
		want := revocation.Good
		switch {
		case slices.ContainsFunc(m.told, func(r revocation.Revocation) bool { return names(r, each.Principal) }):
			want, each.revoked = revocation.Revoked, true
		case each.revoked:
			t.Fatal("the model takes a revocation back")
		case each.stale:
			want = revocation.Changed
		}
		got, epoch := f.Judge(t.Context(), each.Principal, each.verified)
		if got != want || epoch != f.Epoch() {
			t.Fatalf("caller %d, a %s %s of %s, verified in %d, is judged %d in %d, not %d", i, each.Kind(), each.ID(), each.Subject(), each.verified, got, epoch, want)
		}
	}
}

// Whatever a feed tells, in whatever order, however often and however far back: what was revoked once is never good again, and nothing else
// is refused.
func TestOnceRevokedAlwaysRevoked(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &model{random: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // It is to be the same at every run.
				for range 40 {
					m.callers = append(m.callers, &caller{Principal: principal(t, tokens.Facts{
						Kind: pick(m, modelKinds...), ID: m.name(), Subject: m.name(), UserID: pick(m, "", m.name()), ClientID: pick(m, "", m.name()),
						Issuer: pick(m, "", "x", "y"), IssuedAt: m.time(), Actor: pick(m, nil, nil, &tokens.Actor{Subject: m.name()}),
					})})
				}
				feed := &script{first: revocation.Batch{Reset: true}}
				f := follow(t, feed, nil)
				for _, each := range m.callers {
					each.verified = f.Epoch()
				}
				for range 60 {
					*feed = *m.batch()
					if err := f.Sync(t.Context()); err != nil {
						t.Fatal(err)
					}
					m.heard(feed)
					m.check(t, f)
					for _, each := range m.callers {
						if m.random.IntN(4) == 0 {
							each.verified, each.stale = f.Epoch(), false
						}
					}
				}
			})
		})
	}
}
