// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// The types of access tokens and of JWTs as such.
const (
	accessType = "at+jwt"
	plainType  = "JWT"
)

// RFC9068 is the profile of issuers of access tokens after RFC 9068, whoever they are. typ must be at+jwt, and iss, sub, exp, iat, jti, aud
// and client_id are required. The client is client_id; the scopes are those of scope or scp.
//
// A token whose sub is its client_id is a machine's (RFC 9068 §2.2), and the caller is sub. So the issuer must not let a user have the id
// of a client as sub (RFC 9068 §5). Every other is an OAuth token, and the user is sub.
func RFC9068() Profile {
	machine := Class{marker: tokens.Marker{SubjectIs: claimTexts[claimClientID]}, types: []string{accessType}}
	access := ClassType(accessType)
	access.demands = []demand{subjectIsNot(claimClientID)}
	return Profile{shapes: []shape{
		{kind: tokens.M2MToken, class: machine, steps: []step{
			(*Verifier).checkAudience, alone(readOAuth), alone(readScopes), (*Verifier).nameCaller,
		}},
		{kind: tokens.OAuthToken, class: access, steps: oauthSteps},
	}}
}

// Auth0 is the profile of Auth0's access tokens for an API of one's own, in the dialect of Auth0 (typ JWT) and in that of RFC 9068 (typ
// at+jwt). The client is client_id or azp, which must be there, and must not be among the audiences: aud is an API, and of id_tokens the
// client. The scopes are those of scope. What role-based access control puts into permissions is not added to them, since it tells what the
// user may do, not what the client was granted; it is among the principal's claims.
//
// A token is a machine's if its sub is the client and then "@clients", and gty, which the dialect of Auth0 must have, is
// client-credentials; the caller is the client. Every other is an OAuth token, and must have scope, permissions or gty; the user is sub.
func Auth0() Profile {
	const suffix = "@clients"
	types := []string{plainType, accessType}
	machine := Class{marker: tokens.Marker{SubjectSuffix: suffix}, types: types, demands: []demand{
		auth0Client,
		func(h *jws.Header, c claims) error {
			client, err := c.client()
			switch {
			case err != nil:
				return err
			case c.plain(claimSub) != client+suffix:
				return errors.New("sub is not the client that the token was issued to")
			case !c.clientCredentials() && (c.has(claimGty) || !tokens.EqualType(h.Type, accessType)):
				return errors.New("gty is not client-credentials")
			}
			return nil
		},
	}}
	access := Class{types: types, demands: []demand{
		auth0Client,
		not(claimSub, func(sub string) bool { return strings.HasSuffix(sub, suffix) }),
		func(_ *jws.Header, c claims) error {
			if c.clientCredentials() {
				return errors.New("gty is that of a machine")
			}
			if !c.has(claimScope) && !c.has(claimPermissions) && !c.has(claimGty) {
				return errors.New("no scope, permissions or gty: not an access token")
			}
			return nil
		},
	}}
	return Profile{shapes: []shape{
		{kind: tokens.M2MToken, class: machine, steps: []step{(*Verifier).checkAudience, alone(readScopes), (*Verifier).nameClientAsCaller}},
		{kind: tokens.OAuthToken, class: access, steps: []step{(*Verifier).checkAudience, asUser(claimSub), alone(readScopes), (*Verifier).nameClient}},
	}}
}

// auth0Client demands a client that is not the audience.
func auth0Client(_ *jws.Header, c claims) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	audiences, err := c.audiences()
	if err != nil {
		return err
	}
	if slices.Contains(audiences, client) {
		return errors.New("aud is the client: not an access token")
	}
	return nil
}

// client returns the client of a token that tells it in client_id, azp, or both.
func (c claims) client() (string, error) {
	party, err := c.optional(claimAzp)
	if err != nil {
		return "", err
	}
	client, err := c.optional(claimClientID)
	switch {
	case err != nil:
		return "", err
	case client == "" && party == "":
		return "", errors.New("neither client_id nor azp")
	case client != "" && party != "" && client != party:
		return "", errors.New("client_id and azp differ")
	case client == "":
		return party, nil
	default:
		return client, nil
	}
}

func (c claims) clientCredentials() bool {
	const grant = "client-credentials"
	list, _, err := c.Known(claimGty).Texts()
	return c.plain(claimGty) == grant || err == nil && slices.Contains(list, grant)
}

// Okta is the profile of the access tokens of an Okta custom authorization server. typ is absent, at+jwt or
// application/okta-internal-at+jwt. cid, the client, and scp, the scopes, must be there, which no id_token has.
//
// A token without uid whose sub is its cid is a machine's, and the caller is cid. One with uid whose sub is not its cid is an OAuth token,
// and the user is uid: sub is the user's login, which can be changed.
func Okta() Profile {
	types := []string{"", accessType, "okta-internal-at+jwt"}
	granted := func(_ *jws.Header, c claims) error {
		if scopes, _, err := c.Known(claimScp).Texts(); err != nil || len(scopes) == 0 {
			return errors.New("scp is not a list of scopes: not an access token")
		}
		return nil
	}
	machine := Class{marker: tokens.Marker{SubjectIs: "cid"}, types: types, demands: []demand{granted, lacks(claimUID)}}
	access := Class{types: types, demands: []demand{granted, requires(claimCID, claimUID), subjectIsNot(claimCID)}}
	return Profile{shapes: []shape{
		{kind: tokens.M2MToken, class: machine, steps: []step{
			(*Verifier).checkAudience, asClient(claimCID), asScopes(claimScp), (*Verifier).nameClientAsCaller,
		}},
		{kind: tokens.OAuthToken, class: access, steps: []step{
			(*Verifier).checkAudience, asClient(claimCID), asUser(claimUID), asScopes(claimScp), (*Verifier).nameClient,
		}},
	}}
}

// Entra is the profile of Microsoft Entra ID's access tokens for an API of one's own, of one tenant: the issuer is
// https://login.microsoftonline.com/TENANT/v2.0 for tokens of version 2.0, https://sts.windows.net/TENANT/ for those of 1.0. typ must be
// JWT, and tid the tenant that the issuer names. The client is azp, in version 1.0 appid, and must be there, which no id_token has.
//
// A token with scp is an OAuth token: scp are the scopes, idtyp must be absent or user, and the user is oid, which is the same for all
// clients and APIs, as sub is not. One without scp is a machine's if idtyp is app or, where the API does not ask for that optional claim,
// if it has roles and its sub is its oid; roles are then the scopes, and the caller is the client. Every application of the tenant can get
// a token without roles for an API that does not demand an assignment, so let rules name callers or scopes. Roles of users are not read.
func Entra() Profile {
	version := oneOf(claimVer, "1.0", "2.0")
	access := Class{marker: tokens.Marker{Claim: tokens.ClaimMarker{Name: "scp"}}, types: []string{plainType}, demands: []demand{
		version, oneOf(claimIDTyp, "", "user"), requires(claimOID),
	}}
	machine := Class{types: []string{plainType}, demands: []demand{version, lacks(claimScp), oneOf(claimIDTyp, "", "app"), entraApplication}}
	return Profile{
		check: checkEntra,
		shapes: []shape{
			{kind: tokens.OAuthToken, class: access, steps: []step{
				checkTenant, (*Verifier).checkAudience, alone(entraClient), asUser(claimOID), asScopes(claimScp), (*Verifier).nameClient,
			}},
			{kind: tokens.M2MToken, class: machine, steps: []step{
				checkTenant, (*Verifier).checkAudience, alone(entraClient), asScopes(claimRoles), (*Verifier).nameClientAsCaller,
			}},
		},
	}
}

func checkEntra(issuer string, _ []string) error {
	for _, many := range []string{"common", "organizations", "consumers", "{tenantid}"} {
		if wholeSegment(issuer, many) {
			return fmt.Errorf("no token has an issuer with %q; give it that of one tenant", many)
		}
	}
	return nil
}

// entraApplication demands idtyp, or what only applications have together.
func entraApplication(_ *jws.Header, c claims) error {
	if c.plain(claimIDTyp) == "app" {
		return nil
	}
	if roles, _, err := c.Known(claimRoles).Texts(); err != nil || len(roles) == 0 || c.plain(claimSub) != c.plain(claimOID) {
		return errors.New("neither idtyp, scp, nor the roles of an application: not an access token")
	}
	return nil
}

func entraClient(c claims, facts *tokens.Facts) error {
	if c.plain(claimVer) == "1.0" {
		return asClient(claimAppID)(nil, c, facts)
	}
	return asClient(claimAzp)(nil, c, facts)
}

func checkTenant(v *Verifier, c claims, _ *tokens.Facts) error {
	tenant, err := c.required(claimTID)
	if err == nil && !wholeSegment(v.issuer, tenant) {
		err = errors.New("tid is not the tenant of the issuer")
	}
	return err
}

// Keycloak is the profile of the access tokens of a Keycloak realm. The header typ is JWT or at+jwt; the claim typ must be Bearer, which
// tells them from ID, Refresh, Offline and Logout tokens. The client is azp, and must be there. The scopes are those of scope. Roles of
// the realm and of clients are not read: they are not roles in an organization. A realm's tokens have an audience of ours only with an
// audience mapper.
//
// A token is a machine's if its preferred_username is "service-account-" and then its client, which must be in client_id as well as in azp
// (Keycloak 21 and later): users can choose a name, but not get that claim. The caller is the client. A token whose preferred_username
// begins so and that lacks the rest is refused. Every other is an OAuth token, and the user is sub.
func Keycloak() Profile {
	const prefix = "service-account-"
	types, bearer := []string{plainType, accessType}, oneOf(claimTyp, "Bearer")
	marker := tokens.Marker{Claim: tokens.ClaimMarker{Name: "preferred_username", Prefix: prefix}}
	machine := Class{marker: marker, types: types, demands: []demand{
		bearer, requires(claimAzp, claimClientID),
		func(_ *jws.Header, c claims) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			// Names of users are stored in lower case.
			if name := c.plain(claimPreferredUsername); name != prefix+client && name != prefix+strings.ToLower(client) {
				return errors.New("preferred_username is not the service account of the client")
			}
			return nil
		},
	}}
	access := Class{types: types, demands: []demand{
		bearer, requires(claimAzp), not(claimPreferredUsername, func(name string) bool { return strings.HasPrefix(name, prefix) }),
	}}
	return Profile{shapes: []shape{
		{kind: tokens.M2MToken, class: machine, steps: []step{(*Verifier).checkAudience, alone(readScopes), (*Verifier).nameClientAsCaller}},
		{kind: tokens.OAuthToken, class: access, steps: []step{
			(*Verifier).checkAudience, asClient(claimAzp), asUser(claimSub), alone(readScopes), (*Verifier).nameClient,
		}},
	}}
}
