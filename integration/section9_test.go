// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	admittestv1 "github.com/admitrpc/admit/integration/gen/admittest/v1"
	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// infoOf is the ErrorInfo that a client of either transport received.
func infoOf(err error) *errdetails.ErrorInfo {
	if wire, ok := errors.AsType[*connect.Error](err); ok {
		for _, detail := range wire.Details() {
			if value, wrong := detail.Value(); wrong == nil {
				if info, isInfo := value.(*errdetails.ErrorInfo); isInfo {
					return info
				}
			}
		}
		return nil
	}
	for _, detail := range status.Convert(err).Details() {
		if info, isInfo := detail.(*errdetails.ErrorInfo); isInfo {
			return info
		}
	}
	return nil
}

// Row 9.19 of docs/clerk-rows.md: a call that names another organization is refused over every protocol and on every shape, and its client
// learns from which field of the request what is expected, and nothing else.
func TestSection9EveryTransport(t *testing.T) {
	w := newWorld(t)
	for _, over := range transports {
		for _, method := range []string{"BoundUnary", "BoundServer", "BoundClient", "BoundBidi"} {
			for name, messages := range map[string][]*admittestv1.GateRequest{
				"another's": msgs(msg("org_canary", "")), "absent": msgs(msg("", "")), "in another case": msgs(msg("ORG_1", "")),
				"with a slash": msgs(msg("org_1/", "")), "percent-encoded": msgs(msg("org%5F1", "")), "later": msgs(msg("org_1", ""), msg("org_canary", "")),
			} {
				if name == "later" && !shape(method).IsStreamingClient() {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", over.name, method, name), func(t *testing.T) {
					got := over.call(within(t, 20*time.Second), w, method, bearer(w.credent[member]), messages)
					settledState(w, row{method: method})
					if got.code != codes.PermissionDenied || got.reason != tokens.ReasonOrganizationMismatch {
						t.Fatalf("%v", got.err)
					}
					if info := infoOf(got.err); !maps.Equal(info.GetMetadata(), map[string]string{"field": "organization_id"}) {
						t.Errorf("the metadata is %v", info.GetMetadata())
					}
					if told := fmt.Sprint(got.err, infoOf(got.err), got.text); strings.Contains(told, "canary") || strings.Contains(told, "org_1") {
						t.Errorf("a value is told: %s", told)
					}
				})
			}
		}
	}
}

// Row 6.4.4 of docs/clerk-rows.md: whatever way a path is written, what answers is the procedure with its own rule, or nothing.
func TestSection6_4Paths(t *testing.T) {
	w := newWorld(t, interceptor.WithSessionCookie(newProtection(t)))
	client := *w.h2
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	const service = "/admittest.v1.GateService/"
	for _, path := range []string{
		service + "SessionUnary", service + "Session%55nary", "//admittest.v1.GateService/SessionUnary", "/x/.." + service + "SessionUnary",
		service + "PublicUnary/../SessionUnary", service + "SessionUnary/", service + "sessionunary", service + "SessionUnary%2F", service + "SessionUnary;x=1",
		service + "SessionUnary?x=1", "/admittest.v1.GateService%2FSessionUnary", service + "%2553essionUnary", service + "SessionUnary%00",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, strings.NewReader("{}"))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		response, err := client.Do(r)
		must(t, err)
		_ = response.Body.Close()
		switch response.StatusCode {
		case http.StatusUnauthorized, http.StatusNotFound, http.StatusTemporaryRedirect:
		default:
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	for _, method := range []string{"SessionUnary", "PublicUnary"} {
		if hits, _, _ := w.gate.state(method); hits != 0 {
			t.Errorf("%s was reached", method)
		}
	}
}
