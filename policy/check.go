// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	admitv1 "github.com/admitrpc/admit/proto/admit/v1"
	"github.com/admitrpc/admit/tokens"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxOutlive is the longest that a stream may outlive its credential.
const maxOutlive = 24 * time.Hour

// maxGrants bounds the grants of a rule, so that the survivors of the call phase fit into a word.
const maxGrants = 64

// checker collects the mistakes of one rule that need neither a request type nor the verifiers.
type checker struct {
	mistakes []string
}

func (c *checker) add(format string, args ...any) {
	c.mistakes = append(c.mistakes, fmt.Sprintf(format, args...))
}

func checkServiceRule(rule *admitv1.ServiceRule) []string {
	c := &checker{}
	if proto.Size(rule) == 0 {
		c.add("option (admit.v1.service) is empty; write a default, a match, or remove it")
	}
	c.known(rule.ProtoReflect(), "service")
	c.texts(rule.ProtoReflect(), "service")
	for _, match := range rule.GetMatch() {
		c.match(match)
	}
	if rule.GetDefault() != nil {
		c.rule(rule.GetDefault())
	}
	return c.mistakes
}

func checkRule(rule *admitv1.Rule) []string {
	c := &checker{}
	if rule == nil {
		c.add("the rule is the zero Rule; make it with policy.Allow, policy.Public or policy.FromProto")
		return c.mistakes
	}
	c.known(rule.ProtoReflect(), "rule")
	c.texts(rule.ProtoReflect(), "rule")
	c.rule(rule)
	return c.mistakes
}

func (c *checker) rule(rule *admitv1.Rule) {
	switch allow, public := len(rule.GetAllow()) > 0, rule.GetPublic() != nil; {
	case allow && public:
		c.add("the rule has both allow and public; write one of them")
	case !allow && !public:
		c.add("the rule has neither allow nor public; write allow: { session_token: {} }, another grant, or public: {}")
	case public:
		c.public(rule)
	}
	if rule.GetMode() == admitv1.Rule_SHADOW {
		c.add("mode: SHADOW is not enforced by this version; remove it")
	}
	c.stream(rule.GetStream())
	for _, match := range rule.GetMatch() {
		c.match(match)
	}
	if len(rule.GetAllow()) > maxGrants {
		c.add("the rule has %d grants; at most %d are supported", len(rule.GetAllow()), maxGrants)
	}
	for i, grant := range rule.GetAllow() {
		c.grant(i+1, grant)
	}
}

func (c *checker) public(rule *admitv1.Rule) {
	for _, beside := range []struct {
		field string
		set   bool
	}{
		{"refusal", rule.GetRefusal() != 0},
		{"mode", rule.GetMode() != 0},
		{"stream", rule.GetStream() != nil},
		{"fresh", rule.GetFresh()},
		{"match", len(rule.GetMatch()) > 0},
	} {
		if beside.set {
			c.add("%s has no meaning beside public; remove it", beside.field)
		}
	}
}

func (c *checker) stream(stream *admitv1.Stream) {
	outlive := stream.GetOutlive()
	if outlive == nil {
		return
	}
	if err := outlive.CheckValid(); err != nil {
		c.add("stream.outlive is not a valid duration; write seconds from 0 to %d", int(maxOutlive.Seconds()))
		return
	}
	if d := outlive.AsDuration(); d < 0 || d > maxOutlive {
		c.add("stream.outlive is %s; write seconds from 0 to %d", d, int(maxOutlive.Seconds()))
	}
}

func (c *checker) grant(number int, grant *admitv1.Grant) {
	add := func(text string) { c.add("grant %d: %s", number, text) }
	if grant.When != nil {
		add("when is not enforced by this version; remove it")
	}
	for _, match := range grant.GetMatch() {
		c.match(match)
	}
	switch credential := grant.GetCredential().(type) {
	case *admitv1.Grant_SessionToken:
		c.session(number, credential.SessionToken)
	case *admitv1.Grant_OauthToken:
		if len(credential.OauthToken.GetScopes())+len(credential.OauthToken.GetClients()) == 0 {
			add(`oauth_token asks nothing; write scopes, or clients: "*" for any client`)
		}
		c.names(number, "clients", credential.OauthToken.GetClients())
	case *admitv1.Grant_M2MToken:
		if len(credential.M2MToken.GetScopes())+len(credential.M2MToken.GetCallers()) == 0 {
			add(`m2m_token asks nothing; write scopes, or callers: "*" for any machine`)
		}
		c.names(number, "callers", credential.M2MToken.GetCallers())
		if credential.M2MToken.GetActingFor() != nil {
			add("acting_for is not enforced by this version; remove it")
			c.session(number, credential.M2MToken.GetActingFor())
		}
	case *admitv1.Grant_ApiKey, *admitv1.Grant_Any:
	default:
		add("the grant has no credential; write session_token: {}, api_key: {}, another kind, or any: {}")
	}
}

func (c *checker) names(number int, field string, names []string) {
	if len(names) > 1 && slices.Contains(names, "*") {
		c.add(`grant %d: %s has "*" beside other names; write "*" alone or only the names`, number, field)
	}
}

func (c *checker) session(number int, session *admitv1.SessionToken) {
	demands := func(field string, names []string, demand func(string) tokens.Demand) {
		for _, name := range names {
			if err := demand(name).Check(); err != nil && name != "" { // the empty string is told once, with all other texts
				c.add("grant %d: %s %q can never be held: %v", number, field, name, err)
			}
		}
	}
	demands("roles", session.GetRoles(), tokens.Role)
	demands("permissions", session.GetPermissions(), tokens.Permission)
	demands("features", session.GetFeatures(), tokens.Feature)
	demands("plans", session.GetPlans(), tokens.Plan)
	if session.GetPersonal() && len(session.GetRoles())+len(session.GetPermissions()) > 0 {
		c.add("grant %d: personal admits only sessions without an organization, so roles and permissions can never be held; remove one", number)
	}
	if session.GetReverification() != nil {
		c.reverification(number, session.GetReverification())
	}
}

func (c *checker) reverification(number int, r *admitv1.Reverification) {
	switch need := r.GetNeed().(type) {
	case *admitv1.Reverification_Preset_:
		if need.Preset == admitv1.Reverification_PRESET_UNSPECIFIED {
			c.add("grant %d: reverification has preset: PRESET_UNSPECIFIED; write LAX, MODERATE, STRICT or STRICT_MFA", number)
		}
		if r.GetMinutes() != 0 {
			c.add("grant %d: reverification has minutes beside preset; write minutes with level", number)
		}
	case *admitv1.Reverification_Level_:
		if need.Level == admitv1.Reverification_LEVEL_UNSPECIFIED {
			c.add("grant %d: reverification has level: LEVEL_UNSPECIFIED; write FIRST_FACTOR, SECOND_FACTOR or MULTI_FACTOR", number)
		}
		if r.GetMinutes() == 0 {
			c.add("grant %d: reverification has a level without minutes; write minutes of at least 1", number)
		}
	default:
		c.add("grant %d: reverification has neither preset nor level; write preset: STRICT or level and minutes", number)
	}
}

func (c *checker) match(match *admitv1.Match) {
	if match.GetField() == "" {
		c.add(`a match has no field; write field: "organization_id" or another path into the request`)
	}
	if match.GetEquals() == 0 {
		c.add("a match has no equals; write equals: ORGANIZATION_ID, ORGANIZATION_SLUG or USER_ID")
	}
	if match.Pattern != nil && match.GetPattern() != "" {
		if _, err := parseResource(match.GetPattern()); err != nil {
			c.add("a match has a bad pattern: %v", err)
		}
	}
}

// known tells unknown fields and enum numbers anywhere: an older server must not ignore what a newer schema restricts.
func (c *checker) known(message protoreflect.Message, at string) {
	if len(message.GetUnknown()) > 0 {
		c.add("%s has a field that this version does not know; update Admit in this program", at)
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		each(field, value, func(v protoreflect.Value) {
			switch {
			case field.Enum() != nil && field.Enum().Values().ByNumber(v.Enum()) == nil:
				c.add("%s.%s is %d, which this version does not know; update Admit in this program", at, field.Name(), v.Enum())
			case field.Message() != nil:
				c.known(v.Message(), at+"."+string(field.Name()))
			}
		})
		return true
	})
}

// texts tells empty strings and characters that no name has.
func (c *checker) texts(message protoreflect.Message, at string) {
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := at + "." + string(field.Name())
		each(field, value, func(v protoreflect.Value) {
			switch {
			case field.Kind() == protoreflect.StringKind:
				c.text(name, field.Name(), v.String())
			case field.Message() != nil:
				c.texts(v.Message(), name)
			}
		})
		return true
	})
}

func (c *checker) text(at string, field protoreflect.Name, text string) {
	if text == "" {
		c.add("%s is an empty string; remove it or write what is meant", at)
		return
	}
	switch field {
	case "pattern", "when", "handler":
		return
	case "callers", "clients":
		if text == "*" {
			return
		}
	}
	if i := strings.IndexFunc(text, strange); i >= 0 {
		c.add("%s is %q: *, {, }, white space and control characters have no meaning there", at, text)
	}
}

func strange(r rune) bool {
	return r == '*' || r == '{' || r == '}' || unicode.IsSpace(r) || unicode.IsControl(r)
}

// each calls visit for the value, or for each element of a list.
func each(field protoreflect.FieldDescriptor, value protoreflect.Value, visit func(protoreflect.Value)) {
	if !field.IsList() {
		visit(value)
		return
	}
	for i := range value.List().Len() {
		visit(value.List().Get(i))
	}
}
