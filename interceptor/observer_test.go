// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
)

// logged makes a logger of JSON lines without time, and what reads them.
func logged(level slog.Level) (*slog.Logger, func(tb testing.TB) []map[string]any) {
	buffer := &bytes.Buffer{}
	return slog.New(slog.NewJSONHandler(buffer, &slog.HandlerOptions{Level: level})), func(tb testing.TB) []map[string]any {
		tb.Helper()
		var lines []map[string]any
		for line := range bytes.Lines(buffer.Bytes()) {
			fields := map[string]any{}
			if err := json.Unmarshal(line, &fields); err != nil {
				tb.Fatal(err)
			}
			delete(fields, "time")
			lines = append(lines, fields)
		}
		return lines
	}
}

// What is logged, and how loud.
var logTests = []struct {
	name, method, token string
	level, quiet        string // quiet: without debug; "" is not logged at Info
	found, why          string // with debug
	detail              string // with debug
	told                bool   // without debug too
}{
	{"admitted", "Allowed", "st_good", "INFO", "", "session_token, verified", "the grant holds", "", false},
	{"let begin", "Matched", "st_good", "INFO", "", "session_token, verified", "messages are decided as they come", "", false},
	{"public", "Optional", "", "INFO", "", "no credential", "the procedure is public", "", false},
	{"unread", "Unread", "st_good", "INFO", "", "credentials are not read here", "the procedure is public", "", false},
	{"ignored", "Optional", "st_revoked", "INFO", "", "a credential that was not believed: TOKEN_REVOKED", "the procedure is public", "", false},
	{"none", "Session", "", "INFO", "INFO", "no credential", "the rule needs a credential", "CREDENTIAL_MISSING", false},
	{"another kind", "Session", "ak_good", "INFO", "INFO", "api_key, not verified", "the rule needs one of session_token", "TOKEN_TYPE_NOT_ACCEPTED", false},
	{"unknown", "Session", "zz_x", "INFO", "INFO", "no known form", "invalid credential", "TOKEN_INVALID", false},
	{"malformed", "Session", "st_,", "INFO", "INFO", "no known form", "malformed credential", "more than one authorization value", false},
	{"revoked", "Session", "st_revoked", "INFO", "INFO", "session_token, not verified", "credential revoked", "revoked by hand", false},
	{"pending", "Session", "st_pending", "INFO", "INFO", "session_token, verified", "a session without open tasks", "SESSION_PENDING", false},
	{"hidden", "Hidden", "st_good", "INFO", "INFO", "session_token, verified", "permission org:invoices:write", "PERMISSION_MISSING", false},
	{"down", "Session", "st_down", "WARN", "WARN", "session_token, not verified", "verification temporarily unavailable", "the store is down", true},
	{"a bug", "Session", "st_bug", "ERROR", "ERROR", "session_token, not verified", "internal error", "a bug", true},
	{"not served", "Nowhere", "st_good", "INFO", "INFO", "no credential", "the rule needs a rule", "RULE_MISSING", false},
}

// What is logged of a call when its call phase ends.
func TestLog(t *testing.T) {
	t.Parallel()
	answers := map[string]answer{
		"st_pending": pending(), "st_down": refuse(tokens.NewError(tokens.ReasonVerifierUnavailable, errors.New("the store is down"))),
		"st_bug": refuse(errors.New("a bug")), "st_revoked": refuse(tokens.NewError(tokens.ReasonTokenRevoked, errors.New("revoked by hand"))),
	}
	for _, test := range logTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, debug := range []bool{false, true} {
				log, read := logged(slog.LevelInfo)
				options := []interceptor.Option{interceptor.WithLogger(log)}
				if debug {
					options = append(options, interceptor.WithDebug())
				}
				w := newWorld(t, standard, answers, options...)
				var authorization []string
				if test.token != "" {
					authorization = []string{"Bearer " + test.token}
				}
				_, refusal := w.call(t.Context(), test.method, authorization...)
				lines := read(t)
				if !debug && test.quiet == "" {
					if len(lines) != 0 {
						t.Errorf("logged %v", lines)
					}
					continue
				}
				if len(lines) != 1 {
					t.Fatalf("%d lines: %v", len(lines), lines)
				}
				level := test.quiet
				if debug {
					level = test.level
				}
				line := lines[0]
				if line["level"] != level || line["procedure"] != nameOf(test.method) {
					t.Errorf("logged %v", line)
				}
				if refusal != nil && (line["msg"] != "refused" || line["reason"] != string(refusal.Reason()) || line["code"] != refusal.Code().String()) {
					t.Errorf("logged %v", line)
				}
				if !debug {
					if line["found"] != nil || line["why"] != nil || (line["detail"] != nil) != test.told || test.told && !has(line, "detail", test.detail) {
						t.Errorf("logged %v", line)
					}
					continue
				}
				if !has(line, "found", test.found) || !has(line, "why", test.why) || test.detail != "" && !has(line, "detail", test.detail) {
					t.Errorf("logged %v", line)
				}
				if has(line, "rule", "nowhere") != (test.method == "Nowhere") || line["grants"] == nil {
					t.Errorf("the rule is %q, the grants %v", line["rule"], line["grants"])
				}
			}
		})
	}
}

// has reports whether a field of a line has the text.
func has(line map[string]any, field, text string) bool {
	return strings.Contains(fmt.Sprint(line[field]), text)
}

// Callers who left are told of as such, and not as a bug.
func TestLogOfCallersWhoLeft(t *testing.T) {
	t.Parallel()
	log, read := logged(slog.LevelDebug)
	w := newWorld(t, standard, map[string]answer{"st_slow": func(ctx context.Context, _ tokens.Credential) (*tokens.Principal, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}, interceptor.WithLogger(log), interceptor.WithDebug(), interceptor.WithVerifyTimeout(time.Millisecond))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, refusal := w.call(gone, "Session", "Bearer st_slow"); refusal == nil {
		t.Fatal("admitted")
	}
	line := read(t)[0]
	if line["level"] != "INFO" || line["code"] != "CANCELLED" || line["why"] != "canceled" {
		t.Errorf("logged %v", line)
	}
}

// What a call comes to later is logged as well, and says of an anonymous caller why he is one.
func TestLogOfLaterEnds(t *testing.T) {
	t.Parallel()
	log, read := logged(slog.LevelInfo)
	w := newWorld(t, standard, map[string]answer{"st_revoked": refuse(tokens.NewError(tokens.ReasonTokenRevoked, nil))},
		interceptor.WithLogger(log), interceptor.WithDebug())
	matched := w.begun(t, t.Context(), "Matched", "Bearer st_good")
	_ = matched.Message(request(t, matched, "org_2"))
	ignored := w.begun(t, t.Context(), "Public", "Bearer st_revoked")
	_ = interceptor.Require(ignored, policy.Any())
	anonymous := w.begun(t, t.Context(), "Public")
	_ = anonymous.Finish(nil)
	lines := read(t)
	for i, want := range []struct{ level, reason, found, why string }{
		1: {"INFO", "ORGANIZATION_MISMATCH", "session_token, verified", "organization_id"},
		3: {"INFO", "TOKEN_REVOKED", "a credential that was not believed: TOKEN_REVOKED", "credential revoked"},
		5: {"ERROR", "INTERNAL", "no credential", "internal error"},
	} {
		if want.level == "" {
			continue
		}
		line := lines[i]
		if line["level"] != want.level || line["reason"] != want.reason || line["found"] != want.found || !strings.Contains(fmt.Sprint(line["why"]), want.why) {
			t.Errorf("line %d is %v", i, line)
		}
	}
}

// SEC-136: no credential in any log, event or refusal, in whatever way it is printed.
func TestNothingPrintsACredential(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry"
	log, read := logged(slog.LevelDebug)
	w := newWorld(t, rulesWith("Nothing", standard["Session"]), map[string]answer{
		"st_" + canary: believe(factsOf(tokens.SessionToken)), "st_panic_" + canary: func(_ context.Context, c tokens.Credential) (*tokens.Principal, error) {
			panic(fmt.Sprintf("%v %s", c, c.Secret.Reveal()))
		},
		"st_error_" + canary: func(_ context.Context, c tokens.Credential) (*tokens.Principal, error) {
			return nil, fmt.Errorf("cannot verify %v %+v %#v %s %q %x %d", c, c, c, c.Secret, c.Secret, c.Secret, c.Secret)
		},
	}, interceptor.WithLogger(log), interceptor.WithDebug())
	var printed []string
	for _, value := range []string{
		"Bearer st_" + canary, "Bearer st_panic_" + canary, "Bearer st_error_" + canary, "Bearer st_unknown_" + canary, "Bearer zz_" + canary,
		"Bearer ak_" + canary, "Basic " + canary, canary, "Bearer st_" + canary + " ", "Bearer st_" + canary + ",", "Bearer\tst_" + canary,
		"Bearer st_" + canary + strings.Repeat("a", tokens.MaxCredential), "Bearer eyJhbGciOiJub25lIn0." + canary + ".x",
	} {
		for _, method := range []string{"Session", "Optional", "Unread", "Hidden", "Key", "Matched", "Nowhere"} {
			call, refusal := w.call(t.Context(), method, value)
			if refusal != nil {
				printed = append(printed, refusal.Error(), fmt.Sprintf("%v %+v %#v %q", refusal, refusal, refusal, refusal), refusal.Challenge(),
					fmt.Sprint(refusal.Details(true)), refusal.Text())
			} else {
				principal, _ := tokens.FromContext(call)
				printed = append(printed, fmt.Sprintf("%v %+v", call.Procedure(), principal), fmt.Sprint(slog.AnyValue(principal).Resolve()))
			}
			printed = append(printed, fmt.Sprintf("%v %+v", w.events.last(t), w.events.last(t)))
		}
	}
	for _, line := range read(t) {
		printed = append(printed, fmt.Sprint(line))
	}
	for _, text := range printed {
		if strings.Contains(text, canary) {
			t.Errorf("printed: %s", text)
		}
	}
}

// Without a logger of one's own, debug writes to the default one.
func TestDebugWithoutALogger(t *testing.T) { //nolint:paralleltest // The default logger is one for all.
	log, read := logged(slog.LevelInfo)
	before := slog.Default()
	slog.SetDefault(log)
	defer slog.SetDefault(before)
	w := newWorld(t, standard, nil, interceptor.WithDebug())
	w.begun(t, t.Context(), "Session", "Bearer st_good")
	if lines := read(t); len(lines) != 1 || lines[0]["msg"] != "admitted" {
		t.Errorf("logged %v", lines)
	}
}

// Every observer is told of every call, in order, beside the log.
func TestSeveralObservers(t *testing.T) {
	t.Parallel()
	one, two := &recorder{}, &recorder{}
	log, read := logged(slog.LevelDebug)
	w := newWorld(t, standard, nil, interceptor.WithObserver(one), interceptor.WithLogger(log), interceptor.WithObserver(two))
	w.begun(t, t.Context(), "Session", "Bearer st_good")
	_, _ = w.call(t.Context(), "Session")
	for name, observer := range map[string]*recorder{"one": one, "two": two, "of the world": w.events} {
		if events := observer.all(); len(events) != 2 || events[0].Refusal != nil || events[1].Refusal == nil {
			t.Errorf("%s: %+v", name, events)
		}
	}
	if lines := read(t); len(lines) != 2 || lines[0]["level"] != "DEBUG" || lines[1]["level"] != "INFO" {
		t.Errorf("logged %v", lines)
	}
}
