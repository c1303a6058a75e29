// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/revocation"
)

// What a revocation names, and what it does not.
func TestWhatIsRevoked(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	session := tokens.Facts{Kind: tokens.SessionToken, ID: "s", Subject: "u", UserID: "u", Issuer: "https://a", IssuedAt: at}
	oauth := tokens.Facts{Kind: tokens.OAuthToken, ID: "t", Subject: "u", ClientID: "c", Issuer: "https://a", IssuedAt: at}
	machine := tokens.Facts{Kind: tokens.M2MToken, ID: "t", Subject: "m", ClientID: "c", Issuer: "https://a", IssuedAt: at}
	ofUser := tokens.Facts{Kind: tokens.APIKey, ID: "k", Subject: "u", UserID: "u", IssuedAt: at}
	ofOrganization := tokens.Facts{Kind: tokens.APIKey, ID: "k", Subject: "o", Organization: tokens.Organization{ID: "o"}, IssuedAt: at}
	undated := tokens.Facts{Kind: tokens.APIKey, ID: "k", Subject: "u", UserID: "u"}
	forUser := tokens.Facts{Kind: tokens.M2MToken, ID: "t", Subject: "m", UserID: "u", IssuedAt: at}
	for _, test := range []struct {
		name string
		of   tokens.Facts
		what revocation.Revocation
		want bool
	}{
		{"the key", ofUser, revocation.Revocation{Target: revocation.Key, Value: "k"}, true},
		{"another key", ofUser, revocation.Revocation{Target: revocation.Key, Value: "K"}, false},
		{"a session of the key's id", ofUser, revocation.Revocation{Target: revocation.Session, Value: "k"}, false},
		{"a token of the key's id", ofUser, revocation.Revocation{Target: revocation.Token, Value: "k"}, false},
		{"the key, of an issuer", ofUser, revocation.Revocation{Target: revocation.Key, Value: "k", Issuer: "https://a"}, false},
		{"the session", session, revocation.Revocation{Target: revocation.Session, Value: "s"}, true},
		{"the session, of its issuer", session, revocation.Revocation{Target: revocation.Session, Value: "s", Issuer: "https://a"}, true},
		{"the session, of another issuer", session, revocation.Revocation{Target: revocation.Session, Value: "s", Issuer: "https://b"}, false},
		{"a token of the session's id", session, revocation.Revocation{Target: revocation.Token, Value: "s"}, false},
		{"a key of the session's id", session, revocation.Revocation{Target: revocation.Key, Value: "s"}, false},
		{"the OAuth token", oauth, revocation.Revocation{Target: revocation.Token, Value: "t"}, true},
		{"the machine's token", machine, revocation.Revocation{Target: revocation.Token, Value: "t"}, true},
		{"the client", oauth, revocation.Revocation{Target: revocation.Client, Value: "c", Before: at}, true},
		{"the machine's client", machine, revocation.Revocation{Target: revocation.Client, Value: "c", Before: at}, true},
		{"another client", oauth, revocation.Revocation{Target: revocation.Client, Value: "u", Before: at}, false},
		{"a subject of the client's id", oauth, revocation.Revocation{Target: revocation.Subject, Value: "c", Before: at}, false},
		{"the session's user", session, revocation.Revocation{Target: revocation.Subject, Value: "u", Before: at}, true},
		{"the machine", machine, revocation.Revocation{Target: revocation.Subject, Value: "m", Before: at}, true},
		{"the user for whom a machine calls", forUser, revocation.Revocation{Target: revocation.Subject, Value: "u", Before: at}, true},
		{"the key's user", ofUser, revocation.Revocation{Target: revocation.Subject, Value: "u", Before: at}, true},
		{"the key's organization", ofOrganization, revocation.Revocation{Target: revocation.Subject, Value: "o", Before: at}, true},
		{"the subject, before it was issued", session, revocation.Revocation{Target: revocation.Subject, Value: "u", Before: at.Add(-1)}, false},
		{"the subject, long after it was issued", session, revocation.Revocation{Target: revocation.Subject, Value: "u", Before: at.Add(time.Hour)}, true},
		{"the subject of what does not say when it was issued", undated, revocation.Revocation{Target: revocation.Subject, Value: "u", Before: at.AddDate(-50, 0, 0)}, true},
		{"nothing", ofUser, revocation.Revocation{}, false},
		{"no value", tokens.Facts{Kind: tokens.OAuthToken, Subject: "u"}, revocation.Revocation{Target: revocation.Token}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed, p := newFake(), principal(t, test.of)
				f := follow(t, feed, nil)
				expect(t, f, p, f.Epoch(), revocation.Good)
				feed.tell(revocation.Change{Revocation: test.what})
				time.Sleep(10 * time.Millisecond)
				want := revocation.Good
				if test.want {
					want = revocation.Revoked
				}
				expect(t, f, p, f.Epoch(), want)
			})
		})
	}
}

// Of two times up to which something is revoked the later one counts, whichever is told first, and "every time" counts more than any.
func TestTheLaterTimeCounts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for name, times := range map[string][]time.Time{
		"the later one last": {at.Add(-time.Hour), at}, "the later one first": {at, at.Add(-time.Hour)},
		"none at last": {at.Add(-time.Hour), {}}, "none at first": {{}, at.Add(-time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed := newFake()
				f := follow(t, feed, nil)
				for _, before := range times {
					feed.tell(revocation.Change{Revocation: revocation.Revocation{Target: revocation.Subject, Value: "u", Before: before}})
				}
				time.Sleep(10 * time.Millisecond)
				expect(t, f, principal(t, tokens.Facts{Kind: tokens.SessionToken, ID: "s", Subject: "u", IssuedAt: at}), f.Epoch(), revocation.Revoked)
			})
		})
	}
}

// A revocation is not forgotten while what it names, or what was read of it before, can still be taken.
func TestNotForgottenTooEarly(t *testing.T) {
	t.Parallel()
	const life = 10 * time.Minute
	for _, test := range []struct {
		name      string
		until     time.Duration // zero: never
		remembers time.Duration // at least
	}{
		{"until its end, which a verifier may take for later", life, life + tokens.MaxSkew},
		{"until a time that has passed", -time.Hour, keep},
		{"for ever", 0, 3 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				feed, r := newFake(), revocation.Revocation{Target: revocation.Session, Value: "s"}
				p := principal(t, tokens.Facts{Kind: tokens.SessionToken, ID: "s", Subject: "u", ExpiresAt: time.Now().Add(life), Skew: tokens.MaxSkew})
				f := follow(t, feed, nil)
				if test.until != 0 {
					r.Until = time.Now().Add(test.until)
				}
				feed.tell(revocation.Change{Revocation: r})
				time.Sleep(test.remembers - time.Nanosecond)
				expect(t, f, p, f.Epoch(), revocation.Revoked)
				if test.until == 0 {
					return
				}
				time.Sleep(2 * time.Minute)
				expect(t, f, p, f.Epoch(), revocation.Good) // it takes no memory any more
			})
		})
	}
}

// A changed record is read again, once, and nobody else's is.
func TestChangedRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		feed.revoke(revocation.Key, "before") // after revision 0 a feed tells of no records
		f, p, other := follow(t, feed, nil), key(t, "k"), key(t, "other")
		session := principal(t, tokens.Facts{Kind: tokens.SessionToken, ID: "k", Subject: "u"})
		verified, end := f.Epoch(), time.Now().Add(time.Hour)
		if ends, ok := f.Ends(p, verified); ok {
			t.Errorf("without a change it ends %s", ends)
		}
		time.Sleep(59500 * time.Millisecond) // so that what is old is looked for at other times than this changes
		feed.tell(revocation.Change{Record: "k", ExpiresAt: end})
		time.Sleep(10 * time.Millisecond)
		expect(t, f, p, verified, revocation.Changed)
		expect(t, f, other, verified, revocation.Good)
		expect(t, f, session, verified, revocation.Good)
		if ends, ok := f.Ends(p, verified); !ok || !ends.Equal(end) {
			t.Errorf("it ends %s, %t", ends, ok)
		}
		if ends, ok := f.Ends(other, verified); ok {
			t.Errorf("another key ends %s", ends)
		}
		again := f.Epoch()
		expect(t, f, p, again, revocation.Good)
		if ends, ok := f.Ends(p, again); ok {
			t.Errorf("what was read after the change ends %s", ends)
		}
		// What was read before is known to be old for as long as it may be around, and what was read after stays good.
		for waited := time.Duration(0); waited < keep-time.Second; waited += time.Second {
			time.Sleep(time.Second)
			expect(t, f, p, verified, revocation.Changed)
			expect(t, f, p, again, revocation.Good)
		}
		feed.revoke(revocation.Key, "k")
		time.Sleep(10 * time.Millisecond)
		expect(t, f, p, again, revocation.Revoked)
	})
}

// More changed records than are told apart make everything be read again, and nothing be forgotten.
func TestManyChangedRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed, p := newFake(), key(t, "k")
		feed.revoke(revocation.Key, "revoked")
		f := follow(t, feed, nil)
		verified := f.Epoch()
		changes := make([]revocation.Change, 100_001)
		for i := range changes {
			changes[i].Record = fmt.Sprint("changed ", i)
		}
		feed.tell(changes...)
		time.Sleep(10 * time.Millisecond)
		for _, of := range []string{"k", "changed 0", "changed 100000"} {
			expect(t, f, key(t, of), verified, revocation.Changed)
			expect(t, f, key(t, of), f.Epoch(), revocation.Good)
		}
		expect(t, f, p, verified, revocation.Changed)
		expect(t, f, key(t, "revoked"), f.Epoch(), revocation.Revoked)
	})
}

// A verification that was slow is older than what was told meanwhile: it read before, and is told after.
func TestASlowReadBringsNothingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		feed.revoke(revocation.Key, "before")
		f := follow(t, feed, nil)
		verified := f.Epoch() // as the guard does, before the store is asked
		feed.revoke(revocation.Key, "revoked")
		feed.tell(revocation.Change{Record: "changed"})
		time.Sleep(10 * time.Millisecond)
		expect(t, f, key(t, "revoked"), verified, revocation.Revoked)
		expect(t, f, key(t, "changed"), verified, revocation.Changed)
		expect(t, f, key(t, "neither"), verified, revocation.Good)
	})
}

// A feed that goes backwards, as after a restore from a backup, takes no revocation back, and what it has is heard all the same.
func TestAFeedThatGoesBackwards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		f := follow(t, feed, nil)
		for _, id := range []string{"a", "b", "c", "d"} {
			feed.revoke(revocation.Key, id)
		}
		time.Sleep(time.Second)
		verified := f.Epoch()
		for _, restored := range []uint64{2, 0} {
			feed.lose(restored)
			time.Sleep(2 * time.Second)
			for _, id := range []string{"a", "b", "c", "d"} {
				expect(t, f, key(t, id), f.Epoch(), revocation.Revoked)
			}
			expect(t, f, key(t, "good"), verified, revocation.Changed) // what was read of lost records is read again
			expect(t, f, key(t, "good"), f.Epoch(), revocation.Good)
			verified = f.Epoch()
			feed.revoke(revocation.Key, fmt.Sprint("after ", restored))
			time.Sleep(2 * time.Second)
			expect(t, f, key(t, fmt.Sprint("after ", restored)), verified, revocation.Revoked)
		}
	})
}

// A gap makes everything be told, and be read, again.
func TestAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := newFake()
		feed.revoke(revocation.Key, "early")
		f := follow(t, feed, nil)
		verified := f.Epoch()
		feed.with(func(f *fake) { f.down, f.deaf = true, true })
		feed.tell(revocation.Change{Record: "k"}) // which is told to nobody
		feed.revoke(revocation.Key, "late")
		time.Sleep(10 * time.Second)
		feed.with(func(f *fake) { f.down, f.deaf, f.pruned = false, false, f.revision })
		time.Sleep(time.Second)
		expect(t, f, key(t, "early"), f.Epoch(), revocation.Revoked)
		expect(t, f, key(t, "late"), f.Epoch(), revocation.Revoked)
		expect(t, f, key(t, "k"), verified, revocation.Changed)
		expect(t, f, key(t, "k"), f.Epoch(), revocation.Good)
	})
}
