// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package digest_test

import (
	"crypto/sha256"
	"testing"

	"github.com/admitrpc/admit/internal/digest"
)

// Any bit that differs, differs.
func TestEqual(t *testing.T) {
	t.Parallel()
	a := sha256.Sum256([]byte("a"))
	b := a
	if !digest.Equal(&a, &b) || !digest.Equal(new([sha256.Size]byte), new([sha256.Size]byte)) {
		t.Error("the same digest is another")
	}
	for bit := range 8 * len(b) {
		b = a
		b[bit/8] ^= 1 << (bit % 8)
		if digest.Equal(&a, &b) || digest.Equal(&b, &a) {
			t.Errorf("bit %d makes no difference", bit)
		}
	}
}
