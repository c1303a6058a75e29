// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "time"

// rest sleeps until a time.
func rest(until time.Time) { time.Sleep(time.Until(until)) }
