// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// An account is the user that a server runs as; nil: the one of this process.
type account struct{ user, group uint32 }

// unprivileged returns whom the server runs as, because PostgreSQL refuses root.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		id, err := strconv.ParseUint(u.Uid, 10, 32)
		group, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("postgrestest: the user %s: %w", name, err)
		}
		return &account{user: uint32(id), group: uint32(group)}, nil
	}
	return nil, errors.New("postgrestest: PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

// own gives files to the account.
func (a *account) own(files ...string) error {
	if a == nil {
		return nil
	}
	for _, file := range files {
		if err := os.Chown(file, int(a.user), int(a.group)); err != nil {
			return fmt.Errorf("postgrestest: %w", err)
		}
	}
	return nil
}

// attributes let a child run as the account, and end at once when this process does.
func (a *account) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT, Setpgid: true} // not the group that ^C is sent to
	if a != nil {
		attributes.Credential = &syscall.Credential{Uid: a.user, Gid: a.group}
	}
	return attributes
}
