// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// MaxCredential is the longest credential in bytes; a longer one is [ReasonCredentialMalformed].
const MaxCredential = 8 << 10

// A Credential is what a caller presents, not yet believed, as a verifier is given it. The zero Credential is empty.
type Credential struct {
	// Secret is the text that was presented.
	Secret Secret
	// Form is the form that the text was classified as; it is one of those that the verifier declared.
	Form Form
	// Fresh asks the verifier for its source of truth: no cache may be read and no older flight joined.
	Fresh bool
	// Procedure is what is called, as "/package.Service/Method".
	Procedure string
	// Peer is the network address of the caller, as the transport tells it. It may be empty, and it proves nothing.
	Peer string
	// TLS is the state of the caller's connection; nil where the transport has none or does not tell.
	TLS *tls.ConnectionState
}

// A Secret is a text that is never printed: fmt, encoding/json, encoding and log/slog all write "[redacted]". The zero Secret is empty.
type Secret struct {
	// A pointer, so that even a printer that ignores our methods, as fmt does below an unexported field, has nothing to print.
	text *string
}

const redacted = "[redacted]"

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the text. Call it where the text is used, and do not keep it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

const bearer = "Bearer "

// ParseBearer takes the one bearer token from the values of the authorization header (RFC 6750 §2.1).
//
// No value at all is "" with a nil error. Everything else that is not exactly one value of the scheme Bearer (in any case, RFC 9110
// §11.1), one space and at most [MaxCredential] bytes is an [Error] with [ReasonCredentialMalformed]: two values, another scheme, an
// empty value. The characters of the token are not looked at here, but by [CheckBearer], so that a token which was verified before is not
// scanned again.
func ParseBearer(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", errTwo
	}
	value := values[0]
	if len(value) <= len(bearer) || value[len(bearer)] == ' ' || value[:len(bearer)] != bearer && !strings.EqualFold(value[:len(bearer)], bearer) {
		return "", orTwo(value, errScheme)
	}
	token := value[len(bearer):]
	if len(token) > MaxCredential {
		return "", orTwo(value, errLong)
	}
	return token, nil
}

// CheckBearer returns nil for a b64token of RFC 6750 §2.1, one or more of A-Z a-z 0-9 - . _ ~ + / and then any number of "=", and an
// [Error] with [ReasonCredentialMalformed] for everything else.
func CheckBearer(token string) error {
	if ValidBearer(token) {
		return nil
	}
	return orTwo(token, errCharacters)
}

// IsTwoCredentials reports whether err of [ParseBearer] or [CheckBearer] says that there is more than one credential, which even a public
// procedure refuses.
func IsTwoCredentials(err error) bool { return errors.Is(err, errTwo) }

// orTwo tells of two values where a comma joins them (RFC 9110 §5.2), and of err elsewhere.
func orTwo(value string, err *Error) *Error {
	if strings.Contains(value, ",") {
		return errTwo
	}
	return err
}

// One value for each mistake: they are never changed, and refusing junk then costs nothing.
var (
	errTwo        = &Error{Reason: ReasonCredentialMalformed, cause: errors.New("more than one authorization value")}
	errScheme     = &Error{Reason: ReasonCredentialMalformed, cause: errors.New("the authorization value is not 'Bearer', one space and a token")}
	errLong       = &Error{Reason: ReasonCredentialMalformed, cause: fmt.Errorf("the token is longer than %d bytes", MaxCredential)}
	errCharacters = &Error{Reason: ReasonCredentialMalformed, cause: errors.New("the token has characters outside RFC 6750 §2.1")}
)

// ValidBearer reports whether [CheckBearer] has nothing to say.
func ValidBearer(token string) bool {
	body := strings.TrimRight(token, "=")
	if body == "" {
		return false
	}
	for i := range len(body) {
		if !bearerByte[body[i]] {
			return false
		}
	}
	return true
}

var bearerByte = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/") {
		set[c] = true
	}
	return set
}()
