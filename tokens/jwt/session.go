// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/admitrpc/admit/internal/element"
	"github.com/admitrpc/admit/internal/identifier"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// readSession reads the claims that only sessions have, as Clerk spells them.
func readSession(c claims, facts *tokens.Facts) error {
	facts.UserID = facts.Subject
	id, err := c.optional(claimSID)
	if err != nil {
		return err
	}
	facts.ID = id
	if err := readStatus(c, facts); err != nil {
		return err
	}
	if err := readVerification(c, facts); err != nil {
		return err
	}
	if isVersion2(c.Known(claimV).Raw()) {
		return readVersion2(c, facts)
	}
	if err := readElements(c, facts, "", ""); err != nil {
		return err
	}
	return readOrganization1(c, facts)
}

// isVersion2 reports whether v is the number 2, however it is written.
func isVersion2(raw string) bool {
	if raw == "" || raw == "2" {
		return raw != ""
	}
	version, err := strconv.ParseFloat(raw, 64)
	return err == nil && version == 2
}

// readStatus reads sts. A state that we do not know is not one in which a session may be used.
func readStatus(c claims, facts *tokens.Facts) error {
	status, ok, err := c.text(claimSts)
	switch {
	case err != nil:
		return err
	case !ok || status == "active":
		return nil
	case status == "pending":
		facts.Pending = true
		return nil
	default:
		return errors.New("sts is not a state of a session that can be used")
	}
}

// maxAge is the highest age in minutes: a century.
const maxAge = 100 * 365 * 24 * 60

// readVerification reads fva: how many minutes before iat each factor was verified, -1 for a factor that never was.
func readVerification(c claims, facts *tokens.Facts) error {
	v := c.Known(claimFva)
	if !v.Exists() {
		return nil
	}
	first, second, ok := v.Pair()
	if !ok {
		return errAges
	}
	var ages [2]time.Duration
	for i, element := range [2]jws.Value{first, second} {
		if ages[i], ok = readAge(element); !ok {
			return errAges
		}
	}
	facts.Verification = c.verification
	*c.verification = tokens.Verification{First: ages[0], Second: ages[1]}
	return nil
}

var errAges = errors.New("fva is not two numbers of minutes, or has an age that cannot be")

// readAge reads an age in minutes, which is negative for a factor that never was verified.
func readAge(v jws.Value) (age time.Duration, ok bool) {
	if v.Raw() == "-1" {
		return -time.Minute, true
	}
	minutes, ok := smallNumber(v)
	return time.Duration(minutes) * time.Minute, ok && minutes <= maxAge
}

// readOrganization1 reads the active organization as claims of version 1 tell it. A role or slug without an id is left to
// [tokens.NewPrincipal] to refuse.
func readOrganization1(c claims, facts *tokens.Facts) (err error) {
	org := &facts.Organization
	if org.ID, err = c.textOrEmpty(claimOrgID); err != nil {
		return err
	}
	if org.Role, err = c.textOrEmpty(claimOrgRole); err != nil {
		return err
	}
	if org.Slug, err = c.textOrEmpty(claimOrgSlug); err != nil {
		return err
	}
	permissions, _, err := c.Known(claimOrgPermissions).Texts()
	if err != nil {
		return err
	}
	for _, p := range permissions {
		if err := identifier.Check(p); err != nil {
			return fmt.Errorf("org_permissions: one %w", err)
		}
	}
	if org.ID != "" {
		facts.Permissions = permissions
	}
	return nil
}

// readVersion2 reads the active organization as claims of version 2 tell it, fea and pla.
func readVersion2(c claims, facts *tokens.Facts) error {
	object, ok, err := c.Known(claimO).Object("id", "rol", "slg", "per", "fpm")
	if err != nil {
		return err
	}
	if !ok {
		return readElements(c, facts, "", "")
	}
	permissions, masks, err := readOrganization2(claims{Object: object}, &facts.Organization)
	if err != nil {
		return fmt.Errorf("o: %w", err)
	}
	return readElements(c, facts, permissions, masks)
}

func readOrganization2(o claims, org *tokens.Organization) (permissions, masks string, err error) {
	if org.ID, err = o.textOrEmpty(claimID); err != nil {
		return "", "", err
	}
	if org.Role, err = o.textOrEmpty(claimRol); err != nil {
		return "", "", err
	}
	if org.Slug, err = o.textOrEmpty(claimSlg); err != nil {
		return "", "", err
	}
	if permissions, _, err = o.Known(claimPer).Text(); err != nil {
		return "", "", err
	}
	if masks, _, err = o.Known(claimFpm).Text(); err != nil {
		return "", "", err
	}
	if org.ID == "" {
		return "", "", nil
	}
	return permissions, masks, nil
}

// readElements reads fea and pla, and the permissions that masks grant for features.
func readElements(c claims, facts *tokens.Facts, permissions, masks string) (err error) {
	said := holdingClaims{role: facts.Organization.Role, permissions: permissions, masks: masks}
	if said.features, _, err = c.Known(claimFea).Text(); err != nil {
		return err
	}
	if said.plans, _, err = c.Known(claimPla).Text(); err != nil {
		return err
	}
	h := rememberedHolding(said)
	if h == nil {
		if h, err = newHolding(said); err != nil {
			return err
		}
		rememberHolding(h)
	}
	facts.Features, facts.Plans, facts.Permissions, facts.Organization.Role = h.features, h.plans, h.permissions, h.role
	return nil
}

// checkElements refuses what is not "scope:slug", where the scope is o, u, ou or uo.
func checkElements(name string, elements []string) error {
	for _, text := range elements {
		_, slug, ok := element.Parse(text)
		if !ok {
			return fmt.Errorf("%s has an element that is not o:, u:, ou: or uo: and a slug", name)
		}
		if err := identifier.Check(slug); err != nil {
			return fmt.Errorf("%s has a slug that %w", name, err)
		}
	}
	return nil
}

// appendList appends the elements of a list with commas, trimmed; an empty text is the empty list.
func appendList(list []string, text string) []string {
	if text == "" {
		return list
	}
	for {
		at := strings.IndexByte(text, ',')
		if at < 0 {
			return append(list, trimSpace(text))
		}
		list, text = append(list, trimSpace(text[:at])), text[at+1:]
	}
}

// trimSpace is [strings.TrimSpace], quicker where there is none.
func trimSpace(text string) string {
	if text != "" && isBlack(text[0]) && isBlack(text[len(text)-1]) {
		return text
	}
	return strings.TrimSpace(text)
}

// isBlack reports whether a byte is a character that is no space.
func isBlack(c byte) bool { return c > ' ' && c < utf8.RuneSelf }
