// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admitrpc/admit/integration/child"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
	"github.com/admitrpc/admit/tokens/tokenstest"
	"google.golang.org/genproto/googleapis/rpc/code"
)

const procedure = "/admittest.v1.GateService/AnyUnary"

// A guarded is a guard of all four kinds of credential, for a service that takes every caller who is known.
type guarded struct {
	*interceptor.Guard

	issuer *tokenstest.Issuer
	called *policy.Procedure
}

func newGuarded(keys apikey.Store, feed revocation.Feed, options ...interceptor.Option) (*guarded, error) {
	issuer, err := tokenstest.StartIssuer()
	if err != nil {
		return nil, err
	}
	rules, err := policy.New(policy.ServeService(admittestv1.File_admittest_v1_gate_proto.Services().ByName("GateService")))
	if err != nil {
		return nil, err
	}
	verifier, err := apikey.NewVerifier(keys)
	if err != nil {
		return nil, err
	}
	verifiers, err := tokens.NewVerifiers(issuer.SessionVerifier(), issuer.OAuthVerifier(), issuer.M2MVerifier(), verifier)
	if err != nil {
		return nil, err
	}
	guard, err := interceptor.New(rules, verifiers, append(options, interceptor.WithRevocations(feed))...)
	if err != nil {
		return nil, err
	}
	return &guarded{guard, issuer, guard.Procedure(procedure, nil)}, nil
}

func (g *guarded) close() {
	g.Guard.Close()
	_ = g.issuer.Close()
}

// refused calls with a credential, and returns the refusal; nil: admitted.
func (g *guarded) refused(authorization string) *interceptor.Refusal {
	_, refusal := g.Begin(context.Background(), procedure, g.called, &interceptor.Request{Authorization: []string{authorization}})
	return refusal
}

// A flatness is what many credentials of strangers left behind.
type flatness struct {
	Calls         int64
	Took          time.Duration
	Before, After memory
	Lookups       int64
	Otherwise     int64 // calls that were answered otherwise than by Unauthenticated
}

// floodAtRandom is the role of a process whose guard is called with many credentials of strangers.
func floodAtRandom(in *json.Decoder, out *json.Encoder) error {
	var calls int64
	if err := in.Decode(&calls); err != nil {
		return err
	}
	debug.SetGCPercent(quietGC)
	f, err := flatnessOf(calls)
	return child.Answer(out, f, err)
}

func flatnessOf(calls int64) (f flatness, err error) {
	kept := apikey.NewMemoryStore()
	defer kept.Close()
	store := &watched{Store: kept}
	guard, err := newGuarded(store, kept)
	if err != nil {
		return f, err
	}
	defer guard.close()
	f = flatness{Calls: calls, Before: held()}
	var done, otherwise atomic.Int64
	var workers sync.WaitGroup
	began := time.Now()
	for worker := range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			s := newStranger(uint64(worker))
			for n := done.Add(1); n <= calls; n = done.Add(1) {
				refusal := guard.refused("Bearer " + mix[n%int64(len(mix))].next(s))
				if refusal == nil || refusal.Code() != code.Code_UNAUTHENTICATED {
					otherwise.Add(1)
				}
			}
		})
	}
	workers.Wait()
	f.Took, f.Lookups, f.Otherwise = time.Since(began), store.lookups.Load(), otherwise.Load()
	for range 100 { // what was begun for a call may end after it
		if f.After = held(); f.After.Goroutines <= f.Before.Goroutines {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return f, nil
}

// reportRandom reports what many credentials of strangers do to a guard.
func reportRandom(r *report, s settings) error {
	var f flatness
	if err := alone("random", s.credentials, &f); err != nil {
		return err
	}
	var what []string
	for _, m := range mix {
		what = append(what, m.what)
	}
	r.title(fmt.Sprintf("%d credentials of strangers in process, as many of each: %s", f.Calls, strings.Join(what, ", ")))
	r.note("calls, the making of credentials included", fmt.Sprintf("%.0f/s", float64(f.Calls)/f.Took.Seconds()))
	r.add("answers", "all Unauthenticated", fmt.Sprintf("%d others", f.Otherwise), f.Otherwise == 0)
	r.add("lookups of the store", "0", fmt.Sprint(f.Lookups), f.Lookups == 0)
	reportMemory(r, f.Before, f.After)
	return nil
}
