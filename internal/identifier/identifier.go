// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package identifier checks the texts by which issuers know users, clients, audiences and the like.
package identifier

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// MaxLength is the longest identifier in bytes.
const MaxLength = 1 << 10

// Check refuses what no identifier should be: nothing, too long, or with characters that are not seen or that turn the direction of others.
// The error is to be read behind what the text is.
func Check(text string) error {
	switch {
	case text == "":
		return errors.New("is empty")
	case len(text) > MaxLength:
		return fmt.Errorf("is longer than %d bytes", MaxLength)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }):
		return errors.New("has characters that are not seen")
	default:
		return nil
	}
}
