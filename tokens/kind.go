// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

// A Kind says what a credential is. The zero Kind is unknown and is accepted nowhere.
type Kind uint8

// The kinds of credential.
const (
	// SessionToken is a user's session: a short-lived JWT.
	SessionToken Kind = iota + 1
	// OAuthToken is an OAuth 2.0 access token, a JWT (RFC 9068) or opaque (RFC 7662): an application that acts for a user.
	OAuthToken
	// APIKey is a long-lived key of a user or an organization.
	APIKey
	// M2MToken is a token of another service.
	M2MToken
)

// Kinds lists the four kinds, in the order of their values. The array is a copy and may be changed.
func Kinds() [4]Kind { return [4]Kind{SessionToken, OAuthToken, APIKey, M2MToken} }

// String returns the name of the kind as the schema spells it, or "unknown".
func (k Kind) String() string {
	switch k {
	case SessionToken:
		return "session_token"
	case OAuthToken:
		return "oauth_token"
	case APIKey:
		return "api_key"
	case M2MToken:
		return "m2m_token"
	default:
		return "unknown"
	}
}

// Known reports whether k is one of the four kinds.
func (k Kind) Known() bool { return k >= SessionToken && k <= M2MToken }

// Machine reports whether the kind has no session behind it. Machines have no role, permission, feature or plan.
func (k Kind) Machine() bool { return k != SessionToken }
