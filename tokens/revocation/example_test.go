// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package revocation_test

import (
	"context"
	"fmt"
	"time"

	"github.com/admitrpc/admit/tokens"
	"github.com/admitrpc/admit/tokens/apikey"
	"github.com/admitrpc/admit/tokens/revocation"
)

// A guard does this for every call; give the feed to interceptor.WithRevocations.
func ExampleFollow() {
	ctx, ledger := context.Background(), apikey.NewMemoryStore()
	follower := revocation.Follow(ledger, time.Minute, nil)
	defer follower.Close()
	if err := follower.Sync(ctx); err != nil {
		fmt.Println(err)
		return
	}

	verified := follower.Epoch() // before the credential is verified, which here takes no time
	caller, err := tokens.NewPrincipal(tokens.Facts{Kind: tokens.SessionToken, ID: "sess_1", Subject: "user_1", IssuedAt: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict, _ := follower.Judge(ctx, caller, verified)
	fmt.Println("good:", verdict == revocation.Good)

	if _, err := ledger.Revoke(ctx, revocation.Revocation{
		Target: revocation.Subject, Value: "user_1", Before: time.Now(), Reason: "left the company",
	}); err != nil {
		fmt.Println(err)
		return
	}
	if err := follower.Sync(ctx); err != nil { // not needed but where nothing may be missed: it is told within milliseconds
		fmt.Println(err)
		return
	}
	verdict, _ = follower.Judge(ctx, caller, verified)
	fmt.Println("revoked:", verdict == revocation.Revoked)
	// Output:
	// good: true
	// revoked: true
}
