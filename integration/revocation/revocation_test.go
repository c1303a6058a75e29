// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/admitrpc/admit/tokens/store/postgrestest"
)

func TestMain(m *testing.M) {
	if played, err := play(); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(postgrestest.Main(m).Run())
}

// Test3ThreeReplicas is the program in short: three server processes on one store. Machines that test are busy with other things, so of the times
// only the five seconds that hold in every case are asserted.
func Test3ThreeReplicas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		place func(t *testing.T) string
	}{
		{sqliteStore, func(t *testing.T) string { return filepath.Join(t.TempDir(), "keys.db") }},
		{postgresStore, func(t *testing.T) string { return postgrestest.URL(t) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			t.Cleanup(cancel)
			c, err := newCluster(ctx, &ground{place: place{tt.name, tt.place(t)}}, 50)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := c.close(); err != nil {
					t.Error(err)
				}
			})
			for _, step := range []struct {
				name string
				do   func(t *testing.T)
			}{
				{"3 revocations one after another, and 15 streams end", c.testRevocations},
				{"3 nothing is pushed", c.testSilence},
				{"3 a writer is killed", c.testCrash},
				{"fresh asks the store", func(t *testing.T) { check(t, c.fresh(t.Context())) }},
				{"2 a revocation overtakes a slow read", func(t *testing.T) { check(t, c.slowRead(t.Context())) }},
				{"11 unknown and wrong keys are answered alike", func(t *testing.T) { check(t, c.alike(t.Context())) }},
				{"an older backup is restored", func(t *testing.T) { check(t, c.restore(t.Context())) }},
				{"good credentials and revoked ones all the while", c.testLoad},
			} {
				t.Run(step.name, step.do)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func (c *cluster) testRevocations(t *testing.T) {
	d, err := c.oneByOne(t.Context(), 20)
	check(t, err)
	d.check(t, 20)
}

func (c *cluster) testSilence(t *testing.T) {
	d, err := c.silent(t.Context(), deaf, 1)
	check(t, err)
	d.check(t, len(makers))
}

func (d *deaths) check(t *testing.T, want int) {
	t.Helper()
	if len(d.refused) != want || d.refused.At(100) > boundMost {
		t.Errorf("%d revocations, refused after %s; want %d, at most %s", len(d.refused), d.refused, want, boundMost)
	}
	if len(d.ended) != want || d.ended.At(100) > boundMost {
		t.Errorf("streams of %d revocations, ended after %s; want %d, at most %s", len(d.ended), d.ended, want, boundMost)
	}
	t.Logf("refused after %s; streams ended after %s", d.refused, d.ended)
}

func (c *cluster) testCrash(t *testing.T) {
	all, err := c.crashes(t.Context(), 1, 30)
	check(t, err)
	t.Logf("%d revocations acknowledged, %d not", all.acknowledged, all.unacknowledged)
}

func (c *cluster) testLoad(t *testing.T) {
	if count, how := c.load.wrong(); count > 0 || c.load.calls.Load() == 0 {
		t.Errorf("of %d calls with good credentials %d were refused%s", c.load.calls.Load(), count, how)
	}
	if revived, buried := c.load.revived.Load(), len(c.load.buried()); revived > 0 || buried < 20 {
		t.Errorf("%d calls with one of %d revoked credentials were admitted", revived, buried)
	}
	for _, of := range c.load.buried() {
		check(t, c.dead(t.Context(), of))
	}
}

func TestReportSaysWhatWasMissed(t *testing.T) {
	t.Parallel()
	var r report
	r.add("in time", "soon", "at once", true, nil)
	r.add("too late", "soon", "tomorrow", false, nil)
	r.held("wrong", "right", "right", context.Canceled)
	r.note("by the way", "nothing")
	if got := r.missed(); got != 2 {
		t.Errorf("%d goals missed, want 2", got)
	}
}
