// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

var (
	// keyLike is what looks like an API key with an id, cut off or mistyped ones too.
	keyLike = regexp.MustCompile(`[0-9A-Za-z_]*_[0-9A-Za-z]{16}_[0-9A-Za-z]{16,}`)
	// wholeKey has a secret long enough to be worth something; ids of others that look alike are shorter.
	wholeKey = regexp.MustCompile(`_[0-9A-Za-z]{16}_[0-9A-Za-z]{40,}`)
	// dotted is what may be a JWT: it begins as base64 of an object does.
	dotted = regexp.MustCompile(`\be[w-z][0-9A-Za-z_-]{8,}\.[0-9A-Za-z_.-]*`)
	// A password is what stands between a colon and the last at sign of a URL, or follows its name.
	urlPassword   = regexp.MustCompile(`(://[^\s:@/]*:).*@`)
	namedPassword = regexp.MustCompile(`(?i)(password=)('[^']*'|[^\s&]+)`)
)

const redacted = "xxxxx"

// scrub takes out of a text what looks like a credential or a password. It is the last of several nets: texts are made without.
func scrub(text string) string {
	text = keyLike.ReplaceAllString(text, redacted)
	text = dotted.ReplaceAllStringFunc(text, func(found string) string {
		if isJWT(found) {
			return redacted
		}
		return found
	})
	text = urlPassword.ReplaceAllString(text, "${1}"+redacted+"@")
	text = namedPassword.ReplaceAllString(text, "${1}"+redacted)
	return shown(text)
}

// isCredential reports whether a text is an API key or a JWT. It is strict, because ids of strangers are of any shape.
func isCredential(text string) bool { return wholeKey.MatchString(text) || isJWT(text) }

// isJWT reports whether a text begins with the header of a JWT (RFC 7519 §3): a host name may begin with the same letters.
func isJWT(text string) bool {
	header, _, is := strings.Cut(text, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(header)
	return is && err == nil && json.Valid(decoded)
}

// shown returns a text as it may be written to a terminal: names come from strangers, and must not steer the terminal, turn its text
// around, or look like another line.
func shown(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) < 0 {
		return text
	}
	return strconv.Quote(text)
}
