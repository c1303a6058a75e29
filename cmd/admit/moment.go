// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"time"
)

var errMoment = errors.New("write a time as 2027-01-31T00:00:00Z, or how long from now as 720h")

// future reads a time, or a duration from now. It must lie ahead.
func future(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		length, err := time.ParseDuration(text)
		if err != nil {
			return time.Time{}, errMoment
		}
		at = time.Now().Add(length)
	}
	if !at.After(time.Now()) {
		return time.Time{}, errors.New("it is not in the future")
	}
	return at, nil
}

// past reads a time, "now", or a negative duration from now. A time may lie ahead; a positive duration is taken for a sign forgotten.
func past(text string) (time.Time, error) {
	if text == "now" {
		return time.Now(), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	length, err := time.ParseDuration(text)
	if err != nil || length > 0 {
		return time.Time{}, errors.New("write now, a time as 2027-01-31T00:00:00Z, or how long ago as -1h")
	}
	return time.Now().Add(length), nil
}

// day writes a time for people; a word of theirs for the zero time.
func day(at time.Time, zero string) string {
	if at.IsZero() {
		return zero
	}
	return at.UTC().Format(time.RFC3339)
}
