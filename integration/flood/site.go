// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/admitrpc/admit/integration/child"
	"github.com/admitrpc/admit/integration/loopback"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/store/sqlite"
)

// A site is a server process on a SQLite file, a process that floods it, and a client with good keys, in this process.
type site struct {
	folder  string
	good    []string // keys
	ids     []string // of the same keys
	server  *child.Process
	flooder *child.Process
	client  *loopback.Client
	before  memory // of the server, when nobody had called it
}

// keysOfSite is how many keys are good.
const keysOfSite = 2000

func newSite() (s *site, err error) {
	s = &site{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.folder, err = os.MkdirTemp("", "flood"); err != nil {
		return s, err
	}
	path := filepath.Join(s.folder, "keys.db")
	if err := s.makeKeys(path); err != nil {
		return s, err
	}
	if s.server, err = start("server"); err != nil {
		return s, err
	}
	var at loopback.Addresses
	if err := s.server.Ask(path, &at); err != nil {
		return s, err
	}
	c, err := s.counts(collectOrder)
	if err != nil {
		return s, err
	}
	s.before = c.Memory
	if s.flooder, err = start("flooder"); err != nil {
		return s, err
	}
	if err := s.flooder.Ask(at, new(any)); err != nil {
		return s, err
	}
	if s.client, err = loopback.Dial(at); err != nil {
		return s, err
	}
	return s, s.warm(s.good[:1])
}

func (s *site) makeKeys(path string) error {
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return err
	}
	var records []apikey.Record
	for range keysOfSite {
		key, record, err := apikey.New(apikey.Spec{OrganizationID: "org_1", Scopes: []string{"gates:open"}})
		if err != nil {
			return errors.Join(err, store.Close())
		}
		records, s.good, s.ids = append(records, record), append(s.good, key.Reveal()), append(s.ids, record.ID)
	}
	return errors.Join(store.Insert(context.Background(), records...), store.Close())
}

// leave closes all connections to the server, and says what memory it then holds.
func (s *site) leave() (m memory, err error) {
	if err := s.hangUp(); err != nil {
		return m, err
	}
	for range 50 { // it need not have noticed yet
		c, err := s.counts(collectOrder)
		if m = c.Memory; err != nil || m.Goroutines <= s.before.Goroutines {
			return m, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return m, nil
}

func (s *site) hangUp() (err error) {
	if s.client != nil {
		s.client.Close()
	}
	if s.flooder != nil {
		err = s.flooder.Stop()
	}
	s.client, s.flooder = nil, nil
	return err
}

func (s *site) close() error {
	err := s.hangUp()
	if s.server != nil {
		err = errors.Join(err, s.server.Stop())
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// warm calls once with each key over each protocol, so that the server remembers it and connections are there.
func (s *site) warm(keys []string) error {
	for _, key := range keys {
		for p := range loopback.Protocols {
			if err := s.client.Ask(context.Background(), p, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// counts asks the server what it counted.
func (s *site) counts(do string) (c counts, err error) {
	err = s.server.Ask(order{Do: do}, &c)
	return c, err
}

// under calls with good keys, in turn, at a rate, while the flooder floods; a flooding without a rate is none. What the good ones took is
// not counted before the flood has begun.
func (s *site) under(f flooding, l load, good []string) (callers, flooded result, err error) {
	flooding := f.Load.PerSecond > 0
	if flooding {
		f.IDs = s.ids
		f.Load.Lasts = l.Lasts + 2*headStart
		if err := s.flooder.Tell(f); err != nil {
			return callers, flooded, err
		}
	}
	rest(timeIn(headStart)) // also without a flood, so that all are alike
	callers = l.run(s.client, func(n int) string { return good[n/int(loopback.Protocols)%len(good)] })
	if flooding {
		err = s.flooder.Hear(&flooded)
	}
	return callers, flooded, err
}
