// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Package clerk makes the verifiers of a Clerk instance from its keys: sessions, API keys, OAuth tokens and M2M tokens.
//
// [New] reads from the publishable key who issues the instance's JWTs. Sessions, and OAuth and M2M tokens that are JWTs, are verified by
// package [github.com/admitrpc/admit/tokens/jwt], with the keys that Clerk's Backend API has for the secret key, or without a network
// [WithJWTKey]. Tokens that are opaque (ak_, oat_ and mt_) are verified by the Backend API, which also knows what was revoked; JWTs are
// good until they expire.
//
// For whom an M2M token is, is checked only where [New] is told which machine we are, [WithMachineID] or [WithMachineSecretKey]. Without
// either, opaque ones are taken as Clerk's middleware takes them with a secret key: whichever machine they are for.
//
// Each kind has one verifier that takes both forms of its tokens, so that clients and machines have the same names in both.
//
// What Clerk's middleware calls debug is [github.com/admitrpc/admit/interceptor.WithDebug] of the guard. Its sign-in pages, handshakes and
// redirects have no meaning for a procedure call, and nothing here reads cookies. What a caller may do, rules say.
//
// # The Backend API
//
// A verification is one POST, which ends after 5 seconds (see [WithAPITimeout]), follows no redirect, and reads 64 KiB at most. All who
// present the same token at the same time share it; each leaves when its own context ends. At most 256 are under way at once. That there is
// no such token is remembered for 10 seconds, of 1,024 tokens at most, by their SHA-256; nothing else is remembered here: the guard
// remembers principals. With [tokens.Credential.Fresh] the API is asked anew, whatever is remembered or under way.
//
// # Failure
//
// Verify returns a [tokens.Error]. [tokens.ReasonTokenInvalid]: the API knows no such token (404), the token is for another audience or
// machine, its client or machine has no name, or what package jwt says of a JWT. [tokens.ReasonTokenExpired] and
// [tokens.ReasonTokenRevoked]: the API says so of a token that is good otherwise. [tokens.ReasonVerifierUnavailable]: the API cannot be
// reached, is too slow, answers with another status or with what cannot be read. That includes 401, which is about our own key and not
// about the caller's: the cause, which is for operators, says which key was refused. The error has the Retry-After of the API, of one
// minute at most. [tokens.ReasonRateLimited]: too many verifications are under way. When the caller's context ends, the error wraps that
// of the context.
//
// No error, log or formatted value has a key or a token in it.
//
// # Concurrency
//
// Every type is safe for concurrent use. An [Instance] has goroutines and connections; close it.
package clerk
