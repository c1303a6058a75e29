// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"strings"
)

// The kinds of handle, each with its colon.
const (
	handleSHA256 = "sha256:"
	handleSHA512 = "sha512:"
	handleLong   = "sha256-long:"
)

// Handles returns the handles by which a key of another system could have been imported. Each is the name of a hash, a colon, and the hash
// in lower-case hexadecimal digits:
//
//	sha256:       SHA-256 of the whole text
//	sha512:       SHA-512 of the whole text
//	sha256-long:  SHA-256 of what follows the last underscore, for keys of the shape prefix_short_long; a text without underscore has none
//
// A handle is no secret if the key was random, but who can read handles can tell whether a text is a key.
func Handles(text string) []string {
	whole, longer := sha256.Sum256([]byte(text)), sha512.Sum512([]byte(text))
	handles := []string{handleSHA256 + hex.EncodeToString(whole[:]), handleSHA512 + hex.EncodeToString(longer[:])}
	if at := strings.LastIndexByte(text, '_'); at >= 0 && at < len(text)-1 {
		long := sha256.Sum256([]byte(text[at+1:]))
		handles = append(handles, handleLong+hex.EncodeToString(long[:]))
	}
	return handles
}

// ParseHandle returns the handle that a text is, its digits in lower case, or an error if it is none. It cannot tell what was hashed, nor
// whether that was random.
func ParseHandle(text string) (string, error) {
	for kind, size := range map[string]int{handleSHA256: sha256.Size, handleSHA512: sha512.Size, handleLong: sha256.Size} {
		digits, is := strings.CutPrefix(text, kind)
		if !is {
			continue
		}
		if hash, err := hex.DecodeString(digits); err == nil && len(hash) == size {
			return kind + hex.EncodeToString(hash), nil
		}
	}
	return "", errHandle
}

var errHandle = errors.New("apikey: not a handle; write sha256: or sha256-long: and 64 hexadecimal digits, or sha512: and 128")

// digestOf returns the digest of the text that a handle names; the zero Digest where it does not tell.
func digestOf(handle string) (d Digest) {
	if digits, is := strings.CutPrefix(handle, handleSHA256); is {
		if hash, err := hex.DecodeString(digits); err == nil && len(hash) == len(d) {
			copy(d[:], hash)
		}
	}
	return d
}
