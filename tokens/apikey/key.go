// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"strings"

	"github.com/admitrpc/admit/internal/digest"
	"github.com/admitrpc/admit/tokens"
)

const (
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

	idLength       = 16
	secretLength   = 43 // 62^43 > 2^256
	checksumLength = 6  // 62^6 > 2^32
	tailLength     = 1 + idLength + 1 + secretLength + checksumLength
	maxPrefix      = 32
	hintLength     = 4
)

// A Key is an API key in the clear. It is shown once, to the one who asked for it, and never stored. It is never printed: fmt,
// encoding/json, encoding and log/slog all write "[redacted]". [Parse] and [New] make keys; the zero Key is none.
type Key struct {
	secret tokens.Secret
}

// Parse reads a key. It checks shape and checksum and nothing else: whoever can read this page can make a text that passes.
//
// The error is a [tokens.Error] with [tokens.ReasonTokenInvalid]. Parse does not allocate, and looks at no more than 99 bytes.
func Parse(secret tokens.Secret) (Key, error) {
	text := secret.Reveal()
	prefix := len(text) - tailLength
	if prefix < 1 || prefix > maxPrefix {
		return Key{}, errShape
	}
	id, tail := text[prefix+1:prefix+1+idLength], text[prefix+1+idLength+1:]
	if text[prefix] != '_' || text[prefix+1+idLength] != '_' || !isBase62(id) || !isBase62(tail) || !validPrefix(text[:prefix]) {
		return Key{}, errShape
	}
	body := len(text) - checksumLength
	if sum := checksum(text[:body]); text[body:] != string(sum[:]) {
		return Key{}, errChecksum
	}
	return Key{secret: secret}, nil
}

// One value for each mistake: they are never changed, and refusing junk then costs nothing.
var (
	errShape    = tokens.NewError(tokens.ReasonTokenInvalid, errors.New("not the shape of an API key"))
	errChecksum = tokens.NewError(tokens.ReasonTokenInvalid, errors.New("the checksum of the API key is wrong"))
)

// generate makes a key with a valid prefix.
func generate(prefix string) Key {
	text := make([]byte, len(prefix)+tailLength)
	n := copy(text, prefix)
	text[n] = '_'
	random(text[n+1 : n+1+idLength])
	text[n+1+idLength] = '_'
	body := len(text) - checksumLength
	random(text[n+1+idLength+1 : body])
	sum := checksum(string(text[:body]))
	copy(text[body:], sum[:])
	return Key{secret: tokens.NewSecret(string(text))}
}

// ID returns the id of the key, which is not secret; "" for the zero Key.
func (k Key) ID() string { return strings.Clone(k.id()) } // A clone, so that whoever keeps the id does not keep the secret alive.

func (k Key) id() string {
	text := k.secret.Reveal()
	if text == "" {
		return ""
	}
	at := len(text) - tailLength + 1
	return text[at : at+idLength]
}

func (k Key) prefix() string {
	text := k.secret.Reveal()
	if text == "" {
		return ""
	}
	return text[:len(text)-tailLength]
}

// Hint returns what may be shown of the key so that its owner recognises it: prefix, id and the last 4 characters of the checksum. It
// has no character of the secret. "" for the zero Key.
func (k Key) Hint() string {
	text := k.secret.Reveal()
	if text == "" {
		return ""
	}
	return k.prefix() + "_" + k.id() + "…" + text[len(text)-hintLength:]
}

// Reveal returns the key in the clear; "" for the zero Key. Call it where the key is shown to its owner, and do not keep it.
func (k Key) Reveal() string { return k.secret.Reveal() }

// Digest returns the SHA-256 of the whole key, which is what a store holds.
func (k Key) Digest() Digest {
	var text [maxPrefix + tailLength]byte // on the stack; a conversion would allocate
	n := copy(text[:], k.secret.Reveal())
	return sha256.Sum256(text[:n])
}

// String returns "[redacted]".
func (k Key) String() string { return k.secret.String() }

// GoString returns "[redacted]".
func (k Key) GoString() string { return k.secret.GoString() }

// Format writes "[redacted]" for every verb.
func (k Key) Format(f fmt.State, verb rune) { k.secret.Format(f, verb) }

// MarshalText returns "[redacted]".
func (k Key) MarshalText() ([]byte, error) { return k.secret.MarshalText() }

// LogValue returns "[redacted]".
func (k Key) LogValue() slog.Value { return k.secret.LogValue() }

// A Digest is the SHA-256 of a key. A key cannot be made from it.
type Digest [sha256.Size]byte

// Equal reports whether both are the same, in a time that does not depend on where they differ.
func (d Digest) Equal(other Digest) bool {
	return digest.Equal((*[sha256.Size]byte)(&d), (*[sha256.Size]byte)(&other))
}

// random fills text with random characters of the alphabet, each as likely as any other.
func random(text []byte) {
	const unbiased = 256 / len(alphabet) * len(alphabet) // bytes from here on would make the first characters likelier
	var bytes [64]byte
	for len(text) > 0 {
		_, _ = rand.Read(bytes[:]) // It never fails; it ends the process instead.
		for _, b := range bytes {
			if int(b) >= unbiased {
				continue
			}
			if len(text) == 0 {
				break
			}
			text[0] = alphabet[int(b)%len(alphabet)]
			text = text[1:]
		}
	}
}

// checksum returns the CRC-32 (IEEE) of text as base62, the most significant digit first. It is computed here, because every function of
// hash/crc32 makes its input escape.
func checksum(text string) (digits [checksumLength]byte) {
	crc := ^uint32(0)
	for i := range len(text) {
		crc = crc32.IEEETable[(crc^uint32(text[i]))&0xff] ^ crc>>8
	}
	rest := ^crc
	for i := range digits {
		digits[len(digits)-1-i] = alphabet[rest%uint32(len(alphabet))]
		rest /= uint32(len(alphabet))
	}
	return digits
}

func isBase62(text string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// validPrefix reports whether prefix is [a-z][a-z0-9]*(_[a-z0-9]+)*, not too long, and not the beginning of a JWT, which package tokens
// would refuse as a form.
func validPrefix(prefix string) bool {
	if prefix == "" || len(prefix) > maxPrefix || prefix[0] < 'a' || prefix[0] > 'z' || prefix[len(prefix)-1] == '_' {
		return false
	}
	for i := 1; i < len(prefix); i++ {
		c := prefix[i]
		if c == '_' && prefix[i-1] != '_' {
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(prefix) == 1 || prefix[0] != 'e' || prefix[1] < 'w'
}

func errPrefix(prefix string) error {
	return fmt.Errorf("prefix %q is not lower-case letters and digits in words joined by one underscore, at most %d bytes, "+
		"and not beginning like a JWT", prefix, maxPrefix)
}
