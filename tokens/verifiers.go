// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// A Verifier turns credentials of its forms into principals.
//
// Verify returns a principal of the kind of the credential's form, or an error, never both and never neither. Only an [Error] tells more
// than [ReasonInternal]. It is called concurrently, should return when ctx ends, must not keep the credential, and must not cache
// principals: the guard does.
type Verifier interface {
	// Forms returns the forms that this verifier takes. It is called once, by NewVerifiers.
	Forms() []Form
	// Verify checks a credential of one of those forms.
	Verify(ctx context.Context, credential Credential) (*Principal, error)
}

// Verifiers is the table of forms: it says which verifier a credential is for. It is fixed when made. A nil or zero table knows no form,
// so every credential is [ReasonTokenInvalid].
type Verifiers struct {
	prefixes []classified            // longest first
	issuers  map[string][]classified // in the order in which markers are asked
	claims   map[string]bool         // those that markers ask for
	opaque   *classified
	forms    []Form
	owners   []int // of the forms, the number of the verifier; while the table is made
	err      error
}

type classified struct {
	form     Form
	verifier Verifier
}

// NewVerifiers makes the table. It is an error if a form is incomplete, if two forms overlap, or if two forms can yield the same client
// or caller name; all mistakes are in the one error.
//
// Beside an error it returns a table that classifies nothing and remembers the mistakes, so that interceptor.New, when it is given it,
// tells them together with those of the rules.
func NewVerifiers(verifiers ...Verifier) (*Verifiers, error) {
	t := &Verifiers{issuers: map[string][]classified{}, claims: map[string]bool{"iss": true}}
	var mistakes []error
	for i, v := range verifiers {
		if isNil(v) {
			mistakes = append(mistakes, fmt.Errorf("tokens: verifier %d is nil", i+1))
			continue
		}
		forms := slices.Clone(v.Forms())
		if len(forms) == 0 {
			mistakes = append(mistakes, fmt.Errorf("tokens: verifier %d (%T) declares no form", i+1, v))
		}
		for _, form := range forms {
			mistakes = append(mistakes, t.add(form, v, i)...)
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return &Verifiers{err: err, forms: t.forms}, err
	}
	slices.SortFunc(t.prefixes, func(a, b classified) int { return len(b.form.Prefix) - len(a.form.Prefix) })
	for _, ofIssuer := range t.issuers {
		slices.SortStableFunc(ofIssuer, func(a, b classified) int { return a.form.Marker.Compare(b.form.Marker) })
	}
	return t, nil
}

func (t *Verifiers) add(form Form, v Verifier, owner int) (mistakes []error) {
	if err := form.check(); err != nil {
		return []error{fmt.Errorf("tokens: %T: %w", v, err)}
	}
	for i, other := range t.forms {
		if why := form.overlaps(other); why != "" {
			mistakes = append(mistakes, fmt.Errorf("tokens: forms overlap (%s): %s, and %s; give one verifier both, or change one", why, other, form))
		}
		if why := form.yieldSameName(other); why != "" && t.owners[i] != owner {
			mistakes = append(mistakes, fmt.Errorf("tokens: %s and %s can both yield %s; set Names of each", other, form, why))
		}
	}
	t.forms, t.owners = append(t.forms, form), append(t.owners, owner)
	c := classified{form: form, verifier: v}
	switch {
	case form.Prefix != "":
		t.prefixes = append(t.prefixes, c)
	case form.Opaque:
		t.opaque = &c
	default:
		t.issuers[form.Issuer] = append(t.issuers[form.Issuer], c)
		for _, name := range form.Marker.claims() {
			t.claims[name] = true
		}
	}
	return mistakes
}

// Err returns the mistakes that NewVerifiers found, or nil. A nil table has the mistake of being nil.
func (t *Verifiers) Err() error {
	if t == nil {
		return errors.New("tokens: the table of verifiers is nil; make it with tokens.NewVerifiers")
	}
	return t.err
}

// Forms returns a copy of the forms, in the order in which they were declared.
func (t *Verifiers) Forms() []Form {
	if t == nil {
		return nil
	}
	return slices.Clone(t.forms)
}

// Kinds returns the kinds that some verifier takes, in the order of [Kinds].
func (t *Verifiers) Kinds() []Kind {
	var kinds []Kind
	for _, k := range Kinds() {
		if slices.ContainsFunc(t.Forms(), func(f Form) bool { return f.Kind == k }) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// Classify returns the form of a credential and the verifier that declared it; ok is false when none did. Nothing is verified: what is
// read of a JWT selects a form and proves nothing.
//
// The longest prefix wins. A JWT is classified by its exact issuer, and then by the marker that fits: those of the subject first, then
// those of a claim, then types, and the issuer's default last. Everything else is opaque.
func (t *Verifiers) Classify(credential string) (form Form, verifier Verifier, ok bool) {
	c := t.classify(credential)
	if c == nil {
		return Form{}, nil, false
	}
	return c.form, c.verifier, true
}

func (t *Verifiers) classify(credential string) *classified {
	if t == nil || credential == "" || len(credential) > MaxCredential {
		return nil
	}
	for i := range t.prefixes {
		if strings.HasPrefix(credential, t.prefixes[i].form.Prefix) {
			return &t.prefixes[i]
		}
	}
	typ, claims, isJWT := t.peekJWT(credential)
	if !isJWT {
		return t.opaque
	}
	ofIssuer := t.issuers[claims["iss"]]
	for i := range ofIssuer {
		if ofIssuer[i].form.Marker.Fits(typ, func(name string) string { return claims[name] }) {
			return &ofIssuer[i]
		}
	}
	return nil
}

// peekJWT reports whether the credential has the shape of a JWT, three segments, of which the first is the base64url of a JSON object, and
// what classification reads of it, which nobody has verified: the type, and those claims that markers ask for and that are strings. A JWT
// whose header or claims cannot be read unambiguously has no issuer, and so no form.
func (t *Verifiers) peekJWT(credential string) (typ string, claims map[string]string, isJWT bool) {
	if strings.Count(credential, ".") != 2 {
		return "", nil, false
	}
	header, rest, _ := strings.Cut(credential, ".")
	payload, _, _ := strings.Cut(rest, ".")
	if header == "" || !mayBeginJWT(header) {
		return "", nil, false
	}
	members, err := peekObject(header, map[string]bool{"typ": true})
	if err != nil {
		return "", nil, true
	}
	claims, err = peekObject(payload, t.claims)
	if err != nil {
		return "", nil, true
	}
	return members["typ"], claims, true
}

// peekObject reads the named members of a base64url JSON object that are strings. A member that comes twice is an error.
func peekObject(segment string, want map[string]bool) (map[string]string, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return nil, errors.New("not base64url")
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	seen, members := map[string]bool{}, map[string]string{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, errors.New("not a JSON object")
		}
		name, _ := key.(string)
		if seen[name] {
			return nil, errors.New("a member twice")
		}
		seen[name] = true
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, errors.New("not a JSON object")
		}
		if want[name] && len(raw) > 0 && raw[0] == '"' {
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, errors.New("not a JSON string")
			}
			members[name] = text
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("not a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something after the JSON object")
	}
	return members, nil
}

// isNil reports whether a verifier is nil, or an interface around a nil pointer, which would panic on the first call.
func isNil(v Verifier) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
