// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

// An Instance has the verifiers of one Clerk instance, and what they share: connections to the Backend API, and keys. What it learned of one
// instance is never used for another. Only [New] makes one; a nil or zero Instance has no verifiers.
type Instance struct {
	issuer    string
	verifiers []tokens.Verifier
	api       *api
	keys      *jwt.RemoteKeySet // nil: none are fetched

	publishableKey string // is no secret
}

// New returns the verifiers of a Clerk instance. Nothing is asked over the network yet. All mistakes are in the one error.
//
// The publishable key says who the issuer is; see [WithDomain] and [WithProxyURL] where that is another. JWTs of every kind must have it in
// iss, byte by byte. The secret key is what the Backend API is asked with. Neither may be empty, but for two cases: the publishable key, if
// WithKinds leaves API keys and M2M tokens alone (M2M tokens that are JWTs are then refused); the secret key, if what is left by WithKinds
// does not need it: sessions [WithJWTKey], M2M tokens [WithMachineSecretKey].
//
// Sessions need [WithAuthorizedParties] or [WithAudience]. API keys need no more. OAuth tokens that are opaque need no more, those that
// are JWTs need WithAudience. M2M tokens that are opaque need no more, those that are JWTs need [WithMachineID]. Without it, a JWT of that
// kind is refused with [tokens.ReasonTokenInvalid].
//
// Without WithMachineID or [WithMachineSecretKey] nobody checks that an opaque M2M token is for this service, as with Clerk's middleware and
// a secret key: the Backend API says that it is a good token of the instance, and each service that is sent one can call us with it in the
// sender's name. Give one of them where a rule accepts M2M tokens, by m2m_token or by any.
//
// A rule with fresh can accept API keys, and OAuth and M2M tokens where their JWTs are not taken: only the Backend API knows what was
// revoked.
//
// Keys are fetched from the Backend API, as Clerk's middleware does, and not from the issuer: one host is asked, proxies and satellites change
// nothing about it, and the answer is bound to the secret key, so that a publishable key of another instance gets no token believed.
func New(publishableKey, secretKey string, opts ...Option) (*Instance, error) {
	c := config{skew: defaultSkew, timeout: defaultTimeout, api: defaultAPI}
	var mistakes []error
	for _, o := range opts {
		if o == nil {
			mistakes = append(mistakes, errors.New("a nil option; leave it out"))
		} else if err := o.apply(&c); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	issuer, err := c.issuer(publishableKey)
	mistakes = append(mistakes, err)
	if secretKey != "" || c.needsSecret() {
		mistakes = append(mistakes, checkSecret(secretKey, publishableKey))
	}
	mistakes = append(mistakes, c.checkSessions())
	var pem *jwt.PEMKey
	if c.jwtKey != nil {
		pem, err = jwt.NewPEMKey("RS256", c.jwtKey)
		if err != nil {
			err = fmt.Errorf("WithJWTKey: %w", err)
		}
		mistakes = append(mistakes, err)
	}
	var named []error
	for _, err := range mistakes {
		if err != nil {
			named = append(named, fmt.Errorf("clerk: %w", err))
		}
	}
	if err := errors.Join(named...); err != nil {
		return nil, err
	}
	i := &Instance{issuer: issuer, api: newAPI(&c), publishableKey: publishableKey}
	if err := i.build(&c, tokens.NewSecret(secretKey), pem); err != nil {
		_ = i.Close()
		return nil, err
	}
	c.warn(issuer)
	return i, nil
}

// issuer returns who issues JWTs, or "" when none are taken.
func (c *config) issuer(publishableKey string) (string, error) {
	if publishableKey == "" && !c.has(tokens.SessionToken) && !c.has(tokens.OAuthToken) {
		return "", nil
	}
	host, err := frontendHost(publishableKey)
	switch {
	case err != nil:
		return "", err
	case c.proxy != "" && c.domain != "":
		return "", errors.New("both WithProxyURL and WithDomain; tokens have one issuer, so leave one out")
	case c.proxy != "":
		return c.proxy, nil
	case c.domain != "":
		return c.domain, nil
	default:
		return "https://" + host, nil
	}
}

// has reports whether a kind gets a verifier.
func (c *config) has(kind tokens.Kind) bool {
	return c.kinds == nil || slices.Contains(c.kinds, kind)
}

// takesMachineJWT reports whether it is known which M2M tokens that are JWTs are for us.
func (c *config) takesMachineJWT() bool { return c.machineID != "" || c.anyReceiver }

func (c *config) needsSecret() bool {
	return c.has(tokens.APIKey) || c.has(tokens.OAuthToken) || c.has(tokens.SessionToken) && c.jwtKey == nil ||
		c.has(tokens.M2MToken) && c.machineSecret.Reveal() == ""
}

// takesJWT reports whether JWTs of some kind are taken, if there are keys.
func (c *config) takesJWT() bool {
	return c.has(tokens.SessionToken) || c.has(tokens.OAuthToken) && c.audiences != nil || c.has(tokens.M2MToken) && c.takesMachineJWT()
}

func (c *config) checkSessions() error {
	if c.has(tokens.SessionToken) && c.parties == nil && c.audiences == nil {
		return errors.New("sessions of any application would be taken; " +
			"name yours with WithAuthorizedParties, such as https://app.example.com, or demand an audience with WithAudience")
	}
	return nil
}

func (c *config) warn(issuer string) {
	if c.legacy {
		slog.Warn("clerk: sessions of no class are taken; what JWT templates make can pass for a session", "issuer", issuer)
	}
	if c.anyReceiver && c.machineID == "" {
		slog.Warn("clerk: M2M tokens for any machine are taken; who is sent one can call in the sender's name", "issuer", issuer)
	}
}

// build makes the verifiers of what was found good.
func (i *Instance) build(c *config, secret tokens.Secret, pem *jwt.PEMKey) error {
	var keys jwt.KeySource // nil: no JWT is taken
	switch {
	case i.issuer == "" || !c.takesJWT():
	case pem != nil:
		keys = pem
	case secret.Reveal() != "":
		remote, err := i.api.keys(secret)
		if err != nil {
			return fmt.Errorf("clerk: %w", err)
		}
		i.keys, keys = remote, remote
	}
	for _, kind := range []func(*config, tokens.Secret, jwt.KeySource) (tokens.Verifier, error){i.sessions, i.apiKeys, i.oauth, i.m2m} {
		v, err := kind(c, secret, keys)
		if err != nil {
			return fmt.Errorf("clerk: %w", err)
		}
		if v != nil {
			i.verifiers = append(i.verifiers, v)
		}
	}
	return nil
}

func (i *Instance) sessions(c *config, _ tokens.Secret, keys jwt.KeySource) (tokens.Verifier, error) {
	if !c.has(tokens.SessionToken) {
		return nil, nil
	}
	var opts []jwt.ClerkOption
	if c.audiences != nil {
		opts = append(opts, jwt.WithSessionAudiences(c.audiences...))
	}
	if c.legacy {
		opts = append(opts, jwt.WithInsecureLegacyClass())
	}
	profile := jwt.Clerk(c.parties, opts...).Only(tokens.SessionToken)
	return jwt.NewIssuerVerifier(i.issuer, nil, profile, keys, jwt.WithSkew(c.skew))
}

func (i *Instance) apiKeys(c *config, secret tokens.Secret, _ jwt.KeySource) (tokens.Verifier, error) {
	if !c.has(tokens.APIKey) {
		return nil, nil
	}
	return newVerifier(apiKeyEndpoint, i.api, secret, &terms{issuer: i.issuer}, nil), nil
}

func (i *Instance) oauth(c *config, secret tokens.Secret, keys jwt.KeySource) (tokens.Verifier, error) {
	if !c.has(tokens.OAuthToken) {
		return nil, nil
	}
	var signed *jwt.IssuerVerifier
	if c.audiences != nil && keys != nil {
		var err error
		if signed, err = i.signed(c, jwt.Clerk(nil).Only(tokens.OAuthToken), c.audiences, c.clients, keys); err != nil {
			return nil, err
		}
	}
	return newVerifier(oauthEndpoint, i.api, secret, &terms{issuer: i.issuer, audiences: c.audiences, names: c.clients}, signed), nil
}

func (i *Instance) m2m(c *config, secret tokens.Secret, keys jwt.KeySource) (tokens.Verifier, error) {
	if !c.has(tokens.M2MToken) {
		return nil, nil
	}
	endpoint := m2mEndpoint
	if c.machineSecret.Reveal() != "" {
		secret, endpoint.key = c.machineSecret, "machine secret key"
	}
	var signed *jwt.IssuerVerifier
	if c.takesMachineJWT() && keys != nil {
		receiver, opts := c.machineID, []jwt.ClerkOption(nil)
		if receiver == "" { // None is looked at, but there must be one.
			receiver, opts = machineSubject, []jwt.ClerkOption{jwt.WithInsecureAnyReceiver()}
		}
		var err error
		if signed, err = i.signed(c, jwt.Clerk(nil, opts...).Only(tokens.M2MToken), []string{receiver}, c.machines, keys); err != nil {
			return nil, err
		}
	}
	return newVerifier(endpoint, i.api, secret, &terms{issuer: i.issuer, machineID: c.machineID, names: c.machines}, signed), nil
}

// signed returns the verifier of those tokens of a kind that are JWTs.
func (i *Instance) signed(
	c *config, profile jwt.Profile, audiences []string, names map[string]string, keys jwt.KeySource,
) (*jwt.IssuerVerifier, error) {
	opts := []jwt.Option{jwt.WithSkew(c.skew)}
	if names != nil {
		opts = append(opts, jwt.WithNames(names))
	}
	return jwt.NewIssuerVerifier(i.issuer, audiences, profile, keys, opts...)
}

// Verifiers returns the verifiers, one for each kind, to be given to [tokens.NewVerifiers]. The slice is a copy.
func (i *Instance) Verifiers() []tokens.Verifier {
	if i == nil {
		return nil
	}
	return slices.Clone(i.verifiers)
}

// Issuer returns what JWTs of the instance have in iss, such as "https://clerk.example.com"; "" when none are taken.
func (i *Instance) Issuer() string {
	if i == nil {
		return ""
	}
	return i.issuer
}

// Format writes which instance it is, by its issuer, for every verb.
func (i *Instance) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "clerk instance %q", i.issuer)
}

// Close ends what is under way, waits until it has ended, and closes the connections that are the instance's own. From then on all but JWTs
// [WithJWTKey] are refused with [tokens.ReasonVerifierUnavailable]. It may be called more than once, by many at once, and always returns nil.
func (i *Instance) Close() error {
	if i == nil || i.api == nil {
		return nil
	}
	_ = i.keys.Close()
	i.api.close()
	return nil
}
