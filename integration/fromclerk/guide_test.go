// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package fromclerk_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/admitrpc/admit/policy"
	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"google.golang.org/protobuf/encoding/prototext"
)

const (
	root  = "../.."
	guide = root + "/docs/from-clerk.md"
)

// ofClerk are the options and helpers of both middlewares, by the section of the guide whose table says what each is here.
var ofClerk = map[string][]string{
	"Helpers": {
		"clerkMiddleware()", "clerkMiddleware(handler)", "clerkMiddleware(handler, callback)", "config.matcher", "createRouteMatcher()", "auth()",
		"getAuth()", "requireAuth()", "auth.protect()", "auth().has()", "redirectToSignIn()", "redirectToSignUp()", "currentUser()", "clerkClient",
		"authenticateRequest()", "verifyToken()", "getToken()", "reverificationErrorResponse()", "buildClerkProps()",
	},
	"What auth() has": {
		"tokenType", "isAuthenticated", "userId", "sessionId", "sessionClaims", "sessionStatus", "actor", "orgId", "orgSlug", "orgRole", "orgPermissions",
		"factorVerificationAge", "id", "subject", "scopes", "claims", "name", "clientId", "machineId", "debug()",
	},
	"What protect() is told": {
		"role", "permission", "feature", "plan", "reverification", "protect(has => …)", "token", "unauthenticatedUrl", "unauthorizedUrl",
	},
	"Options": {
		"publishableKey", "secretKey", "machineSecretKey", "jwtKey", "audience", "authorizedParties", "clockSkewInMs", "domain", "isSatellite",
		"satelliteAutoSync", "proxyUrl", "frontendApiProxy", "organizationSyncOptions", "organizationPatterns", "personalAccountPatterns",
		"acceptsToken", "treatPendingAsSignedOut", "debug", "apiUrl", "apiVersion", "apiClient", "skipJwksCache", "jwksCacheTtlInMs", "headerType",
		"signInUrl", "signUpUrl", "afterSignInUrl", "afterSignUpUrl", "enableHandshake", "contentSecurityPolicy", "CLERK_ENCRYPTION_KEY",
	},
}

func readGuide(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(guide)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// A row of a table that says what something of Clerk's is here.
type row struct{ section, clerk, here string }

// rows reads the tables whose head is "Clerk" and "here".
func rows(tb testing.TB, text string) (all []row) {
	tb.Helper()
	section, inside := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if heading := strings.TrimLeft(line, "#"); heading != line {
			section = strings.TrimSpace(heading)
		}
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		if strings.Trim(line, "|-") == "" {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) != 2 {
			if inside {
				tb.Errorf("%q has %d cells", line, len(cells))
			}
			continue
		}
		clerk, here := strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1])
		if clerk == "Clerk" && here == "here" {
			inside = true
		} else if inside {
			all = append(all, row{section, clerk, here})
		}
	}
	return all
}

// spans returns what stands in code quotes, outside blocks of code.
func spans(text string) (all []string) {
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// Every option and helper of Clerk's middlewares has one row, and every row says what it is here, or why there is none.
func TestNothingOfClerkIsMissing(t *testing.T) {
	t.Parallel()
	found := map[string][]string{}
	for _, r := range rows(t, readGuide(t)) {
		name := strings.Trim(r.clerk, "`")
		found[r.section] = append(found[r.section], name)
		reason, none := strings.CutPrefix(r.here, "None: ")
		switch {
		case none && (len(reason) < 20 || !strings.HasSuffix(reason, ".")):
			t.Errorf("%s: %q is no sentence that says why", name, r.here)
		case !none && !named.MatchString(r.here) && !strings.Contains(r.here, "`allow: ") && !strings.Contains(r.here, "`match: ") && !strings.Contains(r.here, "]("):
			t.Errorf("%s: %q names nothing of Admit; if there is nothing, begin with None", name, r.here)
		}
	}
	for section, want := range ofClerk {
		for _, name := range want {
			if n := len(slices.DeleteFunc(slices.Clone(found[section]), func(s string) bool { return s != name })); n != 1 {
				t.Errorf("%q has %d rows in the table of %q", name, n, section)
			}
		}
		for _, name := range found[section] {
			if !slices.Contains(want, name) {
				t.Errorf("%q is in the table of %q, and not in the list of this test", name, section)
			}
		}
	}
	if len(found) != len(ofClerk) {
		t.Errorf("%d sections have a table, want %d", len(found), len(ofClerk))
	}
}

// Every option and function of Admit that the guide names exists, and a test or an example uses it.
func TestWhatIsNamedIsThereAndTested(t *testing.T) {
	t.Parallel()
	used := usedByTests(t)
	exported := map[string]map[string]bool{}
	checked := map[string]bool{}
	for _, span := range spans(readGuide(t)) {
		for _, m := range named.FindAllStringSubmatch(span, -1) {
			name, of, what := m[0], m[1], m[2]
			if checked[name] {
				continue
			}
			checked[name] = true
			if exported[of] == nil {
				exported[of] = exportedBy(t, of)
			}
			if !exported[of][what] {
				t.Errorf("%s does not exist", name)
			} else if !used[name] {
				t.Errorf("%s is used by no test", name)
			}
		}
	}
	if len(checked) < 60 {
		t.Errorf("only %d names were found", len(checked))
	}
	// What it must be able to tell.
	if used["caller.NoSuchMethod"] || used["clerk.NoSuchOption"] || !used["clerk.New"] || exportedBy(t, "clerk")["option"] {
		t.Error("the check does not check")
	}
}

// Every example of this package is linked, and every link leads to one.
func TestExamplesAreLinked(t *testing.T) {
	t.Parallel()
	text := readGuide(t)
	linked := map[string]string{}
	for _, m := range regexp.MustCompile("\\[`(Example_\\w+)`\\]\\(([^)]+)\\)").FindAllStringSubmatch(text, -1) {
		linked[m[1]] = m[2]
	}
	declared := 0
	for _, name := range []string{"strategies_test.go", "helpers_test.go"} {
		code, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Example_\w+)\(\) \{`).FindAllStringSubmatch(string(code), -1) {
			declared++
			if want := "../integration/fromclerk/" + name; linked[m[1]] != want {
				t.Errorf("%s is linked to %q, want %q", m[1], linked[m[1]], want)
			}
		}
		if a, b := strings.Count(string(code), "\nfunc Example_"), strings.Count(string(code), "// Output:"); a != b {
			t.Errorf("%s: %d examples, %d of which run", name, a, b)
		}
	}
	if declared != len(linked) || declared == 0 {
		t.Errorf("%d examples, %d links", declared, len(linked))
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#]+)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(guide), m[1])); err != nil {
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
}

// Every rule in the guide is one: those of the .proto and those in code quotes.
func TestRulesOfTheGuide(t *testing.T) {
	t.Parallel()
	text := readGuide(t)
	var rules []string
	for _, m := range regexp.MustCompile(`(?s)option \(admit\.v1\.method\) = \{(.*?)\n  \};`).FindAllStringSubmatch(text, -1) {
		rules = append(rules, m[1])
	}
	for _, span := range spans(text) {
		if strings.HasPrefix(span, "allow: ") || strings.HasPrefix(span, "match: ") {
			rules = append(rules, span)
		}
	}
	if len(rules) < 10 {
		t.Fatalf("only %d rules were found", len(rules))
	}
	for _, text := range rules {
		rule := &admitv1.Rule{}
		if err := prototext.Unmarshal([]byte(text), rule); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if len(rule.GetMatch()) > 0 {
			continue // The fields are those of another message.
		}
		file, err := declare([]method{{name: "Method", rule: text}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policy.New(policy.Serve(file)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The code of the two minutes compiles, with generated code of the demo in the place of the reader's.
func TestStartCompiles(t *testing.T) {
	t.Parallel()
	_, rest, ok := strings.Cut(readGuide(t), "```go\n")
	code, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("the guide has no block of Go")
	}
	code = strings.ReplaceAll(code, "example.com/you/gen", "github.com/admitrpc/admit/cmd/demo/gen")
	dir := t.TempDir()
	file := filepath.Join(dir, "start.go")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	demo, err := filepath.Abs(root + "/cmd/demo")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(demo, "fromclerk", "start.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "-o", filepath.Join(dir, "start"), "./fromclerk")
	build.Dir = demo
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("the code of the guide does not compile: %v\n%s", err, out)
	}
}
