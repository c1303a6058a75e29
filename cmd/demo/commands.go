// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
)

// A recipe is a command to paste, and what it shows. Before it is printed, $URL, $HOST, $GRPC and $STATE are replaced by what they name,
// and $AS(name) by a header with a credential that the shell reads from the state.
type recipe struct {
	shows   string
	command string
}

const invoicing = "invoices.v1.InvoiceService"

var curls = []recipe{
	{"who you are", `curl -sw '\n' -H $AS(session) \
  -H 'content-type: application/json' -d '{}' $URL/` + invoicing + `/WhoAmI`},
	{"no credential: 401, a challenge, and a reason", `curl -siw '\n' \
  -H 'content-type: application/json' -d '{}' $URL/` + invoicing + `/WhoAmI`},
	{"an invoice, with GET", `curl -sw '\n' -H $AS(session) \
  -G -d encoding=json --data-urlencode 'message={"organizationId":"org_acme","invoiceId":"inv_1"}' \
  $URL/` + invoicing + `/GetInvoice`},
	{"an invoice of another organization does not exist", `curl -sw '\n' -H $AS(session) \
  -H 'content-type: application/json' -d '{"organizationId":"org_globex","invoiceId":"inv_5"}' \
  $URL/` + invoicing + `/GetInvoice`},
	{"a new invoice; the ledger says who booked it", `curl -sw '\n' -H $AS(session) \
  -H 'content-type: application/json' -d '{"invoice":{"organizationId":"org_acme","cents":"700"}}' \
  $URL/` + invoicing + `/CreateInvoice`},
	{"but you cannot book it yourself", `curl -sw '\n' -H $AS(session) \
  -H 'content-type: application/json' -d '{"invoiceId":"inv_1","cents":"700"}' \
  $URL/ledger.v1.LedgerService/Post`},
	{"the second factor counts for ten minutes; after that: REVERIFICATION_REQUIRED", `curl -sw '\n' -H $AS(session) \
  -H 'content-type: application/json' -d '{"organizationId":"org_acme","invoiceId":"inv_2"}' \
  $URL/` + invoicing + `/DeleteInvoice`},
	{"an API key, an OAuth token, a machine, and a token that has expired", `for who in api_key oauth m2m expired; do
  curl -sw '\n' -H "authorization: Bearer $(jq -r .credentials.$who $STATE)" \
    -H 'content-type: application/json' -d '{}' $URL/` + invoicing + `/Ping
done`},
}

var grpcurls = []recipe{
	{"what is served; reflection asks for a credential too", `grpcurl -plaintext -H $AS(session) $GRPC list`},
	{"health asks for none", `grpcurl -plaintext -reflect-header $AS(session) \
  $GRPC grpc.health.v1.Health/Check`},
	{"a stream to an API key, on the port of connect", `grpcurl -plaintext -reflect-header $AS(session) \
  -rpc-header $AS(api_key) \
  $HOST ` + invoicing + `/ExportInvoices`},
	{"a conversation with a machine", `grpcurl -plaintext -H $AS(m2m) \
  -d '{"invoiceId":"inv_1"} {"invoiceId":"inv_99"}' $GRPC ` + invoicing + `/Reconcile`},
}

var revocations = []recipe{
	{"an API key, before and after it is revoked; the revocation works from any terminal", `curl -sw '\n' -H $AS(api_key) \
  -H 'content-type: application/json' -d '{}' $URL/` + invoicing + `/Ping
go run ./cmd/admit keys revoke -store $KEYS -reason leaked $ID
curl -sw '\n' -H $AS(api_key) \
  -H 'content-type: application/json' -d '{}' $URL/` + invoicing + `/Ping`},
	{"an open stream of a machine, which ends when in another terminal you paste: go run ./cmd/admit revoke -store $KEYS subject " + machineBank, `(echo '{"invoiceId":"inv_1"}'; sleep 600) | \
  grpcurl -plaintext -H $AS(m2m) -d @ $GRPC ` + invoicing + `/Reconcile`},
}

// printCommands prints the recipes. Credentials stay in the state.
func printCommands(s *screen, d *demo, state string) {
	s.heading("Commands to paste")
	s.line("They need curl and jq, the last %d grpcurl. Credentials are read from %s, good for %d hours.\n",
		len(grpcurls), state, int(lifetime.Hours()))
	fill := strings.NewReplacer(
		"$URL", d.url, "$HOST", strings.TrimPrefix(d.url, "http://"), "$GRPC", d.grpcAddr, "$STATE", quote(state),
		"$KEYS", quote(d.keys.path), "$ID", "$(jq -r .api_key_id "+quote(state)+")",
		"$AS(session)", bearer("session", state), "$AS(api_key)", bearer("api_key", state), "$AS(m2m)", bearer("m2m", state))
	for _, r := range slices.Concat(curls, grpcurls, revocations) {
		s.line("%s", s.styled(faint, "# "+fill.Replace(r.shows)))
		s.line("%s\n", fill.Replace(r.command))
	}
}

// bearer is a header as a shell is to make it.
func bearer(name, state string) string {
	return `"authorization: Bearer $(jq -r .credentials.` + name + ` ` + quote(state) + `)"`
}

// quote quotes a path for a shell, where it needs to be.
func quote(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
