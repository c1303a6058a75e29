// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation

import (
	"errors"
	"fmt"
	"time"
)

// A Target is what a [Revocation] names. The zero Target names nothing.
type Target uint8

// The targets.
const (
	// Key is an API key, by its id.
	Key Target = iota + 1
	// Token is one OAuth or machine token, by its id: the claim jti of a JWT (RFC 7519 §4.1.7).
	Token
	// Session is a session and every token of it, by the session's id.
	Session
	// Subject is every credential of a subject that was issued up to a time, of whatever kind, and every one with which the subject acts in
	// another's place.
	Subject
	// Client is every credential that was issued to an OAuth client or a machine up to a time. A machine whose tokens name no client is
	// known by their subject.
	Client
)

var names = map[Target]string{Key: "key", Token: "token", Session: "session", Subject: "subject", Client: "client"}

// Targets returns all targets.
func Targets() []Target { return []Target{Key, Token, Session, Subject, Client} }

// String returns the target's name: "key", "token", "session", "subject" or "client"; "unknown" for every other.
func (t Target) String() string {
	if name, ok := names[t]; ok {
		return name
	}
	return "unknown"
}

// ParseTarget returns the target of that name, compared byte by byte.
func ParseTarget(name string) (Target, error) {
	for t, n := range names {
		if n == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("revocation: %q is not a target; write key, token, session, subject or client", name)
}

// dated reports whether revocations of the target end what was issued up to a time, and not one thing for good.
func (t Target) dated() bool { return t == Subject || t == Client }

// A Revocation ends credentials before their time. It is never taken back.
type Revocation struct {
	// Target is what Value names. Required.
	Target Target
	// Value is the id of the key, token, session, subject or client; compared byte by byte. Required, at most [MaxValue] bytes.
	Value string
	// Issuer limits the revocation to the credentials of one issuer; empty: those of every issuer, and those that have none, as API keys.
	Issuer string
	// Before is the time up to which issued credentials of a [Subject] or [Client] are revoked; one that does not say when it was issued
	// is revoked whatever the time. Required with those targets, and must be zero with the others.
	Before time.Time
	// Until is when the revocation may be forgotten, because no credential that it names is valid for longer; zero: never. Verifiers let
	// clocks differ, so it should be five minutes, as much as they may let them differ, after the last of them expires.
	Until time.Time
	// Reason is why, for people. It is not sent to callers.
	Reason string
}

// MaxValue is the longest value or issuer of a revocation in bytes.
const MaxValue = 1024

// Check returns what is wrong with the revocation, or nil. Stores call it before they keep one.
func (r Revocation) Check() error {
	var mistakes []error
	if _, ok := names[r.Target]; !ok {
		mistakes = append(mistakes, errors.New("revocation: no target; name a key, token, session, subject or client"))
	}
	if r.Value == "" {
		mistakes = append(mistakes, fmt.Errorf("revocation: which %s? the value is empty", r.Target))
	}
	if len(r.Value) > MaxValue || len(r.Issuer) > MaxValue {
		mistakes = append(mistakes, fmt.Errorf("revocation: the value or issuer is longer than %d bytes", MaxValue))
	}
	if dated := r.Target.dated(); dated == r.Before.IsZero() {
		if dated {
			mistakes = append(mistakes, fmt.Errorf("revocation: a %s needs a time up to which its credentials are revoked", r.Target))
		} else {
			mistakes = append(mistakes, fmt.Errorf("revocation: a %s is revoked for good; leave out the time up to which", r.Target))
		}
	}
	return errors.Join(mistakes...)
}
