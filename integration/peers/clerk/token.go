// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // RS256
	_ "crypto/sha512" // RS384 and RS512
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
)

// The one instance that both sides are set up for.
const (
	issuer   = "https://clerk.example.com"
	party    = "https://app.example.com"
	audience = "https://api.example.com"

	catSession  = "cl_B7d4PD111AAA"
	catTemplate = "cl_B7d4PD222AAA"
	catMachine  = "cl_B7d4PD333AAA"
	catNone     = "cl_I7d4PD111III"
)

// A claim that is a second is written as its distance from the instant of the case.
type second int64

// A draft is a token before it is signed, for no instant yet.
type draft struct {
	header, claims map[string]any
	rawHeader      func(text string) string // what becomes of the JSON
	rawClaims      func(text string) string
	key            string // "": the issuer's; "other"; "hmac": a secret of the PEM's bytes; "pss"; "none"
	edit           func(token string) string
}

func (d *draft) clone() *draft {
	c := *d
	c.header, c.claims = maps.Clone(d.header), maps.Clone(d.claims)
	if o, ok := c.claims["o"].(map[string]any); ok {
		c.claims["o"] = maps.Clone(o)
	}
	return &c
}

// elapsed is how many minutes passed since iat, and nil without iat.
func (d *draft) elapsed() *float64 {
	var minutes float64
	switch iat := d.claims["iat"].(type) {
	case second:
		minutes = max(0, -float64(iat)/60)
	case nil:
		return nil
	default:
		return new(float64) // a date that is refused
	}
	return &minutes
}

// keys are made anew by each run; what they sign is the seed's.
type keys struct {
	own, other *rsa.PrivateKey
	pem        []byte
}

func newKeys() (*keys, error) {
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(own.Public())
	if err != nil {
		return nil, err
	}
	return &keys{own: own, other: other, pem: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}, nil
}

// mint signs a draft for an instant.
func (k *keys) mint(d *draft, now int64) (string, error) {
	header, err := resolve(d.header, now, d.rawHeader)
	if err != nil {
		return "", err
	}
	claims, err := resolve(d.claims, now, d.rawClaims)
	if err != nil {
		return "", err
	}
	input := encode(header) + "." + encode(claims)
	algorithm, _ := d.header["alg"].(string)
	signature, err := k.sign(algorithm, d.key, input)
	if err != nil {
		return "", err
	}
	token := input + "." + encode(string(signature))
	if d.edit != nil {
		token = d.edit(token)
	}
	return token, nil
}

func (k *keys) sign(algorithm, key, input string) ([]byte, error) {
	hash := crypto.SHA256
	switch {
	case strings.HasSuffix(algorithm, "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(algorithm, "512"):
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write([]byte(input))
	switch key {
	case "other":
		return rsa.SignPKCS1v15(nil, k.other, hash, h.Sum(nil))
	case "pss":
		return rsa.SignPSS(rand.Reader, k.own, hash, h.Sum(nil), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case "hmac":
		mac := hmac.New(hash.New, k.pem)
		mac.Write([]byte(input))
		return mac.Sum(nil), nil
	case "none":
		return nil, nil
	default:
		return rsa.SignPKCS1v15(nil, k.own, hash, h.Sum(nil))
	}
}

// resolve writes an object as JSON, its seconds counted from an instant, and those members that are absent left out.
func resolve(object map[string]any, now int64, raw func(string) string) (string, error) {
	resolved := map[string]any{}
	for name, value := range object {
		if at, ok := value.(second); ok {
			value = now + int64(at)
		}
		resolved[name] = value
	}
	text, err := json.Marshal(resolved)
	if err != nil {
		return "", err
	}
	if raw != nil {
		return raw(string(text)), nil
	}
	return string(text), nil
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// The drafts that all cases begin with: everything about them is good.

func sessionDraft(version int) *draft {
	d := &draft{
		header: map[string]any{"alg": "RS256", "typ": "JWT", "kid": "ins_1", "cat": catSession},
		claims: map[string]any{
			"iss": issuer, "sub": "user_1", "sid": "sess_1", "azp": party, "jti": "jti_1", "sts": "active",
			"iat": second(-5), "nbf": second(-10), "exp": second(60), "fva": []int{3, 4},
			"fea": "o:export,u:dark-mode,uo:invoices,o:api", "pla": "u:pro,o:business",
		},
	}
	if version == 2 {
		d.claims["v"] = 2
		d.claims["o"] = map[string]any{"id": "org_1", "rol": "admin", "slg": "acme", "per": "read,manage", "fpm": "1,3,2"}
		return d
	}
	d.claims["org_id"], d.claims["org_role"], d.claims["org_slug"] = "org_1", "org:admin", "acme"
	d.claims["org_permissions"] = []string{"org:invoices:read", "org:api:manage", "export:read"}
	return d
}

func oauthDraft() *draft {
	return &draft{
		header: map[string]any{"alg": "RS256", "typ": "at+jwt", "kid": "ins_1"},
		claims: map[string]any{
			"iss": issuer, "sub": "user_1", "client_id": "client_1", "jti": "oat_1", "aud": audience, "scope": "read write",
			"iat": second(-5), "nbf": second(-10), "exp": second(60),
		},
	}
}

func machineDraft() *draft {
	return &draft{
		header: map[string]any{"alg": "RS256", "typ": "JWT", "kid": "ins_1", "cat": catMachine},
		claims: map[string]any{
			"iss": issuer, "sub": "mch_1", "jti": "mt_1", "aud": []string{audience}, "scopes": "mch_2 mch_3",
			"iat": second(-5), "nbf": second(-10), "exp": second(60),
		},
	}
}

// A mutation is one thing that is changed about a draft, and the deviation that it shows, if any.
type mutation struct {
	name  string
	cause cause
	mixed bool // the deviation shows only beside other mutations
	apply func(d *draft)
}

func (m mutation) causes() []cause {
	if m.cause.class == none {
		return nil
	}
	return []cause{m.cause}
}

func claim(name string, value any) mutation {
	return mutation{name: "claim " + name + "=" + show(value), apply: func(d *draft) {
		if value == absent {
			delete(d.claims, name)
			return
		}
		if object, ok := value.(map[string]any); ok {
			value = maps.Clone(object) // later mutations may change it
		}
		d.claims[name] = value
	}}
}

func member(name string, value any) mutation {
	return mutation{name: "header " + name + "=" + show(value), apply: func(d *draft) {
		if value == absent {
			delete(d.header, name)
			return
		}
		d.header[name] = value
	}}
}

// organization changes the claim o, in drafts that have it.
func organization(name string, value any) mutation {
	return mutation{name: "claim o." + name + "=" + show(value), apply: func(d *draft) {
		o, ok := d.claims["o"].(map[string]any)
		switch {
		case !ok:
		case value == absent:
			delete(o, name)
		default:
			o[name] = value
		}
	}}
}

func edited(name string, edit func(token string) string) mutation {
	return mutation{name: name, apply: func(d *draft) { d.edit = edit }}
}

// absentValue is the value of what is not there.
type absentValue struct{}

var absent any = absentValue{}

func show(value any) string {
	if value == absent {
		return "absent"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	const longest = 40
	if len(text) > longest {
		return string(text[:longest]) + "…"
	}
	return string(text)
}

// mixed says of mutations that each may show a deviation beside others, and does not alone.
func mixed(class deviation, effect effect, mutations ...mutation) []mutation {
	list := showing(class, effect, mutations...)
	for i := range list {
		list[i].mixed = true
	}
	return list
}

// showing says of mutations that each shows a deviation.
func showing(class deviation, effect effect, mutations ...mutation) []mutation {
	list := slices.Clone(mutations)
	for i := range list {
		list[i].cause = cause{class, effect}
	}
	return list
}
