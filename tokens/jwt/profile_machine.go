// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"errors"
	"fmt"
	"strings"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// Google is the profile of the identity tokens of Google's service accounts, from the metadata server or the IAM credentials API; the
// issuer is https://accounts.google.com. They are the one sort of id_token that is made for the service that is called, so this profile is
// for machines only: id_tokens of users have no form.
//
// typ must be JWT, aud one audience alone, email end in ".gserviceaccount.com" with email_verified true, and azp be the account itself, by
// its sub or email, and not an application that a user logged in to. As everywhere, at_hash and nonce are refused, which tell of a log-in.
// The caller is the email, which can be given to another account once its account is deleted; the subject cannot. There are no scopes.
func Google() Profile {
	marker := tokens.Marker{Claim: tokens.ClaimMarker{Name: "email", Suffix: ".gserviceaccount.com"}}
	machine := Class{marker: marker, types: []string{plainType}, demands: []demand{
		func(_ *jws.Header, c claims) error {
			if c.Known(claimEmailVerified).Raw() != "true" {
				return errors.New("email_verified is not true")
			}
			if azp := c.plain(claimAzp); azp == "" || azp != c.plain(claimSub) && azp != c.plain(claimEmail) {
				return errors.New("azp is not the service account: not a token of a machine")
			}
			if audiences, err := c.audiences(); err != nil || len(audiences) != 1 {
				return errors.New("aud is not one audience")
			}
			return nil
		},
	}}
	return Profile{shapes: []shape{{kind: tokens.M2MToken, class: machine, steps: []step{
		(*Verifier).checkAudience,
		func(v *Verifier, c claims, facts *tokens.Facts) error {
			email, err := c.required(claimEmail)
			if err != nil {
				return err
			}
			facts.CallerName, err = v.name(email)
			return err
		},
	}}}}
}

// SPIFFE is the profile of the JWT-SVIDs of one trust domain, such as "example.org". typ is absent, JWT or JOSE; sub must be the SPIFFE ID
// of a workload of the domain: "spiffe://", the domain, and a path (SPIFFE-ID §2). Every token is a machine's, and the caller is sub. There
// are no scopes.
//
// The specification of JWT-SVIDs does not demand iss. A token without it has no form, since nothing else tells before verification whose
// keys are to be asked: have the SPIRE server set jwt_issuer, and give NewIssuerVerifier that.
func SPIFFE(trustDomain string) Profile {
	prefix := "spiffe://" + trustDomain + "/"
	machine := Class{
		marker: tokens.Marker{SubjectPrefix: prefix},
		types:  []string{"", plainType, "JOSE"},
		demands: []demand{func(_ *jws.Header, c claims) error {
			path := strings.TrimPrefix(c.plain(claimSub), prefix)
			if !all(strings.Split(path, "/"), validSegment) {
				return errors.New("sub is not a SPIFFE ID")
			}
			return nil
		}},
	}
	profile := Profile{shapes: []shape{{
		kind: tokens.M2MToken, class: machine, open: prefix, steps: []step{(*Verifier).checkAudience, (*Verifier).nameCaller},
	}}}
	if trustDomain == "" || len(trustDomain) > 255 || !madeOf(trustDomain, lower+digits+".-_") {
		profile.err = fmt.Errorf("SPIFFE(%q): a trust domain is 1 to 255 of a-z, 0-9, \".\", \"-\" and \"_\", without \"spiffe://\"", trustDomain)
	}
	return profile
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// validSegment reports whether a text is a segment of the path of a SPIFFE ID (SPIFFE-ID §2.2).
func validSegment(segment string) bool {
	return segment != "" && segment != "." && segment != ".." && madeOf(segment, lower+upper+digits+".-_")
}

func madeOf(text, characters string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(characters, r) })
}

// Kubernetes is the profile of the projected tokens of a cluster's service accounts. typ is absent or JWT; sub must be
// "system:serviceaccount:", a namespace, ":" and a name, the same as in the claim kubernetes.io. Every token is a machine's, and the caller
// is sub. There are no scopes. The tokens of secrets, which have neither aud nor exp, are refused.
//
// Give it an audience of your own, and let workloads ask for tokens with it. The audience of the API server (the issuer, or
// https://kubernetes.default.svc) is an error: whoever is sent such a token can act as its sender in the cluster.
func Kubernetes() Profile {
	const prefix = "system:serviceaccount:"
	machine := Class{
		marker:  tokens.Marker{SubjectPrefix: prefix},
		types:   []string{"", plainType},
		demands: []demand{serviceAccount},
	}
	return Profile{
		check: checkKubernetes,
		shapes: []shape{{
			kind: tokens.M2MToken, class: machine, open: prefix, steps: []step{(*Verifier).checkAudience, (*Verifier).nameCaller},
		}},
	}
}

func checkKubernetes(issuer string, audiences []string) error {
	for _, a := range audiences {
		if a != "" && a == issuer || strings.HasPrefix(a, "https://kubernetes.default.svc") {
			return fmt.Errorf("the audience %q is that of the API server; let workloads ask for tokens with one of your own", a)
		}
	}
	return nil
}

// serviceAccount demands that sub and the claim kubernetes.io tell of the same account.
func serviceAccount(_ *jws.Header, c claims) error {
	about, ok, err := c.Known(claimKubernetes).Object("namespace", "serviceaccount")
	if err != nil || !ok {
		return errors.New("no claim kubernetes.io")
	}
	account, ok, err := about.Known(claimServiceAccount).Object("name", "uid")
	if err != nil || !ok {
		return errors.New("kubernetes.io has no service account")
	}
	namespace, name := textOf(about.Known(claimNamespace)), textOf(account.Known(claimName))
	switch {
	case !madeOf(namespace, lower+digits+"-") || !madeOf(name, lower+digits+"-.") || namespace == "" || name == "":
		return errors.New("kubernetes.io has no name of a service account")
	case c.plain(claimSub) != "system:serviceaccount:"+namespace+":"+name:
		return errors.New("sub is not the service account of kubernetes.io")
	default:
		return nil
	}
}
