// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/admitrpc/admit/interceptor"
	"github.com/admitrpc/admit/policy"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// maxExplained is how many bytes of JSON a message to explain may have.
const maxExplained = 8 << 10

// An explanation says in words what the guard makes of a caller and one message. It tells what a caller is not told, a hidden reason
// included, as the guard's log does.
type explanation struct {
	Admitted bool     `json:"admitted"`
	Reason   string   `json:"reason"` // "" where the guard admits
	Hidden   bool     `json:"hidden"`
	Asks     []string `json:"asks"`    // any one of these
	Holds    []string `json:"holds"`   // all of these
	Missing  string   `json:"missing"` // what is told first of it
	So       []string `json:"so"`      // sentences
}

// explain answers what the guard makes of a procedure, a caller by name, and a message as JSON. Nothing is called.
func (p *page) explain(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	procedure := p.guard.Procedure(query.Get("procedure"), nil)
	what, known := p.presented(query.Get("caller"))
	text := query.Get("message")
	switch {
	case procedure == nil:
		http.Error(w, "no such procedure", http.StatusNotFound)
		return
	case !known:
		http.Error(w, "no such caller", http.StatusNotFound)
		return
	case len(text) > maxExplained:
		http.Error(w, "the message is too long to explain", http.StatusRequestEntityTooLarge)
		return
	}
	message := dynamicpb.NewMessage(procedure.Method().Input())
	if err := protojson.Unmarshal([]byte(text), message); err != nil {
		http.Error(w, "the message is not the JSON of a "+string(message.Descriptor().Name()), http.StatusBadRequest)
		return
	}
	giveJSON(w, p.explanation(r.Context(), procedure, what, message))
}

func (p *page) explanation(ctx context.Context, procedure *policy.Procedure, what presented, message proto.Message) explanation {
	principal, reason := p.verify(ctx, what.credential)
	e := explanation{Asks: procedure.Grants(), Holds: holdings(principal, reason)}
	if what.asCookie && procedure.Public() != policy.UnreadCredential {
		e.So = []string{"The call has no authorization, so the guard reads the session cookie."}
	}
	call, refusal := p.guard.Begin(ctx, "explain "+procedure.Name(), procedure, what.request())
	if refusal == nil {
		refusal = call.Message(message)
	}
	if refusal != nil {
		e.Reason, e.Hidden, e.Missing = string(refusal.Reason()), refusal.Hidden(), refusal.Demand()
		e.So = append(e.So, refused(refusal, principal)...)
		return e
	}
	e.Admitted = true
	e.So = append(e.So, admitted(procedure, what.credential, tokens.ReasonFromContext(call))...)
	return e
}

// admitted says why a call is let through.
func admitted(procedure *policy.Procedure, credential string, ignored tokens.Reason) []string {
	switch {
	case procedure.Public() == policy.UnreadCredential:
		return []string{"Anyone may call, and no credential is looked at."}
	case ignored != "":
		return []string{"Anyone may call. The credential is not believed (" + string(ignored) + "), so to the handler the caller is a stranger."}
	case procedure.Public() == policy.OptionalCredential && credential == "":
		return []string{"Anyone may call. Without a credential, the caller is a stranger to the handler."}
	case procedure.Public() == policy.OptionalCredential:
		return []string{"Anyone may call. The credential is believed, so the handler knows who calls."}
	case procedure.Handler() != "":
		return []string{"The guard admits the call.", "The rest is up to the handler: " + procedure.Handler() + "."}
	default:
		return []string{"The guard admits the call: the caller holds all that is asked of this kind of credential."}
	}
}

// refused says why a call ends.
func refused(refusal *interceptor.Refusal, principal *tokens.Principal) []string {
	var so []string
	switch reason := refusal.Reason(); {
	case reason == tokens.ReasonCredentialMissing:
		so = append(so, "The caller presents no credential, and the rule asks for one.")
	case reason == tokens.ReasonTokenTypeNotAccepted:
		so = append(so, "No grant is for this kind of credential, so the call ends before the credential is verified.")
	case principal == nil:
		so = append(so, "The credential is not believed: "+reason.Text()+". The rule is not asked.")
	case reason == tokens.ReasonSessionPending:
		so = append(so, "The session is genuine, but its user has not finished signing in.")
	case policy.Hideable(reason):
		so = append(so, "The caller is known, and the rule says no: "+reason.Text()+".")
	default:
		so = append(so, "The guard cannot let this through: "+reason.Text()+".")
	}
	if refusal.Hidden() {
		so = append(so, "The rule hides this: the caller is told that nothing is there. Only the guard's log, and this page, say why.")
	}
	return so
}

// verify returns who a credential is of, or why it is not believed; neither for no credential.
func (p *page) verify(ctx context.Context, credential string) (*tokens.Principal, tokens.Reason) {
	if credential == "" {
		return nil, ""
	}
	form, verifier, ok := p.verifiers.Classify(credential)
	if !ok {
		return nil, tokens.ReasonTokenInvalid
	}
	principal, err := verifier.Verify(ctx, tokens.Credential{Secret: tokens.NewSecret(credential), Form: form})
	if err != nil {
		return nil, tokens.ReasonOf(err)
	}
	return principal, ""
}

// holdings says in words what a caller holds.
func holdings(p *tokens.Principal, reason tokens.Reason) []string {
	if p == nil {
		if reason == "" {
			return []string{"nothing"}
		}
		return []string{"nothing that is believed: " + reason.Text()}
	}
	holds := append([]string{credentialOf(p)}, organizationOf(p)...)
	holds = append(append(holds, named("permission", p.Permissions())...), named("scope", p.Scopes())...)
	if actor, ok := p.Actor(); ok {
		holds = append(holds, "an actor: "+actor.Subject+" acts in the user's place")
	}
	if p.Kind() == tokens.SessionToken {
		holds = append(holds, secondFactor(p))
	}
	if p.Pending() {
		holds = append(holds, "open tasks: the sign-in is not finished")
	}
	return holds
}

func named(what string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return []string{plural(what, len(names)) + " " + strings.Join(names, " and ")}
}

func plural(what string, n int) string {
	if n == 1 {
		return what
	}
	return what + "s"
}

func credentialOf(p *tokens.Principal) string {
	switch p.Kind() {
	case tokens.SessionToken:
		return "a session of " + p.UserID()
	case tokens.OAuthToken:
		return "an OAuth token of the client " + p.ClientName()
	case tokens.APIKey:
		return "an API key of " + p.Subject()
	case tokens.M2MToken:
		return "a machine token of " + p.CallerName()
	default:
		return "a credential of " + p.Subject()
	}
}

func organizationOf(p *tokens.Principal) []string {
	organization := p.Organization()
	switch {
	case organization.ID == "" || organization.ID == p.Subject():
		return nil
	case organization.Role == "":
		return []string{"organization " + organization.ID}
	default:
		return []string{"organization " + organization.ID + ", role " + organization.Role}
	}
}

func secondFactor(p *tokens.Principal) string {
	verification, ok := p.Verification()
	switch minutes := int((verification.Second + time.Since(p.IssuedAt())) / time.Minute); {
	case !ok:
		return "no word on when a factor was verified"
	case verification.Second < 0:
		return "no second factor"
	case minutes < 1:
		return "second factor verified just now"
	default:
		return fmt.Sprintf("second factor verified %d %s ago", minutes, plural("minute", minutes))
	}
}
