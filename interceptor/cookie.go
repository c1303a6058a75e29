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
	"strings"

	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// SessionCookie is the name of the cookie in which browsers carry a session token by default.
const SessionCookie = "__session"

// WithSessionCookie reads the session token of a call from a cookie, where the call has no header authorization and comes over Connect or
// gRPC-Web. Of several names the first that the request has is read; none: [SessionCookie]. A name that the request has twice, and a
// value that is no token as it stands, quoted for instance, are CREDENTIAL_MALFORMED; an empty value is no credential; and a credential of
// another kind is TOKEN_TYPE_NOT_ACCEPTED. Default: no cookie is read.
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
			if err := (&http.Cookie{Name: name, Value: "v"}).Valid(); err != nil { //nolint:gosec // Its name is checked; it is never set.
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

// What is wrong with a cookie. None of its text is told.
var (
	errTwoCookies = errors.New("a session cookie comes twice")
	errBadCookie  = fmt.Errorf("a session cookie that is no token of at most %d bytes", tokens.MaxCredential)
)

// unknownHost stands for a host that the transport does not tell. No origin has it, and those without a host, such as "null", do not either.
const unknownHost = "?"

// token returns the text of the cookie, or "" when there is none. A cookie that may not be read is none, with the reason why.
func (c *cookie) token(ctx context.Context, procedure string, r *Request) (string, *Refusal) {
	for _, name := range c.names {
		found, times := valueOf(r.Header["Cookie"], name)
		if times == 0 {
			continue
		}
		if times == 1 && found == "" {
			return "", nil // as a browser has it that signed out
		}
		if err := c.foreign(ctx, procedure, r); err != nil {
			return "", newRefusal(tokens.ReasonCredentialMissing, err)
		}
		if times > 1 {
			return "", newRefusal(tokens.ReasonCredentialMalformed, errTwoCookies)
		}
		if len(found) > tokens.MaxCredential || !tokens.ValidBearer(found) {
			return "", newRefusal(tokens.ReasonCredentialMalformed, errBadCookie)
		}
		return found, nil
	}
	return "", nil
}

// valueOf returns the last value of a cookie as it stands in the header, and how often it is there. Package net/http would leave out those
// that it cannot read, and with them that there are two.
func valueOf(lines []string, name string) (value string, times int) {
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			if n, v, _ := strings.Cut(pair, "="); strings.Trim(n, " \t") == name {
				value, times = strings.Trim(v, " \t"), times+1
			}
		}
	}
	return value, times
}

// foreign returns why the call may not come from where it comes from. Its method is taken for one that changes something: a procedure may
// do so whatever it is called by.
func (c *cookie) foreign(ctx context.Context, procedure string, r *Request) error {
	header := http.Header{}
	for _, name := range []string{"Origin", "Sec-Fetch-Site"} {
		header[name] = r.Header[name]
	}
	host := r.authority(ctx)
	if host == "" {
		host = unknownHost
	}
	err := c.protection.Check(&http.Request{Method: http.MethodPost, Host: host, URL: &url.URL{Path: procedure}, Header: header})
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
	token, refusal := t.cookie.token(ctx, p.Name(), r)
	if token == "" {
		return verified{refusal: refusal}
	}
	if form, _, ok := t.verifiers.Classify(token); ok && form.Kind != tokens.SessionToken {
		return verified{kind: form.Kind, refusal: refusalOf(p.NotAccepted()), tenant: t}
	}
	return t.verify(ctx, p, r, token)
}
