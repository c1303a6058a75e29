// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package clerk

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/jwt"
)

// A verifier verifies the tokens of one kind of machine, in both forms. It is one verifier, since both have the same clients and machines
// under the same names: two verifiers that could yield one name are a mistake in the table of forms.
type verifier struct {
	endpoint endpoint
	api      *api
	secret   tokens.Secret
	terms    *terms
	signed   *jwt.IssuerVerifier // of tokens that are JWTs; nil: none are taken
	forms    []tokens.Form

	mu      sync.Mutex
	flights map[digest]*flight // guarded by mu; the verifications that others may join
	unknown unknown            // guarded by mu
}

// A flight is a verification for all who present one token at the same time.
type flight struct {
	done      chan struct{} // closed when what follows is set
	principal *tokens.Principal
	err       error
}

type digest [sha256.Size]byte

func newVerifier(e endpoint, a *api, secret tokens.Secret, t *terms, signed *jwt.IssuerVerifier) *verifier {
	v := &verifier{endpoint: e, api: a, secret: secret, terms: t, signed: signed, flights: map[digest]*flight{}}
	opaque := tokens.Form{Kind: e.kind, Prefix: e.prefix, Fresh: true}
	switch {
	case t.names != nil:
		opaque.Names.Known = slices.Compact(slices.Sorted(maps.Values(t.names)))
	case e.kind == tokens.M2MToken:
		opaque.Names.Prefix = machineSubject
	}
	v.forms = []tokens.Form{opaque}
	if signed != nil {
		v.forms = append(v.forms, signed.Forms()...)
	}
	return v
}

// Format writes of what kind and instance the verifier is, for every verb: the state of calls that are under way is not for print.
func (v *verifier) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "clerk verifier of %s of %q", v.endpoint.kind, v.terms.issuer)
}

// Forms returns the form of opaque tokens and, where they are taken, that of JWTs.
func (v *verifier) Forms() []tokens.Form { return slices.Clone(v.forms) }

// Verify checks a token in the way of its form. How the credential was classified is not believed.
func (v *verifier) Verify(ctx context.Context, credential tokens.Credential) (*tokens.Principal, error) {
	token := credential.Secret.Reveal()
	switch told := credential.Form.Kind; {
	case told.Known() && told != v.endpoint.kind:
		return nil, invalid(errors.New("clerk: the token is not of the kind that it was classified as"))
	case strings.HasPrefix(token, v.endpoint.prefix):
		return v.opaque(ctx, token, credential.Fresh)
	case v.signed != nil:
		return v.signed.Verify(ctx, credential)
	default:
		return nil, invalid(fmt.Errorf("clerk: not the form of an %s", v.endpoint.what))
	}
}

func (v *verifier) opaque(ctx context.Context, token string, fresh bool) (*tokens.Principal, error) {
	if len(token) == len(v.endpoint.prefix) || len(token) > tokens.MaxCredential || !tokens.ValidBearer(token) {
		return nil, invalid(fmt.Errorf("clerk: not the form of an %s", v.endpoint.what))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("clerk: %w", err)
	}
	if fresh {
		return v.anew(ctx, token)
	}
	f, err := v.join(sha256.Sum256([]byte(token)), token)
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
		return f.principal, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("clerk: %w", ctx.Err())
	}
}

// anew asks the API for one caller alone.
func (v *verifier) anew(ctx context.Context, token string) (*tokens.Principal, error) {
	if err := v.api.begin(); err != nil {
		return nil, err
	}
	defer v.api.end()
	asking, cancel := context.WithTimeout(ctx, v.api.timeout)
	defer cancel()
	stop := context.AfterFunc(v.api.ctx, cancel)
	defer stop()
	principal, err := v.verify(asking, token)
	if ended := ctx.Err(); err != nil && ended != nil {
		return nil, fmt.Errorf("clerk: %w", ended)
	}
	return principal, err
}

// join returns the flight of a token, which it starts if there is none.
func (v *verifier) join(of digest, token string) (*flight, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.unknown.has(of) {
		return nil, invalid(fmt.Errorf("clerk: %s: %w", v.endpoint.what, errUnknown))
	}
	if f := v.flights[of]; f != nil {
		return f, nil
	}
	if err := v.api.begin(); err != nil {
		return nil, err
	}
	f := &flight{done: make(chan struct{})}
	v.flights[of] = f
	go v.fly(f, of, token)
	return f, nil
}

// fly asks the API for all who wait. No caller's context ends it.
func (v *verifier) fly(f *flight, of digest, token string) {
	defer v.api.end()
	defer func() {
		// No guard could catch it here, and it would end the process.
		if p := recover(); p != nil {
			f.principal, f.err = nil, tokens.NewError(tokens.ReasonInternal, errors.New("clerk: panic in the transport to the Backend API"))
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.flights, of)
		if errors.Is(f.err, errUnknown) {
			v.unknown.add(of)
		}
		close(f.done)
	}()
	ctx, cancel := context.WithTimeout(v.api.ctx, v.api.timeout)
	defer cancel()
	f.principal, f.err = v.verify(ctx, token)
}

func (v *verifier) verify(ctx context.Context, token string) (*tokens.Principal, error) {
	body, err := v.api.ask(ctx, &v.endpoint, v.secret, token)
	if err != nil {
		return nil, err
	}
	return v.terms.principal(&v.endpoint, body)
}
