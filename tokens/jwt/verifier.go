// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/admitrpc/admit/internal/identifier"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt/internal/jws"
)

// A Verifier verifies one class of one issuer's JWTs. It is a [tokens.Verifier], immutable and safe for concurrent use. Only the
// constructors of this package make one; a nil or zero Verifier declares no form and refuses every token.
type Verifier struct {
	config

	kind     tokens.Kind
	issuer   string
	accepted []string // audiences, or a session's parties
	class    Class
	keys     KeySource
	steps    []step // from claims to facts, in their order
	known    []string
	open     string // what every name begins with where WithNames does not say them all
}

// A step reads some of the claims of a token whose signature matched, and refuses those that are not good.
type step func(v *Verifier, c claims, facts *tokens.Facts) error

// alone makes a step of one that needs no verifier.
func alone(read func(c claims, facts *tokens.Facts) error) step {
	return func(_ *Verifier, c claims, facts *tokens.Facts) error { return read(c, facts) }
}

// What is read of the claims of each kind, where no profile says otherwise.
var (
	sessionSteps = []step{(*Verifier).checkParty, alone(readSession)}
	oauthSteps   = []step{(*Verifier).checkAudience, alone(readOAuth), alone(readScopes), (*Verifier).nameClient}
	machineSteps = []step{(*Verifier).checkAudience, alone(readScopes), (*Verifier).nameCaller}
)

type config struct {
	skew   time.Duration
	names  map[string]string
	prefix string
}

// NewSessionVerifier returns a verifier of users' session tokens.
//
// The issuer is compared with iss byte by byte. The parties are those for whom sessions are made, such as the origins of a web
// application: a token's azp must be one of them, byte by byte, or, when it has no azp, its aud. The class tells session tokens from the
// issuer's other JWTs. None of them has a default, and an empty one is an error.
//
// iss, sub and exp are required. Of Clerk's claims version 1 (org_id, org_role, org_slug, org_permissions) and 2 (v, o) are read; fea,
// pla, sts, fva, sid and act with either. Ages in fva are unknown without iat, since they count from there.
func NewSessionVerifier(issuer string, parties []string, class Class, keys KeySource, opts ...Option) (*Verifier, error) {
	v := &Verifier{kind: tokens.SessionToken, issuer: issuer, accepted: parties, class: class, keys: keys, steps: sessionSteps, known: claimNames}
	return v.init("NewSessionVerifier", "authorized parties", opts, class.check())
}

// NewOAuthVerifier returns a verifier of OAuth 2.0 access tokens that are JWTs (RFC 9068).
//
// The issuer is compared with iss byte by byte, and one of the audiences with those of aud. Neither has a default, and an empty one is an
// error. The class is that of RFC 9068 §2.1: the header typ must be at+jwt.
//
// iss, sub, exp, iat, jti, aud and client_id are required. Scopes are those of scope or scp. A token with a claim that only id_tokens have
// (at_hash, c_hash, s_hash, nonce) or that says it is another token (events, token_use, typ) is refused. A token whose sub is its client_id was
// issued to a client that acts for no user, and has no user id (RFC 9068 §2.2, §5).
func NewOAuthVerifier(issuer string, audiences []string, keys KeySource, opts ...Option) (*Verifier, error) {
	class := ClassType(accessType)
	class.demands = []demand{accessToken}
	v := &Verifier{kind: tokens.OAuthToken, issuer: issuer, accepted: audiences, class: class, keys: keys, steps: oauthSteps, known: claimNames}
	return v.init("NewOAuthVerifier", "audiences", opts, class.check())
}

// NewM2MVerifier returns a verifier of tokens of machines.
//
// The issuer is compared with iss byte by byte, and one of the audiences with those of aud. The class tells machines' tokens from the
// issuer's other JWTs. None of them has a default, and an empty one is an error.
//
// iss, sub, exp and aud are required. Scopes are those of scope or scp. The subject is the machine, and there is no user. What
// [NewOAuthVerifier] refuses of id_tokens and others is refused here too.
func NewM2MVerifier(issuer string, audiences []string, class Class, keys KeySource, opts ...Option) (*Verifier, error) {
	class.demands = []demand{accessToken}
	v := &Verifier{kind: tokens.M2MToken, issuer: issuer, accepted: audiences, class: class, keys: keys, steps: machineSteps, known: claimNames}
	return v.init("NewM2MVerifier", "audiences", opts, class.check())
}

// init checks what the constructor was given, all at once, and takes copies. More are mistakes that are known already, or nil.
func (v *Verifier) init(constructor, accepted string, opts []Option, more ...error) (*Verifier, error) {
	var mistakes []error
	mistake := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("jwt: "+constructor+": "+format, args...))
	}
	if identifier.Check(v.issuer) != nil {
		mistake("the issuer is empty or has control characters; give it what tokens have in iss")
	}
	for _, err := range append(more, checkAccepted(v.accepted, accepted)) {
		if err != nil {
			mistake("%w", err)
		}
	}
	if isNil(v.keys) {
		mistake("no keys; give it jwt.NewRemoteKeySet, jwt.NewKeySet or jwt.NewPEMKey")
	}
	v.skew = defaultSkew
	for _, o := range opts {
		if o == nil {
			mistake("a nil option; leave it out")
		} else if err := o.apply(&v.config); err != nil {
			mistake("%w", err)
		}
	}
	if v.names != nil && v.prefix != "" {
		mistake("both WithNames and WithNamePrefix; a mapped name is whole, so leave one out")
	}
	if v.kind == tokens.SessionToken && (v.names != nil || v.prefix != "") {
		mistake("sessions have no names; leave out WithNames and WithNamePrefix")
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	v.accepted = slices.Clone(v.accepted)
	return v, nil
}

// checkAccepted refuses a list of audiences or parties that would accept nothing, or what nobody sees.
func checkAccepted(accepted []string, name string) error {
	if len(accepted) == 0 {
		return fmt.Errorf("no %s; give it those whose tokens are meant for you", name)
	}
	for _, a := range accepted {
		if identifier.Check(a) != nil {
			return fmt.Errorf("one of the %s is empty or has control characters", name)
		}
	}
	return nil
}

// Forms returns the one form that this verifier takes.
func (v *Verifier) Forms() []tokens.Form {
	if v == nil || v.keys == nil {
		return nil
	}
	return []tokens.Form{v.form()}
}

func (v *Verifier) form() tokens.Form {
	names := tokens.Names{Prefix: v.prefix + v.open}
	if v.names != nil {
		names = tokens.Names{Known: slices.Compact(slices.Sorted(maps.Values(v.names)))}
	}
	marker := v.class.marker
	marker.Types = slices.Clone(marker.Types)
	return tokens.Form{Kind: v.kind, Issuer: v.issuer, Marker: marker, Names: names}
}

// Verify checks a token: its form, its class, its signature, and then its claims. How the credential was classified is not believed.
func (v *Verifier) Verify(ctx context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	if v == nil || v.keys == nil {
		return nil, invalid(errors.New("jwt: this verifier was not made by a constructor"))
	}
	return verify(ctx, credential, v)
}

// verify is the way of every token. The classes are those of one issuer, in the order in which the table of forms asks their markers, with
// the same keys and known names.
func verify(ctx context.Context, credential tokens.Credential, classes ...*Verifier) (*tokens.Principal, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("jwt: %w", err)
	}
	d, _ := drafts.Get().(*draft)
	defer d.done()
	if err := d.token.Parse(credential.Secret.Reveal()); err != nil {
		return nil, invalid(cause{err}) // without fmt: whoever sends junk gets no more done than this
	}
	header := d.token.Header()
	// Before any key is asked for, so that tokens of another class cost no network.
	if err := ofAnyHeader(header, classes); err != nil {
		return nil, invalid(fmt.Errorf("jwt: %w", err))
	}
	key, err := classes[0].keys.Key(ctx, header.KID, header.Algorithm)
	if err != nil {
		return nil, sourceError(ctx, err)
	}
	object, err := d.token.Verify(key.key, claimNumbers, classes[0].known...)
	if err != nil {
		return nil, invalid(fmt.Errorf("jwt: %w", err))
	}
	v, err := classOf(header, claims{Object: object}, classes)
	if err != nil {
		return nil, invalid(fmt.Errorf("jwt: %w", err))
	}
	if told := credential.Form.Kind; told.Known() && told != v.kind {
		return nil, invalid(errors.New("jwt: the token is not of the kind that it was classified as"))
	}
	return v.principal(d, object)
}

func ofAnyHeader(header *jws.Header, classes []*Verifier) (err error) {
	for _, v := range classes {
		if err = v.class.ofHeader(header); err == nil {
			return nil
		}
	}
	return err
}

// classOf classifies a token whose signature matched anew, as the table of forms does it without knowing whether it did, and demands that
// it is of that class, and of that alone.
//
// At least one class has been found to be of such a header, with [ofAnyHeader].
func classOf(header *jws.Header, c claims, classes []*Verifier) (*Verifier, error) {
	if len(classes) == 1 {
		return classes[0], classes[0].class.fits(header, c)
	}
	at := 0
	for at < len(classes) && !classes[at].class.marks(header, c) {
		at++
	}
	if at == len(classes) {
		return nil, errors.New("the token does not have the mark of any class")
	}
	if err := classes[at].class.has(header, c); err != nil {
		return nil, err
	}
	for _, other := range classes[at+1:] {
		if other.class.has(header, c) == nil {
			return nil, errors.New("the token is of two classes")
		}
	}
	return classes[at], nil
}

func sourceError(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*tokens.Error](err); ok {
		return err
	}
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("jwt: keys: %w", ended)
	}
	// Not wrapped: a source's own deadline must not look like the caller's.
	return unavailable(fmt.Errorf("jwt: keys: %v", err)) //nolint:errorlint // See above.
}

// retryAfter is what callers are told when keys cannot be had.
const retryAfter = 5 * time.Second

func unavailable(cause error) *tokens.Error {
	e := tokens.NewError(tokens.ReasonVerifierUnavailable, cause)
	e.RetryAfter = retryAfter
	return e
}

// A draft is what is filled on the way to a principal, which keeps nothing of it.
type draft struct {
	token        jws.Token
	facts        tokens.Facts
	verification tokens.Verification
}

var drafts = sync.Pool{New: func() any { return new(draft) }}

// done gives the draft to whoever needs one next.
func (d *draft) done() {
	d.token.Reset()
	d.facts = tokens.Facts{}
	drafts.Put(d)
}

// principal judges the claims of a token whose signature matched. Times come last: a token that is told to be expired is good otherwise.
func (v *Verifier) principal(d *draft, object jws.Object) (*tokens.Principal, error) {
	facts, c := &d.facts, claims{Object: object, verification: &d.verification}
	facts.Kind, facts.Skew, facts.Checked = v.kind, v.skew, c.Checked()
	if err := v.read(c, facts); err != nil {
		return nil, invalid(fmt.Errorf("jwt: %w", err))
	}
	if err := v.checkTimes(facts); err != nil {
		return nil, err
	}
	principal, err := tokens.NewPrincipal(*facts)
	if err != nil {
		return nil, invalid(fmt.Errorf("jwt: %w", err))
	}
	return principal, nil
}

func (v *Verifier) read(c claims, facts *tokens.Facts) error {
	if err := v.identify(c, facts); err != nil {
		return err
	}
	if err := readActor(c, facts); err != nil {
		return err
	}
	for _, read := range v.steps {
		if err := read(v, c, facts); err != nil {
			return err
		}
	}
	return readTimes(c, facts)
}

func (v *Verifier) checkTimes(facts *tokens.Facts) error {
	now := time.Now()
	earliest, latest := now.Add(-v.skew), now.Add(v.skew)
	switch {
	case !earliest.Before(facts.ExpiresAt):
		return tokens.NewError(tokens.ReasonTokenExpired, errors.New("jwt: exp has passed"))
	case facts.NotBefore.After(latest):
		return tokens.NewError(tokens.ReasonTokenNotYetValid, errors.New("jwt: nbf has not come"))
	case facts.IssuedAt.After(latest):
		return tokens.NewError(tokens.ReasonTokenNotYetValid, errors.New("jwt: iat has not come"))
	default:
		return nil
	}
}

// isNil reports whether a key source is nil, or an interface around a nil pointer.
func isNil(keys KeySource) bool {
	if keys == nil {
		return true
	}
	r := reflect.ValueOf(keys)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
