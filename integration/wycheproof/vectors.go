// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

//go:build vectors

// This file is never built, since the module embeds all of its 109 MB. It keeps `go mod tidy` from dropping it.

package wycheproof

import _ "github.com/c2sp/wycheproof"
