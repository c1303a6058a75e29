// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package postgrestest

import "syscall"

// An account is the user that a server runs as; there is only the one of this process.
type account struct{}

func unprivileged() (*account, error) { return nil, nil }

func (*account) own(...string) error { return nil }

func (*account) attributes() *syscall.SysProcAttr { return nil }
