// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
)

// A HandleStore is what a [Verifier] with [WithImported] needs of its store. All [Records] are one.
type HandleStore interface {
	Store

	// LookupHandle returns the record that has one of the handles, asking once for all. Otherwise it is as Lookup.
	LookupHandle(ctx context.Context, handles ...string) (Record, error)
}

// maxImported is the longest text that is looked up by its handles.
const maxImported = 1024

// WithImported verifies keys of other systems too, those that [Keys.Import] was given. They begin with one of the prefixes, each written in full,
// as "sk_live_", whatever a form of package tokens can begin with. A prefix may be that of keys of one's own, with its underscore: what
// is no such key is then looked for among the imported. It may not be shorter, as it would take keys of prefixes that are not verified.
//
// A text of another system has no checksum: each that begins so, made-up ones too, costs a read of the store. Leave the option out
// when the imported keys are gone. Default: no key is looked up by its hash.
func WithImported(prefixes ...string) Option {
	prefixes = slices.Clone(prefixes)
	return option(func(c *config) error {
		if len(prefixes) == 0 {
			return errors.New("no prefix of imported keys; name one or leave the option out")
		}
		for i, prefix := range prefixes {
			if slices.Contains(prefixes[:i], prefix) {
				return fmt.Errorf("prefix %q of imported keys twice", prefix)
			}
		}
		c.imported = prefixes
		return nil
	})
}

// WithRecorder lets a recorder note the uses of keys and upgrade imported ones: as soon as the text of one was seen, its record gets the digest and
// the handle that a key imported with the SHA-256 of its whole text has. Without it neither is done. Default: none.
func WithRecorder(recorder *Recorder) Option {
	return option(func(c *config) error {
		if recorder == nil {
			return errors.New("the recorder is nil; leave the option out")
		}
		c.recorder = recorder
		return nil
	})
}

// checkImported returns what is wrong with the prefixes of imported keys.
func (c *config) checkImported(store Store) (mistakes []error) {
	if len(c.imported) == 0 {
		return nil
	}
	if _, ok := store.(HandleStore); !ok {
		mistakes = append(mistakes, errors.New("imported keys are looked up by handles, and the store cannot do that; give it the method LookupHandle"))
	}
	for _, imported := range c.imported {
		for _, own := range c.prefixes {
			if own += "_"; imported != own && strings.HasPrefix(own, imported) {
				mistakes = append(mistakes, fmt.Errorf("prefix %q of imported keys takes what begins with %q, a prefix of keys of one's own; "+
					"write more of it", imported, own))
			}
		}
	}
	return mistakes
}

// isImported reports whether a text that is no key of ours could be that of an imported one.
func (v *Verifier) isImported(text string) bool {
	return len(text) <= maxImported && slices.ContainsFunc(v.imported, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}

// nobody is what is compared where there is no record, so that it costs what it costs where there is one.
var nobody = Record{Handle: handleSHA256 + strings.Repeat("-", 64)}

// lookupImported asks the store for the record of an imported key, once.
func (v *Verifier) lookupImported(ctx context.Context, secret tokens.Secret) (Record, error) {
	text := secret.Reveal()
	handles := Handles(text)
	record, err := v.store.(HandleStore).LookupHandle(ctx, handles...) //nolint:forcetypeassert // NewVerifier has looked.
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			return Record{}, unavailable(err)
		}
		record = nobody
	}
	digest := digestOf(handles[0])
	same := 0
	for _, handle := range handles {
		same |= subtle.ConstantTimeCompare([]byte(handle), []byte(record.Handle))
	}
	// A record that was upgraded, or imported with this very hash, has the digest too.
	match := same == 1 && (record.Digest.Equal(Digest{}) || record.Digest.Equal(digest))
	switch {
	case err == nil && same != 1:
		return Record{}, errOtherRecord
	case !match:
		return Record{}, errNoMatch
	}
	return record, nil
}

// upgraded asks for the upgrade of an imported key, unless it has had it.
func (v *Verifier) upgraded(secret tokens.Secret, record Record) {
	to := Handles(secret.Reveal())[0]
	if digest := digestOf(to); record.Handle != to || !record.Digest.Equal(digest) {
		v.recorder.upgrade(upgrade{id: strings.Clone(record.ID), from: record.Handle, digest: digest, to: to})
	}
}
