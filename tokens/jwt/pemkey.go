// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// A PEMKey is one key for all tokens, whatever kid they tell. It is immutable and safe for concurrent use.
type PEMKey struct{ key Key }

// NewPEMKey reads one public key from a PEM text: a "PUBLIC KEY" (RFC 5280 §4.1.2.7) or an "RSA PUBLIC KEY" (RFC 8017 §A.1.1). The
// algorithm is the one that tokens must be signed with, such as "RS256"; it has no default.
//
// Private keys, certificates, more than one block and everything that [NewKey] refuses are errors.
func NewPEMKey(algorithm string, text []byte) (*PEMKey, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, errors.New("jwt: no PEM block; give NewPEMKey the text from -----BEGIN PUBLIC KEY----- to its end")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("jwt: something follows the PEM block; give NewPEMKey one public key")
	}
	var public crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, errors.New("jwt: the PEM block is not a PUBLIC KEY or RSA PUBLIC KEY; give NewPEMKey the public key of the issuer")
	}
	if err != nil {
		return nil, fmt.Errorf("jwt: the PEM block: %v", err) //nolint:errorlint // Their errors are not our API.
	}
	key, err := NewKey("", algorithm, public)
	if err != nil {
		return nil, err
	}
	return &PEMKey{key: key}, nil
}

// Key returns the key if the algorithm is its own. The kid is ignored.
func (k *PEMKey) Key(_ context.Context, _, algorithm string) (Key, error) {
	if k == nil || k.key.Algorithm() != algorithm || algorithm == "" {
		return Key{}, errNoKey
	}
	return k.key, nil
}
