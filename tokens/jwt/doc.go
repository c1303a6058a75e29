// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package jwt verifies signed JWTs: session tokens, OAuth 2.0 access tokens (RFC 9068) and tokens of machines.
//
// Each of [NewSessionVerifier], [NewOAuthVerifier] and [NewM2MVerifier] makes a [tokens.Verifier] for one class of one issuer's tokens.
// [NewIssuerVerifier] makes one for all tokens of an issuer, as the [Profile] of a product says how they are written: [RFC9068], [Auth0],
// [Okta], [Entra], [Keycloak], [Google], [SPIFFE], [Kubernetes] and [Clerk].
// A verifier demands a positive mark of its class, so that tokens of two classes under one key are never taken for each other. Keys come
// from a [KeySource]: [NewKeySet], [NewPEMKey], [NewRemoteKeySet] and [NewDiscoveredKeySet] are those of this package.
//
// A token is refused for everything that two readers could read differently: JSON with a member twice or a known name in another case,
// base64url with stray bits or line breaks, headers that bring their own key or change the rules ("jwk", "jku", "x5u", "x5c", "crit",
// "b64", "zip"). Algorithms are RS, PS and ES 256, 384 and 512, and EdDSA with Ed25519; the key says which of them, never the token.
//
// The package does not decrypt tokens, does not ask whether a token was revoked, does not check proofs of possession (a token with the
// claim cnf is refused), and caches no principals.
//
// # Failure
//
// Verify returns a [tokens.Error]: [tokens.ReasonTokenInvalid] for everything about form, signature, issuer, class, audience and claims;
// [tokens.ReasonTokenExpired] and [tokens.ReasonTokenNotYetValid] only when everything else about the token is good;
// [tokens.ReasonVerifierUnavailable] when the keys cannot be had. When the caller's context ends, the error wraps that of the context.
// No error contains a token, the value of a claim, or a key id.
//
// # Concurrency
//
// Every type is safe for concurrent use. Only [RemoteKeySet] has goroutines and state; close it.
package jwt
