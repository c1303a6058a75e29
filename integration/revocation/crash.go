// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/store"
	"github.com/admitrpc/admit/tokens/tokenstest"
)

// writerSettings are those of a writer.
type writerSettings struct {
	Place    place    `json:"place"`
	Keys     []string `json:"keys"`     // ids
	Sessions []string `json:"sessions"` // as many ids
}

// writeOn is the role of a writer: it revokes keys and sessions in turns, and writes the id of each that was acknowledged. It is meant to be killed.
func writeOn(in *json.Decoder, out *json.Encoder) error {
	var s writerSettings
	if err := in.Decode(&s); err != nil {
		return err
	}
	ctx := context.Background()
	opened, err := s.Place.open(ctx, false)
	if err != nil {
		return err
	}
	keys, err := apikey.NewKeys(opened)
	if err != nil {
		return err
	}
	for i, id := range s.Keys {
		if _, err := keys.Revoke(ctx, id, "leaked"); err != nil {
			return err
		}
		if err := out.Encode(id); err != nil {
			return err
		}
		session := revocation.Revocation{Target: revocation.Session, Value: s.Sessions[i], Until: time.Now().Add(lifetime)}
		if _, err := opened.Revoke(ctx, session); err != nil {
			return err
		}
		if err := out.Encode(s.Sessions[i]); err != nil {
			return err
		}
	}
	_, _ = in.Token() // nobody writes; it ends when the parent does
	return nil
}

// A crash is what became of the rounds in which a writer was killed.
type crash struct {
	rounds         int
	acknowledged   int // all of them were kept
	unacknowledged int // of those that were kept
}

// crashes kills writers in the middle of their work, which is as many keys and as many sessions.
func (c *cluster) crashes(ctx context.Context, rounds, work int) (all crash, err error) {
	for range rounds {
		if err := c.crash(ctx, work, &all); err != nil {
			return all, err
		}
		all.rounds++
	}
	return all, nil
}

func (c *cluster) crash(ctx context.Context, work int, all *crash) error {
	s := writerSettings{Place: c.ground.place}
	made, err := c.victims(ctx, work, &s)
	if err != nil {
		return err
	}
	acknowledged, err := killed(s)
	if err != nil {
		return err
	}
	if len(acknowledged) == 0 {
		return errors.New("the writer acknowledged nothing")
	}
	kept, err := revokedIn(ctx, c.ground.place, s)
	if err != nil {
		return err
	}
	for _, id := range acknowledged {
		if !kept[id] {
			return fmt.Errorf("an acknowledged revocation is lost, one of %d", len(acknowledged))
		}
		if err := c.deadWithin(ctx, made[id], boundMost); err != nil {
			return err
		}
	}
	for id := range kept {
		// Whether it was acknowledged or not, what the store has is in force.
		if err := c.deadWithin(ctx, made[id], boundMost); err != nil {
			return err
		}
		c.load.bury(made[id])
	}
	all.acknowledged += len(acknowledged)
	all.unacknowledged += len(kept) - len(acknowledged)
	return nil
}

// victims makes what a writer will revoke, lets every replica remember it, and returns it by id.
func (c *cluster) victims(ctx context.Context, work int, s *writerSettings) (map[string]credential, error) {
	made := make(map[string]credential, 2*work)
	records := make([]apikey.Record, 0, work)
	for range work {
		key, record, err := apikey.New(apikey.Spec{UserID: "user_1"})
		if err != nil {
			return nil, err
		}
		session := "sess_" + rand.Text()
		records = append(records, record)
		made[record.ID] = credential{what: "API key", secret: key.Reveal(), id: record.ID}
		made[session] = credential{what: "session", secret: c.issuer.Session(tokenstest.SessionClaims{Times: lasting(), SessionID: session})}
		s.Keys, s.Sessions = append(s.Keys, record.ID), append(s.Sessions, session)
	}
	if err := c.store.Insert(ctx, records...); err != nil {
		return nil, err
	}
	for _, of := range made {
		if err := c.warm(ctx, of); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// killed starts a writer, kills it some time after its first acknowledgement, and returns the ids that it acknowledged.
func killed(s writerSettings) (acknowledged []string, err error) {
	p, err := start(writerRole, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Stop() }() // which says that it was killed
	for {
		var id string
		if err := p.Read(&id); err != nil {
			// In the middle of a line too: that one was not acknowledged.
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, err
			}
			return acknowledged, nil
		}
		if len(acknowledged) == 0 {
			time.AfterFunc(10*time.Millisecond+mathrand.N(300*time.Millisecond), func() { _ = p.Kill() })
		}
		acknowledged = append(acknowledged, id)
	}
}

// revokedIn opens the store anew and returns which of the ids are revoked in it.
func revokedIn(ctx context.Context, p place, s writerSettings) (kept map[string]bool, err error) {
	opened, err := p.open(ctx, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	kept = map[string]bool{}
	for _, id := range s.Keys {
		record, err := opened.Lookup(ctx, id)
		if err != nil {
			return nil, err
		}
		if !record.RevokedAt.IsZero() {
			kept[id] = true
		}
	}
	told, err := toldOf(ctx, opened)
	if err != nil {
		return nil, err
	}
	for _, id := range s.Sessions {
		if told[revocation.Session][id] {
			kept[id] = true
		}
	}
	for id := range kept {
		if record := !strings.HasPrefix(id, "sess_"); record && !told[revocation.Key][id] {
			return nil, errors.New("a key is revoked in its record, and the feed does not tell of it")
		}
	}
	return kept, nil
}

// toldOf returns what the feed of a store tells a replica that starts.
func toldOf(ctx context.Context, from store.Store) (map[revocation.Target]map[string]bool, error) {
	batch, err := from.Since(ctx, 0)
	if err != nil {
		return nil, err
	}
	told := map[revocation.Target]map[string]bool{}
	for _, change := range batch.Changes {
		target := change.Revocation.Target
		if told[target] == nil {
			told[target] = map[string]bool{}
		}
		told[target][change.Revocation.Value] = true
	}
	return told, nil
}
