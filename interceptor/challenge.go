// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"strconv"
	"strings"

	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// Challenge returns the value of the header www-authenticate (RFC 6750 §3, RFC 9470 §3, RFC 9728 §5.1), or "" where none belongs. It is
// built of what the rule and the configuration say, and of nothing that a caller sent.
func (r *Refusal) Challenge() string {
	if r.hidden {
		return ""
	}
	var parameters []string
	add := func(name, value string) { parameters = append(parameters, name+`="`+quoted.Replace(value)+`"`) }
	switch {
	case r.reason == tokens.ReasonCredentialMissing:
		// RFC 6750 §3.1: a request without a credential is told no error.
	case r.reason == tokens.ReasonCredentialMalformed:
		add("error", "invalid_request")
	case r.reason == tokens.ReasonScopeMissing:
		add("error", "insufficient_scope")
		if r.denial != nil {
			add("scope", strings.Join(r.denial.Scopes, " "))
		}
	case r.reason == tokens.ReasonReverificationRequired:
		add("error", "insufficient_user_authentication")
		if minutes, err := strconv.Atoi(r.demanded("minutes")); err == nil {
			add("max_age", strconv.Itoa(minutes*60))
		}
	case r.code == code.Code_UNAUTHENTICATED:
		add("error", "invalid_token")
	default:
		return ""
	}
	if r.metadata != "" {
		add("resource_metadata", r.metadata)
	}
	if len(parameters) == 0 {
		return "Bearer"
	}
	return "Bearer " + strings.Join(parameters, ", ")
}

var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// demanded returns what the metadata says that the rule demands.
func (r *Refusal) demanded(name string) string {
	if r.denial == nil {
		return ""
	}
	return r.denial.Metadata[name]
}
