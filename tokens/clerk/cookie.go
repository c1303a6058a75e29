// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk

import (
	"crypto/sha1" //nolint:gosec // Clerk's way to name a cookie; nothing is protected by it.
	"encoding/base64"
)

// sessionCookie is the name of the cookie in which Clerk's browser library keeps the session token.
const sessionCookie = "__session"

// CookieNames returns the names of the cookies in which browsers carry a session token of this instance, for
// interceptor.WithSessionCookie: the one with the suffix that Clerk makes of the publishable key, which no other instance on the same
// domain uses, and then the plain one. Nil for an Instance without a publishable key.
func (i *Instance) CookieNames() []string {
	if i == nil || i.publishableKey == "" {
		return nil
	}
	const suffixLength = 8
	digest := sha1.Sum([]byte(i.publishableKey)) //nolint:gosec // See above.
	return []string{sessionCookie + "_" + base64.URLEncoding.EncodeToString(digest[:])[:suffixLength], sessionCookie}
}
