// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/admitrpc/admit/internal/identifier"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// claims are those of a token whose signature matched, or the members of one of them. No error of their methods has a value in it.
type claims struct {
	jws.Object

	verification *tokens.Verification // where the ages of a session are put
}

// has reports whether there is a claim, null included.
func (c claims) has(name claim) bool { return c.Known(name).Exists() }

// text returns a claim that is an identifier; ok is false when there is none.
func (c claims) text(name claim) (value string, ok bool, err error) {
	return identified(c.Known(name), name)
}

func identified(v jws.Value, name claim) (value string, ok bool, err error) {
	if value, ok = v.Plain(); ok && value != "" && len(value) <= identifier.MaxLength {
		return value, true, nil
	}
	value, ok, err = v.Text()
	if err != nil || !ok {
		return "", ok, err
	}
	if err := identifier.Check(value); err != nil {
		return "", true, fmt.Errorf("%s %w", claimTexts[name], err)
	}
	return value, true, nil
}

// required is text of a claim that must be there.
func (c claims) required(name claim) (string, error) {
	value, ok, err := c.text(name)
	if err == nil && !ok {
		err = fmt.Errorf("%s is missing", claimTexts[name])
	}
	return value, err
}

// optional is text of a claim that may be missing, and then is "".
func (c claims) optional(name claim) (string, error) {
	value, _, err := c.text(name)
	return value, err
}

// textOrEmpty is optional of a claim that may also be the empty string, as issuers write it that have no value.
func (c claims) textOrEmpty(name claim) (string, error) {
	v := c.Known(name)
	if v.Raw() == `""` {
		return "", nil
	}
	value, _, err := identified(v, name)
	return value, err
}

// maxDate is the last second of the year 9999.
const maxDate = 253402300799

// date returns a NumericDate (RFC 7519 §2); ok is false when there is none.
func (c claims) date(name claim) (date time.Time, ok bool, err error) {
	v := c.Known(name)
	if !v.Exists() {
		return time.Time{}, false, nil
	}
	if whole, ok := smallNumber(v); ok && whole <= maxDate {
		return time.Unix(whole, 0), true, nil
	}
	raw := v.Raw()
	// The member is good JSON, so nothing comes here that only ParseFloat knows, such as "0x1".
	seconds, err := strconv.ParseFloat(raw, 64)
	if err != nil || raw[0] == '-' || seconds > maxDate {
		return time.Time{}, true, fmt.Errorf("%s is not a date from 1970 to 9999", claimTexts[name])
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second))), true, nil
}

// smallNumber reads a number that is at most as many digits alone as the last date has, as nearly every number is.
func smallNumber(v jws.Value) (number int64, ok bool) {
	digits, ok := v.Digits()
	if !ok || len(digits) > len("253402300799") {
		return 0, false
	}
	for _, digit := range []byte(digits) {
		number = number*10 + int64(digit-'0')
	}
	return number, true
}

// identify reads who issued the token and whom it is about.
func (v *Verifier) identify(c claims, facts *tokens.Facts) (err error) {
	// Who presents such a token must prove that it holds a key (RFC 7800 §3). We cannot check that, so we cannot take the token.
	if c.has(claimCnf) {
		return errors.New("cnf: tokens bound to a key are not supported")
	}
	// Ours is known to be well formed.
	if issuer, ok, _ := c.Known(claimIss).Text(); ok && issuer == v.issuer {
		facts.Issuer = issuer
	} else if _, err = c.required(claimIss); err != nil {
		return err
	} else {
		return errors.New("iss is another issuer")
	}
	if facts.Subject, err = c.required(claimSub); err != nil {
		return err
	}
	if facts.ID, err = c.optional(claimJTI); err != nil {
		return err
	}
	client, err := c.optional(claimClientID)
	if err != nil {
		return err
	}
	party, err := c.optional(claimAzp)
	if err != nil {
		return err
	}
	if facts.ClientID = client; client == "" {
		facts.ClientID = party
	}
	return nil
}

// readActor reads who acts in the subject's place (RFC 8693 §4.1). Those behind the first actor are not read.
func readActor(c claims, facts *tokens.Facts) error {
	object, ok, err := c.Known(claimAct).Object("sub", "type")
	if err != nil || !ok {
		return err
	}
	actor := claims{Object: object}
	subject, err := actor.required(claimSub)
	if err != nil {
		return fmt.Errorf("act: %w", err)
	}
	typ, err := actor.optional(claimType)
	if err != nil {
		return fmt.Errorf("act: %w", err)
	}
	facts.Actor = &tokens.Actor{Subject: subject, Type: typ}
	return nil
}

// audiences reads aud: a string or an array of strings (RFC 7519 §4.1.3).
func (c claims) audiences() ([]string, error) {
	if !c.has(claimAud) {
		return nil, nil
	}
	audiences, _, err := c.Known(claimAud).Texts()
	if err != nil {
		one, _, err := c.Known(claimAud).Text()
		if err != nil {
			return nil, errors.New("aud is not a string or an array of strings")
		}
		audiences = []string{one}
	}
	if len(audiences) == 0 || slices.Contains(audiences, "") {
		return nil, errors.New("aud is empty")
	}
	return audiences, nil
}

func (v *Verifier) checkAudience(c claims, _ *tokens.Facts) error {
	audiences, err := c.audiences()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(audiences, func(a string) bool { return slices.Contains(v.accepted, a) }) {
		return errors.New("aud has no audience of ours")
	}
	return nil
}

func (v *Verifier) checkParty(c claims, facts *tokens.Facts) error {
	party, ok, err := c.text(claimAzp)
	if err != nil {
		return err
	}
	if !ok {
		return v.checkAudience(c, facts)
	}
	if _, err := c.audiences(); err != nil {
		return err
	}
	if !slices.Contains(v.accepted, party) {
		return errors.New("azp is not an authorized party")
	}
	return nil
}

// readTimes reads exp, which is required, nbf and iat.
func readTimes(c claims, facts *tokens.Facts) error {
	var ok bool
	var err error
	if facts.ExpiresAt, ok, err = c.date(claimExp); err != nil {
		return err
	}
	if !ok {
		return errors.New("exp is missing")
	}
	if facts.NotBefore, _, err = c.date(claimNbf); err != nil {
		return err
	}
	if facts.IssuedAt, ok, err = c.date(claimIat); err != nil {
		return err
	}
	if !ok {
		facts.Verification = nil // its ages count from iat
	}
	return nil
}

// readOAuth checks what RFC 9068 §2.2 requires beyond what all tokens have.
func readOAuth(c claims, facts *tokens.Facts) error {
	for _, name := range []claim{claimJTI, claimClientID} {
		if _, err := c.required(name); err != nil {
			return err
		}
	}
	if !c.has(claimIat) {
		return errors.New("iat is missing")
	}
	if facts.Subject != facts.ClientID {
		facts.UserID = facts.Subject
	}
	return nil
}

func (v *Verifier) nameClient(_ claims, facts *tokens.Facts) (err error) {
	facts.ClientName, err = v.name(facts.ClientID)
	return err
}

func (v *Verifier) nameCaller(_ claims, facts *tokens.Facts) (err error) {
	facts.CallerName, err = v.name(facts.Subject)
	return err
}

func (v *Verifier) name(id string) (string, error) {
	if v.names == nil {
		return v.prefix + id, nil
	}
	name, ok := v.names[id]
	if !ok {
		return "", errors.New("no name for the id; see WithNames")
	}
	return name, nil
}

// maxScopes is how many scopes a token may have.
const maxScopes = 256

// readScopes reads scope (RFC 8693 §4.2), a text with one space between two scopes, or scp, an array.
func readScopes(c claims, facts *tokens.Facts) error {
	text, hasScope, err := c.Known(claimScope).Text()
	if err != nil {
		return err
	}
	list, hasList, err := c.Known(claimScp).Texts()
	if err != nil {
		return err
	}
	scopes := list
	if text != "" {
		scopes = strings.Split(text, " ")
	} else if hasScope {
		scopes = nil
	}
	if hasScope && hasList && !slices.Equal(slices.Sorted(slices.Values(scopes)), slices.Sorted(slices.Values(list))) {
		return errors.New("scope and scp differ")
	}
	if len(scopes) > maxScopes {
		return fmt.Errorf("more than %d scopes", maxScopes)
	}
	for _, scope := range scopes {
		if !validScope(scope) {
			return errors.New("a scope is empty or has characters that no scope has")
		}
	}
	facts.Scopes = scopes
	return nil
}

// validScope reports whether a text is a scope-token (RFC 6749 §3.3).
func validScope(scope string) bool {
	for i := range len(scope) {
		if c := scope[i]; c <= 0x20 || c > 0x7E || c == '"' || c == '\\' {
			return false
		}
	}
	return scope != ""
}
