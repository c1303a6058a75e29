// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import "github.com/admitrpc/admit/tokens/jwt/internal/jws"

// A claim is the number of a claim that this package reads, or of a member of one.
type claim = jws.Number

// The claims of all tokens and of sessions.
const (
	claimIss claim = iota + 1
	claimSub
	claimAud
	claimExp
	claimNbf
	claimIat
	claimJTI
	claimCnf
	claimAct
	claimAzp
	claimClientID
	claimScope
	claimScp
	claimSID
	claimSts
	claimFva
	claimV
	claimO
	claimFea
	claimPla
	claimOrgID
	claimOrgRole
	claimOrgSlug
	claimOrgPermissions
)

// The claims that only profiles read.
const (
	claimTyp claim = iota + 1 + claimOrgPermissions
	claimTokenUse
	claimNonce
	claimAtHash
	claimCHash
	claimSHash
	claimEvents
	claimGty
	claimPermissions
	claimCID
	claimUID
	claimVer
	claimTID
	claimOID
	claimIDTyp
	claimAppID
	claimRoles
	claimPreferredUsername
	claimEmail
	claimEmailVerified
	claimKubernetes
	claimScopes
)

// The members of claims. Those that are named like a claim have its number.
const (
	claimType claim = iota + 1 + claimScopes
	claimID
	claimRol
	claimSlg
	claimPer
	claimFpm
	claimNamespace
	claimServiceAccount
	claimName
)

var claimTexts = [...]string{
	claimIss: "iss", claimSub: "sub", claimAud: "aud", claimExp: "exp", claimNbf: "nbf", claimIat: "iat", claimJTI: "jti",
	claimCnf: "cnf", claimAct: "act", claimAzp: "azp", claimClientID: "client_id", claimScope: "scope", claimScp: "scp",
	claimSID: "sid", claimSts: "sts", claimFva: "fva", claimV: "v", claimO: "o", claimFea: "fea", claimPla: "pla",
	claimOrgID: "org_id", claimOrgRole: "org_role", claimOrgSlug: "org_slug", claimOrgPermissions: "org_permissions",

	claimTyp: "typ", claimTokenUse: "token_use", claimNonce: "nonce", claimAtHash: "at_hash", claimCHash: "c_hash",
	claimSHash: "s_hash", claimEvents: "events", claimGty: "gty", claimPermissions: "permissions", claimCID: "cid",
	claimUID: "uid", claimVer: "ver", claimTID: "tid", claimOID: "oid", claimIDTyp: "idtyp", claimAppID: "appid",
	claimRoles: "roles", claimPreferredUsername: "preferred_username", claimEmail: "email",
	claimEmailVerified: "email_verified", claimKubernetes: "kubernetes.io", claimScopes: "scopes",

	claimType: "type", claimID: "id", claimRol: "rol", claimSlg: "slg", claimPer: "per", claimFpm: "fpm",
	claimNamespace: "namespace", claimServiceAccount: "serviceaccount", claimName: "name",
}

var (
	claimNumbers = jws.NewNames(claimTexts[:]...)
	// claimNames are those that may not come in another case.
	claimNames = claimTexts[claimIss : claimOrgPermissions+1]
	// profileClaims are those of a profile's tokens.
	profileClaims = claimTexts[claimIss : claimScopes+1]
)
