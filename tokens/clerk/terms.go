// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// What subjects begin with.
const (
	userSubject         = "user_"
	organizationSubject = "org_"
	machineSubject      = "mch_"
)

// Terms are what must hold of a token that the API knows.
type terms struct {
	issuer    string
	audiences []string          // nil: any
	machineID string            // "": any receiver
	names     map[string]string // of clients or machines; nil: their ids
}

// principal makes a principal of what the API answered. What cannot be read says nothing about the token.
func (t *terms) principal(e *endpoint, body []byte) (*tokens.Principal, error) {
	unread := func(err error) error {
		return unavailable(fmt.Errorf("clerk: the answer of the Backend API for an %s: %w", e.what, err))
	}
	a, err := readAnswer(body)
	if err != nil {
		return nil, unread(err)
	}
	facts, err := t.common(e, a)
	if err != nil {
		return nil, unread(err)
	}
	expired, err := a.flag("expired")
	if err != nil {
		return nil, unread(err)
	}
	revoked, err := a.flag("revoked")
	if err != nil {
		return nil, unread(err)
	}
	var refused error
	switch e.kind {
	case tokens.APIKey:
		readOwner(facts)
	case tokens.OAuthToken:
		refused, err = t.readClient(a, facts)
	default:
		refused, err = t.readMachine(facts)
	}
	if err != nil {
		return nil, unread(err)
	}
	principal, err := tokens.NewPrincipal(*facts)
	switch {
	case err != nil:
		return nil, unread(err)
	case refused != nil:
		return nil, invalid(fmt.Errorf("clerk: %s: %w", e.what, refused))
	case expired || principal.Expired(time.Now()):
		return nil, tokens.NewError(tokens.ReasonTokenExpired, fmt.Errorf("clerk: %s: expired", e.what))
	case revoked:
		return nil, tokens.NewError(tokens.ReasonTokenRevoked, fmt.Errorf("clerk: %s: revoked", e.what))
	default:
		return principal, nil
	}
}

// common reads what tokens of all kinds have.
func (t *terms) common(e *endpoint, a answer) (*tokens.Facts, error) {
	facts := &tokens.Facts{Kind: e.kind, Issuer: t.issuer}
	var err error
	if a.has("object") {
		if object, err := a.identifier("object"); err != nil || object != e.object {
			return nil, errors.New("object is that of something else")
		}
	}
	if facts.ID, err = a.identifier("id"); err != nil {
		return nil, err
	}
	if facts.Subject, err = a.identifier("subject"); err != nil {
		return nil, err
	}
	if facts.Scopes, err = a.list("scopes"); err != nil {
		return nil, err
	}
	if facts.ExpiresAt, err = a.date("expiration"); err != nil {
		return nil, err
	}
	if facts.IssuedAt, err = a.date("created_at"); err != nil {
		return nil, err
	}
	claims, err := a.object("claims")
	if err != nil {
		return nil, err
	}
	if claims != nil {
		facts.Claims = a["claims"]
	}
	return facts, nil
}

// readOwner reads who an API key belongs to: a user, an organization, or somebody of whom nothing is known.
func readOwner(facts *tokens.Facts) {
	switch {
	case strings.HasPrefix(facts.Subject, userSubject):
		facts.UserID = facts.Subject
	case strings.HasPrefix(facts.Subject, organizationSubject):
		facts.Organization.ID = facts.Subject
	}
}

// readClient reads for which client and user an OAuth token is, and refuses one for another audience.
func (t *terms) readClient(a answer, facts *tokens.Facts) (refused, err error) {
	if facts.ClientID, err = a.identifier("client_id"); err != nil {
		return nil, err
	}
	if facts.Subject != facts.ClientID { // else it was issued to the client itself (RFC 9068 §2.2)
		facts.UserID = facts.Subject
	}
	actor, err := a.object("act")
	if err != nil {
		return nil, err
	}
	if actor != nil {
		facts.Actor = &tokens.Actor{}
		if facts.Actor.Subject, err = actor.identifier("sub"); err != nil {
			return nil, fmt.Errorf("act: %w", err)
		}
		if actor.has("type") {
			if facts.Actor.Type, err = actor.identifier("type"); err != nil {
				return nil, fmt.Errorf("act: %w", err)
			}
		}
	}
	audiences, err := a.audiences()
	if err != nil {
		return nil, err
	}
	if t.audiences != nil && !slices.ContainsFunc(audiences, func(text string) bool { return slices.Contains(t.audiences, text) }) {
		return errors.New("aud has no audience of ours"), nil
	}
	facts.ClientName, refused = t.name(facts.ClientID)
	return refused, nil
}

// audiences reads aud, which is a text or an array of texts.
func (a answer) audiences() ([]string, error) {
	if raw := a["aud"]; len(raw) > 0 && raw[0] == '"' {
		one, err := a.identifier("aud")
		return []string{one}, err
	}
	return a.list("aud")
}

// readMachine reads which machine calls, and refuses what is for another machine than ours.
func (t *terms) readMachine(facts *tokens.Facts) (refused, err error) {
	if !strings.HasPrefix(facts.Subject, machineSubject) {
		return nil, errors.New("subject is not a machine")
	}
	if t.machineID != "" && !slices.Contains(facts.Scopes, t.machineID) {
		return errors.New("scopes do not have our machine"), nil
	}
	facts.CallerName, refused = t.name(facts.Subject)
	return refused, nil
}

func (t *terms) name(id string) (string, error) {
	if t.names == nil {
		return id, nil
	}
	name, ok := t.names[id]
	if !ok {
		return "", errors.New("no name for the id; see WithClientNames and WithMachineNames")
	}
	return name, nil
}
