// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens/apikey"
)

// The states of a key.
const (
	stateActive   = "active"
	stateWaiting  = "waiting"  // not valid yet
	stateExpiring = "expiring" // rotated, and taken until it expires
	stateExpired  = "expired"
	stateRevoked  = "revoked"
)

func stateOf(r apikey.Record, now time.Time) string {
	switch {
	case !r.RevokedAt.IsZero():
		return stateRevoked
	case !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt):
		return stateExpired
	case now.Before(r.NotBefore):
		return stateWaiting
	case r.Successor != "":
		return stateExpiring
	default:
		return stateActive
	}
}

// A keyView is what JSON tells of a key: everything but digests and handles.
type keyView struct {
	ID           string          `json:"id"`
	Hint         string          `json:"hint"`
	State        string          `json:"state"`
	Name         string          `json:"name,omitempty"`
	User         string          `json:"user,omitempty"`
	Organization string          `json:"organization,omitempty"`
	Scopes       []string        `json:"scopes"`
	Claims       json.RawMessage `json:"claims,omitempty"`
	Created      time.Time       `json:"created,omitzero"`
	NotBefore    time.Time       `json:"not_before,omitzero"`
	Expires      time.Time       `json:"expires,omitzero"`
	Revoked      time.Time       `json:"revoked,omitzero"`
	RevokedFor   string          `json:"revoked_for,omitempty"`
	Successor    string          `json:"successor,omitempty"`
	Imported     bool            `json:"imported,omitempty"`
	LastUsed     time.Time       `json:"last_used,omitzero"`
}

func viewOf(r apikey.Record, now time.Time) keyView {
	return keyView{
		ID: r.ID, Hint: r.Hint, State: stateOf(r, now), Name: r.Name, User: r.UserID, Organization: r.OrganizationID,
		Scopes: append([]string{}, r.Scopes...), Claims: r.Claims, Created: r.CreatedAt, NotBefore: r.NotBefore, Expires: r.ExpiresAt,
		Revoked: r.RevokedAt, RevokedFor: r.RevokedFor, Successor: r.Successor, Imported: r.Handle != "", LastUsed: r.LastUsedAt,
	}
}

// A secretView is a new key with its secret.
type secretView struct {
	Secret   string   `json:"secret"`
	Record   keyView  `json:"record"`
	Replaces *keyView `json:"replaces,omitempty"`
}

func owner(r apikey.Record) string {
	if r.OrganizationID != "" {
		return "organization " + shown(r.OrganizationID)
	}
	return "user " + shown(r.UserID)
}

// label is a key for people.
func label(r apikey.Record) string {
	text := "key " + r.ID + " of " + owner(r)
	if r.Name != "" {
		text += " (" + shown(r.Name) + ")"
	}
	return text
}

func scopes(r apikey.Record) string { return or(shown(strings.Join(r.Scopes, " ")), "-") }

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// facts writes what there is to know of a new key but its secret.
func facts(out io.Writer, r apikey.Record) {
	rows := [][2]string{
		{"id", r.ID},
		{"hint", r.Hint},
		{"owner", owner(r)},
		{"name", or(shown(r.Name), "-")},
		{"scopes", scopes(r)},
		{"created", day(r.CreatedAt, "-")},
		{"expires", day(r.ExpiresAt, "never")},
	}
	if len(r.Claims) > 0 {
		rows = append(rows, [2]string{"claims", shown(string(r.Claims))})
	}
	for _, row := range rows {
		fmt.Fprintf(out, "  %-8s %s\n", row[0], row[1])
	}
}

// writeJSON writes a value as one line, in one write.
func writeJSON(out io.Writer, value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return write(out, text.Bytes())
}

// write writes all of a text, and says of an error where it arose.
func write(out io.Writer, text []byte) error {
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("stdout: %w", err)
	}
	return nil
}
