// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// SessionCookie is the name of the cookie in which browsers carry a session token by default.
const SessionCookie = "__session"

// WithSessionCookie reads the session token of a call from a cookie, where the call has no header authorization and comes over Connect or
// gRPC-Web. Of several names the first that the request has is read; none: [SessionCookie]. A name that the request has twice is
// CREDENTIAL_MALFORMED, and a cookie with a credential of another kind TOKEN_TYPE_NOT_ACCEPTED. Default: no cookie is read.
//
// A browser sends cookies also when another site's page calls, so a cookie counts only if the call may come from where it comes from: the
// protection is asked about every call, GET included, and a cookie that it does not let pass is not read, as if there were none. Give
// the origins of your web application to [http.CrossOriginProtection.AddTrustedOrigin] where it is not the origin of this server. The check that
// the token was issued for one of your parties (azp) is the verifier's.
func WithSessionCookie(protection *http.CrossOriginProtection, names ...string) Option {
	names = slices.Clone(names)
	return tenantOption("WithSessionCookie", func(c *config) error {
		if protection == nil {
			return errors.New("a session cookie needs a protection against other origins; give it http.NewCrossOriginProtection()")
		}
		if len(names) == 0 {
			names = []string{SessionCookie}
		}
		for i, name := range names {
			if err := (&http.Cookie{Name: name, Value: "v"}).Valid(); err != nil {
				return fmt.Errorf("cookie %q: %w", name, err)
			}
			if slices.Contains(names[:i], name) {
				return fmt.Errorf("cookie %q is named twice", name)
			}
		}
		c.cookie = &cookie{protection: protection, names: names}
		return nil
	})
}

// A cookie is where browsers carry a session token.
type cookie struct {
	protection *http.CrossOriginProtection
	names      []string
}

var errTwoCookies = errors.New("a session cookie comes twice")

// token returns the text of the cookie, or "" when there is none. A cookie that may not be read is none, with the reason why.
func (c *cookie) token(ctx context.Context, r *Request) (string, *Refusal) {
	cookies := (&http.Request{Header: http.Header{"Cookie": r.Header["Cookie"]}}).Cookies()
	for _, name := range c.names {
		found, times := "", 0
		for _, cookie := range cookies {
			if cookie.Name == name {
				found, times = cookie.Value, times+1
			}
		}
		switch {
		case times == 0:
			continue
		case times > 1:
			return "", newRefusal(tokens.ReasonCredentialMalformed, errTwoCookies)
		case len(found) > tokens.MaxCredential:
			return "", newRefusal(tokens.ReasonCredentialMalformed, fmt.Errorf("a session cookie of more than %d bytes", tokens.MaxCredential))
		}
		if err := c.foreign(ctx, r); err != nil {
			return "", newRefusal(tokens.ReasonCredentialMissing, err)
		}
		return found, nil
	}
	return "", nil
}

// foreign returns why the call may not come from where it comes from. Its method is taken for one that changes something: a procedure may
// do so whatever it is called by.
func (c *cookie) foreign(ctx context.Context, r *Request) error {
	header := http.Header{}
	for _, name := range []string{"Origin", "Sec-Fetch-Site"} {
		header[name] = r.Header[name]
	}
	err := c.protection.Check(&http.Request{Method: http.MethodPost, Host: r.authority(ctx), URL: &url.URL{Path: r.Path}, Header: header})
	if err != nil {
		return fmt.Errorf("the session cookie was not read: %w", err)
	}
	return nil
}

// verifyCookie turns the session cookie of a request without another credential into a principal.
func (g *Guard) verifyCookie(ctx context.Context, p *policy.Procedure, r *Request) verified {
	if !r.Cookies || len(r.Header["Cookie"]) == 0 {
		return verified{}
	}
	t, refusal := g.tenantOf(ctx, p.Name(), r)
	if refusal != nil {
		return verified{refusal: refusal}
	}
	if t.cookie == nil {
		return verified{}
	}
	token, refusal := t.cookie.token(ctx, r)
	if token == "" {
		return verified{refusal: refusal, tenant: t}
	}
	if form, _, ok := t.verifiers.Classify(token); ok && form.Kind != tokens.SessionToken {
		return verified{kind: form.Kind, refusal: refusalOf(p.NotAccepted()), tenant: t}
	}
	return t.verify(ctx, p, r, token)
}
