// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/admitrpc/admit/tokens"
)

// readSession reads the claims that only sessions have, as Clerk spells them.
func readSession(c claims, facts *tokens.Facts) error {
	facts.UserID = facts.Subject
	id, err := c.optional("sid")
	if err != nil {
		return err
	}
	facts.ID = id
	if facts.Features, err = c.elements("fea"); err != nil {
		return err
	}
	if facts.Plans, err = c.elements("pla"); err != nil {
		return err
	}
	if err := readStatus(c, facts); err != nil {
		return err
	}
	if err := readVerification(c, facts); err != nil {
		return err
	}
	if version, err := strconv.ParseFloat(string(c.Member("v")), 64); err == nil && version == 2 {
		return readOrganization2(c, facts)
	}
	return readOrganization1(c, facts)
}

// readStatus reads sts. A state that we do not know is not one in which a session may be used.
func readStatus(c claims, facts *tokens.Facts) error {
	status, ok, err := c.text("sts")
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
	raw := c.Member("fva")
	if raw == nil {
		return nil
	}
	var ages []*int64
	if json.Unmarshal(raw, &ages) != nil || len(ages) != 2 {
		return errors.New("fva is not two numbers of minutes")
	}
	var minutes [2]time.Duration
	for i, age := range ages {
		if age == nil || *age < -1 || *age > maxAge {
			return errors.New("fva has an age that cannot be")
		}
		minutes[i] = time.Duration(*age) * time.Minute
	}
	facts.Verification = &tokens.Verification{First: minutes[0], Second: minutes[1]}
	return nil
}

// readOrganization1 reads the active organization as claims of version 1 tell it. A role or slug without an id is left to
// [tokens.NewPrincipal] to refuse.
func readOrganization1(c claims, facts *tokens.Facts) (err error) {
	org := &facts.Organization
	for name, into := range map[string]*string{"org_id": &org.ID, "org_role": &org.Role, "org_slug": &org.Slug} {
		if *into, err = c.textOrEmpty(name); err != nil {
			return err
		}
	}
	permissions, _, err := c.Strings("org_permissions")
	if err != nil {
		return err
	}
	for _, p := range permissions {
		if err := wellFormed(p); err != nil {
			return fmt.Errorf("org_permissions: one %w", err)
		}
	}
	if org.ID != "" {
		facts.Permissions = permissions
	}
	return nil
}

// readOrganization2 reads the active organization as claims of version 2 tell it.
func readOrganization2(c claims, facts *tokens.Facts) error {
	object, ok, err := c.Object.Object("o", "id", "rol", "slg", "per", "fpm")
	if err != nil || !ok {
		return err
	}
	o, org := claims{object}, &facts.Organization
	for name, into := range map[string]*string{"id": &org.ID, "rol": &org.Role, "slg": &org.Slug} {
		if *into, err = o.textOrEmpty(name); err != nil {
			return fmt.Errorf("o: %w", err)
		}
	}
	permissions, _, err := o.String("per")
	if err != nil {
		return fmt.Errorf("o: %w", err)
	}
	masks, _, err := o.String("fpm")
	if err != nil {
		return fmt.Errorf("o: %w", err)
	}
	if org.ID != "" {
		facts.Permissions = crossPermissions(facts.Features, commaList(permissions), commaList(masks))
	}
	return nil
}

// crossPermissions returns "org:feature:permission" for each bit that is set. Mask i belongs to the i-th feature of those that an
// organization has, bit j of it, from the lowest, to permission j. A mask that is not a decimal number grants nothing, nor do bits beyond
// the permissions.
func crossPermissions(features, permissions, masks []string) []string {
	var granted []string
	position := 0
	for _, feature := range features {
		scope, slug, _ := strings.Cut(feature, ":")
		if scope == "u" {
			continue // takes no mask
		}
		if position == len(masks) {
			break
		}
		mask, ok := parseMask(masks[position])
		position++
		if !ok {
			continue
		}
		for bit, permission := range permissions {
			if permission != "" && mask.Bit(bit) == 1 {
				granted = append(granted, "org:"+slug+":"+permission)
			}
		}
	}
	return granted
}

// parseMask reads a decimal number of any length, without a sign.
func parseMask(text string) (*big.Int, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return nil, false
	}
	return new(big.Int).SetString(text, 10)
}

// elements reads fea or pla: a list with commas of "scope:slug", where the scope is o, u, ou or uo.
func (c claims) elements(name string) ([]string, error) {
	text, _, err := c.String(name)
	if err != nil {
		return nil, err
	}
	elements := commaList(text)
	for _, element := range elements {
		scope, slug, _ := strings.Cut(element, ":")
		switch scope {
		case "o", "u", "ou", "uo":
		default:
			return nil, fmt.Errorf("%s has an element that is not o:, u:, ou: or uo: and a slug", name)
		}
		if err := wellFormed(slug); err != nil {
			return nil, fmt.Errorf("%s has a slug that %w", name, err)
		}
	}
	return elements, nil
}

// commaList splits a list and trims its elements; an empty text is the empty list.
func commaList(text string) []string {
	if text == "" {
		return nil
	}
	list := strings.Split(text, ",")
	for i, element := range list {
		list[i] = strings.TrimSpace(element)
	}
	return list
}
