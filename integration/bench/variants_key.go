// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/internal/interleave"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/cache"
	"github.com/admitrpc/admit/tokens/revocation"
)

const floorKey = "SHA-256 of an API key"

// keys are an API key that is remembered, of which nobody told that it was revoked: the check alone, header to admitted, and the whole of what
// a transport asks of a guard.
func (b *bench) keys() ([]*interleave.Variant, error) {
	store := apikey.NewMemoryStore()
	administration, err := apikey.NewKeys(store)
	if err != nil {
		return nil, err
	}
	key, _, err := administration.Create(context.Background(), apikey.Spec{OrganizationID: "org_1", Scopes: []string{"gates:open", "gates:close"}})
	if err != nil {
		return nil, err
	}
	verifier, err := apikey.NewVerifier(store)
	if err != nil {
		return nil, err
	}
	check, err := b.keyCheck(key.Reveal(), verifier, store)
	if err != nil {
		return nil, err
	}
	begin, err := b.keyBegin(key.Reveal(), verifier, store)
	if err != nil {
		return nil, err
	}
	raw := []byte("Bearer " + key.Reveal())[len("Bearer "):] // where it lies in a header
	return []*interleave.Variant{
		{Name: floorKey, Allocs: -1, Run: interleave.Times(func() { sha256.Sum256(raw) })},
		{Name: "cached API key, with a feed of revocations", Reference: floorKey, Limit: 2.5, Run: interleave.Times(check)},
		{Name: "cached API key, to the context of the handler", Reference: floorKey, Run: interleave.Times(begin)},
	}, nil
}

// keyCheck is what a guard asks about a remembered key.
func (b *bench) keyCheck(key string, verifier *apikey.Verifier, feed revocation.Feed) (func(), error) {
	remembered, err := cache.New(interceptor.DefaultCacheSize, time.Hour, time.Second)
	if err != nil {
		return nil, err
	}
	follower := revocation.Follow(feed, time.Hour, func() {}) // until the process ends
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := follower.Sync(ctx); err != nil {
		return nil, err
	}
	entry, err := remembered.Do(ctx, cache.KeyOf(key), follower.Epoch(), func(ctx context.Context) (*tokens.Principal, error) {
		return verifier.Verify(ctx, tokens.Credential{Secret: tokens.NewSecret(key), Form: verifier.Forms()[0]})
	})
	if err != nil {
		return nil, err
	}
	entry.Seen.Store(entry.Epoch)
	values, procedure := []string{"Bearer " + key}, b.guard.Rules().Procedure("/admittest.v1.GateService/KeyUnary")
	return func() {
		token, err := tokens.ParseBearer(values)
		now := time.Now()
		entry, ok := remembered.Get(cache.KeyOf(token), now)
		if err != nil || !ok || !follower.Current(entry.Seen.Load(), now) {
			panic("the cached check found nothing")
		}
		p := entry.Principal
		if !procedure.Accepts(p.Kind()) || p.Expired(now) || procedure.DecideCall(p).Outcome != policy.Admitted {
			panic("the cached check refused")
		}
	}, nil
}

// keyBegin is the same as a transport asks for it.
func (b *bench) keyBegin(key string, verifier *apikey.Verifier, feed revocation.Feed) (func(), error) {
	rules, err := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")))
	if err != nil {
		return nil, err
	}
	verifiers, err := tokens.NewVerifiers(b.issuer.SessionVerifier(), b.issuer.OAuthVerifier(), b.issuer.M2MVerifier(), verifier)
	if err != nil {
		return nil, err
	}
	guard, err := interceptor.New(rules, verifiers, interceptor.WithRevocations(feed), interceptor.WithCache(interceptor.DefaultCacheSize, time.Hour))
	if err != nil {
		return nil, err
	}
	const name = "/admittest.v1.GateService/KeyUnary"
	procedure, values := guard.Procedure(name, nil), []string{"Bearer " + key}
	begin := func() error {
		_, refusal := guard.Begin(context.Background(), name, procedure, &interceptor.Request{Authorization: values})
		if refusal != nil {
			return refusal
		}
		return nil
	}
	for range 1000 { // until the feed was heard
		if err = begin(); err == nil {
			return func() {
				if begin() != nil {
					panic("the guard refused")
				}
			}, nil
		}
		time.Sleep(time.Millisecond)
	}
	return nil, errors.Join(errors.New("a good key is refused"), err)
}
