// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"strconv"
	"testing"
	"time"
)

// TestRecorderIsBounded notes the uses of so many keys and no more, and goes on to note theirs.
func TestRecorderIsBounded(t *testing.T) {
	t.Parallel()
	r, err := NewRecorder(NewMemoryStore(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	now := time.Now()
	for i := range maxUses + 10 {
		r.used(strconv.Itoa(i), now)
	}
	r.used("0", now.Add(time.Second))
	r.used("1", now.Add(-time.Second))
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.uses) != maxUses || !r.uses["0"].Equal(now.Add(time.Second)) || !r.uses["1"].Equal(now) {
		t.Errorf("%d uses, of the first %v", len(r.uses), r.uses["0"].Sub(now))
	}
}
