// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// started starts a demo for a test, without its tour.
func started(t *testing.T) *demo {
	t.Helper()
	d, err := start(t.Context(), "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "keys.db"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	return d
}

func ask(t *testing.T, method, address, host string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

func TestPageIsServed(t *testing.T) {
	t.Parallel()
	d := started(t)
	for _, test := range []struct{ path, contentType, has string }{
		{"/", "text/html; charset=utf-8", "Who may call what"},
		{"/page/page.js", "text/javascript; charset=utf-8", "grpc-web"},
		{"/page/style.css", "text/css; charset=utf-8", "prefers-color-scheme: dark"},
		{"/page/icon.svg", "image/svg+xml", "<svg"},
		{"/page/page.js.LEGAL.txt", "text/plain; charset=utf-8", "@connectrpc/connect-web"},
		{"/page/data.json", "application/json", "/invoices.v1.InvoiceService/WhoAmI"},
		{"/page/descriptors.binpb", "application/octet-stream", "google/rpc/error_details.proto"},
	} {
		t.Run(test.path, func(t *testing.T) {
			response, text := ask(t, http.MethodGet, d.url+test.path, "")
			header := response.Header
			if response.StatusCode != http.StatusOK || header.Get("Content-Type") != test.contentType || !strings.Contains(text, test.has) {
				t.Errorf("%s, %s, %.200s", response.Status, header.Get("Content-Type"), text)
			}
			policy := header.Get("Content-Security-Policy")
			if !strings.Contains(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") {
				t.Errorf("the policy is %q", policy)
			}
			if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
				t.Errorf("the headers are %v", header)
			}
		})
	}
	_, text := ask(t, http.MethodGet, d.url, "")
	for _, bad := range []string{"<script>", "<style", " style=", " onclick=", "http://", "https://", "eyJ"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
}

// Paths that are none of the page's are answered as they are without it.
func TestPageShadowsNothing(t *testing.T) {
	t.Parallel()
	d := started(t)
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/nothing", http.StatusNotFound},
		{http.MethodPost, "/nothing", http.StatusNotFound},
		{http.MethodGet, "/page", http.StatusNotFound},
		{http.MethodGet, "/page/nothing", http.StatusNotFound},
		{http.MethodGet, "/page/index.html", http.StatusNotFound},
		{http.MethodGet, "/page/src/page.js", http.StatusNotFound},
		{http.MethodGet, "/page/..%2fgo.mod", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
		{http.MethodPost, "/page/data.json", http.StatusMethodNotAllowed},
		{http.MethodPut, "/page/session", http.StatusMethodNotAllowed},
		{http.MethodGet, "/page/session", http.StatusNotFound},
		{http.MethodOptions, "/page/session", http.StatusMethodNotAllowed},
		{http.MethodPost, "/page.v1.Page/Get", http.StatusNotFound},
		{http.MethodPost, "/invoices.v1.InvoiceService/Nothing", http.StatusNotFound},
		{http.MethodPost, "/invoices.v1.InvoiceService/WhoAmI", http.StatusUnsupportedMediaType},
		{http.MethodGet, "/invoices.v1.InvoiceService/WhoAmI", http.StatusMethodNotAllowed},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			response, _ := ask(t, test.method, d.url+test.path, "")
			if response.StatusCode != test.want {
				t.Errorf("%s, want %d", response.Status, test.want)
			}
		})
	}
}

// Another site that points its own name at this machine is not given the credentials.
func TestPageKnowsItsName(t *testing.T) {
	t.Parallel()
	d := started(t)
	for host, want := range map[string]int{
		"": http.StatusOK, "localhost": http.StatusOK, "localhost:8080": http.StatusOK, "[::1]:8080": http.StatusOK,
		"admit.localhost:8080": http.StatusOK, "example.com": http.StatusForbidden, "127.0.0.1.example.com:8080": http.StatusForbidden,
		"localhost.example.com": http.StatusForbidden, "notlocalhost": http.StatusForbidden,
	} {
		t.Run(host, func(t *testing.T) {
			for _, path := range []string{"/", "/page/data.json", "/page/explain.json"} {
				response, text := ask(t, http.MethodGet, d.url+path, host)
				if path == "/page/explain.json" && want == http.StatusOK {
					continue
				}
				if response.StatusCode != want || want == http.StatusForbidden && strings.Contains(text, "eyJ") {
					t.Errorf("%s: %s", path, response.Status)
				}
			}
		})
	}
}

func TestPageListsTheRules(t *testing.T) {
	t.Parallel()
	d := started(t)
	_, text := ask(t, http.MethodGet, d.url+"/page/data.json", "")
	var got pageContents
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	var listed, want []string
	rows := map[string]pageProcedure{}
	for _, service := range got.Services {
		for _, row := range service.Procedures {
			listed, rows[row.Name] = append(listed, row.Name), row
			if !json.Valid([]byte(row.Example)) || len(row.Needs) != 4 || row.Rule == "" || !strings.HasPrefix(row.Name, "/"+service.Name+"/") {
				t.Errorf("%+v", row)
			}
		}
	}
	for _, p := range d.guard.Rules().Procedures() {
		want = append(want, p.Name())
	}
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("it lists %v, the rules have %v", listed, want)
	}
	for name := range pageExamples {
		if _, ok := rows[name]; !ok {
			t.Errorf("there is an example for %s, which is not served", name)
		}
	}

	get := rows["/invoices.v1.InvoiceService/GetInvoice"]
	if !get.Hides || get.Shape != "unary" || get.Obstacle != "" || len(get.Needs[0].Grants) != 1 || len(get.Needs[1].Grants) != 0 ||
		!slices.Contains(get.Needs[2].Grants[0], "scope invoices:read") || !strings.Contains(get.Rule, `permissions: "org:invoices:read"`) {
		t.Errorf("%+v", get)
	}
	if status := rows["/invoices.v1.InvoiceService/GetStatus"]; status.Anyone != "anyone" || len(status.Needs[0].Grants) != 0 {
		t.Errorf("%+v", status)
	}
	if export := rows["/invoices.v1.InvoiceService/ExportInvoices"]; export.Handler == "" || export.Obstacle != "" {
		t.Errorf("%+v", export)
	}
	for name, obstacle := range map[string]string{
		"/invoices.v1.InvoiceService/Reconcile": "bidi", "/invoices.v1.InvoiceService/ImportInvoices": "client",
		"/grpc.health.v1.Health/Check": "grpc-go", "/grpc.health.v1.Health/Watch": "grpc-go",
	} {
		if !strings.Contains(rows[name].Obstacle, obstacle) {
			t.Errorf("%s: %q", name, rows[name].Obstacle)
		}
	}
}

func TestPageListsTheCallers(t *testing.T) {
	t.Parallel()
	d := started(t)
	got, cookies := map[string]string{}, []string{}
	for _, group := range d.page.contents(t.Context()).Callers {
		for _, caller := range group.Callers {
			got[caller.Name] = group.Name + ": " + strings.Join(caller.Holds, "; ")
			if caller.Cookie != "" {
				cookies = append(cookies, caller.Cookie)
			}
			if caller.Credential != d.credentials[caller.Name] {
				t.Errorf("%s has another credential", caller.Name)
			}
		}
	}
	if len(got) != len(d.credentials)+len(cookies) {
		t.Errorf("%d callers of %d, and %d who sign in", len(got), len(d.credentials), len(cookies))
	}
	slices.Sort(cookies)
	want := []string{admin, adminStale, adminUnknown, impersonator, reader, globexAdmin, pending, expired, tampered}
	slices.Sort(want)
	if !slices.Equal(cookies, want) {
		t.Errorf("who signs in: %q, want %q", cookies, want)
	}
	for name, want := range map[string]string{
		admin: "session_token: a session of user_ada; organization org_acme, role org:admin; " +
			"permissions org:invoices:read and org:invoices:write; second factor verified just now",
		adminStale: "session_token: a session of user_ada; organization org_acme, role org:admin; " +
			"permissions org:invoices:read and org:invoices:write; second factor verified 60 minutes ago",
		impersonator: "session_token: a session of user_ada; organization org_acme, role org:admin; " +
			"permissions org:invoices:read and org:invoices:write; an actor: user_support acts in the user's place; " +
			"second factor verified just now",
		application: "oauth_token: an OAuth token of the client app_books; scope invoices.export",
		keyReadOnly: "api_key: an API key of org_acme; scope invoices:read",
		bank:        "m2m_token: a machine token of bank",
		nobody:      "No credential: nothing",

		cookiePrefix + application: "",
		cookiePrefix + expired:     "Session cookie: nothing that is believed: credential expired",
		cookiePrefix + pending: "Session cookie: a session of user_ada; organization org_acme, role org:admin; " +
			"permissions org:invoices:read and org:invoices:write; second factor verified just now; open tasks: the sign-in is not finished",
		expired: "Not believed: nothing that is believed: credential expired",
		garbage: "Not believed: nothing that is believed: invalid credential",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}

// A script can build a registry of the set in the order that it has.
func TestPageDescriptors(t *testing.T) {
	t.Parallel()
	d := started(t)
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(d.page.descriptors, &set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range set.GetFile() {
		for _, imported := range file.GetDependency() {
			if !seen[imported] {
				t.Errorf("%s comes before %s, which it imports", file.GetName(), imported)
			}
		}
		seen[file.GetName()] = true
	}
	for _, name := range []protoreflect.FullName{"google.rpc.ErrorInfo", "invoices.v1.InvoiceService.Ping", "grpc.health.v1.Health.Check"} {
		if _, err := files.FindDescriptorByName(name); err != nil {
			t.Error(err)
		}
	}
}

func TestPageExplains(t *testing.T) {
	t.Parallel()
	d := started(t)
	const invoice = `{"organizationId": "org_acme", "invoiceId": "inv_1"}`
	for _, test := range []struct {
		name, procedure, caller, message string
		want                             explanation // of Holds and Asks nothing, of So the beginning of the last
	}{
		{"admitted", "GetInvoice", reader, invoice, explanation{Admitted: true, So: []string{"The guard admits the call"}}},
		{"the message is another's", "GetInvoice", globexAdmin, invoice, explanation{
			Reason: "ORGANIZATION_MISMATCH", Hidden: true, Missing: "the caller's organization id in organization_id", So: []string{"The rule hides this"},
		}},
		{"a factor", "DeleteInvoice", adminStale, invoice, explanation{
			Reason: "REVERIFICATION_REQUIRED", Missing: "second factor within 10 minutes", So: []string{"The caller is known, and the rule says no"},
		}},
		{"nobody", "WhoAmI", nobody, "{}", explanation{
			Reason: "CREDENTIAL_MISSING", Missing: "a credential", So: []string{"The caller presents no credential"},
		}},
		{"another kind", "WhoAmI", bank, "{}", explanation{
			Reason: "TOKEN_TYPE_NOT_ACCEPTED", Missing: "one of session_token", So: []string{"No grant is for this kind"},
		}},
		{"not believed", "WhoAmI", tampered, "{}", explanation{
			Reason: "TOKEN_INVALID", So: []string{"The credential is not believed: invalid credential."},
		}},
		{"pending", "WhoAmI", pending, "{}", explanation{
			Reason: "SESSION_PENDING", Missing: "a session without open tasks", So: []string{"The session is genuine"},
		}},
		{"public, known", "GetStatus", admin, "{}", explanation{Admitted: true, So: []string{"Anyone may call. The credential is believed"}}},
		{"public, unknown", "GetStatus", nobody, "{}", explanation{Admitted: true, So: []string{"Anyone may call. Without a credential"}}},
		{"public, not believed", "GetStatus", expired, "{}", explanation{
			Admitted: true, So: []string{"Anyone may call. The credential is not believed (TOKEN_EXPIRED)"},
		}},
		{"the handler's", "ExportInvoices", keyUser, "{}", explanation{Admitted: true, So: []string{"The rest is up to the handler: "}}},
		{"a cookie", "WhoAmI", cookiePrefix + admin, "{}", explanation{Admitted: true, So: []string{"The guard admits the call"}}},
		{"a cookie, expired", "WhoAmI", cookiePrefix + expired, "{}", explanation{
			Reason: "TOKEN_EXPIRED", So: []string{"The credential is not believed: credential expired."},
		}},
		{"a cookie where another kind is asked", "ExportInvoices", cookiePrefix + admin, "{}", explanation{
			Reason: "TOKEN_TYPE_NOT_ACCEPTED", Missing: "one of oauth_token, api_key", So: []string{"No grant is for this kind"},
		}},
		{"a message of a stream", "ImportInvoices", keyAcme, `{"invoice": {"organizationId": "org_globex"}}`, explanation{
			Reason: "ORGANIZATION_MISMATCH", Missing: "the caller's organization id in invoice.organization_id",
			So: []string{"The caller is known, and the rule says no"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			query := url.Values{"procedure": {"/" + invoicing + "/" + test.procedure}, "caller": {test.caller}, "message": {test.message}}
			response, text := ask(t, http.MethodGet, d.url+"/page/explain.json?"+query.Encode(), "")
			var got explanation
			if err := json.Unmarshal([]byte(text), &got); err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", response.Status, text)
			}
			if got.Admitted != test.want.Admitted || got.Reason != test.want.Reason || got.Hidden != test.want.Hidden || got.Missing != test.want.Missing {
				t.Errorf("it explains %+v", got)
			}
			if len(got.So) == 0 || !strings.HasPrefix(got.So[len(got.So)-1], test.want.So[0]) || len(got.Asks) == 0 || len(got.Holds) == 0 {
				t.Errorf("it explains %+v", got)
			}
			if _, byCookie := strings.CutPrefix(test.caller, cookiePrefix); byCookie != strings.Contains(got.So[0], "reads the session cookie") {
				t.Errorf("it explains %q", got.So)
			}
			if credential := d.credentials[strings.TrimPrefix(test.caller, cookiePrefix)]; credential != "" && strings.Contains(text, credential) {
				t.Error("the credential is in the explanation")
			}
		})
	}
}

func TestPageExplainsNoNonsense(t *testing.T) {
	t.Parallel()
	d := started(t)
	whoAmI := "/" + invoicing + "/WhoAmI"
	for name, test := range map[string]struct {
		procedure, caller, message string
		want                       int
	}{
		"no procedure": {"/nothing.v1.Nothing/Get", admin, "{}", http.StatusNotFound},
		"no caller":    {whoAmI, "somebody", "{}", http.StatusNotFound},
		"no session":   {whoAmI, cookiePrefix + keyAcme, "{}", http.StatusNotFound},
		"no message":   {whoAmI, admin, "", http.StatusBadRequest},
		"other fields": {whoAmI, admin, `{"nothing": 1}`, http.StatusBadRequest},
		"long":         {whoAmI, admin, "{" + strings.Repeat(" ", maxExplained) + "}", http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			query := url.Values{"procedure": {test.procedure}, "caller": {test.caller}, "message": {test.message}}
			response, text := ask(t, http.MethodGet, d.url+"/page/explain.json?"+query.Encode(), "")
			if response.StatusCode != test.want {
				t.Errorf("%s: %s", response.Status, text)
			}
		})
	}
}
